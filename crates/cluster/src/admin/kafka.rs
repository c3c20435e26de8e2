//! Kafka, asked and changed through rdkafka's admin client and, for checkpoints, through consumers that never join.
use super::observed::{AUTHORIZER, ObservedTopic};
use super::plan::Action;
use crate::settings::Kafka;
use events::map::From;
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, ConfigSource, NewTopic, OwnedResourceSpecifier,
    ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks at a leader that does not lead yet.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);
/// How often it is looked whether new topics have leaders.
const LOOK: Duration = Duration::from_millis(100);

/// What Kafka did not do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("kafka: {what}: {why}")]
pub struct KafkaFault {
    /// What was asked.
    pub what: String,
    /// What it said.
    pub why: String,
}
impl KafkaFault {
    fn new(what: impl Into<String>, why: impl ToString) -> Self {
        Self {
            what: what.into(),
            why: why.to_string(),
        }
    }
}

/// A cluster.
pub(super) struct Cluster {
    config: ClientConfig,
    admin: Arc<AdminClient<DefaultClientContext>>,
    bootstrap: String,
}

impl Cluster {
    pub fn open(at: &Kafka) -> Result<Self, KafkaFault> {
        let mut config = at.client();
        config
            .set("client.id", "troupe-topics")
            .set_log_level(RDKafkaLogLevel::Critical);
        let admin = config.create();
        let admin = admin.map_err(|e: KafkaError| KafkaFault::new("its settings", e))?;
        Ok(Self {
            config,
            admin: Arc::new(admin),
            bootstrap: at.bootstrap.clone(),
        })
    }

    /// The id of the cluster.
    pub async fn id(&self) -> Result<String, KafkaFault> {
        let admin = self.admin.clone();
        let found = blocking(move || Ok(admin.inner().fetch_cluster_id(PATIENCE))).await?;
        let nobody = format!("no broker at {} in {PATIENCE:?}", self.bootstrap);
        found.ok_or_else(|| KafkaFault::new("the cluster's id", nobody))
    }

    /// The named settings of each broker, and who decides about access.
    pub async fn brokers(
        &self,
        settings: &BTreeSet<&str>,
    ) -> Result<BTreeMap<i32, BTreeMap<String, String>>, KafkaFault> {
        let admin = self.admin.clone();
        let ids = blocking(move || {
            let all = admin.inner().fetch_metadata(None, PATIENCE);
            let all = all.map_err(|e| KafkaFault::new("which brokers there are", e))?;
            Ok(all.brokers().iter().map(|b| b.id()).collect::<Vec<_>>())
        });
        let mut brokers = BTreeMap::new();
        for id in ids.await? {
            // A broker is asked about itself, alone.
            let asked = [ResourceSpecifier::Broker(id)];
            let found = self.admin.describe_configs(&asked, &options()).await;
            let found =
                found.map_err(|e| KafkaFault::new(format!("settings of broker {id}"), e))?;
            let mut values = BTreeMap::new();
            for entry in found.into_iter().flatten().flat_map(|found| found.entries) {
                if settings.contains(entry.name.as_str()) || entry.name == AUTHORIZER {
                    values.insert(entry.name, entry.value.unwrap_or_default());
                }
            }
            brokers.insert(id, values);
        }
        Ok(brokers)
    }

