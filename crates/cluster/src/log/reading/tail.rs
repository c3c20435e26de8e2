//! Following partitions as they grow.
use crate::log::client;
use crate::log::message::{message_of, unreachable, weight};
use crate::log::options::Options;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::{ClientContext, Offset, TopicPartitionList};
use runtime::ports::PortError;
use runtime::ports::log::Message;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak, mpsc};
use std::thread::Thread;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Bytes that are kept of a partition.
const KEPT_BYTES: usize = 1 << 20;
/// A partition that nobody asked for is no longer followed.
const FORGOTTEN: Duration = Duration::from_secs(60);
/// The longest sleep of the thread.
const NAP: Duration = Duration::from_millis(500);
/// Messages taken from one partition before the next has its turn.
const TURN: usize = 512;

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub topic: Arc<str>,
    pub partition: i32,
}

impl Place {
    pub fn new(topic: &str, partition: i32) -> Self {
        let topic = topic.into();
        Self { topic, partition }
    }
}

/// Nothing happens to readers by hand but logs and errors.
pub(super) struct ReaderContext;

impl ClientContext for ReaderContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        client::line(level, facility, text);
    }
    fn error(&self, error: KafkaError, why: &str) {
        client::trouble(&error, why);
    }
}
impl ConsumerContext for ReaderContext {}

/// What came last in a partition.
pub(super) struct Tail {
    kept: Mutex<Kept>,
    seen: watch::Sender<Seen>,
}

#[derive(Clone, Copy)]
struct Seen {
    /// The offset of the last message.
    last: i64,
    /// It is not followed any more.
    over: bool,
}

struct Kept {
    /// From this offset on, nothing is missing.
    from: i64,
    messages: VecDeque<Message>,
    bytes: usize,
    asked_at: Instant,
}

