//! The log on Kafka (K1-K6).
//!
//! Blocking calls of librdkafka run on threads of their own: each member has one that fetches and one that
//! publishes. All else is asynchronous, except [`Log::partitions`] and [`Log::max_message_bytes`], which answer
//! from memory and ask a broker only about a topic that they do not know.
mod append;
mod client;
mod deliveries;
mod health;
mod look;
mod member;
mod message;
mod native;
mod options;
mod reading;
mod scan;
#[cfg(all(test, feature = "servers"))]
mod tests;
mod topics;

pub use health::{MemberHealth, PartitionHealth};
pub use options::{Bounds, FirstCheckpoints, Options, Room};
pub use scan::{Progress, Scan};
pub use topics::OVERHEAD;

use append::Appender;
use member::{KafkaMember, Watch};
use message::unreachable;
use reading::Reading;
use runtime::BoxFuture;
use runtime::ports::PortError;
use runtime::ports::log::{Joining, Log, Member, Message, Outgoing, Position};
use std::sync::{Arc, Mutex, PoisonError};
use topics::Topics;

/// The log on Kafka, for one process. Cloning is cheap; the connections are shared.
#[derive(Clone)]
pub struct KafkaLog {
    options: Options,
    topics: Arc<Topics>,
    appender: Arc<Appender>,
    reading: Arc<Reading>,
    members: Arc<Mutex<Vec<Watch>>>,
}

impl KafkaLog {
    /// Connects, and learns which topics there are. Starts a few threads; uses no thread of tokio for what blocks.
    ///
    /// # Errors
    /// [`PortError::Unreachable`] if no broker answers, or the options are refused.
    pub async fn open(options: Options) -> Result<Self, PortError> {
        let opened = tokio::task::spawn_blocking(move || {
            let topics = Arc::new(Topics::open(&options)?);
            let batch = options.room.batch.min(topics.smallest_batch());
            Ok(Self {
                appender: Arc::new(Appender::open(&options, batch)?),
                reading: Arc::new(Reading::new(options.clone(), topics.clone())),
                members: Arc::default(),
                topics,
                options,
            })
        });
        opened.await.map_err(unreachable)?
    }

    /// How the members of this process fare. Those that left are not told of.
    pub fn health(&self) -> Vec<MemberHealth> {
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = Vec::with_capacity(members.len());
        members.retain(|member| {
            let told = member.tell();
            let there = told.is_some();
            all.extend(told);
            there
        });
        all
    }

    /// The offsets of the first message of a partition and after its last (committed) one: where a first checkpoint
    /// may stand (K1).
    ///
    /// # Errors
    /// [`PortError::Unreachable`].
    pub async fn ends(&self, topic: &str, partition: i32) -> Result<(i64, i64), PortError> {
        self.reading.ends(topic, partition).await
    }
}

impl Log for KafkaLog {
    fn partitions(&self, topic: &str) -> Option<i32> {
        self.topics.of(topic).map(|topic| topic.partitions)
    }

    fn max_message_bytes(&self, topic: &str) -> usize {
        let topic = self.topics.of(topic);
        topic.map_or(0, |topic| topic.max_bytes.saturating_sub(OVERHEAD))
    }

    fn append(&self, messages: Vec<Outgoing>) -> BoxFuture<'_, Result<Vec<Position>, PortError>> {
        Box::pin(self.appender.append(messages, &self.topics))
    }

    fn join(&self, joining: Joining) -> BoxFuture<'_, Result<Arc<dyn Member>, PortError>> {
        Box::pin(async move {
            let (options, topics) = (self.options.clone(), self.topics.clone());
            let joined =
                tokio::task::spawn_blocking(move || KafkaMember::join(joining, &options, &topics));
            let (member, watch) = joined.await.map_err(unreachable)??;
            self.members
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(watch);
            Ok(Arc::new(member) as Arc<dyn Member>)
        })
    }

    fn read<'a>(
        &'a self,
        topic: &'a str,
        partition: i32,
        offset: i64,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Message>, PortError>> {
        Box::pin(self.reading.read(topic, partition, offset, limit))
    }

    fn end<'a>(&'a self, topic: &'a str, partition: i32) -> BoxFuture<'a, Result<i64, PortError>> {
        Box::pin(async move { Ok(self.reading.ends(topic, partition).await?.1) })
    }

    fn grown<'a>(
        &'a self,
        topic: &'a str,
        partition: i32,
        offset: i64,
    ) -> BoxFuture<'a, Result<(), PortError>> {
        Box::pin(self.reading.grown(topic, partition, offset))
    }
}
