//! The engine alone: its log is in memory and takes whatever is published at once, so that what the engine itself costs a
//! message can be counted (`valgrind --tool=callgrind`), on any machine the same.
use crate::kafka::load::{Load, PARTITIONS};
use crate::machine::Failed;
use runtime::BoxFuture;
use runtime::ports::PortError;
use runtime::ports::log::{
    Checkpoint, Happening, Joining, Lease, Log, Member, Message, Outgoing, Position, Publication,
    PublishError,
};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Messages in one happening.
const BATCH: usize = 256;

/// A log that holds one load and swallows the rest. Only what a consumer needs of a log is there.
pub struct Alone {
    waiting: Mutex<Waiting>,
    changed: Notify,
    published: AtomicUsize,
}

struct Waiting {
    told: VecDeque<Happening>,
    /// Of each partition: what is to come, and whether it is paused.
    partitions: Vec<(VecDeque<Message>, bool)>,
    turn: usize,
}

impl Alone {
    /// With this load; `message` makes its messages.
    ///
    /// # Errors
    /// What `message` says.
    pub fn new(
        load: &Load,
        message: impl Fn(usize) -> Result<Outgoing, Failed>,
    ) -> Result<Arc<Self>, Failed> {
        let mut partitions: Vec<(VecDeque<Message>, bool)> = vec![];
        partitions.resize_with(usize::try_from(PARTITIONS)?, Default::default);
        let topic: Arc<str> = "input".into();
        for n in 0..load.messages {
            let outgoing = message(n)?;
            let partition = events::id::partition_of(&outgoing.key, PARTITIONS);
            let (messages, _) = &mut partitions[usize::try_from(partition)?];
            messages.push_back(Message {
                at: Position {
                    topic: topic.clone(),
                    partition,
                    offset: i64::try_from(messages.len())?,
                },
                timestamp_ms: 0,
                key: outgoing.key,
                headers: outgoing.headers,
                payload: outgoing.payload,
            });
        }
        let told = (0..PARTITIONS).map(|partition| Happening::Assigned {
            lease: lease(partition),
            checkpoint: None,
            topic_id: "life".into(),
        });
        let waiting = Waiting {
            told: told.collect(),
            partitions,
            turn: 0,
        };
        Ok(Arc::new(Self {
            waiting: Mutex::new(waiting),
            changed: Notify::new(),
            published: AtomicUsize::new(0),
        }))
    }
    /// Messages that have been published.
    pub fn published(&self) -> usize {
        self.published.load(Ordering::Relaxed)
    }
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn take(&self) -> Option<Happening> {
        let mut waiting = self.lock();
        if let Some(told) = waiting.told.pop_front() {
            return Some(told);
        }
        for _ in 0..waiting.partitions.len() {
            waiting.turn = (waiting.turn + 1) % waiting.partitions.len();
            let at = waiting.turn;
            let (messages, paused) = &mut waiting.partitions[at];
            if *paused || messages.is_empty() {
                continue;
            }
            let some = messages.len().min(BATCH);
            let some = messages.drain(..some).collect();
            return Some(Happening::Fetched(lease(i32::try_from(at).ok()?), some));
        }
        None
    }
}

fn lease(partition: i32) -> Lease {
    Lease {
        partition,
        assignment: 1,
    }
}

fn nowhere<T>() -> Result<T, PortError> {
    let why = "it is not there".into();
    Err(PortError::Unreachable { port: "log", why })
}

/// The same log as a member sees it, and as a port.
pub struct AsLog(pub Arc<Alone>);

impl Log for AsLog {
    fn partitions(&self, _: &str) -> Option<i32> {
        Some(PARTITIONS)
    }
    fn max_message_bytes(&self, _: &str) -> usize {
        1 << 20
    }
    fn append(&self, _: Vec<Outgoing>) -> BoxFuture<'_, Result<Vec<Position>, PortError>> {
        Box::pin(async { nowhere() })
    }
    fn join(&self, _: Joining) -> BoxFuture<'_, Result<Arc<dyn Member>, PortError>> {
        let member: Arc<dyn Member> = Arc::new(AsMember(self.0.clone()));
        Box::pin(async { Ok(member) })
    }
    fn read<'a>(
        &'a self,
        _: &'a str,
        _: i32,
        _: i64,
        _: usize,
    ) -> BoxFuture<'a, Result<Vec<Message>, PortError>> {
        Box::pin(async { Ok(vec![]) })
    }
    fn end<'a>(&'a self, _: &'a str, _: i32) -> BoxFuture<'a, Result<i64, PortError>> {
        Box::pin(async { Ok(0) })
    }
    fn grown<'a>(&'a self, _: &'a str, _: i32, _: i64) -> BoxFuture<'a, Result<(), PortError>> {
        Box::pin(std::future::pending())
    }
}

struct AsMember(Arc<Alone>);

impl Member for AsMember {
    fn next(&self) -> BoxFuture<'_, Result<Happening, PortError>> {
        Box::pin(async {
            loop {
                let mut changed = std::pin::pin!(self.0.changed.notified());
                changed.as_mut().enable();
                if let Some(happening) = self.0.take() {
                    return Ok(happening);
                }
                changed.await;
            }
        })
    }
    fn room(&self) -> usize {
        2_000
    }
    fn pause(&self, lease: Lease, paused: bool) {
        let mut waiting = self.0.lock();
        let at = usize::try_from(lease.partition).ok();
        if let Some(of) = at.and_then(|at| waiting.partitions.get_mut(at)) {
            of.1 = paused;
        }
        drop(waiting);
        self.0.changed.notify_waiters();
    }
    fn publish(&self, publication: Publication) -> BoxFuture<'_, Result<(), PublishError>> {
        let published = publication.outgoing.len();
        self.0.published.fetch_add(published, Ordering::Relaxed);
        Box::pin(async move {
            // A commit is never there at once.
            tokio::task::yield_now().await;
            Ok(())
        })
    }
    fn committed(&self, _: Lease) -> BoxFuture<'_, Result<Option<Checkpoint>, PublishError>> {
        Box::pin(async { Ok(None) })
    }
    fn leave(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}
