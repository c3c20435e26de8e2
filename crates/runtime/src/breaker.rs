//! The breaker: a dependency that is down pauses those who need it, instead of burning attempts; when it is back, they are
//! let in little by little (D2).
use crate::ports::clock::Clock;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

/// Failures in a row that open a breaker.
const OPENS_AFTER: u32 = 3;
/// The first pause, in milliseconds; doubled with each failed probe.
const FIRST_PAUSE_MS: i64 = 250;
/// The longest pause between probes, in milliseconds.
const LONGEST_PAUSE_MS: i64 = 15_000;
/// A probe that has said nothing for so long is given up, and another goes, in milliseconds.
const PROBE_LIMIT_MS: i64 = 60_000;

/// Let in at once when the first probe has succeeded; doubled when as many calls have succeeded.
const FIRST_LET_IN: u32 = 2;
/// When more than so many may be let in at once, the breaker is closed.
const ALL_LET_IN: u32 = 64;

#[derive(Clone, Debug, Default)]
struct Circuit {
    failures: u32,
    pause_ms: i64,
    /// Open until then; a probe may go afterwards. `None`: closed, or recovering.
    open_until_ms: Option<i64>,
    probing_since_ms: Option<i64>,
    opened_at_ms: i64,
    why: String,
    /// It was open, and calls succeed again.
    recovery: Option<Recovery>,
    /// The consumers that wait for it.
    waiting: BTreeSet<Arc<str>>,
}

/// The way back: so many calls are let in, and twice as many when these have succeeded. An endpoint that has only just come
/// up would not bear all that has waited for it.
#[derive(Clone, Copy, Debug)]
struct Recovery {
    let_in: u32,
    admitted: u32,
    succeeded: u32,
    since_ms: i64,
}

impl Recovery {
    fn begin(let_in: u32, now: i64) -> Self {
        Self {
            let_in,
            admitted: 0,
            succeeded: 0,
            since_ms: now,
        }
    }
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
    /// The consumers that have messages which wait for it.
    pub waiting: Vec<Arc<str>>,
}

