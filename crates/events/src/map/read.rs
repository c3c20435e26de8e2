//! From YAML to topics: defaults are filled in, durations are read; nothing is judged here.
use super::{
    Compatibility, ConsumerKind, ConsumerSpec, From, MapError, Replies, Tenants, Topic, TopicKind,
};
use serde::{Deserialize, Deserializer, de};
use std::time::Duration;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    defaults: Defaults,
    topics: Vec<TopicEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Defaults {
    partitions: i32,
    retention: Span,
    from: From,
    limit: usize,
    attempts: u32,
    dead_retention: Span,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TopicEntry {
    name: String,
    kind: TopicKind,
    meaning: String,
    key: String,
    partitions: Option<i32>,
    retention: Option<Span>,
    schemas: Vec<String>,
    #[serde(default)]
    producers: Vec<String>,
    replies: Option<Replies>,
    compatibility: Option<Compatibility>,
    tenants: Option<Tenants>,
    #[serde(default)]
    writers: Vec<String>,
    #[serde(default)]
    readers: Vec<String>,
    #[serde(default)]
    consumers: Vec<ConsumerEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConsumerEntry {
    name: String,
    kind: ConsumerKind,
    ordered: bool,
    limit: Option<usize>,
    attempts: Option<u32>,
    from: Option<From>,
    dead_retention: Option<Span>,
}

/// A number and `s`, `m`, `h` or `d`.
#[derive(Clone, Copy)]
struct Span(Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let wrong = || {
            de::Error::custom(format!(
                "{text:?} is not a duration: expected a number and s, m, h or d, such as 7d"
            ))
        };
        let unit = text.chars().next_back().ok_or_else(wrong)?;
        let seconds: u64 = match unit {
            's' => 1,
            'm' => 60,
            'h' => 60 * 60,
            'd' => 24 * 60 * 60,
            _ => return Err(wrong()),
        };
        let number: u32 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
        Ok(Self(Duration::from_secs(seconds * u64::from(number))))
    }
}

impl<'de> Deserialize<'de> for Tenants {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Star(String),
            These(Vec<String>),
        }
        match Written::deserialize(from) {
            Ok(Written::Star(star)) if star == "*" => Ok(Self::All),
            Ok(Written::These(tenants)) => Ok(Self::These(tenants)),
            _ => Err(de::Error::custom("tenants are \"*\" or a list")),
        }
    }
}

/// The topics as they are written, with defaults filled in.
pub(super) fn topics(yaml: &str) -> Result<Vec<Topic>, MapError> {
    let file: File =
        serde_yaml_ng::from_str(yaml).map_err(|e| MapError::Unreadable(e.to_string()))?;
    Ok(file
        .topics
        .into_iter()
        .map(|entry| topic(entry, &file.defaults))
        .collect())
}

fn topic(entry: TopicEntry, defaults: &Defaults) -> Topic {
    Topic {
        name: entry.name,
        kind: entry.kind,
        meaning: entry.meaning,
        key: entry.key,
        partitions: entry.partitions.unwrap_or(defaults.partitions),
        retention: entry.retention.unwrap_or(defaults.retention).0,
        schemas: entry.schemas,
        producers: entry.producers,
        replies: entry.replies,
        compatibility: entry.compatibility,
        tenants: entry.tenants,
        writers: entry.writers,
        readers: entry.readers,
        consumers: entry
            .consumers
            .into_iter()
            .map(|c| consumer(c, defaults))
            .collect(),
    }
}

fn consumer(entry: ConsumerEntry, defaults: &Defaults) -> ConsumerSpec {
    ConsumerSpec {
        name: entry.name,
        kind: entry.kind,
        ordered: entry.ordered,
        limit: entry.limit.unwrap_or(defaults.limit),
        attempts: entry.attempts.unwrap_or(defaults.attempts),
        from: entry.from.unwrap_or(defaults.from),
        dead_retention: entry.dead_retention.unwrap_or(defaults.dead_retention).0,
    }
}
