//! A log whose topics and consumers have a test's own names on the broker, and which reads only where no transaction
//! is open: what has just been published is seen a moment later, since its markers are written after the commit.
use super::World;
use crate::log::{KafkaLog, Options};
use runtime::BoxFuture;
use runtime::ports::PortError;
use runtime::ports::log::{
    Checkpoint, Happening, Joining, Lease, Log, Member, Message, Outgoing, Position, Publication,
    PublishError,
};
use std::collections::BTreeSet;
use std::sync::Arc;

pub(super) struct Renamed {
    log: KafkaLog,
    /// Sees what is not committed too.
    open: KafkaLog,
    prefix: String,
}

impl Renamed {
    pub async fn new(world: &World, topics: impl IntoIterator<Item = &str>) -> Arc<Self> {
        Self::of(world, world.options(), topics).await
    }

    pub async fn of(
        world: &World,
        options: Options,
        topics: impl IntoIterator<Item = &str>,
    ) -> Arc<Self> {
        let read_uncommitted: BTreeSet<_> = topics.into_iter().map(|t| world.name(t)).collect();
        let open = Options {
            read_uncommitted,
            ..options.clone()
        };
        Arc::new(Self {
            log: KafkaLog::open(options).await.expect("opens"),
            open: KafkaLog::open(open).await.expect("opens"),
            prefix: format!("{}.", world.prefix),
        })
    }

    fn there(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    async fn settled(&self, topic: &str, partition: i32) -> Result<(), PortError> {
        // Each look asks the broker.
        while self.log.end(topic, partition).await? < self.open.end(topic, partition).await? {}
        Ok(())
    }
}

fn here(prefix: &str, mut message: Message) -> Message {
    message.at.topic = message.at.topic[prefix.len()..].into();
    message
}

impl Log for Renamed {
    fn partitions(&self, topic: &str) -> Option<i32> {
        self.log.partitions(&self.there(topic))
    }
    fn max_message_bytes(&self, topic: &str) -> usize {
        self.log.max_message_bytes(&self.there(topic))
    }
    fn append(
        &self,
        mut messages: Vec<Outgoing>,
    ) -> BoxFuture<'_, Result<Vec<Position>, PortError>> {
        for message in &mut messages {
            message.topic = self.there(&message.topic).into();
        }
        Box::pin(async move {
            let mut places = self.log.append(messages).await?;
            for place in &mut places {
                place.topic = place.topic[self.prefix.len()..].into();
            }
            Ok(places)
        })
    }
    fn join(&self, joining: Joining) -> BoxFuture<'_, Result<Arc<dyn Member>, PortError>> {
        Box::pin(async move {
            let joining = Joining {
                consumer: self.there(&joining.consumer).into(),
                topic: self.there(&joining.topic).into(),
                ..joining
            };
            let member = self.log.join(joining).await?;
            let prefix = self.prefix.clone();
            Ok(Arc::new(RenamedMember { member, prefix }) as Arc<dyn Member>)
        })
    }
    fn read<'a>(
        &'a self,
        topic: &'a str,
        partition: i32,
        offset: i64,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Message>, PortError>> {
        Box::pin(async move {
            let topic = self.there(topic);
            self.settled(&topic, partition).await?;
            let messages = self.log.read(&topic, partition, offset, limit).await?;
            Ok(messages
                .into_iter()
                .map(|m| here(&self.prefix, m))
                .collect())
        })
    }
    fn end<'a>(&'a self, topic: &'a str, partition: i32) -> BoxFuture<'a, Result<i64, PortError>> {
        Box::pin(async move {
            let topic = self.there(topic);
            self.settled(&topic, partition).await?;
            self.log.end(&topic, partition).await
        })
    }
    fn grown<'a>(
        &'a self,
        topic: &'a str,
        partition: i32,
        offset: i64,
    ) -> BoxFuture<'a, Result<(), PortError>> {
        Box::pin(async move { self.log.grown(&self.there(topic), partition, offset).await })
    }
}

struct RenamedMember {
    member: Arc<dyn Member>,
    prefix: String,
}

impl Member for RenamedMember {
    fn next(&self) -> BoxFuture<'_, Result<Happening, PortError>> {
        Box::pin(async move {
            Ok(match self.member.next().await? {
                Happening::Fetched(lease, messages) => {
                    let messages = messages.into_iter().map(|m| here(&self.prefix, m));
                    Happening::Fetched(lease, messages.collect())
                }
                other => other,
            })
        })
    }
    fn pause(&self, lease: Lease, paused: bool) {
        self.member.pause(lease, paused);
    }
    fn publish(&self, mut publication: Publication) -> BoxFuture<'_, Result<(), PublishError>> {
        for message in &mut publication.outgoing {
            Arc::make_mut(message).topic = format!("{}{}", self.prefix, message.topic).into();
        }
        self.member.publish(publication)
    }
    fn committed(&self, lease: Lease) -> BoxFuture<'_, Result<Option<Checkpoint>, PublishError>> {
        self.member.committed(lease)
    }
    fn leave(&self) -> BoxFuture<'_, ()> {
        self.member.leave()
    }
}
