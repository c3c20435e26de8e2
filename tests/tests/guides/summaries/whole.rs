//! The whole worker on the real engine and a real file: a document was parsed, and its summary is told.
use super::records::{Summarize, SummaryReady, SummaryWritten, WriteSummary};
use crate::guides::machine::Machine;
use events::documents::DocumentParsed;
use events::map::TopicMap;
use events::{BlobRef, Record, RecordSchema, all_records};
use std::collections::BTreeSet;

/// The readers of document.parsed, and the one that the guide adds.
const PARSED: &str = "      - { name: knowledge.intake, kind: route, ordered: true }\n";
const START: &str = "      - { name: summaries.start, kind: route, ordered: true }\n";

fn records() -> Vec<&'static RecordSchema> {
    let mut records = all_records();
    records.extend([
        Summarize::schema(),
        WriteSummary::schema(),
        SummaryWritten::schema(),
        SummaryReady::schema(),
    ]);
    records
}

fn map() -> TopicMap {
    let ours = include_str!("../../../../topics.yaml");
    assert!(ours.contains(PARSED), "document.parsed has this reader");
    let with_start = ours.replace(PARSED, &format!("{PARSED}{START}"));
    let whole = format!("{with_start}\n{}", include_str!("topics.yaml"));
    TopicMap::parse_with(&whole, &records()).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn each_consumer_takes_what_its_topic_carries() {
    let map = map();
    for consumer in super::consumers(3) {
        let (topic, _) = map.consumer(consumer.name).expect("on the map");
        let carried: BTreeSet<&str> = topic.schemas.iter().map(String::as_str).collect();
        let taken: BTreeSet<&str> = consumer.records.iter().copied().collect();
        assert_eq!(taken, carried, "{}", consumer.name);
    }
}

#[tokio::test]
async fn a_document_that_was_parsed_is_summarised() {
    let mut machine = Machine::start(map(), &records()).await;
    let passages = br#"[{"text":"It opens at nine. It closes at five. Dogs wait outside."}]"#;
    let blob = machine.put("d1/r1/passages", passages).await;
    machine.run(super::consumers(2));
    let parsed = DocumentParsed {
        document: "d1".into(),
        chatbot: "ada".into(),
        revision: "r1".into(),
        passages: BlobRef { ..blob },
        count: 1,
        ..DocumentParsed::default()
    };
    machine.publish("d1", &parsed).await;
    let ready: SummaryReady = machine.first("d1").await;
    assert_eq!(ready.text, "It opens at nine. It closes at five.");
    machine.stop().await;
}
