//! Rule 4: what workers register is what topics.yaml says of what they consume and of what they emit.
use app::Config;
use app::clock::SystemClock;
use events::map::{ConsumerKind, Topic, TopicKind, TopicMap};
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
            Behaviour::Handlers(_) | Behaviour::Bytes(_) => mapped.kind == ConsumerKind::Handlers,
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

/// Records that no consumer registers: answers go where they were asked from, and wakes are the machine's.
fn needs_no_word(record: &str) -> bool {
    record.starts_with("troupe.reply.") || record == WOKE
}

#[test]
fn each_emits_to_the_topics_of_the_map_and_to_no_others() {
    let mut wrong = vec![];
    for consumer in registered() {
        let mapped: BTreeSet<&str> = TopicMap::embedded()
            .emits_of(consumer.name)
            .into_iter()
            .collect();
        let emitted: BTreeSet<&str> = consumer.emits.iter().map(|emitted| emitted.topic).collect();
        for topic in emitted.difference(&mapped) {
            wrong.push(format!(
                "{} emits to {topic}, and topics.yaml does not name it among the producers there",
                consumer.name
            ));
        }
        for topic in mapped.difference(&emitted) {
            wrong.push(format!(
                "topics.yaml names {} among the producers of {topic}, and it emits nothing there",
                consumer.name
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_emitted_is_what_the_topics_carry() {
    let all: BTreeSet<(&str, &str)> = registered()
        .iter()
        .flat_map(|consumer| consumer.emits.clone())
        .map(|emitted| (emitted.topic, emitted.record))
        .collect();
    let mut wrong = vec![];
    for topic in TopicMap::embedded().topics() {
        let carried: BTreeSet<&str> = topic.schemas.iter().map(String::as_str).collect();
        let emitted = all.iter().filter(|(to, _)| *to == topic.name);
        let emitted: BTreeSet<&str> = emitted.map(|(_, record)| *record).collect();
        for record in emitted.difference(&carried) {
            wrong.push(format!(
                "{record} is emitted to {}, which does not carry it",
                topic.name
            ));
        }
        // What the edge, operators and upstream systems send, and what is answered there, is not registered.
        let others = topic
            .producers
            .iter()
            .any(|who| ["edge", "upstream", "operator"].contains(&who.as_str()));
        if others || topic.may_be_answered(false) || topic.kind == TopicKind::Dead {
            continue;
        }
        for record in carried
            .difference(&emitted)
            .filter(|record| !needs_no_word(record))
        {
            wrong.push(format!(
                "{} carries {record}, which nobody emits",
                topic.name
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