impl Tail {
    fn new(from: i64) -> Self {
        Self {
            kept: Mutex::new(Kept {
                from,
                messages: VecDeque::new(),
                bytes: 0,
                asked_at: Instant::now(),
            }),
            seen: watch::Sender::new(Seen {
                last: -1,
                over: false,
            }),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.asked_at = Instant::now();
        kept
    }

    /// Whether it holds nothing of what stands at `offset`.
    pub fn begins_after(&self, offset: i64) -> bool {
        self.kept().from > offset
    }

    /// What is kept from `offset` on; nothing if what was before it is gone.
    pub fn read(&self, offset: i64, limit: usize) -> Vec<Message> {
        let kept = self.kept();
        if kept.from > offset {
            return vec![];
        }
        let first = kept.messages.partition_point(|m| m.at.offset < offset);
        kept.messages
            .iter()
            .skip(first)
            .take(limit)
            .cloned()
            .collect()
    }

    /// Waits for a message at or after `offset`; false if it is not followed any more.
    pub async fn reaches(&self, offset: i64) -> bool {
        let mut seen = self.seen.subscribe();
        let seen = seen.wait_for(|seen| seen.last >= offset || seen.over).await;
        seen.is_ok_and(|seen| !seen.over)
    }

    fn came(&self, messages: Vec<Message>) {
        let Some(last) = messages.last().map(|last| last.at.offset) else {
            return;
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.bytes += messages.iter().map(weight).sum::<usize>();
        kept.messages.extend(messages);
        while kept.bytes > KEPT_BYTES && kept.messages.len() > 1 {
            if let Some(gone) = kept.messages.pop_front() {
                kept.bytes -= weight(&gone);
                kept.from = gone.at.offset + 1;
            }
        }
        drop(kept);
        self.seen.send_modify(|seen| seen.last = last);
    }

    fn end(&self) {
        self.seen.send_modify(|seen| seen.over = true);
    }

    fn is_forgotten(&self) -> bool {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        self.seen.receiver_count() == 0 && kept.asked_at.elapsed() > FORGOTTEN
    }
}

/// All partitions that are followed by one client.
pub(super) struct Tails {
    tails: Mutex<BTreeMap<Place, Arc<Tail>>>,
    beginning: Mutex<mpsc::Sender<(Place, i64, Arc<Tail>)>>,
    thread: OnceLock<Thread>,
}

impl Drop for Tails {
    fn drop(&mut self) {
        self.wake();
    }
}

impl Tails {
    pub fn start(options: &Options, committed: bool) -> Result<Arc<Self>, PortError> {
        let (beginning, begun) = mpsc::channel();
        let tails = Arc::new(Self {
            tails: Mutex::default(),
            beginning: Mutex::new(beginning),
            thread: OnceLock::new(),
        });
        let mut consumer: BaseConsumer<ReaderContext> = options
            .reader(committed)
            .create_with_context(ReaderContext)
            .map_err(unreachable)?;
        let waking = Arc::downgrade(&tails);
        let wake = waking.clone();
        consumer.set_nonempty_callback(move || wake_up(&wake));
        let following = Following {
            consumer: Arc::new(consumer),
            tails: waking,
            begun,
            queues: BTreeMap::new(),
        };
        let thread = std::thread::Builder::new()
            .name("follow".to_owned())
            .spawn(move || following.run())
            .map_err(unreachable)?;
        let _ = tails.thread.set(thread.thread().clone());
        tails.wake();
        Ok(tails)
    }

    fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Place, Arc<Tail>>> {
        self.tails.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn get(&self, place: &Place) -> Option<Arc<Tail>> {
        self.lock().get(place).cloned()
    }

    /// Follows a partition from an offset on that is there, or is the end.
    pub fn follow(&self, place: &Place, from: i64) -> Arc<Tail> {
        let mut tails = self.lock();
        if let Some(tail) = tails.get(place) {
            return tail.clone();
        }
        let tail = Arc::new(Tail::new(from));
        tails.insert(place.clone(), tail.clone());
        let beginning = self
            .beginning
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if beginning.send((place.clone(), from, tail.clone())).is_err() {
            tail.end();
            tails.remove(place);
        }
        drop((tails, beginning));
        self.wake();
        tail
    }
}

fn wake_up(tails: &Weak<Tails>) {
    if let Some(tails) = tails.upgrade() {
        tails.wake();
    }
}

/// The thread that follows.
struct Following {
    consumer: Arc<BaseConsumer<ReaderContext>>,
    tails: Weak<Tails>,
    begun: mpsc::Receiver<(Place, i64, Arc<Tail>)>,
    queues: BTreeMap<Place, (PartitionQueue<ReaderContext>, Arc<Tail>)>,
}

impl Following {
    fn run(mut self) {
        // Until the log is dropped.
        while self.tails.strong_count() > 0 {
            while let Some(served) = self.consumer.poll(Duration::ZERO) {
                if let Err(e) = served {
                    tracing::warn!(error = %e, "following partitions");
                }
            }
            while let Ok((place, from, tail)) = self.begun.try_recv() {
                if let Err(why) = self.begin(&place, from, &tail) {
                    tracing::warn!(%place.topic, place.partition, why, "a partition cannot be followed");
                    self.give_up(&place, &tail);
                }
            }
            let came = self.fetch();
            self.forget();
            if !came {
                std::thread::park_timeout(NAP);
            }
        }
    }

    fn begin(&mut self, place: &Place, from: i64, tail: &Arc<Tail>) -> Result<(), String> {
        let queue = self
            .consumer
            .split_partition_queue(&place.topic, place.partition);
        let mut queue = queue.ok_or("no such partition")?;
        let waking = self.tails.clone();
        queue.set_nonempty_callback(move || wake_up(&waking));
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&place.topic, place.partition, Offset::Offset(from))
            .and_then(|()| self.consumer.incremental_assign(&list))
            .map_err(|e| e.to_string())?;
        self.queues.insert(place.clone(), (queue, tail.clone()));
        Ok(())
    }

    fn fetch(&mut self) -> bool {
        let mut came = false;
        let mut lost = vec![];
        for (place, (queue, tail)) in &self.queues {
            let mut messages = vec![];
            while messages.len() < TURN {
                match queue.poll(Duration::ZERO) {
                    Some(Ok(message)) => messages.push(message_of(&message, &place.topic)),
                    Some(Err(KafkaError::PartitionEOF(_))) => {}
                    Some(Err(e)) => {
                        tracing::warn!(%place.topic, place.partition, error = %e, "a partition is no longer followed");
                        lost.push((place.clone(), tail.clone()));
                        break;
                    }
                    None => break,
                }
            }
            came |= !messages.is_empty();
            tail.came(messages);
        }
        for (place, tail) in lost {
            self.give_up(&place, &tail);
        }
        came
    }

    fn forget(&mut self) {
        let forgotten = self.queues.iter().filter(|(_, (_, t))| t.is_forgotten());
        let forgotten: Vec<_> = forgotten
            .map(|(place, (_, tail))| (place.clone(), tail.clone()))
            .collect();
        for (place, tail) in forgotten {
            self.give_up(&place, &tail);
        }
    }

    fn give_up(&mut self, place: &Place, tail: &Arc<Tail>) {
        if self.queues.remove(place).is_some() {
            let mut list = TopicPartitionList::new();
            list.add_partition(&place.topic, place.partition);
            if let Err(e) = self.consumer.incremental_unassign(&list) {
                tracing::warn!(error = %e, "a partition that is followed could not be given up");
            }
        }
        if let Some(tails) = self.tails.upgrade() {
            tails.lock().remove(place);
        }
        tail.end();
    }
}
