//! What may go wrong in a simulated cluster, and how often.
use std::time::Duration;

/// How the simulated cluster behaves. Chances are in 1,000 calls.
#[derive(Clone, Debug)]
pub struct SimOptions {
    /// Each way of a port call takes up to so many virtual milliseconds; 0 only yields.
    pub delay_ms: u64,
    /// A call is slow.
    pub slow: u32,
    /// How slow, at most, in virtual milliseconds. Longer than a session it makes zombies of requests.
    pub slow_ms: u64,
    /// A call fails, and nothing of it happened.
    pub fail_before: u32,
    /// A call fails after it happened (a write of several: after some of them happened).
    pub fail_after: u32,
    /// A publication's outcome is unknown: it took place, or never will, or is decided later.
    pub unknown: u32,
    /// Asked for the time, a process's clock first steps back by up to 5 s. At most 30 s in all.
    pub step_back: u32,
    /// At most so many messages are fetched at once.
    pub batch: u64,
    /// A process that is silent for so long loses its partitions (K5).
    pub session: Duration,
    /// A partition that was given back finds its next owner within so many virtual milliseconds.
    pub rebalance_ms: u64,
    /// A transaction that nobody ends is ended so late at most: its time-out and the brokers' look for it (K3).
    pub transaction: Duration,
    /// What the clocks show at the start, in milliseconds since 1970.
    pub epoch_ms: i64,
}

impl SimOptions {
    /// Nothing fails and nothing is slow; calls still take their time.
    pub fn calm() -> Self {
        Self {
            delay_ms: 2,
            slow: 0,
            slow_ms: 0,
            fail_before: 0,
            fail_after: 0,
            unknown: 0,
            step_back: 0,
            batch: 100,
            session: Duration::from_secs(6),
            rebalance_ms: 50,
            transaction: Duration::from_secs(6),
            epoch_ms: 1_700_000_000_000,
        }
    }

    /// Everything fails now and then.
    pub fn stormy() -> Self {
        Self {
            delay_ms: 8,
            slow: 15,
            slow_ms: 9_000,
            fail_before: 15,
            fail_after: 15,
            unknown: 60,
            step_back: 5,
            batch: 12,
            rebalance_ms: 500,
            ..Self::calm()
        }
    }

    /// The same without faults and slowness: for the end of a run, when what was begun must be finished.
    pub fn without_faults(&self) -> Self {
        Self {
            slow: 0,
            fail_before: 0,
            fail_after: 0,
            unknown: 0,
            step_back: 0,
            ..self.clone()
        }
    }
}

/// A topic of the simulated cluster.
#[derive(Clone, Debug)]
pub struct SimTopic {
    /// Its name.
    pub name: String,
    /// How many, at least 1.
    pub partitions: i32,
    /// Of key, headers and payload.
    pub max_message_bytes: usize,
}

impl SimTopic {
    /// A topic that takes what events may be (256 KB, G2) and their headers; dead-letter topics twice that (K4).
    pub fn new(name: &str, partitions: i32) -> Self {
        let factor = if name.ends_with(".dead") { 2 } else { 1 };
        Self {
            name: name.to_owned(),
            partitions,
            max_message_bytes: factor * 300 * 1024,
        }
    }
}
