//! What a member is owed: news of its partitions, and how far each is fetched.
use crate::log::rows::FETCH_MESSAGES;
use crate::log::tail::{Found, Tail, unshared};
use crate::log::topics::Topic;
use runtime::ports::log::{Checkpoint, Happening, Lease, Message};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A member's place in its group.
pub(crate) struct Seat {
    /// Unique in the process.
    pub no: u64,
    pub consumer: Arc<str>,
    pub topic: Arc<Topic>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Not told yet.
    news: VecDeque<Happening>,
    partitions: BTreeMap<i32, Fetching>,
    /// The partition served last: the next one comes first now.
    last: i32,
}

struct Fetching {
    lease: Lease,
    position: i64,
    paused: bool,
}

/// What a member can be told now.
pub(crate) enum Ready {
    Told(Happening),
    /// The messages are in the file: from this position on, before this end.
    InFile(Lease, i64, i64),
    Nothing,
}

impl Seat {
    pub(crate) fn new(no: u64, consumer: Arc<str>, topic: Arc<Topic>) -> Arc<Self> {
        Arc::new(Self {
            no,
            consumer,
            topic,
            inner: Mutex::new(Inner {
                last: -1,
                ..Inner::default()
            }),
        })
    }
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn assign(&self, news: Happening, lease: Lease, checkpoint: Option<Checkpoint>) {
        let mut inner = self.lock();
        let position = checkpoint.map_or(0, |checkpoint| checkpoint.watermark);
        inner.partitions.insert(
            lease.partition,
            Fetching {
                lease,
                position,
                paused: false,
            },
        );
        inner.news.push_back(news);
    }

    pub(crate) fn revoke(&self, lease: Lease) {
        let mut inner = self.lock();
        inner.partitions.remove(&lease.partition);
        inner.news.push_back(Happening::Revoked(lease));
    }

    /// It has left: there is nothing to tell any more.
    pub(crate) fn close(&self) {
        *self.lock() = Inner {
            last: -1,
            ..Inner::default()
        };
    }

    pub(crate) fn pause(&self, lease: Lease, paused: bool) {
        let mut inner = self.lock();
        if let Some(fetching) = inner.partitions.get_mut(&lease.partition)
            && fetching.lease == lease
        {
            fetching.paused = paused;
        }
    }

    /// The next thing to know. Partitions take turns.
    pub(crate) fn ready(&self, tail: &Tail) -> Ready {
        let mut inner = self.lock();
        if let Some(news) = inner.news.pop_front() {
            return Ready::Told(news);
        }
        let last = inner.last;
        let turns: Vec<i32> = inner
            .partitions
            .range(last.saturating_add(1)..)
            .chain(inner.partitions.range(..=last))
            .filter(|(_, fetching)| !fetching.paused)
            .map(|(partition, _)| *partition)
            .collect();
        for partition in turns {
            let Some(slot) = self.topic.slot(partition) else {
                continue;
            };
            let Some(fetching) = inner.partitions.get_mut(&partition) else {
                continue;
            };
            let (lease, position) = (fetching.lease, fetching.position);
            match tail.read(slot, position, FETCH_MESSAGES) {
                Found::Nothing => {}
                Found::InFile(end) => {
                    inner.last = partition;
                    return Ready::InFile(lease, position, end);
                }
                Found::Messages(messages) => {
                    fetching.position = messages.last().map_or(position, |last| last.at.offset + 1);
                    inner.last = partition;
                    drop(inner);
                    return Ready::Told(Happening::Fetched(lease, unshared(messages)));
                }
            }
        }
        Ready::Nothing
    }

    /// What was read from the file, unless the partition moved on meanwhile.
    pub(crate) fn fetched(
        &self,
        lease: Lease,
        from: i64,
        end: i64,
        messages: Vec<Message>,
    ) -> Option<Happening> {
        let mut inner = self.lock();
        let fetching = inner.partitions.get_mut(&lease.partition)?;
        if fetching.lease != lease || fetching.position != from {
            return None;
        }
        fetching.position = messages.last().map_or(end, |last| last.at.offset + 1);
        (!messages.is_empty()).then_some(Happening::Fetched(lease, messages))
    }
}
