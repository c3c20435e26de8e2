//! Where messages of one key wait their turn (C3): one at a time, in order, handing on the state.
use super::step::{Finished, HoldState, LaneRow};
use crate::ports::log::Message;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::task::AbortHandle;

/// Results of one key that may wait for their commit; then its lane waits (E3).
pub(super) const MAX_UNCOMMITTED: usize = 100;

/// Of each kind, so many entries of a lane without work keep their room.
const ROOM_KEPT: usize = 8;

/// A message that waits in its lane.
#[derive(Clone, Debug)]
pub(super) struct Queued {
    pub message: Arc<Message>,
    /// The message's own, at hand: it is asked for after the message itself has left the processor's caches.
    pub offset: i64,
    /// Bytes of the message.
    pub size: usize,
    /// Attempts that failed.
    pub attempts: u32,
    /// Of one that was not done at once; few are not, and every message carries the room.
    pub delayed: Option<Box<Delayed>>,
}

impl Queued {
    /// One that was tried so often.
    pub fn new(message: Message, attempts: u32) -> Self {
        let (offset, size) = (message.at.offset, message.size());
        Self {
            message: Arc::new(message),
            offset,
            size,
            attempts,
            delayed: None,
        }
    }
    /// What is known of why it waits.
    pub fn delayed(&mut self) -> &mut Delayed {
        self.delayed.get_or_insert_default()
    }
    /// Whether it goes on waiting among the dead letters.
    pub fn parking(&self) -> Parking {
        self.delayed.as_ref().map_or(Parking::No, |d| d.parking)
    }
}

/// What is known of a message that was not done at once.
#[derive(Clone, Debug, Default)]
pub(super) struct Delayed {
    pub first_failed_at_ms: Option<i64>,
    /// The dependency that the last attempt waited for (D2).
    pub waited_for: Option<String>,
    /// What it says can never be published, and why (K4).
    pub unpublishable: Option<String>,
    pub parking: Parking,
    /// When it began to wait for another attempt, in milliseconds since 1970.
    pub waits_since_ms: Option<i64>,
}

/// Whether a message goes on waiting among the dead letters (C2). Times are in milliseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Parking {
    /// It waits in its lane.
    #[default]
    No,
    /// It shall go there, and come back at the first time; if it may not, it waits in its lane until the second.
    Until { until_ms: i64, retry_at_ms: i64 },
    /// It may not.
    Never,
}

/// The messages of one key.
#[derive(Default)]
pub(super) struct Lane {
    /// The messages' key; of a view, the view key.
    pub key: Arc<[u8]>,
    /// Waiting, the next one first. While a step runs, its message is here no more.
    pub queue: VecDeque<Queued>,
    pub running: Option<Queued>,
    /// Ends what the running step does, if it is a task of its own.
    pub step: Option<AbortHandle>,
    /// In the ready list.
    pub listed: bool,
    /// Among the lanes with results for the next commit.
    pub to_commit: bool,
    /// It has no work, and is kept for the next message of its key.
    pub rests: bool,
    /// Not before this time: a retry waits.
    pub not_before_ms: Option<i64>,
    /// Finished, in order, not yet in a commit.
    pub results: VecDeque<(Queued, Finished)>,
    /// Bytes of what they say.
    pub result_bytes: usize,
    /// Results, frozen ones too, that bring an identity which is not in the store yet (I3).
    pub new_identities: usize,
    /// In the commit that is under way.
    pub frozen: Vec<(Queued, Finished)>,
    /// After the last result; `None`: to be loaded.
    pub row: Option<Box<LaneRow>>,
    /// Of the row, in the store.
    pub row_version: u64,
    /// After the last result.
    pub hold: HoldState,
    /// Of the hold, in the store.
    pub hold_version: u64,
    /// A commit that covers its messages up to this offset has taken place (E3).
    pub covered: Option<i64>,
    /// What the running step is doing is void: when it ends, the lane begins anew.
    pub void: bool,
}

impl Lane {
    /// Whether its next message can run now.
    pub fn can_run(&self) -> bool {
        self.running.is_none()
            && !self.queue.is_empty()
            && self.not_before_ms.is_none()
            && self.results.len() + self.frozen.len() < MAX_UNCOMMITTED
            && self.new_identities == 0
    }
    /// Whether there is nothing left to do.
    pub fn is_idle(&self) -> bool {
        self.running.is_none()
            && self.queue.is_empty()
            && self.results.is_empty()
            && self.frozen.is_empty()
    }
    /// It has no work: what it knew is forgotten, but for its key; its room is kept, if that is little.
    pub fn rest(&mut self) {
        let mut queue = std::mem::take(&mut self.queue);
        let mut results = std::mem::take(&mut self.results);
        let mut frozen = std::mem::take(&mut self.frozen);
        queue.clear();
        queue.shrink_to(ROOM_KEPT);
        results.clear();
        results.shrink_to(ROOM_KEPT);
        frozen.clear();
        frozen.shrink_to(ROOM_KEPT);
        *self = Self {
            key: self.key.clone(),
            rests: true,
            queue,
            results,
            frozen,
            ..Self::default()
        };
    }
    /// It has results for the next commit: whether it is still to be put among those that do.
    pub fn wants_commit(&mut self) -> bool {
        !std::mem::replace(&mut self.to_commit, true)
    }
    /// A message was handled: the result waits for a commit.
    pub fn add_result(&mut self, queued: Queued, finished: Finished) {
        self.result_bytes += finished.bytes();
        self.new_identities += usize::from(finished.is_new_identity());
        self.results.push_back((queued, finished));
    }
    /// What was frozen, which is committed now.
    pub fn take_committed(&mut self) -> Vec<(Queued, Finished)> {
        let committed = std::mem::take(&mut self.frozen);
        if self.new_identities > 0 {
            let new = committed.iter().filter(|(_, f)| f.is_new_identity());
            self.new_identities -= new.count();
        }
        committed
    }
    /// The last of what was to be committed waits for the next commit.
    pub fn thaw_last(&mut self) {
        if let Some((queued, finished)) = self.frozen.pop() {
            self.result_bytes += finished.bytes();
            self.results.push_front((queued, finished));
        }
    }
    /// What was not committed is to be done again, from the store (C3): its messages wait again, in order.
    pub fn begin_anew(&mut self) {
        let finished = self.frozen.drain(..).chain(self.results.drain(..));
        let mut again: VecDeque<Queued> = finished.map(|(queued, _)| queued).collect();
        if self.running.is_some() {
            self.void = true;
        }
        again.append(&mut self.queue);
        self.queue = again;
        (self.result_bytes, self.new_identities) = (0, 0);
        self.row = None;
        self.hold = HoldState::Unknown;
    }
    /// Forgets what earlier messages emitted, once a commit covers them (E3).
    pub fn forget_covered(&mut self) {
        let Some(covered) = self.covered else { return };
        if let Some(row) = &mut self.row {
            row.pending.retain(|pending| pending.offset > covered);
        }
        if let HoldState::Held(hold) = &mut self.hold {
            hold.row.pending.retain(|pending| pending.offset > covered);
        }
    }
    /// What was not committed after all waits for the next commit.
    pub fn put_back(&mut self) {
        while !self.frozen.is_empty() {
            self.thaw_last();
        }
    }
    /// A message back in its place among those that wait.
    pub fn requeue(&mut self, queued: Queued) {
        let offset = queued.offset;
        let place = self.queue.partition_point(|other| other.offset < offset);
        self.queue.insert(place, queued);
    }
}
