//! The rules of the house that a map must keep.
use super::{Compatibility, ConsumerKind, ConsumerSpec, Replies, Topic, TopicKind};
use std::collections::{BTreeMap, BTreeSet};

/// Who publishes without being a consumer: our HTTP edge, people who look after the house, and the systems outside.
const EDGE: &str = "edge";
const OPERATOR: &str = "operator";
const UPSTREAM: &str = "upstream";

/// More partitions than this is a slip of the pen: a partition costs files and memory at every broker.
const MAX_PARTITIONS: i32 = 1024;

/// What is wrong with a map.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Names are lower-case words with dots between; what else depends on the kind.
    #[error("{topic}: not a name for a topic of its kind: expected {expected}")]
    TopicName {
        /// The topic.
        topic: String,
        /// What such a name looks like.
        expected: &'static str,
    },
    /// A consumer of an input is called as the input; others `<context>.<what>`.
    #[error("{consumer}: not a name for the consumer of {topic}: expected {expected}")]
    ConsumerName {
        /// The topic that it reads.
        topic: String,
        /// The consumer.
        consumer: String,
        /// What its name should be.
        expected: String,
    },
    /// Two topics, or a topic and a consumer's dead letters, have one name.
    #[error("{0}: the topic is there twice")]
    TopicTwice(String),
    /// A consumer reads one topic.
    #[error("{0}: the consumer is there twice")]
    ConsumerTwice(String),
    /// A producer is a consumer of the map, `edge`, `operator` or `upstream`.
    #[error(
        "{topic}: its producer {producer} is neither a consumer, nor edge, operator or upstream"
    )]
    UnknownProducer {
        /// The topic.
        topic: String,
        /// Who should publish there.
        producer: String,
    },
    /// A consumer of this kind does not publish on a topic of this kind.
    #[error("{topic}: {producer} may not publish there: {why}")]
    ForbiddenProducer {
        /// The topic.
        topic: String,
        /// Who should publish there.
        producer: String,
        /// The rule.
        why: &'static str,
    },
    /// Each schema is a record that this binary knows.
    #[error("{topic}: there is no record {schema}")]
    UnknownSchema {
        /// The topic.
        topic: String,
        /// The schema that is missing.
        schema: String,
    },
    /// The readers of a topic do not fit its kind.
    #[error("{topic}: {why}")]
    Readers {
        /// The topic.
        topic: String,
        /// The rule.
        why: &'static str,
    },
    /// A field has a value that it may not have, or is missing, or has no place there.
    #[error("{of}: {field} {rule}")]
    Field {
        /// The topic or the consumer.
        of: String,
        /// The field.
        field: &'static str,
        /// The rule.
        rule: &'static str,
    },
}

/// Everything that is wrong with `topics`, in their order; `records` are those that there are.
pub(super) fn faults(topics: &[Topic], records: &[&crate::RecordSchema]) -> Vec<Fault> {
    let consumers: BTreeMap<&str, ConsumerKind> = topics
        .iter()
        .flat_map(|t| &t.consumers)
        .map(|c| (c.name.as_str(), c.kind))
        .collect();
    let records: BTreeSet<&str> = records.iter().map(|r| r.name).collect();
    let writers: BTreeSet<&str> = topics
        .iter()
        .flat_map(|t| &t.writers)
        .map(String::as_str)
        .collect();
    let mut faults = twice(topics);
    for topic in topics {
        faults.extend(topic_name(topic));
        faults.extend(readers(topic));
        faults.extend(fields(topic));
        faults.extend(readers_outside(topic, &writers));
        faults.extend(producers(topic, &consumers));
        let unknown = topic
            .schemas
            .iter()
            .filter(|s| !records.contains(s.as_str()));
        faults.extend(unknown.map(|s| Fault::UnknownSchema {
            topic: topic.name.clone(),
            schema: s.clone(),
        }));
        for consumer in &topic.consumers {
            faults.extend(consumer_name(topic, consumer));
            faults.extend(consumer_fields(consumer));
        }
    }
    faults
}

fn twice(topics: &[Topic]) -> Vec<Fault> {
    let (mut names, mut consumers, mut faults) = (BTreeSet::new(), BTreeSet::new(), vec![]);
    for topic in topics {
        if !names.insert(topic.name.clone()) {
            faults.push(Fault::TopicTwice(topic.name.clone()));
        }
    }
    for consumer in topics.iter().flat_map(|t| &t.consumers) {
        if !consumers.insert(&consumer.name) {
            faults.push(Fault::ConsumerTwice(consumer.name.clone()));
        } else if !names.insert(super::TopicMap::dead_topic(&consumer.name)) {
            faults.push(Fault::TopicTwice(super::TopicMap::dead_topic(
                &consumer.name,
            )));
        }
    }
    faults
}

