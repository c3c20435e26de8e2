//! Looking from outside: at a file, read-only, while another process may own it, or at the servers of a cluster.
//!
//! [`dead_letters`], [`sagas`] and [`trace`] say what they find as data; `cli` prints it. Personal fields stay sealed.
pub mod dead_letters;
pub mod sagas;
mod servers;
pub mod trace;

use crate::clock::SystemClock;
use crate::config::Config;
use crate::servers::Servers;
use crate::wiring::{StartError, Where};
use cluster::Cluster;
use embedded::{Embedded, OpenError, Options};
use events::record::decode_json;
use runtime::codec::{Schemas, UnknownSchema};
use runtime::ports::log::Message;
use runtime::{PortError, Ports};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a database cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// There is none.
    #[error("there is no database {}: `troupe up` creates it, --data names another", path.display())]
    Absent {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be opened.
    #[error("cannot read the database {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: OpenError,
    },
    /// The servers cannot be looked at.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It cannot be read.
    #[error(transparent)]
    Port(#[from] PortError),
    /// What was asked for is not in it.
    #[error("{0}")]
    NotFound(String),
}

/// What there is, to be looked at.
pub struct Look {
    kept: Kept,
    ports: Ports,
}

/// Where it is kept.
enum Kept {
    File(Embedded),
    Servers(Cluster),
}

/// A payload as a person can read it.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Payload {
    /// The full name of the record that it is, if that can be told.
    pub record: Option<String>,
    /// The record; personal fields sealed.
    pub body: Option<Value>,
    /// Why there is no record or no body.
    pub unreadable: Option<String>,
}

impl Look {
    /// Opens what the configuration names.
    ///
    /// # Errors
    /// [`LookError`].
    pub async fn at(config: &Config, at: Where) -> Result<Self, LookError> {
        match at {
            Where::File => Self::open(&config.data.path).await,
            Where::Cluster => {
                let Servers { cluster, ports } = Servers::open(config).await?;
                let kept = Kept::Servers(cluster);
                Ok(Self { kept, ports })
            }
        }
    }

    /// Opens the file for reading.
    ///
    /// # Errors
    /// [`LookError`].
    pub async fn open(path: &Path) -> Result<Self, LookError> {
        if !path.exists() {
            return Err(LookError::Absent {
                path: path.to_owned(),
            });
        }
        let opening = {
            let path = path.to_owned();
            let options = Options {
                readers: 1,
                ..Options::new(Arc::new(SystemClock), vec![])
            };
            tokio::task::spawn_blocking(move || Embedded::open_readonly(&path, options))
        };
        let opened = opening
            .await
            .map_err(|e| LookError::NotFound(format!("opening panicked: {e}")))?;
        let embedded = opened.map_err(|source| LookError::Open {
            path: path.to_owned(),
            source,
        })?;
        // No schema of ours is registered: a reader changes nothing, and every message names the schema that wrote it.
        let schemas = Schemas::start(embedded.schemas(), &[]).await?;
        let ports = Ports::new(embedded.stores(), schemas, Arc::new(SystemClock));
        let kept = Kept::File(embedded);
        Ok(Self { kept, ports })
    }

    /// What a payload says.
    ///
    /// # Errors
    /// If the database cannot be read; bytes that are no record are no error.
    pub async fn payload(&self, bytes: &[u8]) -> Result<Payload, LookError> {
        let nothing = |why: String| Payload {
            record: None,
            body: None,
            unreadable: Some(why),
        };
        let datum = match self.ports.schemas.datum(bytes).await {
            Ok(datum) => datum,
            Err(UnknownSchema::Registry(error)) => return Err(error.into()),
            Err(error) => return Ok(nothing(error.to_string())),
        };
        let record = Some(datum.record.to_owned());
        Ok(match decode_json(&datum) {
            Ok(body) => Payload {
                record,
                body: Some(body),
                unreadable: None,
            },
            Err(error) => Payload {
                record,
                ..nothing(error.to_string())
            },
        })
    }
}

/// A key as text; bytes that are none, escaped.
fn key_of(message: &Message) -> String {
    message.key.escape_ascii().to_string()
}
