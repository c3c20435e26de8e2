//! Rule 4: what workers register is what topics.yaml says.
use app::Config;
use app::clock::SystemClock;
use events::map::{ConsumerKind, Topic, TopicMap};
use runtime::Consumer;
use runtime::breaker::Breakers;
use runtime::consumer::Behaviour;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the machine itself says to an entity: one that never sets a time to wake needs no arm for it.
const WOKE: &str = "troupe.system.Woke";

fn registered() -> Vec<Consumer> {
    let breakers = Breakers::new(Arc::new(SystemClock));
    app::wiring::consumers::all(&Config::defaults(), &breakers).expect("the defaults can be wired")
}

#[test]
fn every_consumer_of_the_map_is_registered_once_and_none_besides() {
    let mut times: BTreeMap<&str, usize> = TopicMap::embedded()
        .consumers()
        .map(|(_, c)| (c.name.as_str(), 0))
        .collect();
    for consumer in registered() {
        let known = times.get_mut(consumer.name);
        *known.unwrap_or_else(|| {
            panic!(
                "{} is registered, and topics.yaml does not know it",
                consumer.name
            )
        }) += 1;
    }
    let wrong: Vec<_> = times.into_iter().filter(|(_, times)| *times != 1).collect();
    assert!(
        wrong.is_empty(),
        "registered another number of times than once: {wrong:?}"
    );
}

#[test]
fn each_is_of_the_kind_that_the_map_says() {
    for consumer in registered() {
        let (_, mapped) = TopicMap::embedded()
            .consumer(consumer.name)
            .expect("on the map");
        let fits = match consumer.behaviour {
            Behaviour::Route(_) => {
                matches!(mapped.kind, ConsumerKind::Route | ConsumerKind::Border)
            }
            Behaviour::Handlers(_) => mapped.kind == ConsumerKind::Handlers,
            Behaviour::Entity(_) => {
                matches!(mapped.kind, ConsumerKind::Entity | ConsumerKind::Saga)
            }
            Behaviour::View(_) => mapped.kind == ConsumerKind::View,
        };
        assert!(
            fits,
            "{}: topics.yaml says {:?}",
            consumer.name, mapped.kind
        );
    }
}

#[test]
fn each_takes_the_records_of_its_topic_and_no_others() {
    let mut wrong = vec![];
    for consumer in registered() {
        let (topic, _): (&Topic, _) = TopicMap::embedded()
            .consumer(consumer.name)
            .expect("on the map");
        let carried: BTreeSet<&str> = topic.schemas.iter().map(String::as_str).collect();
        let taken: BTreeSet<&str> = consumer.records.iter().copied().collect();
        let any = taken.contains("*");
        for record in taken.difference(&carried).filter(|record| **record != "*") {
            wrong.push(format!(
                "{} takes {record}, which {} does not carry",
                consumer.name, topic.name
            ));
        }
        for record in carried
            .difference(&taken)
            .filter(|record| !any && **record != WOKE)
        {
            wrong.push(format!(
                "{} carries {record}, which {} does not take",
                topic.name, consumer.name
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
