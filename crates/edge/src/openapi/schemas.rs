//! The shapes that requests and answers have.
use serde_json::{Value, json};

fn text() -> Value {
    json!({"type": "string"})
}
fn id() -> Value {
    json!({"type": "string", "pattern": "^[a-z0-9-]{1,128}$"})
}
fn count() -> Value {
    json!({"type": "integer", "minimum": 0})
}
fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}
fn list(of: Value) -> Value {
    json!({"type": "array", "items": of})
}
fn either_null(of: Value) -> Value {
    json!({"oneOf": [of, {"type": "null"}]})
}
fn one_of(values: &[&str]) -> Value {
    json!({"type": "string", "enum": values})
}
fn page(of: &str) -> Value {
    json!({"type": "object", "required": ["items", "next"], "properties": {
        "items": list(reference(of)),
        "next": {"type": ["string", "null"], "description": "`after` of the next page, if there may be one"},
    }})
}

/// A request: unknown fields are refused.
fn request(required: &[&str], properties: Value) -> Value {
    json!({"type": "object", "additionalProperties": false, "required": required, "properties": properties})
}
/// An answer: more fields may come.
fn answer(properties: Value) -> Value {
    json!({"type": "object", "properties": properties})
}

/// All of them, by name.
pub fn all() -> Value {
    json!({
        "Anything": {"type": "object"},
        "Problem": problem(),
        "Health": answer(json!({
            "status": one_of(&["up", "degraded", "down"]),
            "checks": list(answer(json!({"name": text(), "status": one_of(&["up", "degraded", "down"]), "reason": text()}))),
        })),
        "Blob": request(&["id", "size", "sha256"], json!({"id": text(), "size": count(), "sha256": text()})),
        "Settings": settings(),
        "CreateChatbot": request(&["name"], json!({
            "id": either_null(id()),
            "name": text(),
            "settings": reference("Settings"),
            "sources": list(request(&["name", "blob"], json!({
                "name": text(),
                "media_type": text(),
                "blob": reference("Blob"),
            }))),
        })),
        "UpdateChatbot": request(&[], json!({"name": either_null(text()), "settings": either_null(reference("SettingsPatch"))})),
        "SettingsPatch": settings_patch(),
        "AskQuestion": request(&["text"], json!({
            "text": text(),
            "conversation": either_null(id()),
            "visitor": either_null(id()),
        })),
        "Made": answer(json!({"id": id(), "operation": id()})),
        "Chatbot": answer(json!({
            "id": id(),
            "name": text(),
            "state": one_of(&["unknown", "registered", "active", "paused", "retiring"]),
            "version": count(),
            "settings": reference("Settings"),
        })),
        "ChatbotPage": page("Chatbot"),
        "Uploaded": answer(json!({
            "id": id(),
            "chatbot": id(),
            "revision": text(),
            "name": text(),
            "passages": count(),
            "documents": list(reference("Operation")),
            "operation": id(),
        })),
        "Document": document(),
        "DocumentPage": page("Document"),
        "Citation": answer(json!({
            "document": id(),
            "name": text(),
            "page": {"type": ["integer", "null"]},
            "heading": text(),
            "quote": text(),
            "score": {"type": "number"},
        })),
        "Answer": answer(json!({
            "question": id(),
            "conversation": id(),
            "visitor": id(),
            "answer": text(),
            "known": {"type": "boolean", "description": "false: nothing relevant was found, and the answer says so"},
            "citations": list(reference("Citation")),
            "model": text(),
            "provider": text(),
            "usage": answer(json!({"prompt_tokens": count(), "completion_tokens": count()})),
            "operation": id(),
        })),
        "Conversation": answer(json!({"id": id(), "chatbot": id(), "visitor": id(), "turns": list(json!({"type": "object"}))})),
        "ConversationPage": page("Conversation"),
        "Operation": operation(),
        "DeadLetter": dead_letter(),
        "DeadLetterPage": page("DeadLetter"),
        "Redrive": request(&[], json!({
            "places": list(text()),
            "which": either_null(request(&[], json!({
                "worker": either_null(text()),
                "code": either_null(text()),
                "tenant": either_null(text()),
                "key": either_null(text()),
                "since": either_null(text()),
                "until": either_null(text()),
            }))),
            "by": text(),
            "why": text(),
            "rate": {"type": "integer", "minimum": 1, "maximum": 100_000, "description": "letters a second, at most; 200 if it is not said"},
            "plan": {"type": "boolean", "description": "say what would be done, and do nothing"},
            "follow": {"type": "boolean", "description": "with one place: round by round, until its key is free"},
        })),
        "Discard": request(&["places", "by", "why"], json!({"places": list(text()), "by": text(), "why": text()})),
        "TellSaga": request(&["saga", "key", "by", "why"], json!({"saga": text(), "key": text(), "by": text(), "why": text()})),
    })
}

