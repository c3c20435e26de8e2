//! The log as one process sees it.
use super::member::join;
use super::wire::{Fate, Wire, travel, unreachable};
use crate::ports::log::{Joining, Log, Member, Message, Outgoing, Position};
use crate::ports::{BoxFuture, PortError};
use std::sync::Arc;

pub(super) struct SimLog(pub Wire);

fn no_topic(topic: &str) -> PortError {
    unreachable("log", &format!("there is no topic {topic}"))
}

impl Log for SimLog {
    fn partitions(&self, topic: &str) -> Option<i32> {
        self.0
            .world
            .lock()
            .topics
            .get(topic)
            .map(|topic| topic.options.partitions)
    }

    fn max_message_bytes(&self, topic: &str) -> usize {
        self.0
            .world
            .lock()
            .topics
            .get(topic)
            .map_or(0, |topic| topic.options.max_message_bytes)
    }

    fn append(&self, messages: Vec<Outgoing>) -> BoxFuture<'_, Result<Vec<Position>, PortError>> {
        let name = self.0.name();
        Box::pin(self.0.write("log.append", move |world, fate| {
            let mut places = Vec::new();
            for message in &messages {
                let topic = world
                    .topics
                    .get(&*message.topic)
                    .ok_or_else(|| no_topic(&message.topic))?;
                let partition = topic
                    .check(message)
                    .map_err(|why| PortError::Corrupt { port: "log", why })?;
                places.push(partition);
            }
            // Unanswered, the log may have taken only the first of them: an append is no transaction.
            let taken = match fate {
                Fate::Fine | Fate::Twice => messages.len(),
                Fate::Unanswered => world.random.between(0, messages.len() as u64) as usize,
            };
            if fate == Fate::Twice {
                for (message, partition) in messages.iter().zip(&places) {
                    world.append(&name, *partition, message.clone(), None, false);
                }
            }
            let appended = messages.into_iter().zip(places).take(taken);
            Ok(appended
                .filter_map(|(message, partition)| {
                    world.append(&name, partition, message, None, false)
                })
                .map(|message| message.at.clone())
                .collect())
        }))
    }

    fn join(&self, joining: Joining) -> BoxFuture<'_, Result<Arc<dyn Member>, PortError>> {
        let wire = self.0.clone();
        Box::pin(async move {
            let member = self
                .0
                .read("log.join", move |world| join(world, wire, &joining))
                .await??;
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
        Box::pin(async move {
            let read = |world: &mut super::world::World| {
                let topic = world
                    .topics
                    .get(topic)
                    .filter(|topic| (0..topic.options.partitions).contains(&partition))?;
                Some(topic.read(partition, offset, limit))
            };
            self.0
                .read("log.read", read)
                .await?
                .ok_or_else(|| no_topic(topic))
        })
    }

    fn end<'a>(&'a self, topic: &'a str, partition: i32) -> BoxFuture<'a, Result<i64, PortError>> {
        Box::pin(async move {
            let end = |world: &mut super::world::World| {
                let topic = world
                    .topics
                    .get(topic)
                    .filter(|topic| (0..topic.options.partitions).contains(&partition))?;
                Some(topic.visible_end(partition))
            };
            self.0
                .read("log.end", end)
                .await?
                .ok_or_else(|| no_topic(topic))
        })
    }

    fn grown<'a>(
        &'a self,
        topic: &'a str,
        partition: i32,
        offset: i64,
    ) -> BoxFuture<'a, Result<(), PortError>> {
        Box::pin(async move {
            let course = self.0.begin("log.grown").await;
            if course.fault.is_some() {
                // Whoever waits for more is only woken by it: that a wait fails or hangs is all that can befall it.
                travel(course.there).await;
                self.0.done(&mut self.0.world.lock(), "log.grown", &course);
                travel(course.back).await;
                self.0.gate().await;
                let refused = self
                    .0
                    .world
                    .lock()
                    .refused(&self.0.process, "log.grown", &course);
                if refused || course.hangs() {
                    return Err(unreachable("log.grown", "no answer"));
                }
            }
            loop {
                self.0.gate().await;
                let grown = {
                    let world = self.0.world.lock();
                    let topic = world
                        .topics
                        .get(topic)
                        .filter(|topic| (0..topic.options.partitions).contains(&partition));
                    match topic {
                        None => None,
                        Some(topic) if topic.holds(partition, offset) => return Ok(()),
                        Some(topic) => Some(topic.grown.clone().notified_owned()),
                    }
                };
                match grown {
                    Some(grown) => grown.await,
                    None => return Err(no_topic(topic)),
                }
            }
        })
    }
}
