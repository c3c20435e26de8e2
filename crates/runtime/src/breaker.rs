//! The breaker: a dependency that is down pauses those who need it, instead of burning attempts (D2).
use crate::ports::clock::Clock;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// Failures in a row that open a breaker.
const OPENS_AFTER: u32 = 3;
/// The first pause, in milliseconds; doubled with each failed probe.
const FIRST_PAUSE_MS: i64 = 250;
/// The longest pause between probes, in milliseconds.
const LONGEST_PAUSE_MS: i64 = 15_000;
/// A probe that has said nothing for so long is given up, and another goes, in milliseconds.
const PROBE_LIMIT_MS: i64 = 60_000;

#[derive(Clone, Debug, Default)]
struct Circuit {
    failures: u32,
    pause_ms: i64,
    /// Open until then; a probe may go afterwards. `None`: closed.
    open_until_ms: Option<i64>,
    probing_since_ms: Option<i64>,
    opened_at_ms: i64,
    why: String,
}

/// A dependency whose breaker is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// Its name: `log`, `state`, `model/<endpoint>`, ….
    pub dependency: String,
    /// Since when, in milliseconds since 1970.
    pub since_ms: i64,
    /// The latest failure.
    pub why: String,
}

/// All breakers of a process: one a dependency and endpoint, for workers and providers alike.
#[derive(Clone)]
pub struct Breakers {
    clock: Arc<dyn Clock>,
    circuits: Arc<Mutex<BTreeMap<String, Circuit>>>,
}

impl Breakers {
    /// All closed.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            circuits: Arc::default(),
        }
    }
    fn circuits(&self) -> MutexGuard<'_, BTreeMap<String, Circuit>> {
        self.circuits
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Whether a call may go out now: always while closed; while open, one probe each time its pause ends.
    /// Whoever was let through reports with [`Self::succeeded`] or [`Self::failed`].
    ///
    /// # Errors
    /// When to ask again, in milliseconds since 1970.
    pub fn admit(&self, dependency: &str) -> Result<(), i64> {
        let now = self.clock.now_ms();
        let mut circuits = self.circuits();
        let Some(circuit) = circuits.get_mut(dependency) else {
            return Ok(());
        };
        let Some(until) = circuit.open_until_ms else {
            return Ok(());
        };
        let probing = circuit
            .probing_since_ms
            .is_some_and(|since| now - since < PROBE_LIMIT_MS);
        if now < until || probing {
            return Err(until.max(now + FIRST_PAUSE_MS));
        }
        circuit.probing_since_ms = Some(now);
        Ok(())
    }
    /// A port failed: its name is the dependency. What is corrupt is no outage.
    pub(crate) fn port_failed(&self, error: &crate::PortError) {
        match error {
            crate::PortError::Unreachable { port, why } | crate::PortError::Full { port, why } => {
                self.failed(port, why);
            }
            crate::PortError::Corrupt { .. } => {}
        }
    }
    /// The dependency answered: whatever it said, it is up.
    pub fn succeeded(&self, dependency: &str) {
        self.circuits().remove(dependency);
    }
    /// The dependency did not answer, or said that it cannot.
    pub fn failed(&self, dependency: &str, why: &str) {
        let now = self.clock.now_ms();
        let mut circuits = self.circuits();
        let circuit = circuits.entry(dependency.to_owned()).or_default();
        circuit.failures += 1;
        circuit.why = why.chars().take(200).collect();
        if circuit.failures < OPENS_AFTER {
            return;
        }
        // A call that went out before the breaker opened says nothing new.
        if circuit.open_until_ms.is_some_and(|until| now < until) {
            return;
        }
        circuit.probing_since_ms = None;
        if circuit.open_until_ms.is_none() {
            circuit.opened_at_ms = now;
        }
        circuit.pause_ms = (circuit.pause_ms * 2).clamp(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
        circuit.open_until_ms = Some(now + circuit.pause_ms);
    }
    /// When someone who waits for the dependency should try, in milliseconds since 1970.
    pub fn next_try_ms(&self, dependency: &str) -> i64 {
        let now = self.clock.now_ms();
        let open = self
            .circuits()
            .get(dependency)
            .and_then(|circuit| circuit.open_until_ms);
        open.unwrap_or(now).max(now + FIRST_PAUSE_MS)
    }
    /// What is open now, for health and metrics.
    pub fn outages(&self) -> Vec<Outage> {
        let circuits = self.circuits();
        let open = circuits
            .iter()
            .filter(|(_, circuit)| circuit.open_until_ms.is_some());
        open.map(|(name, circuit)| Outage {
            dependency: name.clone(),
            since_ms: circuit.opened_at_ms,
            why: circuit.why.clone(),
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, Ordering};

    #[derive(Default)]
    struct Hands(AtomicI64);
    impl Clock for Hands {
        fn now_ms(&self) -> i64 {
            self.0.load(Ordering::Relaxed)
        }
        fn random(&self) -> [u8; 32] {
            [0; 32]
        }
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_lets_one_probe_through() {
        let hands = Arc::new(Hands::default());
        let breakers = Breakers::new(hands.clone());
        for _ in 0..OPENS_AFTER {
            assert_eq!(breakers.admit("model"), Ok(()));
            breakers.failed("model", "no answer");
        }
        assert_eq!(breakers.admit("model"), Err(FIRST_PAUSE_MS));
        assert_eq!(breakers.admit("other"), Ok(()));
        hands.0.store(FIRST_PAUSE_MS, Ordering::Relaxed);
        assert_eq!(breakers.admit("model"), Ok(()), "one probe");
        assert!(breakers.admit("model").is_err(), "one only");
        breakers.failed("model", "still nothing");
        assert_eq!(
            breakers.admit("model"),
            Err(3 * FIRST_PAUSE_MS),
            "the pause doubled"
        );
        hands.0.store(3 * FIRST_PAUSE_MS, Ordering::Relaxed);
        assert_eq!(breakers.admit("model"), Ok(()));
        breakers.succeeded("model");
        assert!(breakers.outages().is_empty());
    }
}
