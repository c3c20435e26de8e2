//! How far a consumer has got in a partition: what is done, what is open, how often it was tried (C1, C4).
use crate::ports::log::Checkpoint;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The longest checkpoint, in bytes: what Kafka's brokers take as commit metadata.
pub const MAX_TEXT: usize = 4_096;
/// Fetching stops when the encoded checkpoint has grown to this, in bytes.
pub const PAUSE_AT: usize = 3_000;

/// A partition's offsets: each message fetched is open, frozen (its commit is under way) or done.
#[derive(Debug, Default)]
pub struct Tracker {
    /// The offset after the last one fetched.
    position: i64,
    open: BTreeMap<i64, u32>,
    frozen: BTreeMap<i64, u32>,
    /// The offset after the highest one done.
    done_below: i64,
    /// From the checkpoint we began with: below this, what is not among `resumed` was done before.
    resumed_below: i64,
    resumed: BTreeMap<i64, u32>,
    /// Counts the checkpoints, so that no two are the same: read back, one says which commit took place.
    count: u64,
}

impl Tracker {
    /// Begins where the checkpoint says. A text that is not ours (another program committed in our group)
    /// counts as "nothing beyond the watermark was done".
    pub fn begin(checkpoint: Option<&Checkpoint>) -> Self {
        let Some(checkpoint) = checkpoint else {
            return Self::default();
        };
        let watermark = checkpoint.watermark;
        let parsed = parse(watermark, &checkpoint.text);
        let (below, resumed, count) = parsed.unwrap_or((watermark, BTreeMap::new(), 0));
        Self {
            count,
            position: watermark,
            done_below: watermark,
            resumed_below: below,
            resumed,
            ..Self::default()
        }
    }

    /// A message was fetched: how often it was tried before, or `None` if it is done already (or was
    /// fetched before).
    pub fn fetched(&mut self, offset: i64) -> Option<u32> {
        if offset < self.position {
            return None;
        }
        self.position = offset + 1;
        // What is open and not there any more outlived its topic's retention.
        let kept = self.resumed.split_off(&offset);
        for (lost, attempts) in std::mem::replace(&mut self.resumed, kept) {
            tracing::error!(
                offset = lost,
                attempts,
                "an open message is gone: it outlived its topic's retention"
            );
        }
        let attempts = if offset < self.resumed_below {
            match self.resumed.remove(&offset) {
                Some(attempts) => attempts,
                None => {
                    self.done_below = self.done_below.max(offset + 1);
                    return None;
                }
            }
        } else {
            0
        };
        self.open.insert(offset, attempts);
        Some(attempts)
    }
    /// One more attempt at an open message failed.
    pub fn attempted(&mut self, offset: i64, attempts: u32) {
        if let Some(known) = self.open.get_mut(&offset) {
            *known = attempts;
        }
    }
    /// Its result goes into the commit that is being made.
    pub fn freeze(&mut self, offset: i64) {
        if let Some(attempts) = self.open.remove(&offset) {
            self.frozen.insert(offset, attempts);
        }
    }
    /// Its result did not go into the commit after all.
    pub fn thaw(&mut self, offset: i64) {
        if let Some(attempts) = self.frozen.remove(&offset) {
            self.open.insert(offset, attempts);
        }
    }
    /// The commit took place.
    pub fn committed(&mut self) {
        if let Some((last, _)) = self.frozen.pop_last() {
            self.done_below = self.done_below.max(last + 1);
        }
        self.frozen.clear();
    }
    /// Whether a commit that covers it has taken place.
    pub fn is_committed(&self, offset: i64) -> bool {
        offset < self.position
            && !self.open.contains_key(&offset)
            && !self.frozen.contains_key(&offset)
    }
    /// Messages fetched and not done.
    pub fn waiting(&self) -> usize {
        self.open.len() + self.frozen.len()
    }
    /// The lowest offset that is not done.
    pub fn watermark(&self) -> i64 {
        let lowest = |map: &BTreeMap<i64, u32>| map.first_key_value().map(|(offset, _)| *offset);
        let resumed = lowest(&self.resumed).unwrap_or(i64::MAX);
        let fetched = lowest(&self.open).unwrap_or(self.position.max(self.resumed_below));
        fetched.min(resumed)
    }

    /// The checkpoint that says: done is all but the open ones, the frozen ones included.
    pub fn checkpoint(&mut self) -> Checkpoint {
        self.count += 1;
        let watermark = self.watermark();
        let frozen = self
            .frozen
            .last_key_value()
            .map_or(0, |(offset, _)| offset + 1);
        let tried = self.open.iter().rev().find(|(_, attempts)| **attempts > 0);
        let below = self
            .done_below
            .max(frozen)
            .max(self.resumed_below)
            .max(tried.map_or(0, |(offset, _)| offset + 1))
            .max(watermark);
        let open = self.open.range(..below).chain(self.resumed.iter());
        let open: BTreeMap<i64, u32> = open
            .map(|(offset, attempts)| (*offset, *attempts))
            .collect();
        Checkpoint {
            watermark,
            text: encode(watermark, below, &open, self.count),
        }
    }
}

