//! What the machine needs of the world: a log, a state, a search index, a blob store, a clock. Each has
//! one conformance suite (`testkit::conformance`), run against every adapter.

pub mod blobs;
pub mod clock;
pub mod log;
pub mod providers;
pub mod schemas;
pub mod search;
pub mod state;

use std::pin::Pin;

/// A future behind a port.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why a port could not do what it was asked. Nothing of it is ever final: whoever asked tries again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    /// It did not answer, or not in time; whether it did it is not known.
    #[error("{port} is unreachable: {why}")]
    Unreachable {
        /// `log`, `state`, `search` or `blobs`.
        port: &'static str,
        /// What the client said.
        why: String,
    },
    /// There is no room; nothing of it was done.
    #[error("{port} is full: {why}")]
    Full {
        /// `log`, `state`, `search` or `blobs`.
        port: &'static str,
        /// What the store said.
        why: String,
    },
    /// What is stored is damaged, or not what this version can read.
    #[error("{port} holds something unreadable: {why}")]
    Corrupt {
        /// `log`, `state`, `search` or `blobs`.
        port: &'static str,
        /// What is wrong with it.
        why: String,
    },
}
