//! The newest messages, in memory: who reads at the end of a partition needs no file.
use crate::log::rows::{FETCH_BYTES, weight};
use runtime::ports::log::Message;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// So much is kept, over all partitions.
const KEPT_BYTES: usize = 8 << 20;

/// The ends of all partitions, and what was appended last.
pub(crate) struct Tail(Mutex<Inner>);

struct Inner {
    ends: Vec<i64>,
    starts: Vec<i64>,
    kept: Vec<VecDeque<Arc<Message>>>,
    /// The slot of each kept message, oldest first.
    order: VecDeque<usize>,
    bytes: usize,
}

/// What the tail knows.
pub(crate) enum Found {
    /// From the offset on, in order, none left out.
    Messages(Vec<Arc<Message>>),
    /// There is nothing at or after the offset.
    Nothing,
    /// It is in the file, before this end.
    InFile(i64),
}

impl Tail {
    pub(crate) fn new(starts: Vec<i64>, ends: Vec<i64>) -> Self {
        let kept = ends.iter().map(|_| VecDeque::new()).collect();
        Self(Mutex::new(Inner {
            ends,
            starts,
            kept,
            order: VecDeque::new(),
            bytes: 0,
        }))
    }
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what was committed, in the order of its offsets.
    pub(crate) fn push(&self, appended: Vec<(usize, Arc<Message>)>) {
        let mut inner = self.lock();
        for (slot, message) in appended {
            inner.ends[slot] = message.at.offset + 1;
            inner.bytes += weight(&message);
            inner.order.push_back(slot);
            inner.kept[slot].push_back(message);
        }
        while inner.bytes > KEPT_BYTES {
            let Some(slot) = inner.order.pop_front() else {
                break;
            };
            if let Some(oldest) = inner.kept[slot].pop_front() {
                inner.bytes -= weight(&oldest);
            }
        }
    }

    /// Messages before `start` were swept away.
    pub(crate) fn swept(&self, slot: usize, start: i64) {
        self.lock().starts[slot] = start;
    }

    /// The next offset.
    pub(crate) fn end(&self, slot: usize) -> i64 {
        self.lock().ends[slot]
    }

    /// The first offset that may still be there, and the next one.
    pub(crate) fn bounds(&self, slot: usize) -> (i64, i64) {
        let inner = self.lock();
        (inner.starts[slot], inner.ends[slot])
    }

    /// Whether there is a message at or after `offset`.
    pub(crate) fn reaches(&self, slot: usize, offset: i64) -> bool {
        let (start, end) = self.bounds(slot);
        end > start && end > offset
    }

    /// Up to `limit` messages, and about [`FETCH_BYTES`], from `offset` on.
    pub(crate) fn read(&self, slot: usize, offset: i64, limit: usize) -> Found {
        let inner = self.lock();
        let (start, end) = (inner.starts[slot], inner.ends[slot]);
        if end <= offset || end <= start {
            return Found::Nothing;
        }
        // What is swept away may still be kept here.
        let offset = offset.max(start);
        let kept = &inner.kept[slot];
        let from = kept.partition_point(|message| message.at.offset < offset);
        if from == 0 && kept.front().is_none_or(|first| first.at.offset != offset) {
            return Found::InFile(end);
        }
        let mut bytes = 0;
        let taken = kept.range(from..).take(limit).take_while(|message| {
            let fits = bytes < FETCH_BYTES;
            bytes += weight(message);
            fits
        });
        Found::Messages(taken.cloned().collect())
    }
}

/// The messages themselves.
pub(crate) fn unshared(messages: Vec<Arc<Message>>) -> Vec<Message> {
    messages.into_iter().map(Arc::unwrap_or_clone).collect()
}
