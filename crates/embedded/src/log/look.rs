//! Looking at the log from outside: its topics, and all that one request caused.
use crate::embedded::Embedded;
use crate::fault::Fault;
use crate::log::rows::from_row;
use crate::log::topics::bounds;
use runtime::PortError;
use runtime::ports::log::{Checkpoint, Message};
use std::sync::Arc;
use std::time::Duration;

/// A topic as it is in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicInfo {
    /// Its name.
    pub name: Arc<str>,
    /// Names its present life (E2).
    pub id: Arc<str>,
    /// The largest message, in bytes of key, headers and payload.
    pub max_message_bytes: usize,
    /// How long messages are kept at least; for ever if absent.
    pub retention: Option<Duration>,
    /// One for each, from 0.
    pub partitions: Vec<PartitionInfo>,
}

/// A partition as it is in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionInfo {
    /// The first offset that may still be there.
    pub start: i64,
    /// The next offset.
    pub end: i64,
}

/// How far a consumer has got, as it is in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointInfo {
    /// The consumer.
    pub consumer: String,
    /// Its input.
    pub topic: Arc<str>,
    /// Of the topic.
    pub partition: i32,
    /// What it committed last.
    pub checkpoint: Checkpoint,
}

impl Embedded {
    /// All topics, by name.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn topics(&self) -> Result<Vec<TopicInfo>, PortError> {
        let shared = Arc::clone(&self.0.shared);
        let look = self.0.readers.run(move |sql| {
            let all = shared.topics.all().map(|topic| {
                let partitions = (0..topic.partitions).map(|partition| {
                    let (start, end) = bounds(sql, topic.no, partition)?;
                    Ok(PartitionInfo { start, end })
                });
                Ok(TopicInfo {
                    name: Arc::clone(&topic.name),
                    id: Arc::clone(&topic.id),
                    max_message_bytes: topic.max_message_bytes,
                    retention: topic.retention,
                    partitions: partitions.collect::<Result<_, Fault>>()?,
                })
            });
            all.collect::<Result<Vec<_>, Fault>>()
        });
        look.await.map_err(|fault| fault.of("log"))
    }

    /// All committed checkpoints, by consumer and partition.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn checkpoints(&self) -> Result<Vec<CheckpointInfo>, PortError> {
        let shared = Arc::clone(&self.0.shared);
        let look = self.0.readers.run(move |sql| {
            let mut found = sql.prepare_cached(
                "SELECT consumer, topic, partition, watermark, text FROM checkpoints ORDER BY 1, 2, 3",
            )?;
            let (mut rows, mut all) = (found.query([])?, vec![]);
            while let Some(row) = rows.next()? {
                let Some(topic) = shared.topics.by_no(row.get(1)?) else { continue };
                all.push(CheckpointInfo {
                    consumer: row.get(0)?,
                    topic: Arc::clone(&topic.name),
                    partition: row.get(2)?,
                    checkpoint: Checkpoint { watermark: row.get(3)?, text: row.get(4)? },
                });
            }
            Ok(all)
        });
        look.await.map_err(|fault| fault.of("log"))
    }

    /// All messages that carry this correlation id, the oldest first; at most 10,000.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn by_correlation(&self, correlation: &str) -> Result<Vec<Message>, PortError> {
        let (shared, correlation) = (Arc::clone(&self.0.shared), correlation.to_owned());
        let look = self.0.readers.run(move |sql| {
            let mut found = sql.prepare_cached(
                "SELECT partition, offset, timestamp_ms, key, headers, payload, topic FROM log
                 WHERE correlation = ?1 ORDER BY timestamp_ms, topic, partition, offset LIMIT 10000",
            )?;
            let (mut rows, mut all) = (found.query([correlation])?, vec![]);
            while let Some(row) = rows.next()? {
                let Some(topic) = shared.topics.by_no(row.get(6)?) else { continue };
                all.push(from_row(row, &topic.name)?);
            }
            Ok(all)
        });
        look.await.map_err(|fault| fault.of("log"))
    }
}
