//! `/openapi.json`: the table of endpoints, described. What is not in the table is not served, and what is in it
//! is described here: the two cannot drift apart.
mod schemas;

use crate::problem::Code;
use crate::router::{Endpoint, endpoints};
use axum::Json;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What an endpoint takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    None,
    /// JSON of this schema.
    Json(&'static str),
    /// Bytes.
    File,
    /// Bytes, or multipart with several files.
    Files,
}

/// What an endpoint answers when all goes well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 200 with this schema.
    Ok(&'static str),
    /// 201 with this schema, and where the thing is.
    Created(&'static str),
    /// 202: it goes on; see the operation.
    Accepted,
    /// Server-sent events.
    Stream,
    /// 200 with text.
    Text,
    /// 200 with a page for a person.
    Markdown,
}

/// How an endpoint is described.
#[derive(Clone, Debug)]
pub struct Doc {
    id: &'static str,
    summary: &'static str,
    body: Body,
    params: &'static [&'static str],
    answers: &'static [Answer],
    command: bool,
    /// Who is let in.
    pub open_to: OpenTo,
}

/// Who is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenTo {
    /// Whoever has a tenant's key.
    Tenants,
    /// Whoever has an operator's key.
    Operators,
    /// Everybody.
    Everybody,
}
impl Doc {
    /// Asks for something to be done.
    pub fn command(id: &'static str, summary: &'static str) -> Self {
        Self {
            command: true,
            ..Self::query(id, summary)
        }
    }
    /// Only looks.
    pub fn query(id: &'static str, summary: &'static str) -> Self {
        Self {
            id,
            summary,
            body: Body::None,
            params: &[],
            answers: &[],
            command: false,
            open_to: OpenTo::Tenants,
        }
    }
    /// Looks, and needs no key.
    pub fn open(id: &'static str, summary: &'static str) -> Self {
        Self {
            open_to: OpenTo::Everybody,
            ..Self::query(id, summary)
        }
    }
    /// For whoever looks after the house.
    pub fn operator(id: &'static str, summary: &'static str) -> Self {
        Self {
            open_to: OpenTo::Operators,
            ..Self::query(id, summary)
        }
    }
    /// What it takes.
    pub fn body(self, body: Body) -> Self {
        Self { body, ..self }
    }
    /// What may stand in the query.
    pub fn params(self, params: &'static [&'static str]) -> Self {
        Self { params, ..self }
    }
    /// What it answers.
    pub fn answers(self, answers: &'static [Answer]) -> Self {
        Self { answers, ..self }
    }
}

fn schema(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}
fn content(media_type: &str, schema: Value) -> Value {
    Value::Object(Map::from_iter([(
        media_type.to_owned(),
        json!({"schema": schema}),
    )]))
}
fn binary() -> Value {
    json!({"type": "string", "format": "binary"})
}

fn body(body: Body) -> Option<Value> {
    let content = match body {
        Body::None => return None,
        Body::Json(name) => content("application/json", schema(name)),
        Body::File => content("application/octet-stream", binary()),
        Body::Files => json!({
            "application/octet-stream": {"schema": binary()},
            "multipart/form-data": {"schema": {
                "type": "object",
                "properties": {"file": {"type": "array", "items": binary()}},
            }},
        }),
    };
    Some(json!({"required": true, "content": content}))
}

fn parameter(name: &str, place: &str, description: &str, schema: Value) -> Value {
    json!({"name": name, "in": place, "required": place == "path", "description": description, "schema": schema})
}

fn query_parameter(name: &str) -> Value {
    let (description, schema) = match name {
        "limit" => (
            "Items on the page",
            json!({"type": "integer", "minimum": 1, "maximum": crate::read_models::MAX_PAGE}),
        ),
        "after" => ("The `next` of the page before", json!({"type": "string"})),
        "visitor" => ("Only this visitor's", json!({"type": "string"})),
        "worker" => (
            "Only of this consumer, or of all of this context",
            json!({"type": "string"}),
        ),
        "code" => ("Only with this code", json!({"type": "string"})),
        "tenant" => ("Only of this tenant", json!({"type": "string"})),
        "key" => (
            "Only with this key, `<tenant>/<id>`",
            json!({"type": "string"}),
        ),
        "since" => (
            "Only from this time on: RFC 3339, or how long ago: 90m, 12h, 7d",
            json!({"type": "string"}),
        ),
        "until" => ("Only before this time", json!({"type": "string"})),
        _ => (
            "What the file is called; needed for a raw body",
            json!({"type": "string"}),
        ),
    };
    parameter(name, "query", description, schema)
}

