//! Endpoints that speak OpenAI's API: chat completions with streaming, and embeddings.
mod chat;
mod embeddings;
mod http;
mod marks;
mod sse;

pub use chat::OpenAiChat;
pub use embeddings::OpenAiEmbedder;

use crate::Secret;
use serde::Deserialize;
use std::time::Duration;

/// Where an endpoint is, and how long it may take.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// What we call it: `[a-z0-9-]+`. It names the breaker, and stands in the answers that it wrote.
    pub name: String,
    /// Such as `https://api.example.com/v1`; `chat/completions` and `embeddings` are below it.
    pub base_url: String,
    /// Sent as a bearer token.
    #[serde(default)]
    pub api_key: Option<Secret>,
    /// As the endpoint calls it.
    pub model: String,
    /// To connect, in milliseconds.
    #[serde(default = "connect_ms")]
    pub connect_ms: u64,
    /// Until the first word (of embeddings: until the whole answer), in milliseconds.
    #[serde(default = "first_ms")]
    pub first_ms: u64,
    /// From one word to the next, in milliseconds.
    #[serde(default = "silence_ms")]
    pub silence_ms: u64,
    /// For a whole answer, in milliseconds.
    #[serde(default = "total_ms")]
    pub total_ms: u64,
}

fn connect_ms() -> u64 {
    3_000
}
fn first_ms() -> u64 {
    20_000
}
fn silence_ms() -> u64 {
    10_000
}
fn total_ms() -> u64 {
    90_000
}

impl Endpoint {
    /// With the default time-outs and no key.
    pub fn new(name: &str, base_url: &str, model: &str) -> Self {
        Self {
            name: name.to_owned(),
            base_url: base_url.to_owned(),
            api_key: None,
            model: model.to_owned(),
            connect_ms: connect_ms(),
            first_ms: first_ms(),
            silence_ms: silence_ms(),
            total_ms: total_ms(),
        }
    }
    fn first(&self) -> Duration {
        Duration::from_millis(self.first_ms)
    }
    fn silence(&self) -> Duration {
        Duration::from_millis(self.silence_ms)
    }
    fn total(&self) -> Duration {
        Duration::from_millis(self.total_ms)
    }
}

/// Why an endpoint cannot be used as it is configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEndpoint {
    /// The name is used in breakers, metrics and answers.
    #[error("{0:?} is not a name: use a-z, 0-9 and '-'")]
    Name(String),
    /// Not an absolute http or https URL.
    #[error("base_url of {name} is not a URL that can be called: {why}")]
    Url {
        /// The endpoint.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// The key cannot stand in a header.
    #[error("api_key of {0} has characters that cannot be sent")]
    Key(String),
    /// The client could not be made.
    #[error("no HTTP client for {name}: {why}")]
    Client {
        /// The endpoint.
        name: String,
        /// What it said.
        why: String,
    },
}
