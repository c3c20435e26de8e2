//! Reading all of many topics once, as an operator does who looks for something: from a time on, to where they end now.
//!
//! Only committed messages are seen (K6), those of every topic: what is outside transactions is committed at once. What is
//! read ahead is bounded, however much there is; a scan that is dropped ends.
use super::KafkaLog;
use super::message::{message_of, unreachable};
use super::options::Options;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};
use runtime::ports::PortError;
use runtime::ports::log::Message;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Threads that read, each a topic after the other.
const READERS: usize = 4;
/// KiB that each of them fetches ahead.
const PREFETCHED_KIB: &str = "4096";
/// Messages that wait for whoever scans.
const WAITING: usize = 32;
/// So soon a reader notices that nobody listens any more.
const TURN: Duration = Duration::from_millis(100);

/// A scan under way. Messages of one partition come in order.
pub struct Scan {
    coming: mpsc::Receiver<Result<Message, PortError>>,
    progress: Arc<Progress>,
}

/// How far a scan has got, in offsets (transactions take one each besides the messages).
#[derive(Debug, Default)]
pub struct Progress {
    looked_at: AtomicU64,
    of: AtomicU64,
}

impl Progress {
    /// Offsets behind it.
    pub fn looked_at(&self) -> u64 {
        self.looked_at.load(Ordering::Relaxed)
    }
    /// Offsets there are; 0 until that is known.
    pub fn of(&self) -> u64 {
        self.of.load(Ordering::Relaxed)
    }
    fn passed(&self, offsets: i64) {
        let offsets = offsets.max(0).unsigned_abs();
        self.looked_at.fetch_add(offsets, Ordering::Relaxed);
    }
}

impl Scan {
    /// The next message that is wanted; `None`: there is no more.
    ///
    /// # Errors
    /// [`PortError::Unreachable`]: something may be missing from here on.
    pub async fn next(&mut self) -> Result<Option<Message>, PortError> {
        self.coming.recv().await.transpose()
    }
    /// How far it has got; it goes on being told.
    pub fn progress(&self) -> Arc<Progress> {
        self.progress.clone()
    }
}

impl KafkaLog {
    /// Reads `topics` from `since_ms` on (milliseconds since 1970, by the messages' own times; 0: from the first message)
    /// to where each partition ends now, and hands on what is `wanted`. A topic that is not there is left out.
    pub fn scan(
        &self,
        topics: impl IntoIterator<Item = String>,
        since_ms: i64,
        wanted: impl Fn(&Message) -> bool + Send + Sync + 'static,
    ) -> Scan {
        let known = topics.into_iter().filter_map(|topic| {
            let partitions = self.topics.of(&topic)?.partitions;
            Some((Arc::from(topic), partitions))
        });
        let (topics, options): (Vec<(Arc<str>, i32)>, _) = (known.collect(), self.options.clone());
        let (tell, coming) = mpsc::channel(WAITING);
        let (progress, wanted) = (Arc::<Progress>::default(), Arc::new(wanted));
        let told = progress.clone();
        tokio::task::spawn_blocking(move || {
            let stretches = match stretches(&options, &topics, since_ms) {
                Ok(stretches) => stretches,
                Err(error) => {
                    let _ = tell.blocking_send(Err(error)); // nobody listens any more
                    return;
                }
            };
            let of: i64 = stretches.iter().map(Stretch::offsets).sum();
            told.of.store(of.unsigned_abs(), Ordering::Relaxed);
            let stretches = Arc::new(Mutex::new(stretches));
            for _ in 0..READERS {
                let (options, stretches) = (options.clone(), stretches.clone());
                let (tell, told, wanted) = (tell.clone(), told.clone(), wanted.clone());
                tokio::task::spawn_blocking(move || {
                    let reader = Reader {
                        tell: &tell,
                        progress: &told,
                        wanted: &*wanted,
                    };
                    if let Err(error) = reader.read(&options, &stretches) {
                        let _ = tell.blocking_send(Err(error));
                    }
                });
            }
        });
        Scan { coming, progress }
    }
}

/// What is to be read of a topic.
struct Stretch {
    topic: Arc<str>,
    /// Of each partition: the offset that comes next, and its end.
    left: BTreeMap<i32, (i64, i64)>,
}

