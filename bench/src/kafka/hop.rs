//! One exactly-once hop over Kafka: from a plain producer's sending to a plain committed reader's having it.
use super::load::{Load, PARTITIONS};
use super::machine::log_options;
use super::stage::{Stage, StageOptions, Times};
use super::{Servers, Topics, fresh, raw};
use crate::machine::Failed;
use cluster::KafkaLog;
use hdrhistogram::Histogram;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, ThreadedProducer};
use rdkafka::{Offset, TopicPartitionList};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// Messages before those that count.
const WARM_UP: usize = 100;
/// After the last message was sent, all are there within this.
const PATIENCE: Duration = Duration::from_secs(30);

/// Microseconds.
pub struct Hop {
    /// From the sending to the reader.
    pub latency: Histogram<u64>,
    /// Of a commit of the stage, from the engine's asking for it; nothing for a raw stage.
    pub commits: Option<Histogram<u64>>,
}

/// What is between the two topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Between {
    /// Our stage.
    Ours,
    /// The barest one.
    Bare,
}

/// Sends `messages` with Poisson arrivals, `rate` a second on average; each must arrive, once, those of a key in order.
///
/// # Errors
/// What the broker says, or what did not arrive.
pub async fn latency(
    servers: &Servers,
    between: Between,
    rate: f64,
    messages: usize,
) -> Result<Hop, Failed> {
    let run = fresh();
    let (input, output) = (format!("{run}.in"), format!("{run}.out"));
    let _topics = Topics::make(servers, &[(&input, PARTITIONS), (&output, PARTITIONS)]).await?;
    let load = Load {
        messages: messages + WARM_UP,
        keys: 200,
        bytes: 512,
    };
    let stop = Arc::new(AtomicBool::new(false));
    let mut stage = None;
    let mut bare = None;
    match between {
        Between::Ours => {
            let log = KafkaLog::open(log_options(&servers.kafka)).await?;
            let options = StageOptions {
                input: input.clone(),
                output: output.clone(),
                group: run,
                limit: 100,
                sleep: None,
                reply: false,
                messages: load.messages,
            };
            stage = Some(Stage::start(&log, &options, Arc::new(Times::default())).await?);
        }
        Between::Bare => {
            let (at, from, to) = (servers.clone(), input.clone(), output.clone());
            let stop = stop.clone();
            bare = Some(tokio::task::spawn_blocking(move || {
                raw::exactly_once(&at, (&from, &to), &run, usize::MAX, &stop)
            }));
        }
    }
    let begun = Instant::now();
    let sent: Arc<Vec<AtomicU64>> = Arc::new((0..load.messages).map(|_| 0.into()).collect());
    let reading = {
        let (at, topic, sent) = (servers.clone(), output.clone(), sent.clone());
        tokio::task::spawn_blocking(move || read(&at, &topic, &sent, begun))
    };
    send(servers, &input, &load, rate, &sent, begun).await?;
    let latency = tokio::time::timeout(PATIENCE, reading).await???;
    stop.store(true, Ordering::Relaxed);
    let mut commits = None;
    if let Some(stage) = stage {
        let held = stage.commits.clone();
        stage.stop().await?;
        let held = held.lock().unwrap_or_else(PoisonError::into_inner);
        commits = Some(held.clone());
    }
    if let Some(bare) = bare {
        bare.await??;
    }
    let at = servers.clone();
    tokio::task::spawn_blocking(move || load.check(&at, &output)).await??;
    Ok(Hop { latency, commits })
}

async fn send(
    servers: &Servers,
    topic: &str,
    load: &Load,
    rate: f64,
    sent: &[AtomicU64],
    begun: Instant,
) -> Result<(), Failed> {
    let producer: ThreadedProducer<DefaultProducerContext> =
        servers.client().set("linger.ms", "0").create()?;
    // The stage joins its group meanwhile.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut due = Instant::now();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for (n, sent) in sent.iter().enumerate() {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let uniform = (random >> 11) as f64 / (1u64 << 53) as f64;
        due += Duration::from_secs_f64(-(1.0 - uniform).ln() / rate);
        tokio::time::sleep_until(due.into()).await;
        let (key, value) = (load.key(n), load.value(n));
        let partition = events::id::partition_of(key.as_bytes(), PARTITIONS);
        let record = BaseRecord::to(topic).key(&key).payload(&value);
        sent.store(
            u64::try_from(begun.elapsed().as_nanos())?,
            Ordering::Release,
        );
        producer
            .send(record.partition(partition))
            .map_err(|(e, _)| e)?;
    }
    Ok(())
}

/// Reads until all are there; what each took that counts.
fn read(
    servers: &Servers,
    topic: &str,
    sent: &[AtomicU64],
    begun: Instant,
) -> Result<Histogram<u64>, Failed> {
    let consumer: BaseConsumer = servers
        .client()
        .set("group.id", "bench.hop")
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("fetch.queue.backoff.ms", "5")
        .create()?;
    let mut all = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        all.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    consumer.assign(&all)?;
    let mut latency = Histogram::new_with_bounds(1, 60_000_000, 3)?;
    let (mut seen, mut last_at) = (0, Instant::now());
    while seen < sent.len() {
        let Some(message) = consumer.poll(Duration::from_millis(100)) else {
            if last_at.elapsed() > PATIENCE {
                return Err(format!("{seen} of {} arrived", sent.len()).into());
            }
            continue;
        };
        let message = message?;
        let now = u64::try_from(begun.elapsed().as_nanos())?;
        last_at = Instant::now();
        let n = Load::number(message.payload().unwrap_or_default());
        let n = n.filter(|n| *n < sent.len());
        let n = n.ok_or("a message that nobody sent")?;
        seen += 1;
        if n >= WARM_UP {
            let took = now.saturating_sub(sent[n].load(Ordering::Acquire));
            latency.saturating_record(took / 1_000);
        }
    }
    Ok(latency)
}
