//! How long a failed message waits for its next attempt (D1).
use crate::ports::log::Message;
use ::backoff::ExponentialBackoffBuilder;
use ::backoff::backoff::Backoff;
use std::time::Duration;

/// The first pause; it triples from attempt to attempt.
const FIRST: Duration = Duration::from_millis(250);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(300);

/// The pause after `attempts` failed ones before this, in milliseconds. Jitter of up to a fifth comes from a
/// hash of place and attempt, so that a simulation repeats and keys do not come back in step.
pub(super) fn pause_ms(message: &Message, attempts: u32) -> i64 {
    let mut backoff = ExponentialBackoffBuilder::new()
        .with_initial_interval(FIRST)
        .with_multiplier(3.0)
        .with_max_interval(LONGEST)
        .with_randomization_factor(0.0)
        .with_max_elapsed_time(None)
        .build();
    let pauses = (0..=attempts.min(20)).filter_map(|_| backoff.next_backoff());
    let pause = i64::try_from(pauses.last().unwrap_or(FIRST).as_millis()).unwrap_or(i64::MAX / 4);
    let name = format!(
        "{}/{}/{}",
        message.at.partition, message.at.offset, attempts
    );
    let hash = events::id::derived(&[&message.at.topic, &name]).as_u128();
    pause + i64::try_from(hash % 1_000).unwrap_or(0) * pause / 5_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::log::Position;

    #[test]
    fn pauses_grow_with_jitter_up_to_the_longest() {
        let at = Position {
            topic: "t".into(),
            partition: 0,
            offset: 7,
        };
        let message = Message {
            at,
            timestamp_ms: 0,
            key: vec![].into(),
            headers: Default::default(),
            payload: vec![].into(),
        };
        for (attempts, least) in [
            (0, 250),
            (1, 750),
            (2, 2_250),
            (6, 182_250),
            (7, 300_000),
            (99, 300_000),
        ] {
            let pause = pause_ms(&message, attempts);
            assert!(
                (least..=least + least / 5).contains(&pause),
                "{attempts}: {pause}"
            );
            assert_eq!(pause, pause_ms(&message, attempts), "the same again");
        }
    }
}
