//! Configuration: one commented default file inside the binary, then a file, then environment variables.
//!
//! `layers` puts them together and refuses what is not known; `bounds` says how much and how little a number may be;
//! the types below are what comes out.
mod bounds;
mod layers;
#[cfg(test)]
mod tests;

pub(crate) use layers::closest;
pub use layers::{ConfigError, FILE_VARIABLE, Sources};

use edge::{ApiKey, OperatorKey};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The commented default file: every setting there is.
pub const DEFAULT: &str = include_str!("default.toml");

/// What an operator decides.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where everything is kept.
    pub data: Data,
    /// Where the edge listens.
    pub http: Http,
    /// Who may come in.
    pub access: Access,
    /// What may come in.
    pub limits: edge::Limits,
    /// How much of a file is read.
    pub parsing: Parsing,
    /// Who writes answers and embeds passages.
    pub models: Models,
    /// Where Kafka and the rest are.
    pub cluster: cluster::Settings,
    /// The process itself.
    pub process: Process,
    /// What it says of itself.
    pub log: Log,
}

/// Where everything is kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// The database file.
    pub path: PathBuf,
    /// For tests, and set by them only: where the process dies.
    #[serde(skip)]
    pub crash_at: Option<embedded::CrashAt>,
    /// For tests, and set by them only: a disk of so many pages of 4 KiB.
    #[serde(skip)]
    pub max_pages: Option<u32>,
}

/// Where the edge listens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Address and port; port 0 is any free one.
    pub listen: SocketAddr,
    /// Origins that may call from a browser.
    pub cors_origins: Vec<String>,
}

/// Who may come in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// Hashes of keys, and whose they are.
    pub keys: Vec<ApiKey>,
    /// Hashes of the keys of operators.
    pub operators: Vec<OperatorKey>,
}

/// How much of a file is read. What is not here is as in [`documents::parse::Limits`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parsing {
    /// Longest passage, in characters.
    pub passage_chars: usize,
    /// Largest file, in bytes.
    pub file_bytes: usize,
    /// Most pages or sheets.
    pub pages: usize,
    /// Most bytes that a file may unpack to.
    pub unpacked_bytes: u64,
    /// Most characters of a document.
    pub text_chars: usize,
    /// Most passages of a document.
    pub passages: usize,
}
impl Parsing {
    /// For the worker.
    pub fn limits(&self) -> documents::parse::Limits {
        documents::parse::Limits {
            max_passage: self.passage_chars,
            max_bytes: self.file_bytes,
            max_pages: self.pages,
            max_unpacked: self.unpacked_bytes,
            max_text: self.text_chars,
            max_passages: self.passages,
            ..documents::parse::Limits::default()
        }
    }
}

/// Who writes answers and embeds passages; offline where there is nobody.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Models {
    /// In order of preference.
    pub chat: Vec<Endpoint>,
    /// Whether the best sentences are quoted when no endpoint answers.
    pub offline_fallback: bool,
    /// At most one: an index belongs to one model.
    pub embedding: Vec<Endpoint>,
}

/// Something that speaks OpenAI's API.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// Names it in answers, breakers, metrics and logs: `[a-z0-9-]+`.
    pub name: String,
    /// Before `/chat/completions`, so usually ending in `/v1`.
    pub url: String,
    /// As the endpoint calls it.
    pub model: String,
    /// The environment variable that holds its key; none if it needs none.
    #[serde(default)]
    pub key_env: Option<String>,
    /// How long it may take to begin to answer, in seconds.
    #[serde(default = "Endpoint::first_s")]
    pub first_s: u64,
    /// How long a whole answer may take, in seconds.
    #[serde(default = "Endpoint::timeout_s")]
    pub timeout_s: u64,
    /// For embeddings: how many numbers a vector has.
    #[serde(default)]
    pub dimensions: Option<usize>,
}
impl Endpoint {
    fn first_s() -> u64 {
        20
    }
    fn timeout_s() -> u64 {
        90
    }
    /// Its key, from the environment.
    ///
    /// # Errors
    /// [`ConfigError::NoSecret`] if the variable it names is not there.
    pub fn key(&self) -> Result<Option<String>, ConfigError> {
        let Some(variable) = &self.key_env else {
            return Ok(None);
        };
        let no_secret = || ConfigError::NoSecret {
            endpoint: self.name.clone(),
            variable: variable.clone(),
        };
        let key = std::env::var(variable)
            .ok()
            .filter(|key| !key.trim().is_empty());
        Ok(Some(key.ok_or_else(no_secret)?.trim().to_owned()))
    }
}

/// The process itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// How long stopping may take, in seconds.
    pub stop_s: u64,
    /// How often expired rows are removed, in seconds.
    pub sweep_rows_s: u64,
    /// How often messages beyond their retention are removed, in seconds.
    pub sweep_log_s: u64,
}
impl Process {
    /// How long stopping may take.
    pub fn stop(&self) -> Duration {
        Duration::from_secs(self.stop_s)
    }
}

/// What the process says of itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// A filter as tracing-subscriber reads it.
    pub level: String,
    /// How a line looks.
    pub format: LogFormat,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For a person.
    Text,
    /// For a program.
    Json,
}

impl Config {
    /// The defaults, without any file or variable: for tests and the demo.
    ///
    /// # Panics
    /// If the default file is wrong, which every test finds.
    pub fn defaults() -> Self {
        Sources::default()
            .read()
            .unwrap_or_else(|e| panic!("the default configuration: {e}"))
    }
}