fn problem() -> Value {
    json!({"type": "object", "required": ["type", "title", "status", "detail", "code"], "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": text(),
        "status": {"type": "integer"},
        "detail": text(),
        "instance": {"type": "string", "format": "uri-reference"},
        "code": {"type": "string", "description": "stable"},
        "where": {"type": "string", "description": "which part of the request is meant"},
        "operation": id(),
        "may_have_happened": {"type": "boolean"},
    }})
}

fn settings() -> Value {
    request(
        &[],
        json!({
            "greeting": text(),
            "languages": list(text()),
            "prompt_template": text(),
            "voice": either_null(request(&["name"], json!({
                "name": text(),
                "speed": {"type": "number", "minimum": 0.25, "maximum": 4},
                "pitch": {"type": "number", "minimum": -20, "maximum": 20},
            }))),
            "avatar": either_null(request(&["model"], json!({
                "model": text(),
                "background": text(),
                "gestures": {"type": "boolean"},
            }))),
            "answer": request(&[], json!({"max_sentences": count(), "tone": text()})),
        }),
    )
}

/// A JSON merge patch of the settings.
fn settings_patch() -> Value {
    let optional = |of: Value| either_null(of);
    let mut patch = request(
        &[],
        json!({
            "greeting": optional(text()),
            "languages": optional(list(text())),
            "prompt_template": optional(text()),
            "voice": optional(request(&[], json!({
                "name": optional(text()),
                "speed": optional(json!({"type": "number", "minimum": 0.25, "maximum": 4})),
                "pitch": optional(json!({"type": "number", "minimum": -20, "maximum": 20})),
            }))),
            "avatar": optional(request(&[], json!({
                "model": optional(text()),
                "background": optional(text()),
                "gestures": optional(json!({"type": "boolean"})),
            }))),
            "answer": optional(request(&[], json!({"max_sentences": optional(count()), "tone": optional(text())}))),
        }),
    );
    patch["description"] = "A JSON merge patch (RFC 7396): what is not named stays as it is; null resets to the default, \
                            of one member, of a part, or of all settings"
        .into();
    patch
}

fn document() -> Value {
    answer(json!({
        "id": id(),
        "chatbot": id(),
        "name": text(),
        "state": one_of(&["unknown", "parsing", "indexing", "ready", "rejected", "deleting"]),
        "reason": text(),
        "revision": text(),
        "passages": count(),
        "size": count(),
        "updated": {"type": "string", "format": "date-time"},
        "ledger": answer(json!({
            "revision": text(),
            "version": count(),
            "expected": count(),
            "embedded": count(),
            "stored": count(),
            "retrievable": count(),
        })),
    }))
}

fn dead_letter() -> Value {
    answer(json!({
        "place": {"type": "string", "description": "`<consumer>.dead/<partition>/<offset>`: its name"},
        "at": {"type": "string", "format": "date-time"},
        "worker": text(),
        "code": text(),
        "message": text(),
        "attempts": count(),
        "first_failed_at": text(),
        "key": text(),
        "id": text(),
        "source": text(),
        "correlation": {"type": ["string", "null"]},
        "was": {"type": ["object", "null"]},
        "behind": {"type": ["string", "null"], "description": "the message that it waits behind"},
        "holds": {"type": "boolean", "description": "whether its key waits for it"},
        "redriven": {"type": ["string", "null"], "description": "the letter that it was before"},
        "fate": {"type": "object"},
        "payload": answer(json!({"record": {"type": ["string", "null"]}, "body": {}, "unreadable": {"type": ["string", "null"]}})),
    }))
}

fn operation() -> Value {
    answer(json!({
        "id": id(),
        "kind": text(),
        "status": one_of(&["running", "done", "refused", "failed"]),
        "created": {"type": "string", "format": "date-time"},
        "deadline": {"type": "string", "format": "date-time"},
        "subject": {"type": "object"},
        "links": answer(json!({"self": text(), "events": text(), "subject": {"type": ["string", "null"]}})),
        "progress": answer(json!({"message": text(), "done": count(), "total": count()})),
        "parts": list(reference("Operation")),
        "result": {"type": "object"},
        "error": reference("Problem"),
    }))
}
