//! `topics.yaml`, parsed: the map of every topic, who writes it, who reads it, how long it lives.
//!
//! [`TopicMap::parse`] refuses a map that breaks a rule of the house, and says everything that is wrong with it at
//! once; the rules are in `check.rs`. [`TopicMap::embedded`] is the map that this binary was built with.
mod check;
mod read;
#[cfg(test)]
mod tests;

pub use check::Fault;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

/// What a topic is for; it decides who may write it and who may read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TopicKind {
    /// Outsiders write, one border reads.
    Inbox,
    /// The only input of an entity kind or of a saga (E1).
    Input,
    /// The input of one context's handlers.
    Effects,
    /// Something happened; anybody may read it.
    Event,
    /// Answers to clients.
    Replies,
    /// Written outside transactions; may be lost (H3).
    Ephemeral,
    /// The dead letters of one consumer; derived, never written in the map.
    Dead,
}

/// What a consumer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConsumerKind {
    /// The route of an inbox, which checks what comes in (I3).
    Border,
    /// Passes an event on to the entity that it concerns.
    Route,
    /// A thing with an identity and a history.
    Entity,
    /// An entity that leads others through steps and back.
    Saga,
    /// Steps with effects on the outside.
    Handlers,
    /// A read model.
    View,
}

/// Who may name a topic in a `reply-to` (K4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Replies {
    /// Clients: edges name `replies`, outsiders the topic that is theirs, also in a header set outside.
    Clients,
    /// Our own consumers only.
    Internal,
}

/// What the registry demands of a new version of a topic's schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Compatibility {
    /// Every version can read every other (A3).
    FullTransitive,
}

/// Where a consumer without a checkpoint begins (K1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum From {
    /// At the first offset.
    First,
    /// After the last offset that is there when it is set up.
    New,
}

/// The tenants that an inbox's writers may name (I4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub enum Tenants {
    /// `"*"`: every tenant.
    All,
    /// These only.
    These(Vec<String>),
}
impl Tenants {
    /// Whether a writer may name `tenant`.
    pub fn allow(&self, tenant: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(tenants) => tenants.iter().any(|t| t == tenant),
        }
    }
}
impl std::convert::From<Tenants> for String {
    fn from(tenants: Tenants) -> String {
        match tenants {
            Tenants::All => "*".to_owned(),
            Tenants::These(tenants) => tenants.join(", "),
        }
    }
}

/// One topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Topic {
    /// Its name, as in [`crate::topic`].
    pub name: String,
    /// What it is for.
    pub kind: TopicKind,
    /// What it means, in a sentence.
    pub meaning: String,
    /// What the id part of its keys is, such as `document` (I4).
    pub key: String,
    /// How many partitions; it never changes (I5).
    pub partitions: i32,
    /// How long a message is kept.
    pub retention: Duration,
    /// The full names of the records that may stand in it.
    pub schemas: Vec<String>,
    /// Who names it when publishing: consumers, `edge` or `upstream`.
    pub producers: Vec<String>,
    /// Who may name it in a `reply-to`; nobody if absent.
    pub replies: Option<Replies>,
    /// For events: what a new schema version must keep.
    pub compatibility: Option<Compatibility>,
    /// For inboxes: the tenants that its writers may name. For replies to outsiders: those that they may hear of.
    pub tenants: Option<Tenants>,
    /// For inboxes: the principals outside that may write it.
    pub writers: Vec<String>,
    /// For replies to outsiders: the principals outside that read it.
    pub readers: Vec<String>,
    /// Who reads it.
    pub consumers: Vec<ConsumerSpec>,
}

impl Topic {
    /// Whether a `reply-to` may name it; `from_outside`: in a header that was set outside (K4).
    pub fn may_be_answered(&self, from_outside: bool) -> bool {
        match self.replies {
            // Those of the edges are theirs: who could name them could complete what others asked for.
            Some(Replies::Clients) => !from_outside || self.is_for_outsiders(),
            Some(Replies::Internal) => !from_outside,
            None => false,
        }
    }
    /// Whether it carries answers to outsiders: `replies.<outsider>`.
    pub fn is_for_outsiders(&self) -> bool {
        self.kind == TopicKind::Replies && !self.readers.is_empty()
    }
    /// Whether a writer of `inbox` may name it in a `reply-to` of a message about `tenant`: it is read by one of them,
    /// who may hear of that tenant. (Who of an inbox's writers wrote a message, nobody can say.)
    pub fn answers_writers_of(&self, inbox: &Topic, tenant: &str) -> bool {
        let tenants = self.tenants.as_ref();
        self.is_read_by_writers_of(inbox) && tenants.is_some_and(|tenants| tenants.allow(tenant))
    }
    /// Whether it is for outsiders, and one of the writers of `inbox` reads it.
    pub fn is_read_by_writers_of(&self, inbox: &Topic) -> bool {
        let writes = |reader: &String| inbox.writers.contains(reader);
        self.is_for_outsiders() && self.readers.iter().any(writes)
    }
    /// Whether it is the inbox of a context's commands.
    pub fn takes_commands(&self) -> bool {
        self.kind == TopicKind::Inbox && self.name.ends_with(".commands")
    }
}

