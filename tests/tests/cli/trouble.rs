//! Trouble for operators to put right, on a file and on a cluster.
use events::{Headers, envelope::name, topic};
use runtime::ports::log::Outgoing;
use runtime::ports::state::{Row, Save};
use serde_json::{Value, json};

/// A message for each of these documents that no schema fits; all carry the correlation id `request-1`.
pub(crate) fn unreadable(documents: &[&str]) -> Vec<Outgoing> {
    let message = |(n, document): (usize, &&str)| {
        let id = format!("{document}-{n}");
        let headers = [
            (name::ID, id.as_str()),
            (name::SOURCE, "upstream"),
            (name::TENANT, "acme"),
            (name::CORRELATION, "request-1"),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
        Outgoing {
            topic: topic::DOCUMENTS_DOCUMENT.into(),
            partition: None,
            key: format!("acme/{document}").into_bytes().into(),
            headers: Headers(headers.to_vec()),
            payload: b"{}".to_vec().into(),
        }
    };
    documents.iter().enumerate().map(message).collect()
}

/// Where the letters of a key stand, of those that were listed.
pub(crate) fn places(letters: &[Value], key: &str) -> Vec<String> {
    let of_key = letters.iter().filter(|letter| letter["key"] == key);
    let place = |letter: &Value| letter["place"].as_str().expect("a place").to_owned();
    of_key.map(place).collect()
}

/// The saga `acme/house`, whose undo was refused again and again.
pub(crate) fn stuck_saga() -> Save {
    let saga = json!({
        "version": "create-chatbot.v1", "phase": "stuck.register", "turn": 4, "tries": 3,
        "history": [{"at": 1, "what": {"sent": {"token": "doing.register/1"}}}],
    });
    let data = json!({"chatbot": "house", "name": "House", "settings": {
        "greeting": "", "prompt_template": "", "answer": {"max_sentences": 0, "tone": ""}}});
    let body = json!({"state": {"saga": saga, "data": data, "asker": null}});
    let row = Row {
        version: 1,
        partition: 0,
        body: body.to_string().into_bytes(),
        ..Row::default()
    };
    Save {
        collection: "chatbots.creation".into(),
        id: "acme/house".into(),
        expected: 0,
        row: Some(row),
    }
}
