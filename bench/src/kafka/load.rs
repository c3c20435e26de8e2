//! What the measurements copy, and whether it arrived: each message once, those of a key in their order.
use super::Servers;
use crate::machine::Failed;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Of each topic that is measured.
pub const PARTITIONS: i32 = 4;
/// What takes longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// Numbered messages under keys that take turns.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// How many.
    pub messages: usize,
    /// Over how many keys.
    pub keys: usize,
    /// Bytes in each value, at least 8.
    pub bytes: usize,
}

impl Load {
    /// The key of a message.
    pub fn key(&self, n: usize) -> String {
        format!("acme-{:06}", n % self.keys)
    }
    /// The value of a message.
    pub fn value(&self, n: usize) -> Vec<u8> {
        let mut value = (n as u64).to_be_bytes().to_vec();
        value.extend((8..self.bytes).map(|i| (i * 31 + n) as u8));
        value
    }
    /// The number in a value.
    pub fn number(value: &[u8]) -> Option<usize> {
        let number = u64::from_be_bytes(*value.first_chunk::<8>()?);
        usize::try_from(number).ok()
    }

    /// Appends all of it; returns when it is acknowledged. Blocks.
    ///
    /// # Errors
    /// If it is not acknowledged.
    pub fn fill(&self, servers: &Servers, topic: &str) -> Result<(), Failed> {
        let producer: ThreadedProducer<DefaultProducerContext> = servers
            .client()
            // Or what is sent again (the topic is new, and may have no leader yet) comes behind what was sent after it.
            .set("enable.idempotence", "true")
            .set("linger.ms", "5")
            .set("queue.buffering.max.messages", "1000000")
            .create()?;
        for n in 0..self.messages {
            let (key, value) = (self.key(n), self.value(n));
            let partition = events::id::partition_of(key.as_bytes(), PARTITIONS);
            let mut record = BaseRecord::to(topic)
                .key(&key)
                .payload(&value)
                .partition(partition);
            while let Err((e, back)) = producer.send(record) {
                if e.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                    return Err(e.into());
                }
                record = back;
                std::thread::park_timeout(Duration::from_millis(1));
            }
        }
        Ok(producer.flush(PATIENCE)?)
    }

    /// Reads a topic as a plain committed reader does. Each message must be there once, as it was sent, and after those of
    /// its key that were sent before it. Blocks.
    ///
    /// # Errors
    /// What is lost, twice, changed, or out of order.
    pub fn check(&self, servers: &Servers, topic: &str) -> Result<(), Failed> {
        let consumer: BaseConsumer = servers
            .client()
            .set("group.id", "bench.check")
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .create()?;
        let mut all = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
            all.add_partition_offset(topic, partition, Offset::Beginning)?;
        }
        consumer.assign(&all)?;
        let mut at_end = BTreeSet::new();
        let mut seen = vec![false; self.messages];
        let mut last: Vec<Option<usize>> = vec![None; self.keys];
        let until = Instant::now() + PATIENCE;
        while at_end.len() < all.count() {
            if Instant::now() > until {
                return Err(format!("{topic} could not be read in time").into());
            }
            let message = match consumer.poll(Duration::from_millis(100)) {
                None => continue,
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    at_end.insert(partition);
                    continue;
                }
                Some(message) => message?,
            };
            let value = message.payload().unwrap_or_default();
            let n = Self::number(value).filter(|n| *n < self.messages);
            let n = n.ok_or("a message that nobody sent")?;
            if value != self.value(n) || message.key() != Some(self.key(n).as_bytes()) {
                return Err(format!("message {n} was changed").into());
            }
            if std::mem::replace(&mut seen[n], true) {
                return Err(format!("message {n} is there twice").into());
            }
            if last[n % self.keys].is_some_and(|last| last > n) {
                return Err(format!("message {n} is out of order").into());
            }
            last[n % self.keys] = Some(n);
        }
        let lost = seen.iter().filter(|seen| !**seen).count();
        if lost > 0 {
            return Err(format!("{lost} of {} messages are lost", self.messages).into());
        }
        Ok(())
    }
}
