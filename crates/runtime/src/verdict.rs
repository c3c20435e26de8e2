//! What a failure means, and what a refusal is.
use crate::PortError;
use crate::ports::blobs::BlobError;
use std::time::Duration;

/// When a failed message is tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retry {
    /// After a time that doubles from attempt to attempt, with jitter (D1). It burns an attempt.
    Backoff,
    /// After this time. It burns an attempt.
    After(Duration),
    /// When this dependency answers again: its breaker says when (D2). It burns no attempt.
    WhenUp(String),
}

/// What a failure means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may go better another time. After the consumer's attempts it is a dead letter.
    Retry(Retry),
    /// It will not go better: a dead letter with a stable code, which has a page under docs/errors/.
    DeadLetter(&'static str),
    /// It is an answer, not a failure: who asked gets `Refused` with this code.
    Refuse(&'static str),
}

/// A worker's error. `verdict` matches without a `_` arm, so that a new error must be classified to compile.
pub trait Failure: std::error::Error + Send + Sync + 'static {
    /// What it means.
    fn verdict(&self) -> Verdict;
}

/// Why an entity does not do what it is asked: an answer, not a failure.
pub trait Refusal: std::error::Error + Send + Sync + 'static {
    /// Stable, `<context>.<what>`; it has a page under docs/errors/.
    fn code(&self) -> &'static str;
}

/// For entities and routes that never refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Never {}
impl Refusal for Never {
    fn code(&self) -> &'static str {
        match *self {}
    }
}

impl Failure for PortError {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Unreachable { port, .. } | Self::Full { port, .. } => {
                Verdict::Retry(Retry::WhenUp((*port).to_owned()))
            }
            Self::Corrupt { .. } => Verdict::DeadLetter("runtime.store_corrupt"),
        }
    }
}
impl Failure for BlobError {
    fn verdict(&self) -> Verdict {
        match self {
            // Written before it was named; it may have been deleted since, or lag behind.
            Self::Missing(_) => Verdict::Retry(Retry::Backoff),
            Self::TooLarge { .. } => Verdict::DeadLetter("runtime.blob_too_large"),
            Self::BrokeOff(_) => Verdict::Retry(Retry::Backoff),
            Self::Exists(_) => Verdict::DeadLetter("runtime.blob_conflict"),
            Self::Port(e) => e.verdict(),
        }
    }
}

/// Work that panicked: a fault of ours or of a parser, caught.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("panicked: {0}")]
pub struct Panicked(pub String);
