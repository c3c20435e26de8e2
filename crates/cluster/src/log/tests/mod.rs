//! The log on a real broker (TROUPE_TEST_KAFKA).
mod checkpoints;
mod copying;
mod faults;
mod handing_over;
mod health;
mod laws;
mod line;
mod parking;
mod publishing;
mod reading;
mod renamed;
mod scanning;
mod secure;
mod storm;

use super::member::Watch;
use super::{FirstCheckpoints, KafkaLog, MemberHealth, Options};
use crate::servers::shared;
use crate::settings::Kafka;
use events::Headers;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use runtime::ports::log::{Happening, Joining, Lease, Log, Member, Message, Outgoing};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What does not happen within this never will.
const PATIENCE: Duration = Duration::from_secs(60);

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(done) => done,
        Err(_) => panic!("waited in vain for {what}"),
    }
}

fn bootstrap() -> String {
    shared("TROUPE_TEST_KAFKA")
}

/// Names of one test's own on the broker that all share.
struct World {
    prefix: String,
    admin: AdminClient<DefaultClientContext>,
}

impl World {
    fn new() -> Self {
        let prefix = format!("t{}", uuid::Uuid::now_v7().simple());
        let admin = Kafka::plaintext(bootstrap()).client();
        let admin = admin.create().expect("an admin client");
        Self { prefix, admin }
    }

    fn name(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }

    async fn topic(&self, name: &str, partitions: i32, more: &[(&str, &str)]) -> String {
        let name = self.name(name);
        let mut topic = NewTopic::new(&name, partitions, TopicReplication::Fixed(1));
        for (key, value) in more {
            topic = topic.set(key, value);
        }
        let created = self.admin.create_topics([&topic], &AdminOptions::new());
        for created in created.await.expect("the broker answers") {
            created.expect("is created");
        }
        // Every broker hears of it, and of who leads it, a moment later.
        let there = |admin: &AdminClient<DefaultClientContext>| {
            let metadata = admin.inner().fetch_metadata(Some(&name), PATIENCE);
            let metadata = metadata.expect("the broker answers");
            let led = metadata.topics()[0]
                .partitions()
                .iter()
                .filter(|p| p.leader() >= 0);
            led.count() == usize::try_from(partitions).expect("positive")
        };
        while !there(&self.admin) {
            tokio::task::yield_now().await;
        }
        name
    }

    fn options(&self) -> Options {
        self.options_at(bootstrap())
    }

    fn options_at(&self, bootstrap: String) -> Options {
        Options {
            first_checkpoints: FirstCheckpoints::Made,
            ..Options::new(Kafka::plaintext(bootstrap), &*self.prefix)
        }
    }

    async fn log(&self) -> KafkaLog {
        KafkaLog::open(self.options()).await.expect("opens")
    }
}

fn joining(consumer: &str, topic: &str) -> Joining {
    Joining {
        consumer: consumer.into(),
        topic: topic.into(),
        from_first: true,
    }
}

/// A message with a given partition.
fn placed(topic: &str, partition: i32, payload: impl Into<Vec<u8>>) -> Outgoing {
    Outgoing {
        topic: topic.into(),
        partition: Some(partition),
        key: b"acme/1".to_vec().into(),
        headers: Headers(vec![]),
        payload: payload.into().into(),
    }
}

/// Everything that is in a partition now.
async fn all_of(log: &KafkaLog, topic: &str, partition: i32) -> Vec<Message> {
    let mut all: Vec<Message> = vec![];
    loop {
        let from = all.last().map_or(0, |last| last.at.offset + 1);
        let more = log.read(topic, partition, from, 5_000).await;
        let more = more.expect("reads");
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

/// What a member was told.
#[derive(Default)]
struct Told {
    held: BTreeMap<i32, Lease>,
    checkpoints: BTreeMap<i32, Option<runtime::ports::log::Checkpoint>>,
    fetched: Vec<Message>,
}

impl Told {
    fn note(&mut self, happening: Happening) {
        match happening {
            Happening::Assigned {
                lease, checkpoint, ..
            } => {
                self.held.insert(lease.partition, lease);
                self.checkpoints.insert(lease.partition, checkpoint);
            }
            Happening::Revoked(lease) => {
                self.held.remove(&lease.partition);
            }
            Happening::Fetched(_, messages) => self.fetched.extend(messages),
        }
    }
    /// Listens until `enough`.
    async fn until(&mut self, member: &dyn Member, what: &str, enough: impl Fn(&Self) -> bool) {
        within(what, async {
            while !enough(self) {
                match member.next().await {
                    Ok(happening) => self.note(happening),
                    Err(e) => eprintln!("{e}"),
                }
            }
        })
        .await;
    }
}

/// What health says of the one member there is, as soon as `enough` is true of it.
async fn health(log: &KafkaLog, enough: impl Fn(&MemberHealth) -> bool) -> MemberHealth {
    let changes = {
        let members = log.members.lock().expect("nobody panics in it");
        members.iter().find_map(Watch::changes)
    };
    let mut changes = changes.expect("a member");
    within("what health says", async {
        loop {
            changes.mark_unchanged();
            if let Some(health) = log.health().into_iter().next().filter(&enough) {
                return health;
            }
            changes.changed().await.expect("it is a member still");
        }
    })
    .await
}

/// Why the partition of the one member there is is not read.
async fn why_stopped(log: &KafkaLog) -> String {
    let why = |health: &MemberHealth| health.partitions.get(&0)?.stopped.clone();
    let health = health(log, |health| why(health).is_some()).await;
    why(&health).expect("it says so")
}

async fn join(log: &KafkaLog, consumer: &str, topic: &str) -> Arc<dyn Member> {
    let joined = within("joining", log.join(joining(consumer, topic))).await;
    joined.expect("joins")
}
