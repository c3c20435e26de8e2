//! What `troupe topics` needs of a registry beyond lookups: to register, to check, to set levels. The library for ids has no
//! calls for it.
use super::{NO_SCHEMA, NO_SUBJECT};
use crate::settings::RegistryAt;
use reqwest::{Client, Method, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::Duration;

/// How long one answer may take: as long as one of Kafka's. Registering is a write that holds a schema against all before it,
/// and a registry that has just started takes seconds for its first; nothing but an operator waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why a registry did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// It did not answer, or not in time.
    #[error("the schema registry is unreachable: {0}")]
    Unreachable(String),
    /// It answered that it will not.
    #[error("the schema registry refused {what}: {why} ({code})")]
    Refused {
        /// What was asked.
        what: String,
        /// Its own code, or the status of its answer.
        code: u32,
        /// What it said.
        why: String,
    },
    /// It answered something that is not in its interface.
    #[error("the schema registry's answer to {what} cannot be read: {why}")]
    Unreadable {
        /// What was asked.
        what: String,
        /// What is wrong with the answer.
        why: String,
    },
}
impl RegistryError {
    /// Whether the schema breaks the level of its subject.
    pub fn is_incompatible(&self) -> bool {
        matches!(self, Self::Refused { code: 409, .. })
    }
    fn is_absent(&self) -> bool {
        let codes = [NO_SUBJECT, NO_SCHEMA, 40402, 40408];
        matches!(self, Self::Refused { code, .. } if codes.contains(code))
    }
}

/// A registry, to be administered.
#[derive(Clone, Debug)]
pub struct Confluent {
    client: Client,
    at: RegistryAt,
}

#[derive(Deserialize)]
struct Registered {
    id: u32,
}
#[derive(Deserialize)]
struct Level {
    #[serde(rename = "compatibilityLevel")]
    level: String,
}
#[derive(Deserialize)]
struct Compatible {
    is_compatible: bool,
}
#[derive(Deserialize)]
struct Refusal {
    error_code: u32,
    message: String,
}

impl Confluent {
    /// The registry at an address. Nothing is asked yet.
    ///
    /// # Errors
    /// If no client can be made.
    pub fn new(at: RegistryAt) -> Result<Self, RegistryError> {
        let client = Client::builder().timeout(PATIENCE).build();
        let client = client.map_err(|e| RegistryError::Unreachable(chain(&e)))?;
        Ok(Self { client, at })
    }

    /// All subjects.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn subjects(&self) -> Result<Vec<String>, RegistryError> {
        self.ask(Method::GET, &["subjects"], None).await
    }

    /// The id of a schema under a subject; `None` if it is not registered there.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn id(&self, subject: &str, text: &str) -> Result<Option<u32>, RegistryError> {
        let path = ["subjects", subject];
        let found = self.ask(Method::POST, &path, Some(schema(text)));
        absent(found.await.map(|found: Registered| found.id))
    }

    /// Registers a schema under a subject, if it is not there yet; returns its id.
    ///
    /// # Errors
    /// [`RegistryError`]; see [`RegistryError::is_incompatible`].
    pub async fn register(&self, subject: &str, text: &str) -> Result<u32, RegistryError> {
        let path = ["subjects", subject, "versions"];
        let found = self.ask(Method::POST, &path, Some(schema(text)));
        found.await.map(|found: Registered| found.id)
    }

    /// Whether a schema may follow all versions of a subject that its level looks at; `true` if there are none.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn is_compatible(&self, subject: &str, text: &str) -> Result<bool, RegistryError> {
        let path = ["compatibility", "subjects", subject, "versions"];
        let found = self.ask(Method::POST, &path, Some(schema(text)));
        let found = absent(found.await.map(|found: Compatible| found.is_compatible))?;
        Ok(found.unwrap_or(true))
    }

    /// The level of a subject; `None` if it has none of its own (some registries say the level of all then).
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn level(&self, subject: &str) -> Result<Option<String>, RegistryError> {
        let path = ["config", subject];
        let found = self.ask(Method::GET, &path, None);
        absent(found.await.map(|found: Level| found.level))
    }

    /// Sets the level of a subject, which need not exist yet.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn set_level(&self, subject: &str, level: &str) -> Result<(), RegistryError> {
        let body = json!({ "compatibility": level });
        let _: Value = self
            .ask(Method::PUT, &["config", subject], Some(body))
            .await?;
        Ok(())
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        body: Option<Value>,
    ) -> Result<T, RegistryError> {
        let what = format!("{method} {}", path.join("/"));
        let mut request = self.client.request(method, self.url(path)?);
        if let Some((user, password)) = &self.at.user {
            request = request.basic_auth(user, Some(password.expose()));
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let unreachable = |e: reqwest::Error| RegistryError::Unreachable(chain(&e));
        let answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let text = answer.text().await.map_err(unreachable)?;
        if status.is_success() {
            return serde_json::from_str(&text).map_err(|e| RegistryError::Unreadable {
                what,
                why: e.to_string(),
            });
        }
        Err(refused(what, status, &text))
    }

    fn url(&self, path: &[&str]) -> Result<Url, RegistryError> {
        let wrong = || RegistryError::Unreachable(format!("{} is not an address", self.at.url));
        let mut url = Url::parse(&self.at.url).map_err(|_| wrong())?;
        url.path_segments_mut()
            .map_err(|()| wrong())?
            .pop_if_empty()
            .extend(path);
        Ok(url)
    }
}

fn schema(text: &str) -> Value {
    json!({ "schema": text, "schemaType": "AVRO" })
}

fn absent<T>(found: Result<T, RegistryError>) -> Result<Option<T>, RegistryError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_absent() => Ok(None),
        Err(error) => Err(error),
    }
}

fn refused(what: String, status: StatusCode, text: &str) -> RegistryError {
    match serde_json::from_str::<Refusal>(text) {
        Ok(refusal) => RegistryError::Refused {
            what,
            code: refusal.error_code,
            why: refusal.message,
        },
        Err(_) => RegistryError::Refused {
            what,
            code: status.as_u16().into(),
            why: status.canonical_reason().unwrap_or("no reason").to_owned(),
        },
    }
}

/// An error with its causes: reqwest keeps the interesting half in them.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
