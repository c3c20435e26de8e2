//! Time and chance, so that a simulation can own both.
use super::BoxFuture;
use std::time::Duration;

/// The wall clock and the source of randomness. The simulation's runs on tokio's paused time.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970. May step back.
    fn now_ms(&self) -> i64;
    /// Random bytes for keys and new ids; seeded in the simulation.
    fn random(&self) -> [u8; 32];
    /// Waits; never shorter than `duration`.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
    /// The longest that anybody should wait for a time to come without looking at the clock again, which may be set
    /// forward meanwhile. The simulation's never is, and need not wake everybody in vain.
    fn look_again(&self) -> Duration {
        Duration::from_secs(1)
    }
    /// Whether blocking work runs where it is called (the simulation) or on a blocking thread.
    fn inline(&self) -> bool {
        false
    }
}
