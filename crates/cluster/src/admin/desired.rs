//! What the cluster should be: the map, the records and the settings, put together. Nothing is asked of anybody.
use crate::registry;
use crate::settings::Settings;
use events::map::{Compatibility, From, Topic, TopicKind, TopicMap};
use events::{RecordSchema, map};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// The largest batch that a topic takes, in bytes: Kafka's own default. The largest event is far below it (G2).
const BATCH: usize = 1_048_588;
/// Bounds of how long a segment is written to. A message lives for its topic's retention, and until its segment ends.
const SEGMENT: (Duration, Duration) = (
    Duration::from_secs(600),
    Duration::from_secs(7 * 24 * 3_600),
);

/// What the cluster should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Desired {
    /// Of Kafka; empty if nobody configured it.
    pub cluster_id: String,
    /// On how many brokers each topic has a copy.
    pub replication: i32,
    /// By name, topics of dead letters included.
    pub topics: BTreeMap<String, DesiredTopic>,
    /// By name: one a consumer.
    pub groups: BTreeMap<String, DesiredGroup>,
    /// By name.
    pub subjects: BTreeMap<String, DesiredSubject>,
    /// What the brokers themselves must be set to.
    pub brokers: BTreeMap<String, Wanted>,
    /// Inboxes, with who outside may write them.
    pub writers: BTreeMap<String, Vec<String>>,
    /// Topics of answers to outsiders, with who outside may read them.
    pub readers: BTreeMap<String, Vec<String>>,
    /// Whose groups are not ours and may be there.
    pub groups_of_others: Vec<String>,
    /// Us, where users have names.
    pub user: String,
    /// What our transactional ids begin with (K3).
    pub name: String,
}

/// One topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DesiredTopic {
    /// It never changes (I5).
    pub partitions: i32,
    /// By Kafka's names.
    pub config: BTreeMap<String, String>,
}

/// One consumer's group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DesiredGroup {
    /// What it reads.
    pub topic: String,
    /// How many partitions that has.
    pub partitions: i32,
    /// Where it begins (K1).
    pub from: From,
}

/// One subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DesiredSubject {
    /// The record's full name.
    pub record: String,
    /// The schema as this version has it.
    pub text: String,
    /// By the registry's name; `None`: whatever the registry demands of everybody.
    pub level: Option<String>,
}

/// What a broker's setting must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// Exactly this.
    Is(String),
    /// A number, this or more.
    AtLeast(i64),
    /// A number, this or less.
    AtMost(i64),
}
impl Wanted {
    /// Whether a setting is as it must be.
    pub fn holds(&self, found: &str) -> bool {
        let number = found.parse::<i64>();
        match self {
            Self::Is(wanted) => wanted == found,
            Self::AtLeast(least) => number.is_ok_and(|found| found >= *least),
            Self::AtMost(most) => number.is_ok_and(|found| found <= *most),
        }
    }
}
impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Is(wanted) => write!(f, "{wanted}"),
            Self::AtLeast(least) => write!(f, "at least {least}"),
            Self::AtMost(most) => write!(f, "at most {most}"),
        }
    }
}

impl Desired {
    /// From a map and the records that stand in it.
    pub fn new(map: &TopicMap, records: &[&'static RecordSchema], settings: &Settings) -> Self {
        let replication = settings.kafka_replication.max(1);
        let topic = |topic: &Topic| {
            let desired = DesiredTopic {
                partitions: topic.partitions,
                config: config(topic, replication),
            };
            (topic.name.clone(), desired)
        };
        let group = |(topic, consumer): (&Topic, &map::ConsumerSpec)| {
            let desired = DesiredGroup {
                topic: topic.name.clone(),
                partitions: topic.partitions,
                from: consumer.from,
            };
            (consumer.name.clone(), desired)
        };
        let inboxes = map
            .topics()
            .filter(|topic| topic.kind == TopicKind::Inbox)
            .map(|topic| (topic.name.clone(), topic.writers.clone()));
        let answers = map
            .topics()
            .filter(|topic| topic.is_for_outsiders())
            .map(|topic| (topic.name.clone(), topic.readers.clone()));
        Self {
            cluster_id: settings.kafka_id.clone(),
            replication,
            topics: map.topics().map(topic).collect(),
            groups: map.consumers().map(group).collect(),
            subjects: subjects(map, records),
            brokers: brokers(replication),
            writers: inboxes.collect(),
            readers: answers.collect(),
            groups_of_others: settings.kafka_groups_of_others.clone(),
            user: settings.kafka_user.clone(),
            name: settings.name.clone(),
        }
    }

    /// Whether a group belongs to somebody whom the settings name.
    pub fn is_of_others(&self, group: &str) -> bool {
        self.groups_of_others
            .iter()
            .any(|name| match name.strip_suffix('*') {
                Some(beginning) => group.starts_with(beginning),
                None => group == name,
            })
    }
}

fn config(topic: &Topic, replication: i32) -> BTreeMap<String, String> {
    let batch = match topic.kind {
        TopicKind::Dead => 2 * BATCH, // a dead letter is larger than the message that it was (K4)
        _ => BATCH,
    };
    let segment = (topic.retention / 4).clamp(SEGMENT.0, SEGMENT.1);
    // What was acknowledged is on two disks.
    let in_sync = if replication > 2 { 2 } else { 1 };
    [
        ("cleanup.policy", "delete".to_owned()),
        ("max.message.bytes", batch.to_string()),
        ("min.insync.replicas", in_sync.to_string()),
        ("retention.bytes", "-1".to_owned()),
        ("retention.ms", topic.retention.as_millis().to_string()),
        ("segment.ms", segment.as_millis().to_string()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

fn subjects(map: &TopicMap, records: &[&'static RecordSchema]) -> BTreeMap<String, DesiredSubject> {
    let subject = |subject: registry::Subject<'_>| {
        let record = records
            .iter()
            .find(|record| record.name == subject.record)?;
        let desired = DesiredSubject {
            record: record.name.to_owned(),
            text: record.text.to_owned(),
            level: subject.compatibility.map(|level| match level {
                Compatibility::FullTransitive => "FULL_TRANSITIVE".to_owned(),
            }),
        };
        Some((subject.name, desired))
    };
    registry::subjects(map)
        .into_iter()
        .filter_map(subject)
        .collect()
}

fn brokers(replication: i32) -> BTreeMap<String, Wanted> {
    let copies = i64::from(replication);
    let is = |value: &str| Wanted::Is(value.to_owned());
    [
        // A topic that nobody planned has the wrong partitions for ever (I5).
        ("auto.create.topics.enable", is("false")),
        // Kafka's default delays each commit by 5 ms.
        ("group.coordinator.append.linger.ms", is("0")),
        // How long an idle consumer's checkpoint lives: a year (K1).
        ("offsets.retention.minutes", Wanted::AtLeast(525_600)),
        ("offsets.topic.replication.factor", Wanted::AtLeast(copies)),
        (
            "transaction.state.log.replication.factor",
            Wanted::AtLeast(copies),
        ),
        // How long the open transaction of a dead process blocks its readers (K3).
        (
            "transaction.abort.timed.out.transaction.cleanup.interval.ms",
            Wanted::AtMost(1_000),
        ),
        // What was acknowledged is never taken back.
        ("unclean.leader.election.enable", is("false")),
    ]
    .map(|(key, wanted)| (key.to_owned(), wanted))
    .into()
}
