//! What plain clients do with the same broker: the yardstick. Each runs on a thread of its own.
//!
//! - [`at_least_once`]: copies, and commits offsets of what is acknowledged; what a crash leaves is copied again.
//! - [`exactly_once`]: the barest stage with transactions that is fast: one thread, no rebalancing, no recovery, no lanes.
use super::Servers;
use super::load::PARTITIONS;
use crate::machine::Failed;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};
use rdkafka::util::Timeout;
use rdkafka::{ClientConfig, ClientContext, Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// Between two commits of offsets, and the longest that a transaction gathers under load.
const COMMIT_EVERY: Duration = Duration::from_millis(50);
/// Nothing comes for so long: all is copied.
const PATIENCE: Duration = Duration::from_secs(60);

/// What became of a raw loop.
pub struct Copied {
    /// From the first message's arrival until the last copy was acknowledged, or committed.
    pub took: Duration,
}

/// Counts what is acknowledged, by the partition it went to, and wakes the loop.
#[derive(Clone)]
struct Acknowledged {
    by_partition: Arc<[AtomicU64; PARTITIONS as usize]>,
    refused: Arc<AtomicUsize>,
    waiting: Thread,
}
impl Acknowledged {
    fn new() -> Self {
        Self {
            by_partition: Arc::default(),
            refused: Arc::default(),
            waiting: std::thread::current(),
        }
    }
    fn now(&self) -> [u64; PARTITIONS as usize] {
        std::array::from_fn(|at| self.by_partition[at].load(Ordering::Acquire))
    }
    fn cover(&self, sent: &[u64; PARTITIONS as usize]) -> bool {
        self.now().iter().zip(sent).all(|(now, sent)| now >= sent)
    }
    fn check(&self) -> Result<(), Failed> {
        match self.refused.load(Ordering::Relaxed) {
            0 => Ok(()),
            refused => Err(format!("{refused} deliveries were refused").into()),
        }
    }
    fn wait_for(&self, sent: &[u64; PARTITIONS as usize]) -> Result<(), Failed> {
        let until = Instant::now() + PATIENCE;
        while !self.cover(sent) {
            self.check()?;
            if Instant::now() > until {
                return Err("deliveries take too long".into());
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
        self.check()
    }
}
impl ClientContext for Acknowledged {}
impl ProducerContext for Acknowledged {
    type DeliveryOpaque = ();
    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        match result {
            Ok(message) => {
                let partition = usize::try_from(message.partition()).unwrap_or_default();
                self.by_partition[partition].fetch_add(1, Ordering::Release);
            }
            Err(_) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.waiting.unpark();
    }
}

type Producing = ThreadedProducer<Acknowledged>;

fn consumer(servers: &Servers, group: &str, topic: &str) -> Result<BaseConsumer, Failed> {
    let consumer: BaseConsumer = servers
        .client()
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .set("isolation.level", "read_committed")
        .set("fetch.queue.backoff.ms", "5")
        .create()?;
    consumer.subscribe(&[topic])?;
    Ok(consumer)
}

/// Acks of all, idempotent, no compression, and nothing lingers: our own producers flush at the end of each transaction.
fn producing(servers: &Servers) -> ClientConfig {
    let mut config = servers.client();
    config
        .set("acks", "all")
        .set("enable.idempotence", "true")
        .set("linger.ms", "0");
    config
}

/// Copies a message to the partition where its key belongs.
fn copy(
    producer: &Producing,
    message: &BorrowedMessage<'_>,
    to: &str,
    sent: &mut [u64; PARTITIONS as usize],
) -> Result<(), Failed> {
    let (key, value) = (
        message.key().unwrap_or_default(),
        message.payload().unwrap_or_default(),
    );
    let partition = events::id::partition_of(key, PARTITIONS);
    let mut record = BaseRecord::to(to)
        .key(key)
        .payload(value)
        .partition(partition);
    if let Some(headers) = message.headers() {
        record = record.headers(headers.detach());
    }
    while let Err((e, back)) = producer.send(record) {
        if e.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
            return Err(e.into());
        }
        record = back;
        std::thread::park_timeout(Duration::from_millis(1));
    }
    sent[usize::try_from(partition)?] += 1;
    Ok(())
}

fn offsets(topic: &str, done: &BTreeMap<i32, i64>) -> Result<TopicPartitionList, Failed> {
    let mut offsets = TopicPartitionList::new();
    for (partition, offset) in done {
        offsets.add_partition_offset(topic, *partition, Offset::Offset(*offset))?;
    }
    Ok(offsets)
}

/// Copies so many messages at least once: offsets are committed when what they cover is acknowledged.
///
/// # Errors
/// What the broker says.
pub fn at_least_once(
    servers: &Servers,
    (from, to): (&str, &str),
    group: &str,
    messages: usize,
) -> Result<Copied, Failed> {
    let consumer = consumer(servers, group, from)?;
    let acknowledged = Acknowledged::new();
    let producer: Producing = producing(servers).create_with_context(acknowledged.clone())?;
    let (mut done, mut sent) = (BTreeMap::new(), [0; PARTITIONS as usize]);
    let mut covered: Option<(TopicPartitionList, [u64; PARTITIONS as usize])> = None;
    let (mut begun, mut copied, mut committed_at) = (None, 0, Instant::now());
    let until = Instant::now() + PATIENCE;
    while copied < messages {
        let Some(message) = consumer.poll(Duration::from_millis(100)) else {
            if Instant::now() > until {
                return Err(format!("{copied} of {messages} copied").into());
            }
            continue;
        };
        let message = message?;
        begun.get_or_insert_with(Instant::now);
        copy(&producer, &message, to, &mut sent)?;
        done.insert(message.partition(), message.offset() + 1);
        copied += 1;
        if copied % 256 != 0 || committed_at.elapsed() < COMMIT_EVERY {
            continue;
        }
        match covered.take() {
            Some((offsets, sent)) if acknowledged.cover(&sent) => {
                consumer.commit(&offsets, CommitMode::Async)?;
                committed_at = Instant::now();
            }
            Some(waits) => covered = Some(waits),
            None => covered = Some((offsets(from, &done)?, sent)),
        }
    }
    acknowledged.wait_for(&sent)?;
    consumer.commit(&offsets(from, &done)?, CommitMode::Sync)?;
    let took = begun.unwrap_or_else(Instant::now).elapsed();
    Ok(Copied { took })
}

/// Copies exactly once until so many messages are committed, or it is told to stop.
///
/// # Errors
/// What the broker says.
pub fn exactly_once(
    servers: &Servers,
    (from, to): (&str, &str),
    group: &str,
    messages: usize,
    stop: &AtomicBool,
) -> Result<Copied, Failed> {
    let consumer = consumer(servers, group, from)?;
    let acknowledged = Acknowledged::new();
    let producer: Producing = producing(servers)
        .set("transactional.id", group)
        .set("transaction.timeout.ms", "5000")
        .create_with_context(acknowledged.clone())?;
    producer.init_transactions(Duration::from_secs(10))?;
    let (mut sent, mut begun, mut copied) = ([0; PARTITIONS as usize], None, 0);
    let until = Instant::now() + PATIENCE;
    while copied < messages && !stop.load(Ordering::Relaxed) {
        let Some(message) = consumer.poll(Duration::from_millis(100)) else {
            if Instant::now() > until {
                return Err(format!("{copied} of {messages} copied").into());
            }
            continue;
        };
        let (mut next, mut done) = (Some(message?), BTreeMap::new());
        let since = Instant::now();
        begun.get_or_insert(since);
        producer.begin_transaction()?;
        while let Some(message) = next.take() {
            copy(&producer, &message, to, &mut sent)?;
            done.insert(message.partition(), message.offset() + 1);
            copied += 1;
            if since.elapsed() < COMMIT_EVERY {
                next = consumer.poll(Duration::ZERO).transpose()?;
            }
        }
        acknowledged.wait_for(&sent)?;
        // Commit waits 100 ms if anything is in flight.
        while producer.in_flight_count() > 0 {
            std::thread::yield_now();
        }
        let member = consumer.group_metadata().ok_or("no member")?;
        producer.send_offsets_to_transaction(
            &offsets(from, &done)?,
            &member,
            Duration::from_secs(10),
        )?;
        producer.commit_transaction(Timeout::Never)?;
    }
    let took = begun.unwrap_or_else(Instant::now).elapsed();
    Ok(Copied { took })
}