/// A dependency that is back, and is not sent all that there is yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovering {
    /// Its name.
    pub dependency: String,
    /// Calls that are let in until as many have succeeded.
    pub let_in: u32,
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

    /// Whether a call may go out now: always while closed; while open, one probe each time its pause ends; while it
    /// recovers, twice as many as before each time that these have succeeded.
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
            let Some(recovery) = &mut circuit.recovery else {
                return Ok(());
            };
            if now - recovery.since_ms >= PROBE_LIMIT_MS {
                // Who was let in has said nothing; or nobody came.
                *recovery = Recovery::begin(recovery.let_in, now);
            }
            if recovery.admitted >= recovery.let_in {
                return Err(now + FIRST_PAUSE_MS);
            }
            recovery.admitted += 1;
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
        let now = self.clock.now_ms();
        let mut circuits = self.circuits();
        let Some(circuit) = circuits.get_mut(dependency) else {
            return;
        };
        circuit.failures = 0;
        if circuit.open_until_ms.take().is_some() {
            circuit.probing_since_ms = None;
            circuit.waiting.clear();
            circuit.recovery = Some(Recovery::begin(FIRST_LET_IN, now));
            return;
        }
        if let Some(recovery) = &mut circuit.recovery {
            recovery.succeeded += 1;
            if recovery.succeeded < recovery.let_in {
                return;
            }
            let more = recovery.let_in * 2;
            if more <= ALL_LET_IN {
                *recovery = Recovery::begin(more, now);
                return;
            }
        }
        circuits.remove(dependency);
    }
    /// The dependency did not answer, or said that it cannot.
    pub fn failed(&self, dependency: &str, why: &str) {
        let now = self.clock.now_ms();
        let mut circuits = self.circuits();
        let circuit = circuits.entry(dependency.to_owned()).or_default();
        circuit.failures += 1;
        circuit.why = why.chars().take(200).collect();
        if circuit.failures < OPENS_AFTER {
            if let Some(recovery) = &mut circuit.recovery {
                *recovery = Recovery::begin((recovery.let_in / 2).max(1), now);
            }
            return;
        }
        // A call that went out before the breaker opened says nothing new.
        if circuit.open_until_ms.is_some_and(|until| now < until) {
            return;
        }
        circuit.probing_since_ms = None;
        circuit.recovery = None;
        if circuit.open_until_ms.is_none() {
            circuit.opened_at_ms = now;
        }
        circuit.pause_ms = (circuit.pause_ms * 2).clamp(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
        circuit.open_until_ms = Some(now + circuit.pause_ms);
    }
    /// When this consumer, which waits for the dependency, should try, in milliseconds since 1970.
    pub(crate) fn wait_for(&self, dependency: &str, consumer: &Arc<str>) -> i64 {
        let now = self.clock.now_ms();
        let mut circuits = self.circuits();
        let open = circuits.get_mut(dependency).and_then(|circuit| {
            if circuit.open_until_ms.is_some() && !circuit.waiting.contains(consumer) {
                circuit.waiting.insert(consumer.clone());
            }
            circuit.open_until_ms
        });
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
            waiting: circuit.waiting.iter().cloned().collect(),
        })
        .collect()
    }
    /// What is back, and is let in little by little.
    pub fn recovering(&self) -> Vec<Recovering> {
        let circuits = self.circuits();
        let recovering = circuits.iter().filter_map(|(name, circuit)| {
            circuit.recovery.map(|recovery| Recovering {
                dependency: name.clone(),
                let_in: recovery.let_in,
            })
        });
        recovering.collect()
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

    /// A breaker that was open, and whose probe has just succeeded.
    fn back() -> (Arc<Hands>, Breakers) {
        let hands = Arc::new(Hands::default());
        let breakers = Breakers::new(hands.clone());
        (0..OPENS_AFTER).for_each(|_| breakers.failed("model", "no answer"));
        hands.0.store(FIRST_PAUSE_MS, Ordering::Relaxed);
        assert_eq!(breakers.admit("model"), Ok(()), "a probe");
        breakers.succeeded("model");
        (hands, breakers)
    }
    /// How many are let in now, one after the other.
    fn let_in(breakers: &Breakers) -> u32 {
        (0..1_000)
            .map_while(|_| breakers.admit("model").ok())
            .count() as u32
    }

    #[test]
    fn what_is_back_is_let_in_twice_as_much_each_time_that_all_went_well() {
        let (_, breakers) = back();
        for wanted in [2, 4, 8, 16, 32, 64] {
            let recovering = breakers.recovering();
            assert_eq!(recovering[0].let_in, wanted);
            assert_eq!(let_in(&breakers), wanted);
            assert!(breakers.outages().is_empty());
            (0..wanted).for_each(|_| breakers.succeeded("model"));
        }
        assert_eq!(let_in(&breakers), 1_000, "it is closed");
        assert!(breakers.recovering().is_empty());
    }

    #[test]
    fn a_relapse_lets_in_less_and_three_in_a_row_nothing() {
        let (hands, breakers) = back();
        (0..6).for_each(|_| breakers.succeeded("model"));
        assert_eq!(let_in(&breakers), 8);
        breakers.failed("model", "no answer");
        assert_eq!(let_in(&breakers), 4);
        breakers.succeeded("model");
        (0..OPENS_AFTER).for_each(|_| breakers.failed("model", "gone again"));
        assert_eq!(let_in(&breakers), 0);
        let outages = breakers.outages();
        assert_eq!(
            (outages[0].since_ms, &*outages[0].why),
            (FIRST_PAUSE_MS, "gone again")
        );
        hands.0.store(3 * FIRST_PAUSE_MS, Ordering::Relaxed);
        assert_eq!(let_in(&breakers), 1, "after twice the pause");
    }

    #[test]
    fn who_was_let_in_and_never_says_anything_does_not_stop_the_others() {
        let (hands, breakers) = back();
        assert_eq!(let_in(&breakers), 2);
        hands.0.fetch_add(PROBE_LIMIT_MS - 1, Ordering::Relaxed);
        assert_eq!(let_in(&breakers), 0);
        hands.0.fetch_add(1, Ordering::Relaxed);
        assert_eq!(let_in(&breakers), 2);
    }

    #[test]
    fn who_waits_is_named_until_it_is_back() {
        let hands = Arc::new(Hands::default());
        let breakers = Breakers::new(hands);
        let consumer: Arc<str> = "answers.effects".into();
        breakers.wait_for("model", &consumer);
        (0..OPENS_AFTER).for_each(|_| breakers.failed("model", "no answer"));
        assert_eq!(breakers.outages()[0].waiting, []);
        assert_eq!(breakers.wait_for("model", &consumer), FIRST_PAUSE_MS);
        assert_eq!(breakers.outages()[0].waiting, [consumer]);
        breakers.succeeded("model");
        (0..OPENS_AFTER).for_each(|_| breakers.failed("model", "no answer"));
        assert_eq!(breakers.outages()[0].waiting, []);
    }
}
