//! How fast letters are redriven (D4).
use crate::ports::clock::Clock;
use std::num::NonZeroU32;
use std::time::Duration;

/// The most letters that go out together.
pub(super) const AT_ONCE: usize = 500;

/// How many letters are redriven in a second, at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate(NonZeroU32);

/// Not a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the rate is 1 to {} letters a second", Rate::MOST)]
pub struct NotARate;

impl Rate {
    /// The highest rate.
    pub const MOST: u32 = 100_000;
    /// As fast as it goes.
    pub const FASTEST: Self = Self::at_most(Self::MOST);
    /// If nobody says: what is redriven passes its consumer beside what comes in, and shall not crowd that out.
    pub const USUAL: Self = Self::at_most(200);

    const fn at_most(per_second: u32) -> Self {
        match NonZeroU32::new(per_second) {
            Some(rate) => Self(rate),
            None => Self(NonZeroU32::MIN),
        }
    }
    /// So many letters a second.
    ///
    /// # Errors
    /// [`NotARate`] if that is none, or more than [`Self::MOST`].
    pub fn per_second(letters: u32) -> Result<Self, NotARate> {
        let rate = NonZeroU32::new(letters).filter(|rate| rate.get() <= Self::MOST);
        rate.map(Self).ok_or(NotARate)
    }
    /// Letters a second.
    pub fn get(self) -> u32 {
        self.0.get()
    }
    /// How long so many letters take.
    pub fn time_for(self, letters: usize) -> Duration {
        Duration::from_secs(u64::try_from(letters).unwrap_or(u64::MAX / 2)) / self.get()
    }
}
impl Default for Rate {
    fn default() -> Self {
        Self::USUAL
    }
}

/// Lets letters out at a rate: so many as a tenth of a second may have, then a pause.
pub(super) struct Pace {
    rate: Rate,
    /// What went out last takes until then, in milliseconds since 1970.
    taken_until_ms: Option<i64>,
    /// How long it takes: no pause is longer, though the clock be set.
    longest: Duration,
}

impl Pace {
    pub fn of(rate: Rate) -> Self {
        Self {
            rate,
            taken_until_ms: None,
            longest: Duration::ZERO,
        }
    }
    /// The most that may go out together.
    pub fn at_once(&self) -> usize {
        usize::try_from(self.rate.get() / 10).map_or(AT_ONCE, |most| most.clamp(1, AT_ONCE))
    }
    /// Returns when so many may go out.
    pub async fn admit(&mut self, clock: &dyn Clock, letters: usize) {
        let now = clock.now_ms();
        let left = self.taken_until_ms.map_or(0, |until| until - now);
        let left = Duration::from_millis(u64::try_from(left).unwrap_or(0)).min(self.longest);
        if !left.is_zero() {
            clock.sleep(left).await;
        }
        self.longest = self.rate.time_for(letters);
        let takes = i64::try_from(self.longest.as_millis()).unwrap_or(i64::MAX / 4);
        self.taken_until_ms = Some(clock.now_ms().saturating_add(takes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BoxFuture;
    use std::sync::atomic::{AtomicI64, Ordering};

    #[derive(Default)]
    struct Hands(std::sync::Arc<AtomicI64>);
    impl Clock for Hands {
        fn now_ms(&self) -> i64 {
            self.0.load(Ordering::Relaxed)
        }
        fn random(&self) -> [u8; 32] {
            [0; 32]
        }
        fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
            let hands = self.0.clone();
            Box::pin(async move {
                hands.fetch_add(duration.as_millis() as i64, Ordering::Relaxed);
            })
        }
    }

    #[test]
    fn a_rate_is_bounded() {
        assert_eq!(Rate::per_second(0), Err(NotARate));
        assert_eq!(Rate::per_second(Rate::MOST + 1), Err(NotARate));
        assert_eq!(Rate::per_second(200), Ok(Rate::USUAL));
        assert_eq!(Rate::USUAL.time_for(500), Duration::from_millis(2_500));
    }

    #[tokio::test]
    async fn letters_go_out_at_the_rate_and_no_clock_stops_them() {
        for (rate, letters, takes_ms) in [(1, 5, 4_000), (50, 100, 1_900), (100_000, 5_000, 45)] {
            let hands = Hands::default();
            let mut pace = Pace::of(Rate::per_second(rate).expect("a rate"));
            let mut left = letters;
            while left > 0 {
                let some = pace.at_once().min(left);
                pace.admit(&hands, some).await;
                left -= some;
            }
            assert_eq!(hands.now_ms(), takes_ms, "{letters} at {rate} a second");
        }
        let hands = Hands::default();
        let mut pace = Pace::of(Rate::USUAL);
        pace.admit(&hands, 20).await;
        hands.0.store(-3_600_000, Ordering::Relaxed);
        pace.admit(&hands, 20).await;
        assert_eq!(
            hands.now_ms(),
            -3_600_000 + 100,
            "no longer than what went out takes"
        );
    }
}