/// Lower-case words, `_` between them.
fn is_word(text: &str) -> bool {
    let letters = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    text.split('_').all(letters)
}

/// Whether the last word is a past participle, or `ready`, which is used like one.
fn has_happened(text: &str) -> bool {
    const IRREGULAR: [&str; 12] = [
        "ready",
        "sent",
        "paid",
        "begun",
        "built",
        "forgotten",
        "gone",
        "lost",
        "made",
        "spent",
        "taken",
        "withdrawn",
    ];
    let last = text.rsplit('_').next().unwrap_or(text);
    is_word(text) && (last.ends_with("ed") || IRREGULAR.contains(&last))
}

fn topic_name(topic: &Topic) -> Option<Fault> {
    let parts: Vec<&str> = topic.name.split('.').collect();
    let (fits, expected) = match topic.kind {
        TopicKind::Inbox => (
            matches!(parts[..], ["inbox", a, b] if is_word(a) && (has_happened(b) || b == "commands")),
            "inbox.<event> or inbox.<context>.commands",
        ),
        TopicKind::Input => (
            matches!(parts[..], [a, b] if is_word(a) && is_word(b) && a != "inbox" && !["dead", "effects"].contains(&b)),
            "<context>.<entity>",
        ),
        TopicKind::Effects => (
            matches!(parts[..], [a, "effects"] if is_word(a)),
            "<context>.effects",
        ),
        TopicKind::Event => (
            matches!(parts[..], [a, b] if is_word(a) && has_happened(b)),
            "<noun>.<past participle>",
        ),
        TopicKind::Replies => (
            match parts[..] {
                ["replies"] => true,
                ["replies", outsider] => is_word(outsider),
                _ => false,
            },
            "replies, or replies.<outsider>",
        ),
        TopicKind::Ephemeral => (
            matches!(parts[..], [a, b] if is_word(a) && is_word(b) && b != "dead"),
            "<context>.<what>",
        ),
        TopicKind::Dead => (false, "none: dead letters follow from their consumers"),
    };
    (!fits).then(|| Fault::TopicName {
        topic: topic.name.clone(),
        expected,
    })
}

fn consumer_name(topic: &Topic, consumer: &ConsumerSpec) -> Option<Fault> {
    let input = matches!(topic.kind, TopicKind::Input | TopicKind::Effects);
    let expected = if input {
        topic.name.clone()
    } else {
        "one or two lower-case words with a dot between".to_owned()
    };
    let fits = match consumer.name.split('.').collect::<Vec<_>>()[..] {
        _ if input => consumer.name == topic.name,
        [a] => is_word(a),
        [a, b] => is_word(a) && is_word(b) && b != "dead",
        _ => false,
    };
    (!fits).then(|| Fault::ConsumerName {
        topic: topic.name.clone(),
        consumer: consumer.name.clone(),
        expected,
    })
}

fn readers(topic: &Topic) -> Option<Fault> {
    use ConsumerKind::{Border, Entity, Handlers, Route, Saga, View};
    let kinds: Vec<ConsumerKind> = topic.consumers.iter().map(|c| c.kind).collect();
    let (fits, why) = match topic.kind {
        TopicKind::Inbox => (kinds == [Border], "an inbox has one reader, a border"),
        TopicKind::Input => (
            matches!(kinds[..], [Entity | Saga]),
            "an input has one reader, an entity or a saga (E1)",
        ),
        TopicKind::Effects => (kinds == [Handlers], "effects have one reader, handlers"),
        TopicKind::Event => (
            kinds.iter().all(|k| matches!(k, Route | View)),
            "events are read by routes and views",
        ),
        TopicKind::Replies => (
            kinds == [View],
            "replies have one reader, a view, besides the edges",
        ),
        TopicKind::Ephemeral | TopicKind::Dead => {
            (kinds.is_empty(), "nothing that must not be lost reads it")
        }
    };
    (!fits).then(|| Fault::Readers {
        topic: topic.name.clone(),
        why,
    })
}

/// Answers to outsiders are read by outsiders who may ask.
fn readers_outside(topic: &Topic, writers: &BTreeSet<&str>) -> Option<Fault> {
    let stranger = |reader: &&String| !writers.contains(reader.as_str());
    topic.readers.iter().find(stranger).map(|_| Fault::Field {
        of: topic.name.clone(),
        field: "readers",
        rule: "write some inbox, or nothing is ever answered there",
    })
}

