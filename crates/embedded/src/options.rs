//! How a file is opened.
use crate::CrashAt;
use runtime::ports::clock::Clock;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A topic as `topics.yaml` wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    /// Its name.
    pub name: String,
    /// How many; it never changes (I5).
    pub partitions: i32,
    /// How long messages are kept at least; for ever if absent.
    pub retention: Option<Duration>,
    /// The largest message: bytes of key, headers and payload together.
    pub max_message_bytes: usize,
}

/// How a file is opened.
#[derive(Clone)]
pub struct Options {
    /// Created if they are absent. Topics in the file that are not named here stay as they are.
    pub topics: Vec<TopicSpec>,
    /// For timestamps and for the ids of new topics.
    pub clock: Arc<dyn Clock>,
    /// Connections for reading, at least 1.
    pub readers: usize,
    /// Vectors kept in memory for searching, in bytes.
    pub vector_cache_bytes: usize,
    /// For tests: where the process dies.
    pub crash_at: Option<CrashAt>,
    /// For tests: a disk of so many pages of 4 KiB.
    pub max_pages: Option<u32>,
    /// M2 broken on purpose: what is acknowledged is not yet on the disk.
    #[cfg(any(test, feature = "testkit"))]
    pub hasty: bool,
}

impl Options {
    /// With the defaults of a server: 4 readers, 64 MiB of vectors.
    pub fn new(clock: Arc<dyn Clock>, topics: Vec<TopicSpec>) -> Self {
        Self {
            topics,
            clock,
            readers: 4,
            vector_cache_bytes: 64 << 20,
            crash_at: None,
            max_pages: None,
            #[cfg(any(test, feature = "testkit"))]
            hasty: false,
        }
    }
}

/// Why a file could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process owns it (M1).
    #[error(
        "{} is in use by {}: stop that process first, or ask it over HTTP",
        path.display(),
        pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
    )]
    Owned {
        /// The file.
        path: PathBuf,
        /// The owner, if its lock file says so.
        pid: Option<u32>,
    },
    /// The lock file beside it cannot be used.
    #[error("cannot lock {}: {source}", path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A newer program wrote it.
    #[error("the file has version {found}, this program knows {known}: use a newer one")]
    Newer {
        /// Of the file.
        found: i64,
        /// The newest that is known.
        known: i64,
    },
    /// It must be brought to the present version before it can only be read.
    #[error("the file has version {found}, not {known}: open it once for writing")]
    Older {
        /// Of the file.
        found: i64,
        /// The one that is read.
        known: i64,
    },
    /// A SQLite file, but not one of ours.
    #[error("the file is a database of something else")]
    Foreign,
    /// The partition count of a topic never changes (I5).
    #[error(
        "topic {topic} has {found} partitions; it cannot become {wanted}, or keys would lose their order"
    )]
    Partitions {
        /// The topic.
        topic: String,
        /// In the file.
        found: i32,
        /// In the options.
        wanted: i32,
    },
    /// A topic that cannot be.
    #[error("topic {topic}: {why}")]
    Topic {
        /// The topic.
        topic: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// SQLite could not.
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] std::io::Error),
}
