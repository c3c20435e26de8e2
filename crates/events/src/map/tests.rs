//! What a map must be, by maps that are wrong.
#![allow(clippy::unwrap_used)]
use super::*;
use crate::{all_records, topic};

/// A small map that keeps every rule.
const SMALL: &str = r#"
defaults: { partitions: 4, retention: 7d, from: first, limit: 64, attempts: 8, dead_retention: 90d }
topics:
  - name: inbox.document.uploaded
    kind: inbox
    meaning: From outside.
    key: document
    schemas: [troupe.documents.DocumentUploaded]
    producers: [upstream]
    tenants: [acme, globex]
    writers: [crm]
    consumers: [{ name: documents.border, kind: border, ordered: true }]
  - name: documents.document
    kind: input
    meaning: Documents.
    key: document
    retention: 36h
    schemas: [troupe.documents.AddDocument]
    producers: [documents.border, edge]
    replies: internal
    consumers: [{ name: documents.document, kind: entity, ordered: true, limit: 8, attempts: 3, from: new, dead_retention: 1d }]
  - name: documents.effects
    kind: effects
    meaning: Uploads.
    key: document
    schemas: [troupe.documents.ParseUpload]
    producers: [documents.document]
    consumers: [{ name: documents.effects, kind: handlers, ordered: false }]
  - name: document.parsed
    kind: event
    meaning: Parsed.
    key: document
    compatibility: FULL_TRANSITIVE
    schemas: [troupe.documents.DocumentParsed]
    producers: [documents.document]
    consumers: [{ name: knowledge.ledger, kind: view, ordered: true }]
  - name: answers.deltas
    kind: ephemeral
    meaning: Deltas.
    key: question
    schemas: [troupe.answers.AnswerDelta]
    producers: [documents.effects]
  - name: replies
    kind: replies
    meaning: Replies.
    key: operation
    partitions: 8
    schemas: [troupe.reply.Ok]
    replies: clients
    consumers: [{ name: operations, kind: view, ordered: false }]
  - name: replies.crm
    kind: replies
    meaning: Replies to the CRM.
    key: command
    schemas: [troupe.reply.Ok]
    replies: clients
    readers: [crm]
    tenants: [acme]
    consumers: [{ name: operations.crm, kind: view, ordered: false }]
"#;

