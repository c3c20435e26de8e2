//! Virtual time, which may step back, and chance from the seed.
use super::random::Random;
use super::wire::Wire;
use crate::ports::BoxFuture;
use crate::ports::clock::Clock;
use std::time::Duration;

/// The most that a clock is ever behind, in milliseconds.
const MOST_BEHIND_MS: i64 = 30_000;

/// How long anybody waits without looking at it: long, since nothing happens meanwhile, and that a hundred times a seed.
const LOOKS_AGAIN: Duration = Duration::from_secs(300);

pub(super) struct SimClock(pub Wire);

impl Clock for SimClock {
    fn now_ms(&self) -> i64 {
        let mut world = self.0.world.lock();
        let step = if world.fault(&self.0.process, |options| options.step_back) {
            world.random.between(1, 5_000) as i64
        } else {
            0
        };
        let now = world.now_ms();
        match world.processes.get_mut(&self.0.process) {
            Some(process) => {
                // It may have been set back further by hand.
                let most = MOST_BEHIND_MS.max(process.behind_ms);
                process.behind_ms = (process.behind_ms + step).min(most);
                now - process.behind_ms
            }
            None => now,
        }
    }

    fn random(&self) -> [u8; 32] {
        let mut world = self.0.world.lock();
        let mut fallback = Random::new(0);
        let random = match world.processes.get_mut(&self.0.process) {
            Some(process) => &mut process.random,
            None => &mut fallback,
        };
        let mut bytes = [0; 32];
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&random.bits().to_be_bytes());
        }
        bytes
    }

    /// A process that is stopped meanwhile wakes when it is continued.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let wire = self.0.clone();
        Box::pin(async move {
            tokio::time::sleep(duration).await;
            wire.gate().await;
        })
    }

    /// It only ever steps back: who waits is not late.
    fn look_again(&self) -> Duration {
        LOOKS_AGAIN
    }

    fn inline(&self) -> bool {
        true
    }
}
