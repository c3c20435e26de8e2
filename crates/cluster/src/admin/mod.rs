//! `troupe topics plan|apply|drift|delete`: what Kafka and the registry should be, held against what they are.
//!
//! `desired.rs` and `observed.rs` are the two sides, `diff.rs` makes a [`Plan`] of them and is pure, `kafka.rs` asks and
//! changes Kafka. [`Admin`] puts them together: it looks, plans, and applies a plan exactly or not at all.
mod desired;
mod diff;
mod kafka;
mod observed;
mod plan;

pub use desired::{Desired, DesiredGroup, DesiredSubject, DesiredTopic, Wanted};
pub use diff::plan;
pub use kafka::KafkaFault;
pub use observed::{AUTHORIZER, Observed, ObservedSubject, ObservedTopic};
pub use plan::{Action, Finding, Plan, PlanError, Severity};

use crate::registry::{Confluent, RegistryError};
use crate::settings::{Environment, Settings, SettingsError};
use events::RecordSchema;
use events::map::TopicMap;
use futures::stream::{self, StreamExt, TryStreamExt};
use kafka::Cluster;
use std::collections::{BTreeMap, BTreeSet};

/// So many questions of one kind are under way at once.
const AT_ONCE: usize = 8;

/// Why nothing was planned or applied, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The settings do not say where the cluster is.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Nobody said which cluster it must be.
    #[error(
        "cluster.kafka_id is not set: the cluster there has the id {found:?}; if that is the one, say so in the \
         configuration"
    )]
    NoId {
        /// The id of the cluster that is there.
        found: String,
    },
    /// It is another cluster.
    #[error(
        "this is the cluster {found:?}, and cluster.kafka_id says {configured:?}: nothing was done"
    )]
    OtherCluster {
        /// The id that it has.
        found: String,
        /// The id that it should have.
        configured: String,
    },
    /// The plan is for another cluster.
    #[error("the plan is for the cluster {planned:?}, and this is {found:?}: nothing was done")]
    OtherPlan {
        /// The plan's.
        planned: String,
        /// The id that it has.
        found: String,
    },
    /// The cluster is not as it was when the plan was made.
    #[error("the cluster has changed since the plan was made: nothing was done; plan again")]
    Moved,
    /// This version would plan something else.
    #[error(
        "this version of troupe, or its configuration, plans something else for the same cluster: nothing was done; plan again"
    )]
    OtherMap,
    /// The map wants what must never be done.
    #[error("the plan has {0} things that must never be done: nothing was done")]
    Refused(usize),
    /// There is no such topic.
    #[error("there is no topic {0}")]
    NoTopic(String),
    /// Kafka did not do it.
    #[error(transparent)]
    Kafka(#[from] KafkaFault),
    /// The registry did not do it.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A change could not be made; those before it were.
    #[error("{done} changes were made, this one was not: {action}: {source}; plan again")]
    Stopped {
        /// How many were made.
        done: usize,
        /// The change, as the plan says it.
        action: String,
        /// Why.
        source: Box<AdminError>,
    },
}

/// The cluster, to be administered.
pub struct Admin {
    desired: Desired,
    cluster: Cluster,
    registry: Confluent,
}

impl Admin {
    /// For a cluster, and what it should be. Fails if it is not the one that the settings name.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn open(
        settings: &Settings,
        env: &dyn Environment,
        map: &TopicMap,
        records: &[&'static RecordSchema],
    ) -> Result<Self, AdminError> {
        let cluster = Cluster::open(&settings.kafka(env)?)?;
        let registry = Confluent::new(settings.registry(env)?)?;
        let found = cluster.id().await?;
        if settings.kafka_id.is_empty() {
            return Err(AdminError::NoId { found });
        }
        if settings.kafka_id != found {
            let configured = settings.kafka_id.clone();
            return Err(AdminError::OtherCluster { found, configured });
        }
        Ok(Self {
            desired: Desired::new(map, records, settings),
            cluster,
            registry,
        })
    }

    /// What would make the cluster what it should be. Changes nothing.
    ///
    /// # Errors
    /// [`AdminError`] if somebody cannot be asked.
    pub async fn plan(&self) -> Result<Plan, AdminError> {
        Ok(plan(&self.desired, &self.observe().await?))
    }

