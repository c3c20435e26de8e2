//! How far a consumer has got in a partition: what is done, what is open, how often it was tried (C1, C4), and whether
//! its owner gave it back (C5).
use crate::ports::log::Checkpoint;
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;

/// The longest checkpoint, in bytes: what Kafka's brokers take as commit metadata.
pub const MAX_TEXT: usize = 4_096;
/// Fetching stops when the encoded checkpoint has grown to this, in bytes.
pub const PAUSE_AT: usize = 3_000;
/// From this on, in bytes, what waits longest makes room (C2): 80 % of what there is until fetching stops.
pub const PARK_AT: usize = PAUSE_AT / 5 * 4;

/// A partition's offsets: each message fetched is open, frozen (its commit is under way) or done.
#[derive(Debug, Default)]
pub struct Tracker {
    /// The offset after the last one fetched.
    position: i64,
    /// Those fetched, from the lowest that is not done on; what is done among them is dropped now and then.
    fetched: VecDeque<Fetched>,
    open: usize,
    /// Offsets in the commit that is under way.
    frozen: Vec<i64>,
    /// The offset after the highest one done.
    done_below: i64,
    /// From the checkpoint we began with: below this, what is not among `resumed` was done before.
    resumed_below: i64,
    resumed: BTreeMap<i64, u32>,
    /// Counts the checkpoints, so that no two are the same: read back, one says which commit took place.
    count: u64,
    mark: Mark,
}

/// A message that was fetched.
#[derive(Clone, Copy, Debug)]
struct Fetched {
    offset: i64,
    /// Attempts at it that failed.
    attempts: u32,
    is: Progress,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Open,
    Frozen,
    Done,
}

/// So many offsets that are done may stand between those that are not, before they are dropped.
const DONE_BETWEEN: usize = 4_096;

/// Whose the partition is, as a checkpoint says it (C5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// 0: it was given back. Otherwise somebody has it, and this says how many owners in a row, he included, had it
    /// while the watermark stood still.
    pub owners: u32,
    /// Where the watermark stood when the first of them took it.
    pub since: i64,
    /// The message that runs alone, after this was committed: if its owner dies, that was an attempt of it.
    pub alone: Option<i64>,
}

/// What a checkpoint's text says.
struct Parsed {
    below: i64,
    open: BTreeMap<i64, u32>,
    count: u64,
    mark: Mark,
}

/// The same checkpoint, as it stands when its owner gives the partition back (C5): whoever gets it need not suspect
/// any message of having killed its process. For adapters of [`crate::ports::log::Log`] that hear of a revocation in
/// time. A text that is not ours is left as it is.
pub fn given_back(checkpoint: &Checkpoint) -> Checkpoint {
    let parts: Vec<&str> = checkpoint.text.splitn(5, ' ').collect();
    let text = match parts[..] {
        [VERSION, count, length, _, runs] => format!("{VERSION} {count} {length} 0 {runs}"),
        _ => checkpoint.text.clone(),
    };
    Checkpoint {
        watermark: checkpoint.watermark,
        text,
    }
}

/// Of the text.
const VERSION: &str = "2";

