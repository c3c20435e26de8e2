//! What a stage over bytes does at once passes: it needs no lane, since nothing of its key waits, and nothing comes of it
//! but outputs.
use super::super::lane::Queued;
use super::super::lanes::LaneId;
use super::super::step::{self, Begun, Finished, Outcome, Ready};
use super::super::takeover::Care;
use super::{Actor, Partition};
use crate::consumer::Behaviour;
use crate::ports::log::{Lease, Message, Outgoing};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;

/// What passed in one partition: the messages of a key in their order.
#[derive(Default)]
pub(in crate::engine) struct Passed {
    /// Not yet in a commit.
    waiting: VecDeque<Pass>,
    /// In the commit that is under way.
    frozen: Vec<Pass>,
    /// In the last one: dropped when the next is under way, since that need not wait for it.
    committed: Vec<Pass>,
}

struct Pass {
    queued: Queued,
    outgoing: Vec<Arc<Outgoing>>,
    /// Of the outputs.
    bytes: usize,
}

impl Passed {
    /// Whether nothing waits for a commit.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
    /// The lowest offset that is not yet in a commit: what comes after it in its key must not be said before it.
    pub fn first_waiting(&self) -> Option<i64> {
        self.waiting.iter().map(|pass| pass.queued.offset).min()
    }
    /// The highest offset in the commit that is being made.
    pub fn last_frozen(&self) -> Option<i64> {
        self.frozen.iter().map(|pass| pass.queued.offset).max()
    }
    /// When the oldest was appended, in milliseconds since 1970.
    pub fn oldest_ms(&self) -> Option<i64> {
        let all = self.frozen.iter().chain(&self.waiting);
        all.map(|pass| pass.queued.message.timestamp_ms).min()
    }
    /// What is frozen says this, with the offset of the message that it came of.
    pub fn says(&self) -> impl Iterator<Item = (i64, &Arc<Outgoing>)> {
        let says = |pass: &'_ Pass| pass.queued.offset;
        self.frozen
            .iter()
            .flat_map(move |pass| pass.outgoing.iter().map(move |out| (says(pass), out)))
    }
    /// The commit did not take place.
    pub fn put_back(&mut self) {
        for pass in self.frozen.drain(..).rev() {
            self.waiting.push_front(pass);
        }
    }
    /// The next commit is under way.
    pub fn forget_committed(&mut self) {
        self.committed.clear();
        if self.frozen.capacity() == 0 {
            std::mem::swap(&mut self.frozen, &mut self.committed);
        }
    }
    /// The commit took place: how many messages it covered, and their bytes.
    pub fn take_committed(&mut self) -> (usize, usize) {
        let (mut count, mut bytes) = (0, 0);
        self.committed = std::mem::take(&mut self.frozen);
        for pass in &self.committed {
            count += 1;
            bytes += pass.queued.size;
        }
        (count, bytes)
    }
}

/// The lane of a message of a stage over bytes: its key's, or its own if it has none, and so no order.
pub(in crate::engine) fn bytes_key(message: &Message) -> Bytes {
    match message.key.is_empty() {
        true => Bytes::copy_from_slice(&message.at.offset.to_be_bytes()),
        false => message.key.clone(),
    }
}

impl Partition {
    /// So much of what passed goes into the commit that is being made. How many it is.
    pub fn freeze_passed(&mut self, mut messages: usize, mut bytes: usize) -> usize {
        let before = messages;
        while messages > 0 && bytes > 0 {
            let Some(pass) = self.passed.waiting.pop_front() else {
                break;
            };
            self.tracker.freeze(pass.queued.offset);
            messages -= 1;
            bytes = bytes.saturating_sub(pass.bytes);
            self.passed.frozen.push(pass);
        }
        before - messages
    }
    /// The latest of what was to be committed waits for the next commit (C1).
    pub fn thaw_last_passed(&mut self) {
        let frozen = self.passed.frozen.iter().enumerate();
        let last = frozen.max_by_key(|(_, pass)| pass.queued.offset);
        if let Some(at) = last.map(|(at, _)| at) {
            let pass = self.passed.frozen.remove(at);
            self.tracker.thaw(pass.queued.offset);
            self.passed.waiting.push_front(pass);
        }
    }
}

impl Actor {
    /// Whether results wait for a commit.
    pub(super) fn has_results(&self) -> bool {
        let passed = |partition: &Partition| !partition.passed.is_empty();
        !self.to_commit.is_empty() || self.partitions.values().any(passed)
    }

    /// Does a message of a stage over bytes at once, if nothing of its key waits. Gives it back if it is another, or must
    /// wait its turn.
    pub(super) fn pass(&mut self, lease: Lease, queued: Queued, key: &[u8]) -> Option<Queued> {
        let free = |partition: &Partition| partition.care == Care::Free;
        let passes = matches!(self.spec.behaviour, Behaviour::Bytes(_))
            && self.running < self.spec.limit
            && self.partitions.get(&lease.partition).is_some_and(free)
            && !self.lanes.has_work(lease.partition, key);
        if !passes {
            return Some(queued);
        }
        match step::begin(&self.spec, &queued) {
            Begun::Not => return Some(queued),
            Begun::Done(ready) => self.passed(lease.partition, queued, ready),
            begun => {
                let id = self.lanes.of(lease.partition, key);
                self.step(id, lease, queued, begun);
            }
        }
        None
    }

    fn passed(&mut self, partition: i32, queued: Queued, ready: Ready) {
        if let Some(partition) = self.partitions.get_mut(&partition) {
            partition.passed.waiting.push_back(Pass {
                queued,
                bytes: ready.bytes(),
                outgoing: ready.outgoing,
            });
        }
    }

    /// A lane's message was done at once: it passes, if no results of its lane wait for a commit.
    pub(super) fn done_at_once(&mut self, id: LaneId, queued: Queued, ready: Ready) {
        let Some(lane) = self.lanes.get_mut(id) else {
            return;
        };
        if lane.results.is_empty() && lane.frozen.is_empty() {
            let idle = lane.is_idle();
            self.passed(id.partition, queued, ready);
            return match idle {
                true => self.lanes.rest(id),
                false => self.list(id),
            };
        }
        let hold = lane.hold.clone();
        lane.add_result(
            queued,
            Finished {
                outcome: Outcome::Ready(ready),
                row: None,
                hold,
            },
        );
        if lane.wants_commit() {
            self.to_commit.push_back(id);
        }
        self.list(id);
    }

    /// What passed at `offset` is not done after all: it waits in its lane, with what came later of its key. Its lane, if
    /// it is there.
    pub(super) fn back_to_lane(&mut self, partition: i32, offset: i64) -> Option<LaneId> {
        let waiting = &mut self.partitions.get_mut(&partition)?.passed.waiting;
        let found = waiting
            .iter()
            .position(|pass| pass.queued.offset == offset)?;
        let of = |pass: &Pass| bytes_key(&pass.queued.message);
        let key = of(&waiting[found]);
        let (back, kept): (VecDeque<Pass>, VecDeque<Pass>) =
            waiting.drain(found..).partition(|pass| of(pass) == key);
        waiting.extend(kept);
        let id = self.lanes.of(partition, &key);
        let lane = self.lanes.get_mut(id)?;
        for pass in back {
            lane.requeue(pass.queued);
        }
        Some(id)
    }
}