    /// Applies exactly that plan; `done` hears of each change that was made. Nothing is done if the world has moved since,
    /// or if the plan has something in it that must never be done.
    ///
    /// # Errors
    /// [`AdminError`]; only after [`AdminError::Stopped`] has anything been changed.
    pub async fn apply(
        &self,
        plan: &Plan,
        mut done: impl FnMut(&Action),
    ) -> Result<(), AdminError> {
        let refused = plan.refused().count();
        if refused > 0 {
            return Err(AdminError::Refused(refused));
        }
        let now = self.plan().await?;
        if plan.cluster_id != now.cluster_id {
            return Err(AdminError::OtherPlan {
                planned: plan.cluster_id.clone(),
                found: now.cluster_id,
            });
        }
        if plan.observed != now.observed {
            return Err(AdminError::Moved);
        }
        if plan.actions != now.actions {
            return Err(AdminError::OtherMap);
        }
        let mut made = 0;
        for stage in plan
            .actions
            .chunk_by(|one, next| one.stage() == next.stage())
        {
            let mut results = self.stage(stage).await;
            // What was made is told also where another of the same stage was not.
            results.sort_by_key(|(_, result)| result.is_err());
            for (action, result) in results {
                result.map_err(|source| AdminError::Stopped {
                    done: made,
                    action: action.to_string(),
                    source: Box::new(source),
                })?;
                made += 1;
                done(action);
            }
        }
        Ok(())
    }

    /// Deletes one topic with all its messages, as nothing else here ever does.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn delete(&self, topic: &str) -> Result<(), AdminError> {
        if !self
            .cluster
            .topics(&BTreeSet::new())
            .await?
            .contains_key(topic)
        {
            return Err(AdminError::NoTopic(topic.to_owned()));
        }
        Ok(self.cluster.delete(topic).await?)
    }

    /// Changes of one kind: none needs another.
    async fn stage<'a>(&self, actions: &'a [Action]) -> Vec<(&'a Action, Result<(), AdminError>)> {
        if matches!(actions.first(), Some(Action::CreateTopic { .. })) {
            let made = self.cluster.create(actions).await;
            let made = made
                .into_iter()
                .map(|result| result.map_err(AdminError::from));
            return actions.iter().zip(made).collect();
        }
        stream::iter(actions)
            .map(async |action| (action, self.one(action).await))
            .buffered(AT_ONCE)
            .collect()
            .await
    }

    async fn one(&self, action: &Action) -> Result<(), AdminError> {
        match action {
            Action::CreateTopic { .. } => Ok(()), // all at once, in `stage`
            Action::ConfigureTopic { topic, config, .. } => {
                Ok(self.cluster.configure(topic, config).await?)
            }
            Action::SetLevel { subject, level, .. } => {
                Ok(self.registry.set_level(subject, level).await?)
            }
            Action::RegisterSchema { subject, text, .. } => {
                self.registry.register(subject, text).await?;
                Ok(())
            }
            Action::FirstCheckpoints {
                group,
                topic,
                partitions,
                from,
            } => Ok(self.cluster.begin(group, topic, *partitions, *from).await?),
        }
    }

    async fn observe(&self) -> Result<Observed, AdminError> {
        let (cluster, desired) = (&self.cluster, &self.desired);
        let settings: BTreeSet<String> = desired
            .topics
            .values()
            .flat_map(|topic| topic.config.keys().cloned())
            .collect();
        let mut topics = cluster.topics(&settings).await?;
        let other_topics = topics
            .keys()
            .filter(|name| !desired.topics.contains_key(*name))
            .cloned()
            .collect();
        topics.retain(|name, _| desired.topics.contains_key(name));
        let groups = stream::iter(&desired.groups)
            .map(async |(name, group)| match topics.get(&group.topic) {
                None => Ok((name.clone(), BTreeSet::new())),
                Some(topic) => {
                    let there = cluster.checkpoints(name, &group.topic, topic.partitions);
                    there.await.map(|there| (name.clone(), there))
                }
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let other_groups = cluster
            .groups()
            .await?
            .into_iter()
            .filter(|name| !desired.groups.contains_key(name) && !self.is_reader(name))
            .collect();
        let wanted: BTreeSet<&str> = desired.brokers.keys().map(String::as_str).collect();
        Ok(Observed {
            cluster_id: cluster.id().await?,
            brokers: cluster.brokers(&wanted).await?,
            groups,
            subjects: self.subjects().await?,
            topics,
            other_topics,
            other_groups,
        })
    }

    /// The group that readers by hand name and never join.
    fn is_reader(&self, group: &str) -> bool {
        group == format!("{}.readers", self.desired.name)
    }

    async fn subjects(&self) -> Result<BTreeMap<String, ObservedSubject>, AdminError> {
        let there: BTreeSet<String> = self.registry.subjects().await?.into_iter().collect();
        let there = &there;
        let all = stream::iter(&self.desired.subjects).map(async |(name, wanted)| {
            let level = match wanted.level {
                Some(_) => self.registry.level(name).await?,
                None => None, // whatever it is
            };
            let registered =
                there.contains(name) && self.registry.id(name, &wanted.text).await?.is_some();
            let compatible = registered
                || !there.contains(name)
                || self.registry.is_compatible(name, &wanted.text).await?;
            let found = ObservedSubject {
                registered,
                compatible,
                level,
            };
            Ok::<_, AdminError>((name.clone(), found))
        });
        all.buffered(AT_ONCE).try_collect().await
    }
}

#[cfg(all(test, feature = "servers"))]
mod tests;
