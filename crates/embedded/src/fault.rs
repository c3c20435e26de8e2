//! What can go wrong with the file, and how each port says it.
use runtime::ports::log::PublishError;
use runtime::{PortError, ports::blobs::BlobError};
use rusqlite::ErrorCode;

/// Why a job was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No room; nothing was done.
    Full(String),
    /// It failed; nothing was done.
    Failed(String),
    /// What is stored cannot be read.
    Corrupt(String),
    /// The commit failed on its way to the disk: it may turn up after a crash, unless a later one succeeds.
    Doubt(String),
}

impl Fault {
    /// As the port `name` says it.
    pub(crate) fn of(self, port: &'static str) -> PortError {
        match self {
            Self::Full(why) => PortError::Full { port, why },
            Self::Failed(why) | Self::Doubt(why) => PortError::Unreachable { port, why },
            Self::Corrupt(why) => PortError::Corrupt { port, why },
        }
    }
    /// As a publication says it.
    pub(crate) fn of_publication(self) -> PublishError {
        match self {
            Self::Doubt(why) => PublishError::Unknown(why),
            other => PublishError::Port(other.of("log")),
        }
    }
    /// As the blob store says it.
    pub(crate) fn of_blobs(self) -> BlobError {
        BlobError::Port(self.of("blobs"))
    }
    /// The same, from a failed COMMIT.
    pub(crate) fn while_committing(self) -> Self {
        match self {
            Self::Failed(why) => Self::Doubt(why),
            other => other,
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        let why = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full(why),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt(why),
            _ => Self::Failed(why),
        }
    }
}
