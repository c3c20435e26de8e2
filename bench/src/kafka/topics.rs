//! Topics of one run: made by it, and deleted when it ends.
use super::Servers;
use crate::machine::Failed;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::RDKafkaErrorCode;
use std::time::{Duration, Instant};

/// What takes longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Topics that end with this value.
pub struct Topics {
    admin: AdminClient<DefaultClientContext>,
    names: Vec<String>,
}

impl Topics {
    /// Makes them, and waits until every partition has a leader. A topic that is there already is one that a run left
    /// behind, which is deleted first; but only on a broker of this machine, elsewhere it is somebody's.
    ///
    /// # Errors
    /// What the broker says.
    pub async fn make(servers: &Servers, topics: &[(&str, i32)]) -> Result<Self, Failed> {
        let admin: AdminClient<DefaultClientContext> = servers.client().create()?;
        let mut made = Self {
            admin,
            names: vec![],
        };
        let here = servers.kafka.starts_with("127.0.0.1:");
        let until = Instant::now() + PATIENCE;
        let mut wanted = topics.to_vec();
        while !wanted.is_empty() {
            let new = wanted
                .iter()
                .map(|(name, n)| NewTopic::new(name, *n, TopicReplication::Fixed(1)));
            let new: Vec<NewTopic<'_>> = new.collect();
            let created = made.admin.create_topics(&new, &AdminOptions::new()).await?;
            let mut left_behind = vec![];
            for created in created {
                match created {
                    Ok(name) => {
                        wanted.retain(|(wanted, _)| *wanted != name);
                        made.names.push(name);
                    }
                    Err((name, RDKafkaErrorCode::TopicAlreadyExists)) if here => {
                        left_behind.push(name);
                    }
                    Err((name, e)) => return Err(format!("topic {name}: {e}").into()),
                }
            }
            if left_behind.is_empty() {
                continue;
            }
            if Instant::now() > until {
                return Err(format!("topics cannot be deleted: {left_behind:?}").into());
            }
            made.remove(&left_behind).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        made.led(topics, until).await?;
        Ok(made)
    }

    /// Every broker hears of a topic, and of who leads it, a moment after it was made.
    async fn led(&self, topics: &[(&str, i32)], until: Instant) -> Result<(), Failed> {
        for (name, partitions) in topics {
            loop {
                let metadata = self
                    .admin
                    .inner()
                    .fetch_metadata(Some(name), Duration::from_secs(5))?;
                let topic = metadata.topics().iter().find(|topic| topic.name() == *name);
                let led = topic.map_or(0, |topic| {
                    let led = topic.partitions().iter().filter(|p| p.leader() >= 0);
                    led.count()
                });
                if i32::try_from(led)? == *partitions {
                    break;
                }
                if Instant::now() > until {
                    return Err(format!("nobody leads {name}").into());
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Ok(())
    }

    async fn remove(&self, names: &[String]) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        if names.is_empty() {
            return;
        }
        let deleted = self.admin.delete_topics(&names, &AdminOptions::new()).await;
        match deleted {
            Ok(deleted) => {
                for (name, e) in deleted.into_iter().filter_map(Result::err) {
                    eprintln!("bench: topic {name} stays behind: {e}");
                }
            }
            Err(e) => eprintln!("bench: topics stay behind: {e}"),
        }
    }
}

impl Drop for Topics {
    fn drop(&mut self) {
        let names = std::mem::take(&mut self.names);
        // The answer comes on a thread of rdkafka's own, so that nothing here is waited for in vain.
        futures::executor::block_on(self.remove(&names));
    }
}
