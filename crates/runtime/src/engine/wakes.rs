//! Rows that want to be woken (E7): the owner of their partition appends `Woke` when it is due.
use crate::PortError;
use crate::ports::state::State;
use std::collections::{BTreeMap, BTreeSet};

/// Wakes of one partition kept in memory; the rest are read when these are through.
const KEPT: usize = 10_000;

/// The wakes of the partitions that are ours.
#[derive(Default)]
pub(super) struct Wakes {
    due: BTreeSet<(i64, i32, String)>,
    of: BTreeMap<(i32, String), i64>,
    /// Partitions of which the store has more than is here.
    partial: BTreeSet<i32>,
}

impl Wakes {
    /// What the store says of a partition.
    pub async fn load(
        &mut self,
        state: &dyn State,
        consumer: &str,
        partition: i32,
    ) -> Result<(), PortError> {
        let due = state.due(consumer, partition, KEPT).await?;
        if due.len() == KEPT {
            self.partial.insert(partition);
        } else {
            self.partial.remove(&partition);
        }
        for due in due {
            self.set(partition, &due.id, Some(due.at_ms));
        }
        Ok(())
    }
    /// A row was saved with this time to wake.
    pub fn set(&mut self, partition: i32, id: &str, at_ms: Option<i64>) {
        let of = (partition, id.to_owned());
        if let Some(before) = self.of.remove(&of) {
            self.due.remove(&(before, partition, id.to_owned()));
        }
        if let Some(at_ms) = at_ms {
            self.of.insert(of, at_ms);
            self.due.insert((at_ms, partition, id.to_owned()));
        }
    }
    /// Whether a row of a partition is due at some time.
    pub fn knows(&self, partition: i32, id: &str) -> bool {
        self.of.contains_key(&(partition, id.to_owned()))
    }
    /// A partition is no longer ours.
    pub fn forget(&mut self, partition: i32) {
        self.partial.remove(&partition);
        self.of.retain(|(p, _), _| *p != partition);
        self.due.retain(|(_, p, _)| *p != partition);
    }
    /// When the next one is due, in milliseconds since 1970.
    pub fn next_ms(&self) -> Option<i64> {
        self.due.first().map(|(at_ms, _, _)| *at_ms)
    }
    /// Takes up to `limit` that are due at `now_ms`: time, partition, row id.
    pub fn take_due(&mut self, now_ms: i64, limit: usize) -> Vec<(i64, i32, String)> {
        let mut taken = vec![];
        while taken.len() < limit && self.next_ms().is_some_and(|at_ms| at_ms <= now_ms) {
            let Some((at_ms, partition, id)) = self.due.pop_first() else {
                break;
            };
            self.of.remove(&(partition, id.clone()));
            taken.push((at_ms, partition, id));
        }
        taken
    }
    /// A partition of which the store has more, and nothing is left here.
    pub fn to_reload(&self) -> Option<i32> {
        let empty = |partition: &&i32| !self.of.keys().any(|(p, _)| p == *partition);
        self.partial.iter().find(empty).copied()
    }
}
