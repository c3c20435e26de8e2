//! Arrivals at random times, as they are where latency is measured.
use std::time::Duration;
use tokio::time::Instant;

/// A Poisson process: the same times in every run. Who comes late does not move those behind.
pub struct Arrivals {
    rate: f64,
    due: Instant,
    random: u64,
}

impl Arrivals {
    /// So many a second, from now on.
    pub fn at(rate: f64) -> Self {
        Self {
            rate,
            due: Instant::now(),
            random: 0x9e37_79b9_7f4a_7c15,
        }
    }
    /// Waits for the next one. What it begins must not be waited for, or arrivals would follow answers.
    pub async fn next(&mut self) {
        let gap = self.gap();
        self.due += gap;
        tokio::time::sleep_until(self.due).await;
    }
    fn gap(&mut self) -> Duration {
        // xorshift
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let uniform = (self.random >> 11) as f64 / (1u64 << 53) as f64;
        Duration::from_secs_f64(-(1.0 - uniform).ln() / self.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_come_in_a_second_and_not_in_step() {
        let mut arrivals = Arrivals::at(100.0);
        let gaps: Vec<f64> = (0..1_000).map(|_| arrivals.gap().as_secs_f64()).collect();
        let took: f64 = gaps.iter().sum();
        assert!((9.0..11.0).contains(&took), "{took}");
        let long = gaps.iter().filter(|gap| **gap > 0.01).count();
        assert!((300..440).contains(&long), "about 1/e of them: {long}");
    }
}
