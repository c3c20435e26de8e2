//! The wall clock and the system's randomness: the only place where Troupe asks for either.
use runtime::ports::clock::Clock;
use std::time::{SystemTime, UNIX_EPOCH};

/// The system's clock and randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
    }
    /// # Panics
    /// If the system has no randomness: keys must not be made without it.
    fn random(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        if let Err(error) = getrandom::fill(&mut bytes) {
            panic!("the system gives no randomness, and keys cannot be made without: {error}");
        }
        bytes
    }
}