impl Tracker {
    /// Begins where the checkpoint says. A text that is not ours (another program committed in our group)
    /// counts as "nothing beyond the watermark was done".
    pub fn begin(checkpoint: Option<&Checkpoint>) -> Self {
        let Some(checkpoint) = checkpoint else {
            return Self::default();
        };
        let watermark = checkpoint.watermark;
        let mut parsed = parse(watermark, &checkpoint.text).unwrap_or(Parsed {
            below: watermark,
            open: BTreeMap::new(),
            count: 0,
            mark: Mark::default(),
        });
        if let Some(attempts) = parsed.mark.alone.and_then(|at| parsed.open.get_mut(&at)) {
            *attempts += 1; // it took its process with it
        }
        Self {
            count: parsed.count,
            position: watermark,
            done_below: watermark,
            resumed_below: parsed.below,
            resumed: parsed.open,
            mark: Mark {
                alone: None,
                ..parsed.mark
            },
            ..Self::default()
        }
    }
    /// What the next checkpoints say of their owner.
    pub fn mark(&self) -> Mark {
        self.mark
    }
    /// Changes it.
    pub fn set_mark(&mut self, mark: Mark) {
        self.mark = mark;
    }
    /// How many checkpoints were made: the number of the last one.
    pub fn count(&self) -> u64 {
        self.count
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
        let is = Progress::Open;
        self.open += 1;
        self.fetched.push_back(Fetched {
            offset,
            attempts,
            is,
        });
        Some(attempts)
    }
    /// Where it stands among those fetched: at once if there are no gaps before it.
    fn find(&self, offset: i64) -> Option<usize> {
        let first = self.fetched.front()?.offset;
        let guess = usize::try_from(offset.checked_sub(first)?).ok()?;
        let stands = |at: &usize| self.fetched.get(*at).is_some_and(|f| f.offset == offset);
        Some(guess).filter(stands).or_else(|| {
            let found = self.fetched.binary_search_by_key(&offset, |f| f.offset);
            found.ok()
        })
    }
    /// One more attempt at an open message failed.
    pub fn attempted(&mut self, offset: i64, attempts: u32) {
        if let Some(at) = self.find(offset)
            && self.fetched[at].is == Progress::Open
        {
            self.fetched[at].attempts = attempts;
        }
    }
    /// Its result goes into the commit that is being made.
    pub fn freeze(&mut self, offset: i64) {
        if let Some(at) = self.find(offset)
            && self.fetched[at].is == Progress::Open
        {
            self.fetched[at].is = Progress::Frozen;
            self.frozen.push(offset);
            self.open -= 1;
        }
    }
    /// Its result did not go into the commit after all.
    pub fn thaw(&mut self, offset: i64) {
        if let Some(at) = self.find(offset)
            && self.fetched[at].is == Progress::Frozen
        {
            self.fetched[at].is = Progress::Open;
            if let Some(at) = self.frozen.iter().rposition(|frozen| *frozen == offset) {
                self.frozen.swap_remove(at);
            }
            self.open += 1;
        }
    }
    /// The commit did not take place: all that went into it is open again.
    pub fn thaw_all(&mut self) {
        for offset in std::mem::take(&mut self.frozen) {
            if let Some(at) = self.find(offset) {
                self.fetched[at].is = Progress::Open;
                self.open += 1;
            }
        }
    }
    /// The commit took place.
    pub fn committed(&mut self) {
        let mut frozen = std::mem::take(&mut self.frozen);
        for offset in frozen.drain(..) {
            if let Some(at) = self.find(offset) {
                self.fetched[at].is = Progress::Done;
            }
            self.done_below = self.done_below.max(offset + 1);
        }
        self.frozen = frozen;
        while matches!(self.fetched.front(), Some(first) if first.is == Progress::Done) {
            self.fetched.pop_front();
        }
        if self.fetched.len() - self.open > DONE_BETWEEN {
            self.fetched.retain(|f| f.is != Progress::Done);
        }
    }
    /// Whether a commit that covers it has taken place.
    pub fn is_committed(&self, offset: i64) -> bool {
        let done = |at: usize| self.fetched[at].is == Progress::Done;
        offset < self.position && self.find(offset).is_none_or(done)
    }
    /// Messages fetched and in no commit yet.
    pub fn open(&self) -> usize {
        self.open
    }
    /// Messages fetched and not done.
    pub fn waiting(&self) -> usize {
        self.open + self.frozen.len()
    }
    fn all_open(&self) -> impl DoubleEndedIterator<Item = (i64, u32)> {
        let open = self.fetched.iter().filter(|f| f.is == Progress::Open);
        open.map(|f| (f.offset, f.attempts))
    }
    /// The lowest offset that is not done.
    pub fn watermark(&self) -> i64 {
        let resumed = self.resumed.first_key_value();
        let resumed = resumed.map_or(i64::MAX, |(offset, _)| *offset);
        let open = self.all_open().next();
        let fetched = open.map_or(self.position.max(self.resumed_below), |(offset, _)| offset);
        fetched.min(resumed)
    }

    /// The checkpoint that says: done is all but the open ones, the frozen ones included.
    pub fn checkpoint(&mut self) -> Checkpoint {
        self.count += 1;
        let watermark = self.watermark();
        let frozen = self.frozen.iter().max().map_or(0, |offset| offset + 1);
        let tried = self.all_open().rev().find(|(_, attempts)| *attempts > 0);
        let below = self
            .done_below
            .max(frozen)
            .max(self.resumed_below)
            .max(tried.map_or(0, |(offset, _)| offset + 1))
            .max(self.mark.alone.map_or(0, |offset| offset + 1))
            .max(watermark);
        // What is resumed was not fetched yet: it lies behind all that was.
        let open = self.all_open().take_while(|(offset, _)| *offset < below);
        let resumed = self.resumed.iter().map(|(offset, tried)| (*offset, *tried));
        let open: Vec<(i64, u32)> = open.chain(resumed).collect();
        Checkpoint {
            watermark,
            text: encode(watermark, below, &open, self.count, self.mark),
        }
    }
}