    /// Every topic but Kafka's own, with the named settings.
    pub async fn topics(
        &self,
        settings: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, ObservedTopic>, KafkaFault> {
        let admin = self.admin.clone();
        let mut topics = blocking(move || {
            let all = admin.inner().fetch_metadata(None, PATIENCE);
            let all = all.map_err(|e| KafkaFault::new("which topics there are", e))?;
            let theirs = all.topics().iter().filter(|t| !t.name().starts_with("__"));
            Ok(theirs.map(found).collect::<BTreeMap<_, _>>())
        })
        .await?;
        let names: Vec<String> = topics.keys().cloned().collect();
        let asked: Vec<ResourceSpecifier<'_>> =
            names.iter().map(|n| ResourceSpecifier::Topic(n)).collect();
        if settings.is_empty() || asked.is_empty() {
            return Ok(topics);
        }
        let found = self.admin.describe_configs(&asked, &options()).await;
        let found = found.map_err(|e| KafkaFault::new("settings of topics", e))?;
        for resource in found {
            let resource = resource.map_err(|e| KafkaFault::new("settings of topics", e))?;
            let OwnedResourceSpecifier::Topic(name) = &resource.specifier else {
                continue;
            };
            let Some(topic) = topics.get_mut(name) else {
                continue;
            };
            for entry in resource.entries {
                let value = entry.value.unwrap_or_default();
                if entry.source == ConfigSource::DynamicTopic {
                    topic.own.insert(entry.name.clone(), value.clone());
                }
                if settings.contains(&entry.name) {
                    topic.config.insert(entry.name, value);
                }
            }
        }
        Ok(topics)
    }

    /// All consumer groups.
    pub async fn groups(&self) -> Result<BTreeSet<String>, KafkaFault> {
        let admin = self.admin.clone();
        blocking(move || {
            let all = admin.inner().fetch_group_list(None, PATIENCE);
            let all = all.map_err(|e| KafkaFault::new("which groups there are", e))?;
            Ok(all.groups().iter().map(|g| g.name().to_owned()).collect())
        })
        .await
    }

    /// The partitions in which a group has a checkpoint.
    pub async fn checkpoints(
        &self,
        group: &str,
        topic: &str,
        partitions: i32,
    ) -> Result<BTreeSet<i32>, KafkaFault> {
        let what = format!("checkpoints of {group}");
        let consumer = self.consumer(group)?;
        let topic = topic.to_owned();
        blocking(move || {
            let mut asked = TopicPartitionList::new();
            asked.add_partition_range(&topic, 0, partitions - 1);
            let found = consumer.committed_offsets(asked, PATIENCE);
            let found = found.map_err(|e| KafkaFault::new(&what, e))?;
            let mut there = BTreeSet::new();
            for element in found.elements() {
                element.error().map_err(|e| KafkaFault::new(&what, e))?;
                if let Offset::Offset(_) = element.offset() {
                    there.insert(element.partition());
                }
            }
            Ok(there)
        })
        .await
    }

    /// Creates topics, all in one request; one result for each, in their order. Waits until they have leaders.
    pub async fn create(&self, actions: &[Action]) -> Vec<Result<(), KafkaFault>> {
        let new = |action| match action {
            &Action::CreateTopic {
                ref topic,
                partitions,
                replication,
                ref config,
            } => {
                let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(replication));
                Some(
                    config
                        .iter()
                        .fold(new, |new, (key, value)| new.set(key, value)),
                )
            }
            _ => None,
        };
        let all: Vec<NewTopic<'_>> = actions.iter().filter_map(new).collect();
        let names: Vec<String> = all.iter().map(|new| new.name.to_owned()).collect();
        let what = |name: &str| format!("creating {name}");
        let mut results: BTreeMap<String, Result<(), KafkaFault>> = BTreeMap::new();
        match self.admin.create_topics(&all, &options()).await {
            Ok(made) => {
                for one in made {
                    match one {
                        Ok(name) => results.insert(name, Ok(())),
                        Err((name, code)) => {
                            let fault = KafkaFault::new(what(&name), code);
                            results.insert(name, Err(fault))
                        }
                    };
                }
            }
            Err(e) => {
                for name in &names {
                    results.insert(name.clone(), Err(KafkaFault::new(what(name), &e)));
                }
            }
        }
        let made = names
            .iter()
            .filter(|name| matches!(results.get(*name), Some(Ok(()))));
        let led = self.led(made.cloned().collect()).await;
        let result = |name: &String| {
            let made = results.remove(name);
            let made = made.unwrap_or_else(|| Err(KafkaFault::new(what(name), "nothing was said")));
            made.and_then(|()| led.clone())
        };
        names.iter().map(result).collect()
    }

