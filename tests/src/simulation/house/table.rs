//! Which fault met which call of a port, how often.
use super::plan::calls;
use runtime::testkit::sim::{Call, Fault};
use std::collections::BTreeMap;
use std::fmt;

/// How often each fault meets each call that it may befall in a run of [`ENOUGH_SEEDS`].
pub const AT_LEAST: u64 = 10;
/// Seeds after which the table is full.
pub const ENOUGH_SEEDS: u64 = 500;

/// Fault by call.
#[derive(Clone, Debug, Default)]
pub struct Table(BTreeMap<(Call, Fault), u64>);

impl Table {
    /// Adds what befell one seed.
    pub fn add(&mut self, met: &BTreeMap<(Call, Fault), u64>) {
        for (&cell, count) in met {
            *self.0.entry(cell).or_default() += count;
        }
    }
    fn count(&self, call: Call, fault: Fault) -> u64 {
        self.0.get(&(call, fault)).copied().unwrap_or(0)
    }
    /// What met too seldom.
    pub fn holes(&self) -> Vec<(Call, Fault, u64)> {
        let cells = calls().flat_map(|(call, may)| may.iter().map(move |&fault| (call, fault)));
        cells
            .map(|(call, fault)| (call, fault, self.count(call, fault)))
            .filter(|(_, _, count)| *count < AT_LEAST)
            .collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:21}", "")?;
        for fault in Fault::ALL {
            write!(f, "{fault:>13}")?;
        }
        for (call, may) in calls() {
            write!(f, "\n{call:21}")?;
            for fault in Fault::ALL {
                match may.contains(&fault) {
                    true => write!(f, "{:>13}", self.count(call, fault))?,
                    false => write!(f, "{:>13}", "-")?,
                }
            }
        }
        Ok(())
    }
}
