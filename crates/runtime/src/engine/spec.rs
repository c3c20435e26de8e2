//! What the engine knows of a consumer: what its worker registered, and what topics.yaml says of it.
use super::Options;
use super::sabotage::Sabotage;
use crate::consumer::{Behaviour, Consumer, Emitted};
use crate::ports::log::Joining;
use events::map::{ConsumerKind, From, Tenants, Topic, TopicMap};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Results in one commit of a consumer that may have rows to save, at most: what saving them takes, whoever gets the
/// partition next may wait for.
const WITH_ROWS: usize = 8_000;

/// Why a consumer cannot be run: a fault of wiring.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WiringError {
    /// topics.yaml does not know it.
    #[error("topics.yaml has no consumer {0}")]
    Unknown(&'static str),
    /// topics.yaml calls it something else.
    #[error("{consumer} is registered as one of {registered}, and topics.yaml says {mapped:?}")]
    Kind {
        /// Its name.
        consumer: &'static str,
        /// What the worker registered.
        registered: &'static str,
        /// What topics.yaml says.
        mapped: ConsumerKind,
    },
}

/// A consumer, ready to be run.
pub struct Spec {
    pub(super) name: Arc<str>,
    pub(super) topic: Arc<str>,
    pub(super) behaviour: Behaviour,
    pub(super) ordered: bool,
    pub(super) limit: usize,
    pub(super) attempts: u32,
    pub(super) dead_topic: Arc<str>,
    /// In one commit, at most.
    pub(super) results: usize,
    /// Whether what waits long may be parked (C2): it comes back through the input, which then must be its alone.
    pub(super) parks: bool,
    from_first: bool,
    /// At an inbox: the tenants that may be named.
    pub(super) border: Option<Tenants>,
    /// It is the border of a context's commands.
    pub(super) commands: bool,
    /// Topics that it may write.
    emits: BTreeSet<String>,
    /// Of which records; empty: it does not say.
    says: BTreeSet<Emitted>,
    pub(super) map: Arc<TopicMap>,
    #[cfg(any(test, feature = "testkit"))]
    sabotage: Option<Sabotage>,
}

impl Spec {
    /// # Errors
    /// [`WiringError`].
    pub fn new(consumer: Consumer, options: &Options) -> Result<Self, WiringError> {
        let map = &options.map;
        let (topic, mapped): (&Topic, _) = map
            .consumer(consumer.name)
            .ok_or(WiringError::Unknown(consumer.name))?;
        let (registered, fits) = match &consumer.behaviour {
            Behaviour::Route(_) => (
                "route",
                matches!(mapped.kind, ConsumerKind::Route | ConsumerKind::Border),
            ),
            Behaviour::Handlers(_) | Behaviour::Bytes(_) => {
                ("handlers", mapped.kind == ConsumerKind::Handlers)
            }
            Behaviour::Entity(_) => (
                "entity",
                matches!(mapped.kind, ConsumerKind::Entity | ConsumerKind::Saga),
            ),
            Behaviour::View(_) => ("view", mapped.kind == ConsumerKind::View),
        };
        if !fits {
            let (consumer, mapped) = (consumer.name, mapped.kind);
            return Err(WiringError::Kind {
                consumer,
                registered,
                mapped,
            });
        }
        let border = (mapped.kind == ConsumerKind::Border)
            .then(|| topic.tenants.clone().unwrap_or(Tenants::These(vec![])));
        Ok(Self {
            name: consumer.name.into(),
            topic: topic.name.as_str().into(),
            ordered: mapped.ordered,
            limit: mapped.limit.max(1),
            attempts: mapped.attempts.max(1),
            dead_topic: TopicMap::dead_topic(consumer.name).into(),
            results: match consumer.behaviour {
                Behaviour::Bytes(_) => options.results.max(1),
                _ => options.results.clamp(1, WITH_ROWS),
            },
            parks: topic.consumers.len() == 1 && !matches!(consumer.behaviour, Behaviour::Bytes(_)),
            from_first: mapped.from == From::First,
            border,
            commands: topic.takes_commands(),
            emits: map
                .emits_of(consumer.name)
                .into_iter()
                .map(str::to_owned)
                .collect(),
            says: consumer.emits.into_iter().collect(),
            behaviour: consumer.behaviour,
            map: map.clone(),
            #[cfg(any(test, feature = "testkit"))]
            sabotage: options.sabotage,
        })
    }
    pub(super) fn joining(&self) -> Joining {
        let (consumer, topic) = (self.name.clone(), self.topic.clone());
        Joining {
            consumer,
            topic,
            from_first: self.from_first,
        }
    }
    /// Whether it may write this record there: as topics.yaml says and as it was registered.
    pub(super) fn declares(&self, topic: &'static str, record: &'static str) -> bool {
        let said = self.says.is_empty() || self.says.contains(&Emitted { topic, record });
        said && self.emits.contains(topic)
    }
    /// Whether a test wants this rule broken.
    #[cfg(any(test, feature = "testkit"))]
    pub(super) fn breaks(&self, rule: Sabotage) -> bool {
        self.sabotage == Some(rule)
    }
    /// Nobody breaks a rule outside tests.
    #[cfg(not(any(test, feature = "testkit")))]
    pub(super) const fn breaks(&self, _: Sabotage) -> bool {
        false
    }
    /// Whether rows are woken (E7).
    pub(super) fn wakes(&self) -> bool {
        matches!(self.behaviour, Behaviour::Entity(_)) && !self.breaks(Sabotage::E7NeverWakes)
    }
    pub(super) fn holds(&self) -> String {
        format!("{}.{}", crate::rows::HOLDS, self.name)
    }
}
