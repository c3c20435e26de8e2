//! The log: topics in partitions, in one table.
pub(crate) mod append;
pub(crate) mod checkpoints;
pub(crate) mod groups;
pub(crate) mod look;
pub(crate) mod member;
pub(crate) mod rows;
pub(crate) mod seat;
pub(crate) mod sweep;
pub(crate) mod tail;
pub(crate) mod topics;

use crate::embedded::Inner;
use append::check;
use member::Membership;
use runtime::ports::log::{Joining, Log, Member, Message, Outgoing, Position};
use runtime::{BoxFuture, PortError};
use std::pin::pin;
use std::sync::Arc;
use tail::{Found, unshared};
use topics::{Topic, bounds};

/// The port.
pub(crate) struct EmbeddedLog(pub Arc<Inner>);

impl EmbeddedLog {
    fn place(&self, topic: &str, partition: i32) -> Result<(Arc<Topic>, usize), PortError> {
        let refuse = |why: String| PortError::Unreachable { port: "log", why };
        let found = self.0.shared.topics.get(topic).map(Arc::clone);
        let found = found.ok_or_else(|| refuse(format!("there is no topic {topic}")))?;
        let slot = found.slot(partition);
        Ok((
            found,
            slot.ok_or_else(|| refuse(format!("{topic} has no partition {partition}")))?,
        ))
    }
}

impl Log for EmbeddedLog {
    fn partitions(&self, topic: &str) -> Option<i32> {
        self.0
            .shared
            .topics
            .get(topic)
            .map(|topic| topic.partitions)
    }

    fn max_message_bytes(&self, topic: &str) -> usize {
        self.0
            .shared
            .topics
            .get(topic)
            .map_or(0, |topic| topic.max_message_bytes)
    }

    fn append(&self, messages: Vec<Outgoing>) -> BoxFuture<'_, Result<Vec<Position>, PortError>> {
        let messages = messages.into_iter().map(Arc::new).collect();
        let appended = check(&self.0.shared.topics, messages)
            .map_err(|(_, error)| error)
            .map(|messages| self.0.writer.run(move |batch| batch.append(messages)));
        Box::pin(async move { appended?.await.map_err(|fault| fault.of("log")) })
    }

    fn join(&self, joining: Joining) -> BoxFuture<'_, Result<Arc<dyn Member>, PortError>> {
        let joined = Membership::join(Arc::clone(&self.0), joining);
        Box::pin(async move { Ok(Arc::new(joined.await?) as Arc<dyn Member>) })
    }

    fn read<'a>(
        &'a self,
        topic: &'a str,
        partition: i32,
        offset: i64,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Message>, PortError>> {
        Box::pin(async move {
            let (topic, slot) = self.place(topic, partition)?;
            if self.0.owned() {
                match self.0.shared.tail.read(slot, offset, limit) {
                    Found::Nothing => return Ok(vec![]),
                    Found::Messages(messages) => return Ok(unshared(messages)),
                    Found::InFile(_) => {}
                }
            }
            let read = move |sql: &_| rows::read(sql, &topic, partition, offset, limit);
            self.0
                .readers
                .run(read)
                .await
                .map_err(|fault| fault.of("log"))
        })
    }

    fn end<'a>(&'a self, topic: &'a str, partition: i32) -> BoxFuture<'a, Result<i64, PortError>> {
        Box::pin(async move {
            let (topic, slot) = self.place(topic, partition)?;
            if self.0.owned() {
                return Ok(self.0.shared.tail.end(slot));
            }
            let read = move |sql: &_| Ok(bounds(sql, topic.no, partition)?.1);
            self.0
                .readers
                .run_short(read)
                .await
                .map_err(|fault| fault.of("log"))
        })
    }

    fn grown<'a>(
        &'a self,
        topic: &'a str,
        partition: i32,
        offset: i64,
    ) -> BoxFuture<'a, Result<(), PortError>> {
        Box::pin(async move {
            let (topic, slot) = self.place(topic, partition)?;
            if !self.0.owned() {
                let why = "only the owner of the file is told of new messages".to_owned();
                return Err(PortError::Unreachable { port: "log", why });
            }
            loop {
                let mut changed = pin!(topic.changed.notified());
                changed.as_mut().enable();
                if self.0.shared.tail.reaches(slot, offset) {
                    return Ok(());
                }
                changed.await;
            }
        })
    }
}
