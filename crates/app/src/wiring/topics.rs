//! From the map to the topics of the file.
use embedded::TopicSpec;
use events::map::{TopicKind, TopicMap};
use runtime::emission::MAX_EVENT;

/// The largest message of a topic, in bytes: an event (G2), and room for the headers that outsiders add to theirs.
const MAX_MESSAGE: usize = MAX_EVENT + (44 << 10);

/// Every topic of the map, those of dead letters included, which take twice the size of what they receive (K4).
pub fn specs(map: &TopicMap) -> Vec<TopicSpec> {
    let spec = |topic: &events::map::Topic| TopicSpec {
        name: topic.name.clone(),
        partitions: topic.partitions,
        retention: Some(topic.retention),
        max_message_bytes: match topic.kind {
            TopicKind::Dead => 2 * MAX_MESSAGE,
            _ => MAX_MESSAGE,
        },
    };
    map.topics().map(spec).collect()
}