fn fields(topic: &Topic) -> Vec<Fault> {
    let outsiders = topic.kind == TopicKind::Replies && topic.name != "replies";
    let (inbox, event) = (
        topic.kind == TopicKind::Inbox,
        topic.kind == TopicKind::Event,
    );
    let answers = match topic.kind {
        TopicKind::Replies => topic.replies == Some(Replies::Clients),
        TopicKind::Input => topic.replies != Some(Replies::Clients),
        _ => topic.replies.is_none(),
    };
    let compatibility = event.then_some(Compatibility::FullTransitive);
    let schemas: BTreeSet<&String> = topic.schemas.iter().collect();
    let rules = [
        (topic.meaning.ends_with('.'), "meaning", "is a sentence"),
        (
            is_word(&topic.key),
            "key",
            "says what the id part is, such as document",
        ),
        (
            (1..=MAX_PARTITIONS).contains(&topic.partitions),
            "partitions",
            "are 1 to 1024",
        ),
        (!topic.retention.is_zero(), "retention", "is longer than 0"),
        (
            !schemas.is_empty() && schemas.len() == topic.schemas.len(),
            "schemas",
            "are there, each once",
        ),
        (
            !event || topic.schemas.len() == 1,
            "schemas",
            "of an event are one: its subject is <topic>-value",
        ),
        (
            topic.compatibility == compatibility,
            "compatibility",
            "is FULL_TRANSITIVE for events, and for nothing else (A3)",
        ),
        (
            answers,
            "replies",
            "is clients for replies, internal or absent for inputs, absent elsewhere (K4)",
        ),
        (
            topic.tenants.is_some() == (inbox || outsiders),
            "tenants",
            "are what the writers of an inbox may name (I4), or the readers of replies.<outsider> may hear of; no other \
             topic has them",
        ),
        (
            topic.writers.is_empty() != inbox,
            "writers",
            "are the principals that write an inbox; only an inbox has them",
        ),
        (
            topic.readers.is_empty() != outsiders,
            "readers",
            "are the principals that read replies.<outsider>; no other topic has them",
        ),
        (
            topic.kind == TopicKind::Replies || !topic.producers.is_empty(),
            "producers",
            "are missing: nobody publishes there",
        ),
    ];
    rules
        .into_iter()
        .filter(|(kept, ..)| !kept)
        .map(|(_, field, rule)| Fault::Field {
            of: topic.name.clone(),
            field,
            rule,
        })
        .collect()
}

fn consumer_fields(consumer: &ConsumerSpec) -> Vec<Fault> {
    let entity = matches!(consumer.kind, ConsumerKind::Entity | ConsumerKind::Saga);
    let rules = [
        (
            consumer.ordered || !entity,
            "ordered",
            "is true for entities and sagas (D3)",
        ),
        (consumer.limit > 0, "limit", "is at least 1"),
        (consumer.attempts > 0, "attempts", "is at least 1"),
        (
            !consumer.dead_retention.is_zero(),
            "dead_retention",
            "is longer than 0",
        ),
    ];
    rules
        .into_iter()
        .filter(|(kept, ..)| !kept)
        .map(|(_, field, rule)| Fault::Field {
            of: consumer.name.clone(),
            field,
            rule,
        })
        .collect()
}

fn producers(topic: &Topic, consumers: &BTreeMap<&str, ConsumerKind>) -> Vec<Fault> {
    let fault = |producer: &String| {
        let why = match (producer.as_str(), topic.kind) {
            (UPSTREAM, TopicKind::Inbox) => return None,
            (UPSTREAM, _) => "outsiders write inboxes only",
            (_, TopicKind::Inbox) => "only outsiders write an inbox, or it echoes",
            (EDGE, TopicKind::Input) => return None,
            (OPERATOR, TopicKind::Event) => return None,
            (OPERATOR, _) => "what a person did is an event",
            (EDGE, _) => "the edge gives commands to entities and sagas, never to handlers (E2)",
            (name, kind) => {
                let Some(consumer) = consumers.get(name) else {
                    return Some(Fault::UnknownProducer {
                        topic: topic.name.clone(),
                        producer: producer.clone(),
                    });
                };
                forbidden(*consumer, kind)?
            }
        };
        Some(Fault::ForbiddenProducer {
            topic: topic.name.clone(),
            producer: producer.clone(),
            why,
        })
    };
    topic.producers.iter().filter_map(fault).collect()
}

/// Why a consumer of this kind may not publish on a topic of that kind, if it may not.
fn forbidden(consumer: ConsumerKind, topic: TopicKind) -> Option<&'static str> {
    use ConsumerKind::{Border, Entity, Handlers, Route, Saga, View};
    match (consumer, topic) {
        (Border | Route, TopicKind::Input) => None,
        (Border | Route, _) => Some("routes and borders pass on to entities only"),
        (Entity | Saga, TopicKind::Input | TopicKind::Effects | TopicKind::Event) => None,
        (Entity | Saga, _) => {
            Some("entities and sagas publish commands and events; answers are not named")
        }
        (Handlers, TopicKind::Ephemeral) => None,
        (Handlers, _) => Some("handlers answer; what happened is for entities to say (O4)"),
        (View, _) => Some("views publish nothing"),
    }
}