/// One consumer of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConsumerSpec {
    /// Its name, as in [`crate::topic::consumer`]; also the name of its group.
    pub name: String,
    /// What it is.
    pub kind: ConsumerKind,
    /// Whether a dead letter holds its key (D3).
    pub ordered: bool,
    /// Messages handled at once, at most (the bulkhead); at least 1.
    pub limit: usize,
    /// Failed attempts before a message is a dead letter (D1); at least 1.
    pub attempts: u32,
    /// Where it begins without a checkpoint.
    pub from: From,
    /// How long its dead letters are kept.
    pub dead_retention: Duration,
}

/// Why a map is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// It is not YAML, or has fields that a map has not.
    #[error("topics.yaml cannot be read: {0}")]
    Unreadable(String),
    /// It breaks rules of the house: all of them that it breaks.
    #[error("topics.yaml is wrong:\n  {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n  "))]
    Wrong(Vec<Fault>),
}

/// Every topic, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicMap {
    topics: Vec<Topic>,
    by_name: BTreeMap<String, usize>,
    /// consumer -> (topic, place among its consumers)
    by_consumer: BTreeMap<String, (usize, usize)>,
}

impl TopicMap {
    /// Reads a map and holds it against the rules of the house.
    ///
    /// # Errors
    /// [`MapError`] with everything that is wrong.
    pub fn parse(yaml: &str) -> Result<Self, MapError> {
        Self::parse_with(yaml, &crate::all_records())
    }
    /// [`Self::parse`] with other records than those of the vocabulary: the guides bring their own.
    ///
    /// # Errors
    /// [`MapError`] with everything that is wrong.
    pub fn parse_with(yaml: &str, records: &[&crate::RecordSchema]) -> Result<Self, MapError> {
        let mut topics = read::topics(yaml)?;
        let faults = check::faults(&topics, records);
        if !faults.is_empty() {
            return Err(MapError::Wrong(faults));
        }
        let dead: Vec<Topic> = topics
            .iter()
            .flat_map(|t| t.consumers.iter().map(|c| dead_letters(t, c)))
            .collect();
        topics.extend(dead);
        let by_name = topics
            .iter()
            .enumerate()
            .map(|(i, t)| (t.name.clone(), i))
            .collect();
        let by_consumer = topics
            .iter()
            .enumerate()
            .flat_map(|(i, t)| {
                t.consumers
                    .iter()
                    .enumerate()
                    .map(move |(j, c)| (c.name.clone(), (i, j)))
            })
            .collect();
        Ok(Self {
            topics,
            by_name,
            by_consumer,
        })
    }

    /// The map that this binary was built with.
    ///
    /// # Panics
    /// If `topics.yaml` is wrong, which every test finds.
    pub fn embedded() -> &'static Self {
        static MAP: LazyLock<TopicMap> = LazyLock::new(|| {
            let yaml = include_str!("../../../topics.yaml");
            TopicMap::parse(yaml).unwrap_or_else(|e| panic!("{e}"))
        });
        &MAP
    }

    /// Every topic: those of the map in its order, then the dead letters of each consumer.
    pub fn topics(&self) -> impl Iterator<Item = &Topic> {
        self.topics.iter()
    }
    /// The topic called `name`, also one of dead letters.
    pub fn topic(&self, name: &str) -> Option<&Topic> {
        self.by_name.get(name).map(|i| &self.topics[*i])
    }
    /// Every consumer with the topic that it reads, in the order of the map.
    pub fn consumers(&self) -> impl Iterator<Item = (&Topic, &ConsumerSpec)> {
        self.topics
            .iter()
            .flat_map(|t| t.consumers.iter().map(move |c| (t, c)))
    }
    /// The consumer called `name`, and the topic that it reads.
    pub fn consumer(&self, name: &str) -> Option<(&Topic, &ConsumerSpec)> {
        let (topic, place) = self.by_consumer.get(name)?;
        let topic = &self.topics[*topic];
        Some((topic, &topic.consumers[*place]))
    }
    /// The topics that `consumer` names when publishing, in the order of the map; not where its answers and
    /// its dead letters go.
    pub fn emits_of(&self, consumer: &str) -> Vec<&str> {
        let emits = |topic: &&Topic| {
            topic.kind != TopicKind::Dead && topic.producers.iter().any(|p| p == consumer)
        };
        self.topics
            .iter()
            .filter(emits)
            .map(|t| t.name.as_str())
            .collect()
    }
    /// The topic of a consumer's dead letters.
    pub fn dead_topic(consumer: &str) -> String {
        format!("{consumer}.dead")
    }
}

/// Dead letters keep key, partition count and bytes of what they were.
fn dead_letters(topic: &Topic, consumer: &ConsumerSpec) -> Topic {
    Topic {
        name: TopicMap::dead_topic(&consumer.name),
        kind: TopicKind::Dead,
        meaning: format!(
            "Dead letters of {}: the messages as they were, with the reason.",
            consumer.name
        ),
        key: topic.key.clone(),
        partitions: topic.partitions,
        retention: consumer.dead_retention,
        schemas: topic.schemas.clone(),
        producers: vec![consumer.name.clone()],
        replies: None,
        compatibility: None,
        tenants: None,
        writers: vec![],
        readers: vec![],
        consumers: vec![],
    }
}
