//! The log on a real broker (TROUPE_TEST_KAFKA).
mod laws;
mod renamed;

use super::{FirstCheckpoints, KafkaLog, Options};
use crate::servers::shared;
use crate::settings::Kafka;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
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
