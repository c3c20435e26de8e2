//! Where messages of one key wait their turn (C3): one at a time, in order, handing on the state.
use super::step::{Finished, HoldState, LaneRow};
use crate::ports::log::Message;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::task::AbortHandle;

/// Results of one key that may wait for their commit; then its lane waits (E3).
pub(super) const MAX_UNCOMMITTED: usize = 100;

/// A message that waits in its lane.
#[derive(Clone, Debug)]
pub(super) struct Queued {
    pub message: Arc<Message>,
    /// Attempts that failed.
    pub attempts: u32,
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
    /// Not before this time: a retry waits.
    pub not_before_ms: Option<i64>,
    /// Finished, in order, not yet in a commit.
    pub results: VecDeque<(Queued, Finished)>,
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
            && !self
                .frozen
                .iter()
                .chain(&self.results)
                .any(|(_, finished)| finished.is_new_identity())
    }
    /// Whether there is nothing left to do.
    pub fn is_idle(&self) -> bool {
        self.running.is_none()
            && self.queue.is_empty()
            && self.results.is_empty()
            && self.frozen.is_empty()
    }
    /// Ready for another key, with the room that it has taken.
    pub fn empty(&mut self) {
        let (mut queue, mut results) = (
            std::mem::take(&mut self.queue),
            std::mem::take(&mut self.results),
        );
        let mut frozen = std::mem::take(&mut self.frozen);
        queue.clear();
        results.clear();
        frozen.clear();
        *self = Self {
            queue,
            results,
            frozen,
            ..Self::default()
        };
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
        for finished in self.frozen.drain(..).rev() {
            self.results.push_front(finished);
        }
    }
    /// A message back in its place among those that wait.
    pub fn requeue(&mut self, queued: Queued) {
        let offset = queued.message.at.offset;
        let place = self
            .queue
            .partition_point(|other| other.message.at.offset < offset);
        self.queue.insert(place, queued);
    }
}
