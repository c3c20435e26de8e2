//! What one request caused is one trace (W3C trace context).
use super::fixtures::*;
use crate::ports::log::{Message, Outgoing};
use events::envelope::name;

const DIRECTORY_TOPIC: &str = "document.changed";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// A command to a document, answered as `<document>`.
fn asked(world: &World, document: &str, said: &str, traceparent: Option<&str>) -> Outgoing {
    let key = format!("acme/{document}");
    let message = world.to(DOCUMENT, &key, &add(document, said), document);
    let headers = traceparent.map(|text| (name::TRACEPARENT, text));
    with(asking(message, document), headers.as_slice())
}

/// What stands in the header of every message on `topic` about a key, with the span that its id demands.
fn traces(world: &World, topic: &str, key: &str) -> Vec<(Option<String>, String)> {
    let of = |message: &Message| {
        let text = |name: &str| message.headers.text(name).map(str::to_owned);
        let digits = text(name::ID).unwrap_or_default().replace('-', "");
        (text(name::TRACEPARENT), digits[..16].to_owned())
    };
    let messages = world.sim.messages(topic);
    messages
        .iter()
        .filter(|m| m.key == key.as_bytes())
        .map(of)
        .collect()
}

#[test]
fn what_a_message_causes_belongs_to_its_trace_under_a_span_of_its_own() {
    running(async |mut world| {
        let parent = format!("00-{TRACE}-b7ad6b7169203331-01");
        // The second dies: whoever asked is told so by the machine itself.
        for (document, said) in [("d1", "a name"), ("d2", "panic")] {
            let message = asked(&world, document, said, Some(&parent));
            world.send(message).await;
        }
        world.settle().await;
        for (topic, key) in [
            (DIRECTORY_TOPIC, "acme/d1"),
            ("replies", "acme/d1"),
            ("replies", "acme/d2"),
        ] {
            let [(said, span)] = &traces(&world, topic, key)[..] else {
                panic!("one message on {topic} of {key}")
            };
            assert_eq!(
                said.as_deref(),
                Some(&*format!("00-{TRACE}-{span}-01")),
                "{topic} {key}"
            );
        }
    });
}

#[test]
fn what_has_no_trace_or_none_that_is_one_begins_none() {
    running(async |mut world| {
        let zeros = "00-00000000000000000000000000000000-b7ad6b7169203331-01";
        for (document, traceparent) in
            [("d1", None), ("d2", Some("00-1-2-01")), ("d3", Some(zeros))]
        {
            let message = asked(&world, document, "a name", traceparent);
            world.send(message).await;
        }
        world.settle().await;
        for document in ["d1", "d2", "d3"] {
            let said = traces(&world, DIRECTORY_TOPIC, &format!("acme/{document}"));
            assert!(matches!(&said[..], [(None, _)]), "{document}: {said:?}");
        }
    });
}
