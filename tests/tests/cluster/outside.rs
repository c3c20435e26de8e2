//! The history from outside, by somebody who only reads the topics.
use super::house::House;
use cluster::KafkaLog;
use cluster::log::Options;
use cluster::settings::Kafka;
use events::Envelope;
use events::map::{TopicKind, TopicMap};
use runtime::ports::log::Log;
use std::collections::BTreeSet;

/// Nothing that a worker said for good stands there twice. (What the edge sends may be sent again under the same id, H2, and
/// what outsiders write, I3; pieces of answers may be said again, H3.)
pub(super) async fn nothing_is_said_twice(house: &House) {
    let options = Options::new(Kafka::plaintext(&house.kafka), "outside");
    let log = KafkaLog::open(options).await.expect("the broker answers");
    let (mut seen, mut twice) = (BTreeSet::new(), vec![]);
    let topics = TopicMap::embedded().topics();
    for topic in
        topics.filter(|topic| !matches!(topic.kind, TopicKind::Ephemeral | TopicKind::Inbox))
    {
        for partition in 0..topic.partitions {
            let end = log.end(&topic.name, partition).await.expect("the end");
            let mut from = 0;
            while from < end {
                let messages = log
                    .read(&topic.name, partition, from, 500)
                    .await
                    .expect("reads");
                let Some(last) = messages.last() else { break };
                from = last.at.offset + 1;
                for message in &messages {
                    let envelope = Envelope::read(&message.headers);
                    let (source, id) = (
                        envelope.source.unwrap_or_default(),
                        envelope.id.unwrap_or_default(),
                    );
                    if source != "troupe/edge"
                        && !seen.insert((topic.name.clone(), source.clone(), id.clone()))
                    {
                        twice.push(format!("{} {source} {id}", topic.name));
                    }
                }
                assert!(
                    topic.kind != TopicKind::Dead,
                    "a dead letter on {}",
                    topic.name
                );
            }
        }
    }
    assert!(seen.len() > 100, "only {} messages were said", seen.len());
    assert!(twice.is_empty(), "said twice: {twice:?}");
}