/// What is said of the small map with `from` replaced by `to`.
#[track_caller]
fn said_of(from: &str, to: &str) -> Vec<String> {
    assert!(SMALL.contains(from), "{from:?} does not stand in the map");
    match TopicMap::parse(&SMALL.replacen(from, to, 1)) {
        Ok(_) => vec![],
        Err(MapError::Unreadable(text)) => vec![text],
        Err(MapError::Wrong(faults)) => faults.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_map_is_read_with_its_defaults() {
    let map = TopicMap::parse(SMALL).unwrap();
    let (topic, consumer) = map.consumer("documents.document").unwrap();
    assert_eq!(
        (topic.partitions, topic.retention.as_secs()),
        (4, 36 * 3600)
    );
    assert_eq!(
        (consumer.limit, consumer.attempts, consumer.from),
        (8, 3, From::New)
    );
    let (topic, consumer) = map.consumer("operations").unwrap();
    assert_eq!((topic.name.as_str(), topic.partitions), ("replies", 8));
    assert_eq!(
        (consumer.limit, consumer.attempts, consumer.from),
        (64, 8, From::First)
    );
    assert_eq!(map.consumer("nobody"), None);
    assert_eq!(map.topic("nothing"), None);
    assert_eq!(
        map.emits_of("documents.document"),
        ["documents.effects", "document.parsed"]
    );
    assert_eq!(map.emits_of("edge"), ["documents.document"]);
}
#[test]
fn every_consumer_has_dead_letters_that_keep_what_it_read() {
    let map = TopicMap::parse(SMALL).unwrap();
    assert_eq!(map.topics().count(), 7 + 6);
    let dead = map
        .topic(&TopicMap::dead_topic("documents.document"))
        .unwrap();
    assert_eq!(
        (dead.kind, dead.partitions, dead.key.as_str()),
        (TopicKind::Dead, 4, "document")
    );
    assert_eq!(dead.retention.as_secs(), 24 * 3600);
    assert_eq!(dead.producers, ["documents.document"]);
    assert!(dead.consumers.is_empty() && !dead.may_be_answered(false));
}
#[test]
fn a_reply_to_names_only_what_may_be_named() {
    let map = TopicMap::parse(SMALL).unwrap();
    let may = |topic: &str, from_outside| map.topic(topic).unwrap().may_be_answered(from_outside);
    assert!(may("replies", false), "edges hear it");
    assert!(
        !may("replies", true),
        "an outsider could complete what others asked for"
    );
    assert!(may("replies.crm", true));
    assert!(!may("documents.document", true) && may("documents.document", false));
    assert!(!may("document.parsed", true) && !may("document.parsed", false));
}
#[test]
fn an_outsider_is_answered_on_a_topic_of_its_own() {
    let map = TopicMap::parse(SMALL).unwrap();
    let topic = |name: &str| map.topic(name).unwrap();
    let inbox = topic("inbox.document.uploaded");
    assert!(topic("replies.crm").answers_writers_of(inbox, "acme"));
    assert!(
        !topic("replies.crm").answers_writers_of(inbox, "globex"),
        "of that tenant it may not hear"
    );
    let others = Topic {
        readers: vec!["erp".into()],
        ..topic("replies.crm").clone()
    };
    assert!(!others.answers_writers_of(inbox, "acme"), "another's");
    for name in ["replies", "documents.document", "document.parsed"] {
        assert!(!topic(name).answers_writers_of(inbox, "acme"), "{name}");
    }
    for (from, to, said) in [
        (
            "    readers: [crm]\n",
            "",
            "replies.crm: readers are the principals",
        ),
        (
            "    tenants: [acme]\n",
            "",
            "replies.crm: tenants are what the writers",
        ),
        (
            "readers: [crm]",
            "readers: [erp]",
            "replies.crm: readers write some inbox",
        ),
        (
            "replies: internal",
            "readers: [crm]",
            "documents.document: readers are the principals",
        ),
    ] {
        let all = said_of(from, to);
        assert!(all.len() == 1 && all[0].starts_with(said), "{to}: {all:?}");
    }
}
#[test]
fn an_inbox_names_its_tenants() {
    let map = TopicMap::parse(SMALL).unwrap();
    let tenants = map
        .topic("inbox.document.uploaded")
        .unwrap()
        .tenants
        .clone()
        .unwrap();
    assert!(tenants.allow("acme") && !tenants.allow("other"));
    let star = TopicMap::parse(&SMALL.replace("[acme, globex]", "\"*\"")).unwrap();
    assert!(
        star.topic("inbox.document.uploaded")
            .unwrap()
            .tenants
            .as_ref()
            .unwrap()
            .allow("other")
    );
    assert!(said_of("[acme, globex]", "all")[0].contains("tenants are \"*\" or a list"));
}
#[test]
fn what_the_map_does_not_know_is_refused() {
    assert!(said_of("key: document", "keys: document")[0].contains("unknown field `keys`"));
    assert!(
        said_of("ordered: false", "ordered: false, lane: 3")[0].contains("unknown field `lane`")
    );
    assert!(said_of("kind: event", "kind: rumour")[0].contains("unknown variant `rumour`"));
    assert!(said_of(", ordered: false", "")[0].contains("missing field `ordered`"));
    assert!(
        said_of("compatibility: FULL_TRANSITIVE", "compatibility: NONE")[0]
            .contains("unknown variant `NONE`")
    );
    for wrong in ["7", "d", "-1d", "7w", "7 d", "1.5h", "ü"] {
        let said = said_of("retention: 36h", &format!("retention: \"{wrong}\""));
        assert!(
            said[0].contains("is not a duration: expected a number and s, m, h or d"),
            "{wrong}: {said:?}"
        );
    }
}
#[test]
fn names_are_well_formed() {
    let not_an_event = "not a name for a topic of its kind: expected <noun>.<past participle>";
    for wrong in [
        "document.parse",
        "document",
        "document.Parsed",
        "a.document.parsed",
        "document.",
        "document.parsed_",
    ] {
        assert_eq!(
            said_of("name: document.parsed", &format!("name: {wrong}")),
            [format!("{wrong}: {not_an_event}")]
        );
    }
    for right in ["embedding.ready", "message.sent", "chatbot.creation_failed"] {
        assert!(
            said_of("name: document.parsed", &format!("name: {right}")).is_empty(),
            "{right}"
        );
    }
    let inbox = |name: &str| said_of("name: inbox.document.uploaded", &format!("name: {name}"));
    assert!(inbox("inbox.documents.commands").is_empty());
    assert!(
        inbox("document.uploaded")[0]
            .ends_with("expected inbox.<event> or inbox.<context>.commands")
    );
    assert!(
        said_of("name: replies", "name: answers")[0]
            .ends_with("expected replies, or replies.<outsider>")
    );
    assert!(
        said_of("name: answers.deltas", "name: answers.dead")[0]
            .ends_with("expected <context>.<what>")
    );
    assert!(
        said_of("kind: ephemeral", "kind: dead")[0]
            .contains("dead letters follow from their consumers")
    );
    assert!(
        said_of("name: operations", "name: Operations")[0]
            .starts_with("Operations: not a name for the consumer of replies")
    );
    assert!(said_of("name: documents.effects, kind", "name: documents.parser, kind")
        .contains(&"documents.parser: not a name for the consumer of documents.effects: expected documents.effects".to_owned()));
}
#[test]
fn nothing_is_there_twice() {
    assert_eq!(
        said_of("name: operations", "name: knowledge.ledger"),
        ["knowledge.ledger: the consumer is there twice"]
    );
    let twice = said_of(
        "name: answers.deltas\n    kind: ephemeral",
        "name: documents.effects\n    kind: ephemeral",
    );
    assert_eq!(twice, ["documents.effects: the topic is there twice"]);
    let schemas = said_of("[troupe.reply.Ok]", "[troupe.reply.Ok, troupe.reply.Ok]");
    assert_eq!(schemas, ["replies: schemas are there, each once"]);
}
#[test]
fn a_producer_is_known_and_allowed() {
    let producer = |from: &str, to: &str| said_of(from, to);
    assert_eq!(
        producer(
            "producers: [documents.border, edge]",
            "producers: [documents.boarder]"
        ),
        [
            "documents.document: its producer documents.boarder is neither a consumer, nor edge, operator or upstream"
        ]
    );
    for (from, to, why) in [
        (
            "producers: [documents.border, edge]",
            "producers: [upstream]",
            "outsiders write inboxes only",
        ),
        (
            "producers: [upstream]",
            "producers: [edge]",
            "only outsiders write an inbox, or it echoes",
        ),
        (
            "producers: [documents.effects]",
            "producers: [edge]",
            "never to handlers (E2)",
        ),
        (
            "producers: [documents.effects]",
            "producers: [operator]",
            "what a person did is an event",
        ),
        (
            "producers: [documents.effects]",
            "producers: [knowledge.ledger]",
            "views publish nothing",
        ),
        (
            "producers: [documents.effects]",
            "producers: [documents.border]",
            "pass on to entities only",
        ),
        (
            "producers: [documents.border, edge]",
            "producers: [documents.effects]",
            "handlers answer",
        ),
        (
            "producers: [documents.effects]",
            "producers: [documents.document]",
            "publish commands and events",
        ),
        (
            "producers: [documents.effects]",
            "producers: []",
            "producers are missing",
        ),
    ] {
        let said = producer(from, to);
        assert!(said.len() == 1 && said[0].contains(why), "{to}: {said:?}");
    }
}
#[test]
fn a_schema_is_a_record() {
    let said = said_of(
        "troupe.documents.ParseUpload",
        "troupe.documents.ParseDownload",
    );
    assert_eq!(
        said,
        ["documents.effects: there is no record troupe.documents.ParseDownload"]
    );
    let said = said_of(
        "schemas: [troupe.documents.DocumentParsed]",
        "schemas: [troupe.reply.Ok, troupe.reply.Failed]",
    );
    assert_eq!(
        said,
        ["document.parsed: schemas of an event are one: its subject is <topic>-value"]
    );
}
#[test]
fn an_input_has_one_reader() {
    let second = "ordered: true, limit: 8 }, { name: documents.document, kind: entity, ordered: true, limit: 8";
    let said = said_of("ordered: true, limit: 8", second);
    assert!(
        said.contains(
            &"documents.document: an input has one reader, an entity or a saga (E1)".to_owned()
        ),
        "{said:?}"
    );
    for (from, to, why) in [
        (
            "kind: border",
            "kind: view",
            "an inbox has one reader, a border",
        ),
        (
            "kind: handlers",
            "kind: saga, ordered: true",
            "effects have one reader, handlers",
        ),
        (
            "kind: view, ordered: true",
            "kind: entity, ordered: true",
            "events are read by routes and views",
        ),
    ] {
        let to = to.replace("saga, ordered: true", "saga");
        assert!(
            said_of(from, &to).iter().any(|s| s.ends_with(why)),
            "{to}: {:?}",
            said_of(from, &to)
        );
    }
}
#[test]
fn fields_stand_where_they_belong() {
    for (from, to, said) in [
        (
            "    compatibility: FULL_TRANSITIVE\n",
            "",
            "document.parsed: compatibility is FULL_TRANSITIVE for events",
        ),
        (
            "replies: clients",
            "replies: internal",
            "replies: replies is clients for replies",
        ),
        (
            "replies: internal",
            "replies: clients",
            "documents.document: replies is clients for replies",
        ),
        (
            "    tenants: [acme, globex]\n",
            "",
            "inbox.document.uploaded: tenants are what the writers",
        ),
        (
            "replies: internal",
            "writers: [crm]",
            "documents.document: writers are the principals",
        ),
        (
            "kind: entity, ordered: true",
            "kind: entity, ordered: false",
            "documents.document: ordered is true for entities and sagas (D3)",
        ),
        (
            "limit: 8",
            "limit: 0",
            "documents.document: limit is at least 1",
        ),
        (
            "attempts: 3",
            "attempts: 0",
            "documents.document: attempts is at least 1",
        ),
        (
            "dead_retention: 1d",
            "dead_retention: 0d",
            "documents.document: dead_retention is longer than 0",
        ),
        (
            "retention: 36h",
            "retention: 0h",
            "documents.document: retention is longer than 0",
        ),
        (
            "partitions: 8",
            "partitions: 0",
            "replies: partitions are 1 to 1024",
        ),
        (
            "meaning: Replies.",
            "meaning: Replies",
            "replies: meaning is a sentence",
        ),
        (
            "key: operation",
            "key: <operation>",
            "replies: key says what the id part is",
        ),
    ] {
        let all = said_of(from, to);
        assert!(all.len() == 1 && all[0].starts_with(said), "{to}: {all:?}");
    }
    let unwritten = said_of("    writers: [crm]\n", "");
    assert!(
        unwritten[0].starts_with("inbox.document.uploaded: writers are the principals"),
        "{unwritten:?}"
    );
}
#[test]
fn everything_wrong_is_said_at_once() {
    let yaml = SMALL.replace("partitions: 8", "partitions: 0").replacen(
        "troupe.reply.Ok",
        "troupe.reply.Oh",
        1,
    );
    let said = TopicMap::parse(&yaml).unwrap_err().to_string();
    assert_eq!(
        said,
        "topics.yaml is wrong:\n  replies: partitions are 1 to 1024\n  replies: there is no record troupe.reply.Oh"
    );
}
#[test]
fn our_own_map_keeps_the_rules() {
    assert!(TopicMap::embedded().topics().count() > 30);
}
#[test]
fn the_constants_are_the_map() {
    let map = TopicMap::embedded();
    let topics: Vec<&str> = map
        .topics()
        .filter(|t| t.kind != TopicKind::Dead)
        .map(|t| t.name.as_str())
        .collect();
    let consumers: Vec<&str> = map.consumers().map(|(_, c)| c.name.as_str()).collect();
    let sorted = |names: &[&'static str]| {
        names
            .iter()
            .copied()
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(
        topics
            .into_iter()
            .collect::<std::collections::BTreeSet<_>>(),
        sorted(topic::ALL)
    );
    assert_eq!(
        consumers
            .into_iter()
            .collect::<std::collections::BTreeSet<_>>(),
        sorted(topic::consumer::ALL)
    );
}
#[test]
fn every_record_is_said_somewhere() {
    let said: std::collections::BTreeSet<&str> = TopicMap::embedded()
        .topics()
        .flat_map(|t| t.schemas.iter().map(String::as_str))
        .collect();
    let unsaid: Vec<&str> = all_records()
        .iter()
        .map(|r| r.name)
        .filter(|n| !said.contains(n))
        .collect();
    assert_eq!(unsaid, Vec::<&str>::new());
}
