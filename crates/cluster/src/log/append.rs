//! Appending outside any consumer: one idempotent producer for the whole process.
use super::deliveries::{Appending, Batch};
use super::message::{check, corrupt, full, headers_of, partition_of, unreachable};
use super::options::Options;
use super::topics::Topics;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, ThreadedProducer};
use runtime::ports::PortError;
use runtime::ports::log::{Outgoing, Position};
use std::sync::Arc;
use std::time::Duration;

/// Between two looks at a queue that is full.
const LOOK: Duration = Duration::from_millis(5);

pub(super) struct Appender {
    producer: ThreadedProducer<Appending>,
    patience: Duration,
}

impl Appender {
    pub fn open(options: &Options, batch: usize) -> Result<Self, PortError> {
        let config = options.appender(batch);
        let producer = config.create_with_context(Appending).map_err(unreachable)?;
        Ok(Self {
            producer,
            patience: options.bounds.call,
        })
    }

    /// Durable when it returns. If it fails, some may have been appended all the same.
    pub async fn append(
        &self,
        messages: Vec<Outgoing>,
        topics: &Topics,
    ) -> Result<Vec<Position>, PortError> {
        if messages.is_empty() {
            return Ok(vec![]);
        }
        // All are checked before the first is sent.
        let mut partitions = Vec::with_capacity(messages.len());
        for message in &messages {
            check(message)?;
            let topic = topics.of(&message.topic);
            let topic = topic.ok_or_else(|| corrupt(format!("no topic {}", message.topic)))?;
            partitions.push(partition_of(message, topic.partitions)?);
        }
        let of_each = messages.iter().map(|message| message.topic.clone());
        let (batch, done) = Batch::new(of_each.collect());
        for (index, message) in messages.iter().enumerate() {
            let sent = self.send(message, partitions[index], &batch, index).await;
            if let Err(e) = sent {
                // The others are on their way; that one and those behind it never were.
                (index..messages.len()).for_each(|index| batch.settle(index, Err(e.to_string())));
                let _ = done.await;
                return Err(e);
            }
        }
        match done.await {
            Ok(Ok(places)) => Ok(places),
            Ok(Err(why)) => Err(unreachable(why)),
            Err(_) => Err(unreachable("the producer is gone")),
        }
    }

    async fn send(
        &self,
        message: &Outgoing,
        partition: i32,
        batch: &Arc<Batch>,
        index: usize,
    ) -> Result<(), PortError> {
        let until = tokio::time::Instant::now() + self.patience;
        let opaque = Box::new((batch.clone(), index));
        let mut record = BaseRecord::with_opaque_to(&message.topic, opaque)
            .partition(partition)
            .payload(&message.payload[..]);
        if !message.key.is_empty() {
            record = record.key(&message.key[..]);
        }
        if let Some(headers) = headers_of(message) {
            record = record.headers(headers);
        }
        loop {
            let Err((e, back)) = self.producer.send::<[u8], [u8]>(record) else {
                return Ok(());
            };
            match e {
                KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) => {
                    if tokio::time::Instant::now() > until {
                        return Err(full("the producer's queue"));
                    }
                    record = back;
                    tokio::time::sleep(LOOK).await;
                }
                KafkaError::MessageProduction(RDKafkaErrorCode::MessageSizeTooLarge) => {
                    return Err(corrupt(e));
                }
                e => return Err(unreachable(e)),
            }
        }
    }
}