    /// Waits until every partition of these topics has a leader.
    async fn led(&self, topics: BTreeSet<String>) -> Result<(), KafkaFault> {
        let began = Instant::now();
        loop {
            let (admin, topics) = (self.admin.clone(), topics.clone());
            let led = blocking(move || {
                let all = admin.inner().fetch_metadata(None, PATIENCE);
                let all = all.map_err(|e| KafkaFault::new("leaders of new topics", e))?;
                let led = all.topics().iter().filter(|topic| {
                    topics.contains(topic.name())
                        && topic
                            .partitions()
                            .iter()
                            .all(|p| p.leader() >= 0 && p.error().is_none())
                });
                Ok(led.count() == topics.len())
            });
            if led.await? {
                return Ok(());
            }
            if began.elapsed() > PATIENCE {
                let why = format!("some had none in {PATIENCE:?}");
                return Err(KafkaFault::new("leaders of new topics", why));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Sets all that is set for a topic itself. The request replaces: what is left out is reset.
    pub async fn configure(
        &self,
        topic: &str,
        config: &BTreeMap<String, String>,
    ) -> Result<(), KafkaFault> {
        let what = format!("settings of {topic}");
        let altered = AlterConfig::new(ResourceSpecifier::Topic(topic));
        let altered = config
            .iter()
            .fold(altered, |altered, (key, value)| altered.set(key, value));
        let done = self.admin.alter_configs([&altered], &options()).await;
        for one in done.map_err(|e| KafkaFault::new(&what, e))? {
            one.map_err(|(_, code)| KafkaFault::new(&what, code))?;
        }
        Ok(())
    }

    /// Commits the first checkpoints of a group (K1).
    pub async fn begin(
        &self,
        group: &str,
        topic: &str,
        partitions: i32,
        from: From,
    ) -> Result<(), KafkaFault> {
        let what = format!("first checkpoints of {group}");
        let consumer = self.consumer(group)?;
        let topic = topic.to_owned();
        blocking(move || {
            let mut list = TopicPartitionList::new();
            for partition in 0..partitions {
                let (first, end) =
                    ends(&consumer, &topic, partition).map_err(|e| KafkaFault::new(&what, e))?;
                let offset = match from {
                    From::First => first,
                    From::New => end,
                };
                list.add_partition_offset(&topic, partition, Offset::Offset(offset))
                    .map_err(|e| KafkaFault::new(&what, e))?;
            }
            consumer.commit(&list, CommitMode::Sync).map_err(|e| {
                let members = e.rdkafka_error_code() == Some(RDKafkaErrorCode::UnknownMemberId);
                match members {
                    true => KafkaFault::new(&what, "the group has members: stop them first"),
                    false => KafkaFault::new(&what, e),
                }
            })
        })
        .await
    }

    /// Deletes a topic.
    pub async fn delete(&self, topic: &str) -> Result<(), KafkaFault> {
        let what = format!("deleting {topic}");
        let done = self.admin.delete_topics(&[topic], &options()).await;
        for one in done.map_err(|e| KafkaFault::new(&what, e))? {
            one.map_err(|(_, code)| KafkaFault::new(&what, code))?;
        }
        Ok(())
    }

    /// One that speaks for a group and never joins it.
    fn consumer(&self, group: &str) -> Result<BaseConsumer, KafkaFault> {
        let mut config = self.config.clone();
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false");
        let consumer = config.create();
        consumer.map_err(|e: KafkaError| KafkaFault::new(format!("a client for {group}"), e))
    }
}

/// The ends of a partition, asked again only while its leader does not know yet that it leads: for a moment after a
/// topic is made the metadata already names a leader that still refuses (so that waiting for leaders in the metadata is not enough).
fn ends(consumer: &BaseConsumer, topic: &str, partition: i32) -> Result<(i64, i64), KafkaError> {
    let until = Instant::now() + PATIENCE;
    loop {
        match consumer.fetch_watermarks(topic, partition, PATIENCE) {
            Err(e) if leads_not_yet(&e) && Instant::now() < until => {
                std::thread::park_timeout(BETWEEN_LOOKS);
            }
            ends => return ends,
        }
    }
}

fn leads_not_yet(error: &KafkaError) -> bool {
    use rdkafka::types::RDKafkaErrorCode as Code;
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::NotLeaderForPartition | Code::LeaderNotAvailable | Code::UnknownTopicOrPartition
        )
    )
}

fn found(topic: &rdkafka::metadata::MetadataTopic) -> (String, ObservedTopic) {
    let partitions = topic.partitions();
    let copies = partitions.iter().map(|p| p.replicas().len()).min();
    let found = ObservedTopic {
        partitions: i32::try_from(partitions.len()).unwrap_or(i32::MAX),
        replication: i32::try_from(copies.unwrap_or_default()).unwrap_or(i32::MAX),
        ..ObservedTopic::default()
    };
    (topic.name().to_owned(), found)
}

fn options() -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(PATIENCE))
        .operation_timeout(Some(PATIENCE))
}

async fn blocking<T: Send + 'static>(
    ask: impl FnOnce() -> Result<T, KafkaFault> + Send + 'static,
) -> Result<T, KafkaFault> {
    let asked = tokio::task::spawn_blocking(ask).await;
    asked.map_err(|e| KafkaFault::new("a thread", e))?
}
