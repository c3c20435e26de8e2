//! Which record stands under which subject: `<topic>-value` where a topic carries one record, `<topic>-<record>` where it
//! carries several. Topics of dead letters hold bytes of other topics, and have no subjects.
use events::map::{Compatibility, Topic, TopicKind, TopicMap};

/// One record under one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject<'a> {
    /// Its name.
    pub name: String,
    /// The topic that it belongs to.
    pub topic: &'a str,
    /// The record's full name.
    pub record: &'a str,
    /// What a new version must keep; `None`: whatever the registry demands of everybody.
    pub compatibility: Option<Compatibility>,
}

/// The subject of a record in a topic.
pub fn subject_of(topic: &Topic, record: &str) -> String {
    match topic.schemas.as_slice() {
        [_] => format!("{}-value", topic.name),
        _ => format!("{}-{record}", topic.name),
    }
}

/// Every subject of a map, in its order.
pub fn subjects(map: &TopicMap) -> Vec<Subject<'_>> {
    let live = map.topics().filter(|topic| topic.kind != TopicKind::Dead);
    live.flat_map(|topic| {
        topic.schemas.iter().map(move |record| Subject {
            name: subject_of(topic, record),
            topic: &topic.name,
            record,
            compatibility: topic.compatibility,
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn an_event_has_the_subject_that_every_client_expects() {
        let map = TopicMap::embedded();
        let all = subjects(map);
        let of = |topic: &str| -> Vec<&str> {
            let here = all.iter().filter(|subject| subject.topic == topic);
            here.map(|subject| subject.name.as_str()).collect()
        };
        assert_eq!(of("embedding.ready"), ["embedding.ready-value"]);
        assert!(of("replies").contains(&"replies-troupe.reply.Ok"));
        assert!(of("documents.document.dead").is_empty());
        let names: BTreeSet<&str> = all.iter().map(|subject| subject.name.as_str()).collect();
        assert_eq!(names.len(), all.len(), "each subject is there once");
    }

    #[test]
    fn every_record_stands_in_some_topic_and_can_be_looked_up() {
        let all = subjects(TopicMap::embedded());
        for record in events::all_records() {
            assert!(
                all.iter().any(|subject| subject.record == record.name),
                "{} has no subject: nothing registers it",
                record.name
            );
        }
    }
}