/// `2 <count> <length> <mark> <runs>`: the count of this checkpoint; `length` offsets from the watermark on are known;
/// the mark is [`Mark::owners`], with `^since` if there is one, and `@gap` if a message runs alone, counted from the
/// watermark; open are the runs:
/// `gap`, `gap+length`, each with `xattempts` if it was tried; gaps count from the end of the run before.
fn encode(watermark: i64, below: i64, open: &[(i64, u32)], count: u64, mark: Mark) -> String {
    let mut text = format!("{VERSION} {count} {} {}", below - watermark, mark.owners);
    if mark.owners > 0 {
        let _ = write!(text, "^{}", mark.since);
    }
    if let Some(alone) = mark.alone {
        let _ = write!(text, "@{}", alone - watermark); // writing to a String cannot fail
    }
    text.push(' ');
    let mut runs: Vec<(i64, i64, u32)> = vec![];
    for &(offset, attempts) in open {
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

fn parse(watermark: i64, text: &str) -> Option<Parsed> {
    let mut parts = text.splitn(5, ' ');
    if parts.next()? != VERSION {
        return None;
    }
    let count: u64 = parts.next()?.parse().ok()?;
    let length: i64 = parts.next()?.parse().ok().filter(|length| *length >= 0)?;
    let mark = parts.next()?;
    let (owners, alone) = match mark.split_once('@') {
        Some((owners, gap)) => (owners, Some(watermark.checked_add(gap.parse().ok()?)?)),
        None => (mark, None),
    };
    let (owners, since) = match owners.split_once('^') {
        Some((owners, since)) => (owners, since.parse().ok()?),
        None => (owners, 0),
    };
    let mark = Mark {
        owners: owners.parse().ok()?,
        since,
        alone,
    };
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
    Some(Parsed {
        below: watermark.checked_add(length)?,
        open,
        count,
        mark,
    })
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

    /// What a tracker should say, in the plainest words.
    #[derive(Default)]
    struct Plain {
        open: std::collections::BTreeSet<i64>,
        frozen: std::collections::BTreeSet<i64>,
        position: i64,
    }

    #[test]
    fn offsets_with_gaps_are_kept_count_of_however_they_are_done() {
        for seed in 1..=5u64 {
            let mut random = seed;
            let mut draw = |below: u64| {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (random >> 33) % below
            };
            let (mut tracker, mut plain) = (Tracker::default(), Plain::default());
            // One stays open for long: what is done behind it is forgotten in between.
            let mut stays = None;
            for _ in 0..3 * DONE_BETWEEN {
                for _ in 0..draw(4) {
                    let offset = plain.position + i64::try_from(draw(3)).unwrap();
                    assert_eq!(tracker.fetched(offset), Some(0));
                    stays.get_or_insert(offset);
                    plain.open.insert(offset);
                    plain.position = offset + 1;
                }
                let some: Vec<i64> = plain
                    .open
                    .iter()
                    .copied()
                    .filter(|o| Some(*o) > stays)
                    .collect();
                for offset in some {
                    if draw(2) == 0 {
                        tracker.freeze(offset);
                        plain.open.remove(&offset);
                        plain.frozen.insert(offset);
                    }
                }
                match draw(6) {
                    0 => {
                        tracker.thaw_all();
                        plain.open.append(&mut plain.frozen);
                    }
                    1 => {
                        if let Some(last) = plain.frozen.pop_last() {
                            tracker.thaw(last);
                            plain.open.insert(last);
                        }
                    }
                    2 => {}
                    _ => {
                        tracker.committed();
                        plain.frozen.clear();
                    }
                }
                let lowest = plain.open.first().copied().unwrap_or(plain.position);
                assert_eq!(tracker.watermark(), lowest, "seed {seed}");
                assert_eq!(tracker.open(), plain.open.len());
                assert_eq!(tracker.waiting(), plain.open.len() + plain.frozen.len());
                for offset in plain.position.saturating_sub(20).max(0)..plain.position + 2 {
                    let known = plain.open.contains(&offset) || plain.frozen.contains(&offset);
                    let committed = offset < plain.position && !known;
                    assert_eq!(tracker.is_committed(offset), committed, "{offset}");
                }
            }
            assert!(tracker.fetched.len() <= tracker.waiting() + DONE_BETWEEN + 1);
        }
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
            (0, "2 1 1000 0 0")
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
            (10, "2 1 0 0 ")
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
            "1 1 5 0",
            "2 1 5 0 -3",
            "2 1 5 x 0",
            "2 1 9 0 0+99999999",
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
    #[test]
    fn what_ran_alone_when_its_owner_died_has_one_attempt_more_and_nothing_else_has() {
        let mut first = fetched(0, 4);
        first.set_mark(Mark {
            owners: 3,
            since: 0,
            alone: Some(2),
        });
        let died = first.checkpoint();
        let mut second = Tracker::begin(Some(&died));
        assert_eq!(second.mark().owners, 3);
        let attempts: Vec<_> = (0..4).map(|offset| second.fetched(offset)).collect();
        assert_eq!(attempts, [Some(0), Some(0), Some(1), Some(0)]);
        // Given back in order, nobody is to blame.
        let mut third = Tracker::begin(Some(&given_back(&died)));
        assert_eq!(third.mark(), Mark::default());
        assert!((0..4).all(|offset| third.fetched(offset) == Some(0)));
    }
}
