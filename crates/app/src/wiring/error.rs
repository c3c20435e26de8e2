//! Why nothing was started.
use crate::config::ConfigError;
use embedded::OpenError;
use runtime::PortError;
use runtime::engine::WiringError;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Why nothing was started, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database cannot be opened.
    #[error("{}", not_opened(path, source))]
    Open {
        /// The file.
        path: PathBuf,
        /// Why not; [`OpenError::Owned`] if another process has it.
        source: OpenError,
    },
    /// The database would stand in a directory that is not there.
    #[error("there is no directory {} for the database: create it, or set another with --data", path.display())]
    NoDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// The servers of the cluster cannot be reached as they are configured.
    #[error("the cluster: {0}")]
    Cluster(#[from] cluster::cluster::ConnectError),
    /// It is not the cluster that is meant.
    #[error(transparent)]
    Admin(#[from] cluster::admin::AdminError),
    /// The database was opened, but does not do what it should.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The workers and topics.yaml do not agree: a fault of this build.
    #[error("the workers do not fit the map: {0}")]
    Wiring(#[from] WiringError),
    /// Somebody else has the port, or it is not ours to have.
    #[error(
        "cannot listen on {address}: {source}; set another address with --listen or http.listen"
    )]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The edge cannot start.
    #[error("the edge cannot start: {0}")]
    Edge(String),
    /// No worker and no consumer is called so.
    #[error("there is no worker {name}{}; there are: {known}", like.as_ref().map_or_else(String::new, |like| format!(" (did you mean {like}?)")))]
    NoWorker {
        /// As it was written.
        name: String,
        /// What was probably meant.
        like: Option<String>,
        /// All that there are.
        known: String,
    },
    /// A setting that cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A model provider that cannot be used as it is configured.
    #[error("models: {0}")]
    Models(String),
    /// A fault of ours.
    #[error("starting panicked: {0}")]
    Panicked(String),
}

impl StartError {
    /// The port that does not answer, if that is all: whoever waits may find it there a moment later.
    pub(super) fn not_there(&self) -> Option<&'static str> {
        match self {
            Self::Port(PortError::Unreachable { port, .. }) => Some(port),
            Self::Cluster(error) => error.not_there(),
            _ => None,
        }
    }
}

fn not_opened(path: &Path, source: &OpenError) -> String {
    match source {
        OpenError::Owned { .. } => source.to_string(), // it names the file itself
        _ => format!("cannot open the database {}: {source}", path.display()),
    }
}
