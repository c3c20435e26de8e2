//! Why a step of the demo did not go on.
use std::path::PathBuf;
use std::time::Duration;

/// Why a step of the demo did not go on.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// What was asked for cannot be demonstrated.
    #[error("{0}")]
    Usage(String),
    /// A file or directory.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The working process did not start, or ended by itself.
    #[error("the working process: {0}")]
    Worker(String),
    /// It could not be spoken to.
    #[error("{what}: {source}")]
    Http {
        /// What was asked of it.
        what: String,
        /// What went wrong.
        source: reqwest::Error,
    },
    /// It answered something else.
    #[error("{what}: expected {expected}, got {status}: {body}")]
    Unexpected {
        /// What was asked of it.
        what: String,
        /// What should have come.
        expected: &'static str,
        /// The HTTP status that came.
        status: u16,
        /// The beginning of what came with it.
        body: String,
    },
    /// It took too long.
    #[error("waited {} s in vain for {waiting_for}", limit.as_secs())]
    Late {
        /// What should have happened.
        waiting_for: String,
        /// How long it was waited for.
        limit: Duration,
    },
    /// The database could not be looked at.
    #[error("the database: {0}")]
    Database(String),
    /// The demo itself was told to stop.
    #[error("interrupted")]
    Interrupted,
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.to_string())
    }
}

/// Does `work`, for at most `limit`.
///
/// # Errors
/// [`Trouble::Late`], or what `work` says.
pub async fn within<T>(
    limit: Duration,
    waiting_for: impl Into<String>,
    work: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    let late = |_| Trouble::Late {
        waiting_for: waiting_for.into(),
        limit,
    };
    tokio::time::timeout(limit, work).await.map_err(late)?
}
