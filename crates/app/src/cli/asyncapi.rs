//! `troupe topics asyncapi`: the map and its schemas as AsyncAPI 3.0, for whoever writes or reads topics with a client
//! of their own.
use events::all_records;
use events::map::{Topic, TopicKind, TopicMap};
use serde_json::{Map, Value, json};

/// What every reader and writer must know, whatever the topic.
const HOW: &str = "Payloads are Avro in Confluent framing: a zero byte, the schema id in 4 bytes big-endian, the datum. \
    Headers are CloudEvents in binary mode (ce_id, ce_source, ce_type, ce_time, ce_subject, ce_tenantid, \
    ce_correlationid, ce_causationid). Keys are `<tenant>/<id>`, both [a-z0-9-]+, and partitions follow murmur2 of the \
    key. Read with isolation.level=read_committed: what was not committed never happened. Write to inboxes only. A command on an inbox is answered on the topic that its \
    header reply-to (or Spring's kafka_replyTopic) names, which must be the writer's own replies.<outsider>; reply-status \
    is done, refused, failed or progress, correlation-id and kafka_correlationId come back as they were sent.";

/// The document.
pub(super) fn document(map: &TopicMap) -> Value {
    let topics: Vec<&Topic> = map
        .topics()
        .filter(|topic| topic.kind != TopicKind::Dead)
        .collect();
    let channels: Map<String, Value> = topics
        .iter()
        .map(|topic| (topic.name.clone(), channel(topic)))
        .collect();
    let operations: Map<String, Value> =
        topics.iter().filter_map(|topic| operation(topic)).collect();
    let message = |record: &&events::RecordSchema| {
        let schema: Value =
            serde_json::from_str(record.text).unwrap_or_else(|_| record.text.into());
        let payload = json!({ "schemaFormat": "application/vnd.apache.avro;version=1.9.0", "schema": schema });
        (
            record.name.to_owned(),
            json!({ "name": record.name, "contentType": "application/avro", "payload": payload }),
        )
    };
    let messages: Map<String, Value> = all_records().iter().map(message).collect();
    json!({
        "asyncapi": "3.0.0",
        "info": { "title": "Troupe", "version": env!("CARGO_PKG_VERSION"), "description": HOW },
        "defaultContentType": "application/avro",
        "channels": channels,
        "operations": operations,
        "components": { "messages": messages },
    })
}

fn channel(topic: &Topic) -> Value {
    let refer = |record: &String| {
        (
            record.clone(),
            json!({ "$ref": format!("#/components/messages/{record}") }),
        )
    };
    json!({
        "address": topic.name,
        "description": format!("{} Key: <tenant>/<{}>.", topic.meaning, topic.key),
        "messages": topic.schemas.iter().map(refer).collect::<Map<String, Value>>(),
        "bindings": { "kafka": {
            "topic": topic.name,
            "partitions": topic.partitions,
            "topicConfiguration": { "retention.ms": topic.retention.as_millis() as u64 },
        }},
    })
}

/// What an outsider may do with a topic: write inboxes, read events and the answers to it; everything else is between ourselves. Actions are
/// Troupe's, so that it receives what an outsider sends.
fn operation(topic: &Topic) -> Option<(String, Value)> {
    let action = match topic.kind {
        TopicKind::Inbox => "receive",
        TopicKind::Event => "send",
        TopicKind::Replies if topic.is_for_outsiders() => "send",
        TopicKind::Input
        | TopicKind::Effects
        | TopicKind::Replies
        | TopicKind::Ephemeral
        | TopicKind::Dead => return None,
    };
    let channel = json!({ "$ref": format!("#/channels/{}", topic.name) });
    let mut operation = json!({ "action": action, "channel": channel, "summary": topic.meaning });
    if topic.takes_commands() {
        operation["reply"] = json!({ "address": {
            "location": "$message.header#/reply-to",
            "description": "The writer's own replies.<outsider>; without it nobody is answered.",
        }});
    }
    Some((format!("{action}.{}", topic.name), operation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document(TopicMap::embedded());
        let mut references = vec![];
        collect(&document, &mut references);
        assert!(references.len() > 50);
        for reference in references {
            let (place, name) = reference
                .trim_start_matches("#/")
                .rsplit_once('/')
                .expect("a path");
            let pointer = format!("/{place}");
            assert!(
                document
                    .pointer(&pointer)
                    .is_some_and(|all| all.get(name).is_some()),
                "{reference}"
            );
        }
    }
    #[test]
    fn a_command_is_answered_where_it_says() {
        let document = document(TopicMap::embedded());
        let operation = |name: &str| &document["operations"][name];
        let location = operation("receive.inbox.documents.commands");
        let location = &location["reply"]["address"]["location"];
        assert_eq!(location, "$message.header#/reply-to");
        assert_eq!(operation("send.replies.upstream")["action"], "send");
        assert!(operation("send.replies").is_null(), "the edges' own");
        let upload = operation("receive.inbox.document.uploaded");
        assert!(upload["reply"].is_null(), "an event is not answered");
    }
    fn collect(value: &Value, into: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                into.extend(
                    object
                        .get("$ref")
                        .and_then(Value::as_str)
                        .map(str::to_owned),
                );
                object.values().for_each(|value| collect(value, into));
            }
            Value::Array(all) => all.iter().for_each(|value| collect(value, into)),
            _ => {}
        }
    }
}