fn parameters(endpoint: &Endpoint) -> Vec<Value> {
    let id = json!({"type": "string", "pattern": "^[a-z0-9-]{1,128}$"});
    let in_path = endpoint
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut all: Vec<Value> = in_path
        .map(|name| match name {
            "code" => parameter(name, "path", "The code", json!({"type": "string"})),
            "topic" => parameter(name, "path", "`<consumer>.dead`", json!({"type": "string"})),
            "partition" | "offset" => {
                parameter(name, "path", "Where it stands", json!({"type": "integer"}))
            }
            "verb" => parameter(
                name,
                "path",
                "What to do",
                json!({"enum": ["resume", "abandon"]}),
            ),
            _ => parameter(name, "path", "The id", id.clone()),
        })
        .collect();
    all.extend(endpoint.doc.params.iter().map(|name| query_parameter(name)));
    if endpoint.doc.command {
        let key = "The same key and body give the first answer again; the same key with another body is 422";
        all.push(parameter(
            "Idempotency-Key",
            "header",
            key,
            json!({"type": "string", "maxLength": 255}),
        ));
        let prefer = "`wait=5` waits up to 5 s for the answer, `respond-async` does not";
        all.push(parameter(
            "Prefer",
            "header",
            prefer,
            json!({"type": "string"}),
        ));
    }
    if endpoint.doc.answers.contains(&Answer::Stream) {
        let last = "Goes on after this event";
        all.push(parameter(
            "Last-Event-ID",
            "header",
            last,
            json!({"type": "string"}),
        ));
    }
    all
}

fn responses(doc: &Doc) -> Map<String, Value> {
    let mut all: Map<String, Value> = Map::new();
    let location = json!({"Location": {"schema": {"type": "string"}}});
    for answer in doc.answers {
        let (status, description, media_type, shape) = match answer {
            Answer::Ok(name) => ("200", "As asked", "application/json", schema(name)),
            Answer::Created(name) => ("201", "Created", "application/json", schema(name)),
            Answer::Accepted => (
                "202",
                "It goes on: see the operation",
                "application/json",
                schema("Operation"),
            ),
            Answer::Stream => (
                "200",
                "Server-sent events: operation, delta, reset, progress, done, failed, bye",
                "text/event-stream",
                json!({"type": "string"}),
            ),
            Answer::Text => (
                "200",
                "As asked",
                "application/openmetrics-text",
                json!({"type": "string"}),
            ),
            Answer::Markdown => (
                "200",
                "As asked",
                "text/markdown",
                json!({"type": "string"}),
            ),
        };
        let response = all
            .entry(status)
            .or_insert_with(|| json!({"description": description, "content": {}}));
        response["content"][media_type] = json!({"schema": shape});
        if matches!(answer, Answer::Created(_) | Answer::Accepted) {
            response["headers"] = location.clone();
        }
    }
    let problem = json!({"$ref": "#/components/responses/Problem"});
    all.insert("default".into(), problem);
    all
}

fn operation(endpoint: &Endpoint) -> Value {
    let doc = &endpoint.doc;
    let mut operation = json!({
        "operationId": doc.id,
        "summary": doc.summary,
        "parameters": parameters(endpoint),
        "responses": responses(doc),
    });
    if let Some(body) = body(doc.body) {
        operation["requestBody"] = body;
    }
    match doc.open_to {
        OpenTo::Tenants => {}
        OpenTo::Everybody => operation["security"] = json!([]),
        OpenTo::Operators => operation["tags"] = json!(["operator"]),
    }
    operation
}

/// The whole description, OpenAPI 3.1.
pub fn document() -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for endpoint in endpoints() {
        paths
            .entry(endpoint.path)
            .or_default()
            .insert(endpoint.method.to_owned(), operation(&endpoint));
    }
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.parts().1).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Troupe",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": format!(
                "Chatbots that answer from documents, with citations. Errors are problem documents (RFC 9457); the edge's own codes are {}; others are the workers'.",
                codes.join(", "),
            ),
        },
        "security": [{"bearer": []}, {"key": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
            },
            "responses": {
                "Problem": {
                    "description": "It did not go: `code` says why",
                    "content": content("application/problem+json", schema("Problem")),
                },
            },
            "schemas": schemas::all(),
        },
    })
}

/// `/openapi.json`.
pub async fn serve() -> Json<Value> {
    Json(document())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refs(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    match member.as_str().filter(|_| name == "$ref") {
                        Some(text) => found.push(text.to_owned()),
                        None => refs(member, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| refs(item, found)),
            _ => {}
        }
    }

    #[test]
    fn every_endpoint_is_described_and_every_reference_leads_somewhere() {
        let document = document();
        for endpoint in endpoints() {
            let described = &document["paths"][endpoint.path][endpoint.method];
            assert!(
                !endpoint.doc.answers.is_empty(),
                "{} says what it answers",
                endpoint.path
            );
            assert_eq!(described["operationId"], endpoint.doc.id);
        }
        let mut found = Vec::new();
        refs(&document, &mut found);
        for reference in found {
            let pointer = reference.trim_start_matches('#');
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }
    #[test]
    fn no_two_endpoints_share_a_name() {
        let all = endpoints();
        let names: std::collections::BTreeSet<&str> =
            all.iter().map(|endpoint| endpoint.doc.id).collect();
        assert_eq!(names.len(), all.len());
    }
}