impl Stretch {
    fn offsets(&self) -> i64 {
        self.left.values().map(|(next, end)| end - next).sum()
    }
}

/// What there is to read: partitions without a message since then are left out.
fn stretches(
    options: &Options,
    topics: &[(Arc<str>, i32)],
    since_ms: i64,
) -> Result<VecDeque<Stretch>, PortError> {
    let patience = options.bounds.call;
    let consumer: BaseConsumer = options.reader(true).create().map_err(unreachable)?;
    let mut stretches = VecDeque::new();
    for (topic, partitions) in topics {
        let mut asked = TopicPartitionList::new();
        for partition in 0..*partitions {
            // Here a time stands where an offset does otherwise.
            asked
                .add_partition_offset(topic, partition, Offset::Offset(since_ms.max(0)))
                .map_err(unreachable)?;
        }
        let mut left = BTreeMap::new();
        let found = consumer.offsets_for_times(asked, patience);
        for element in found.map_err(unreachable)?.elements() {
            element.error().map_err(unreachable)?;
            let Offset::Offset(since) = element.offset() else {
                continue; // nothing is that young
            };
            let partition = element.partition();
            let bounds = consumer.fetch_watermarks(topic, partition, patience);
            let (first, end) = bounds.map_err(unreachable)?;
            let next = since.max(first);
            if next < end {
                left.insert(partition, (next, end));
            }
        }
        if !left.is_empty() {
            let topic = topic.clone();
            stretches.push_back(Stretch { topic, left });
        }
    }
    Ok(stretches)
}

struct Reader<'a> {
    tell: &'a mpsc::Sender<Result<Message, PortError>>,
    progress: &'a Progress,
    wanted: &'a (dyn Fn(&Message) -> bool + Send + Sync),
}

impl Reader<'_> {
    /// Reads topic after topic until none is left or nobody listens.
    fn read(
        &self,
        options: &Options,
        stretches: &Mutex<VecDeque<Stretch>>,
    ) -> Result<(), PortError> {
        let mut config = options.reader(true);
        config.set("queued.max.messages.kbytes", PREFETCHED_KIB);
        let consumer: BaseConsumer = config.create().map_err(unreachable)?;
        loop {
            let stretch = stretches
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop_front();
            match stretch {
                Some(stretch) if !self.tell.is_closed() => {
                    self.stretch(&consumer, stretch, options.bounds.call)?;
                }
                _ => return Ok(()),
            }
        }
    }

    fn stretch(
        &self,
        consumer: &BaseConsumer,
        stretch: Stretch,
        patience: Duration,
    ) -> Result<(), PortError> {
        let Stretch { topic, mut left } = stretch;
        // Who leads it is then known when it is assigned: else librdkafka takes its time to find out.
        consumer
            .fetch_metadata(Some(&topic), patience)
            .map_err(unreachable)?;
        let mut from = TopicPartitionList::new();
        for (partition, (next, _)) in &left {
            from.add_partition_offset(&topic, *partition, Offset::Offset(*next))
                .map_err(unreachable)?;
        }
        consumer.assign(&from).map_err(unreachable)?;
        let mut heard = Instant::now();
        while !left.is_empty() && !self.tell.is_closed() {
            match consumer.poll(TURN) {
                Some(Ok(message)) => {
                    heard = Instant::now();
                    let message = message_of(&message, &topic);
                    let (partition, offset) = (message.at.partition, message.at.offset);
                    let Some((next, end)) = left.get_mut(&partition) else {
                        continue; // it came after the scan began
                    };
                    self.progress.passed((offset + 1).min(*end) - *next);
                    *next = offset + 1;
                    let is_last = *next >= *end;
                    if offset < *end && (self.wanted)(&message) {
                        let _ = self.tell.blocking_send(Ok(message)); // if nobody listens, the loop ends
                    }
                    if is_last {
                        left.remove(&partition);
                    }
                }
                // Markers of transactions stand at the end, not messages.
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    heard = Instant::now();
                    if let Some((next, end)) = left.remove(&partition) {
                        self.progress.passed(end - next);
                    }
                }
                Some(Err(e)) => return Err(unreachable(e)),
                None if heard.elapsed() > patience * 2 => {
                    return Err(unreachable(format!("nothing comes of {topic}")));
                }
                None => {}
            }
        }
        consumer.unassign().map_err(unreachable)
    }
}
