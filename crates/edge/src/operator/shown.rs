//! A dead letter as an operator is shown it, over HTTP and on the command line.
use runtime::dead_letters::{Body, Letter};
use runtime::time::rfc3339;
use serde_json::{Value, json};

/// A dead letter as JSON. Personal fields stay sealed (G1).
pub fn letter_json(letter: &Letter) -> Value {
    let (body, unreadable) = match &letter.body {
        Body::Json(body) => (Some(body), None),
        Body::Unreadable(why) => (None, Some(why)),
    };
    let was = letter.was.as_ref().map(|was| {
        json!({
            "topic": was.topic,
            "partition": was.partition,
            "offset": was.offset,
            "at": rfc3339(was.timestamp_ms),
        })
    });
    json!({
        "place": letter.place.to_string(),
        "at": rfc3339(letter.at_ms),
        "worker": letter.consumer,
        "code": letter.code,
        "message": letter.message,
        "attempts": letter.attempts,
        "first_failed_at": letter.first_failed_at,
        "key": letter.key,
        "id": letter.id.id,
        "source": letter.id.source,
        "correlation": letter.correlation,
        "was": was,
        "behind": letter.behind,
        "holds": letter.holds,
        "redriven": letter.redriven.as_ref().map(ToString::to_string),
        "fate": letter.fate,
        "payload": {"record": letter.record, "body": body, "unreadable": unreadable},
    })
}
