//! What the engine knows of a consumer: what its worker registered, and what topics.yaml says of it.
use super::sabotage::Sabotage;
use crate::consumer::{Behaviour, Consumer};
use crate::ports::log::Joining;
use events::map::{ConsumerKind, From, Tenants, Topic, TopicMap};
use std::collections::BTreeSet;
use std::sync::Arc;

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
    pub(super) dead_topic: String,
    from_first: bool,
    /// At an inbox: the tenants that may be named.
    pub(super) border: Option<Tenants>,
    emits: BTreeSet<String>,
    pub(super) map: Arc<TopicMap>,
    pub(super) sabotage: Option<Sabotage>,
}

impl Spec {
    /// # Errors
    /// [`WiringError`].
    pub fn new(
        consumer: Consumer,
        map: &Arc<TopicMap>,
        sabotage: Option<Sabotage>,
    ) -> Result<Self, WiringError> {
        let (topic, mapped): (&Topic, _) = map
            .consumer(consumer.name)
            .ok_or(WiringError::Unknown(consumer.name))?;
        let (registered, fits) = match &consumer.behaviour {
            Behaviour::Route(_) => (
                "route",
                matches!(mapped.kind, ConsumerKind::Route | ConsumerKind::Border),
            ),
            Behaviour::Handlers(_) => ("handlers", mapped.kind == ConsumerKind::Handlers),
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
            dead_topic: TopicMap::dead_topic(consumer.name),
            from_first: mapped.from == From::First,
            border,
            emits: map
                .emits_of(consumer.name)
                .into_iter()
                .map(str::to_owned)
                .collect(),
            behaviour: consumer.behaviour,
            map: map.clone(),
            sabotage,
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
    pub(super) fn declares(&self, topic: &str) -> bool {
        self.emits.contains(topic)
    }
    pub(super) fn breaks(&self, rule: Sabotage) -> bool {
        self.sabotage == Some(rule)
    }
    /// Whether rows are woken (E7).
    pub(super) fn wakes(&self) -> bool {
        matches!(self.behaviour, Behaviour::Entity(_)) && !self.breaks(Sabotage::E7NeverWakes)
    }
    pub(super) fn holds(&self) -> String {
        format!("{}.{}", crate::rows::HOLDS, self.name)
    }
}