/// `1 <count> <length> <runs>`: the count of this checkpoint; `length` offsets from the watermark on are known, and open are the runs: `gap`,
/// `gap+length`, each with `xattempts` if it was tried; gaps count from the end of the run before.
fn encode(watermark: i64, below: i64, open: &BTreeMap<i64, u32>, count: u64) -> String {
    let mut text = format!("1 {count} {} ", below - watermark);
    let mut runs: Vec<(i64, i64, u32)> = vec![];
    for (&offset, &attempts) in open {
        match runs.last_mut() {
            Some((start, length, same)) if *start + *length == offset && *same == attempts => {
                *length += 1
            }
            _ => runs.push((offset, 1, attempts)),
        }
    }
    let mut end = watermark;
    for (i, (start, length, attempts)) in runs.iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = write!(text, "{comma}{}", start - end);
        if *length > 1 {
            let _ = write!(text, "+{length}");
        }
        if *attempts > 0 {
            let _ = write!(text, "x{attempts}");
        }
        end = start + length;
    }
    text
}

fn parse(watermark: i64, text: &str) -> Option<(i64, BTreeMap<i64, u32>, u64)> {
    let mut parts = text.splitn(4, ' ');
    if parts.next()? != "1" {
        return None;
    }
    let count: u64 = parts.next()?.parse().ok()?;
    let length: i64 = parts.next()?.parse().ok().filter(|length| *length >= 0)?;
    let mut open = BTreeMap::new();
    let mut end = watermark;
    for run in parts.next()?.split(',').filter(|run| !run.is_empty()) {
        let (run, attempts) = match run.split_once('x') {
            Some((run, attempts)) => (run, attempts.parse().ok()?),
            None => (run, 0),
        };
        let (gap, count) = match run.split_once('+') {
            Some((gap, count)) => (gap.parse::<i64>().ok()?, count.parse::<i64>().ok()?),
            None => (run.parse().ok()?, 1),
        };
        let start = end
            .checked_add(gap)
            .filter(|_| gap >= 0 && (0..=100_000).contains(&count))?;
        open.extend((start..start + count).map(|offset| (offset, attempts)));
        end = start + count;
    }
    Some((watermark.checked_add(length)?, open, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetched(from: i64, to: i64) -> Tracker {
        let mut tracker = Tracker::begin(Some(&Checkpoint {
            watermark: from,
            text: String::new(),
        }));
        for offset in from..to {
            assert_eq!(tracker.fetched(offset), Some(0));
        }
        tracker
    }
    fn done(tracker: &mut Tracker, offsets: &[i64]) -> Checkpoint {
        offsets.iter().for_each(|offset| tracker.freeze(*offset));
        let checkpoint = tracker.checkpoint();
        tracker.committed();
        checkpoint
    }

    #[test]
    fn what_was_done_beyond_the_watermark_is_not_done_again() {
        let mut before = fetched(10, 20);
        before.attempted(12, 3);
        let checkpoint = done(&mut before, &[10, 11, 14, 15]);
        assert_eq!(checkpoint.watermark, 12);
        let mut after = Tracker::begin(Some(&checkpoint));
        let again: Vec<_> = (12..20)
            .map(|offset| (offset, after.fetched(offset)))
            .collect();
        let open = |offset: i64, attempts| (offset, Some(attempts));
        let wanted = [
            open(12, 3),
            open(13, 0),
            (14, None),
            (15, None),
            open(16, 0),
            open(17, 0),
            open(18, 0),
            open(19, 0),
        ];
        assert_eq!(again, wanted);
    }
    #[test]
    fn a_message_that_waits_does_not_hold_back_its_partition() {
        let mut tracker = fetched(0, 1_000);
        let most: Vec<i64> = (1..1_000).collect();
        let checkpoint = done(&mut tracker, &most);
        assert_eq!(
            (checkpoint.watermark, checkpoint.text.as_str()),
            (0, "1 1 1000 0")
        );
        assert_eq!(tracker.waiting(), 1);
    }
    #[test]
    fn gaps_and_control_records_cost_nothing() {
        let mut tracker = Tracker::begin(None);
        for offset in [0, 3, 9] {
            tracker.fetched(offset);
        }
        let checkpoint = done(&mut tracker, &[0, 3, 9]);
        assert_eq!(
            (checkpoint.watermark, checkpoint.text.as_str()),
            (10, "1 1 0 ")
        );
    }
    #[test]
    fn a_checkpoint_taken_before_all_is_fetched_again_keeps_what_was_open() {
        let mut first = fetched(0, 10);
        let checkpoint = done(&mut first, &[0, 5, 9]);
        let mut second = Tracker::begin(Some(&checkpoint));
        assert_eq!(second.fetched(1), Some(0));
        let between = done(&mut second, &[1]);
        let mut third = Tracker::begin(Some(&between));
        let open: Vec<i64> = (between.watermark..10)
            .filter(|o| third.fetched(*o).is_some())
            .collect();
        assert_eq!(open, [2, 3, 4, 6, 7, 8]);
    }
    #[test]
    fn a_foreign_text_means_that_nothing_beyond_the_watermark_was_done() {
        for text in [
            "",
            "kafka-connect",
            "1",
            "1 x",
            "1 1 5 -3",
            "2 1 5 0",
            "1 1 9 0+99999999",
        ] {
            let checkpoint = Checkpoint {
                watermark: 7,
                text: text.into(),
            };
            assert_eq!(
                Tracker::begin(Some(&checkpoint)).fetched(7),
                Some(0),
                "{text}"
            );
        }
    }
}
