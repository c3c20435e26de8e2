//! The map and the records agree: where a record is published, and what its key is.
use super::cases;
use super::wire::every_example;
use events::map::{TopicKind, TopicMap};
use std::collections::BTreeSet;

#[test]
fn a_record_is_published_where_the_map_expects_it() {
    every_example(|case, example| {
        let Some(address) = case.address else { return };
        let (name, id) = address(&example.clear);
        let topic = TopicMap::embedded()
            .topic(name)
            .unwrap_or_else(|| panic!("the map has no topic {name}"));
        let listed = topic
            .schemas
            .iter()
            .any(|schema| schema == case.schema.name);
        assert!(listed, "{name} does not list {}", case.schema.name);
        assert_eq!(
            example.clear[&topic.key], id,
            "{}: the map says that the id is its {}",
            case.schema.name, topic.key
        );
        assert_eq!(events::id::check_part(&id), Ok(()), "{}", case.schema.name);
    });
}

/// An event is what its topic is called: one record, published there and nowhere else.
#[test]
fn every_event_has_its_record() {
    let addressed: BTreeSet<(&str, &str)> = cases::all()
        .iter()
        .filter_map(|case| Some((address_of(case)?, case.schema.name)))
        .collect();
    for topic in TopicMap::embedded().topics() {
        for schema in &topic.schemas {
            if matches!(
                topic.kind,
                TopicKind::Event | TopicKind::Effects | TopicKind::Ephemeral
            ) {
                assert!(
                    addressed.contains(&(topic.name.as_str(), schema.as_str())),
                    "{}: {schema}",
                    topic.name
                );
            }
        }
    }
}

fn address_of(case: &cases::Case) -> Option<&'static str> {
    let example = super::examples::of(case).into_iter().next()?;
    Some(case.address?(&example.clear).0)
}
