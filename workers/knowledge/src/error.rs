//! What can go wrong with the index, and what each failure means.
use crate::passages::Unreadable;
use runtime::ports::blobs::BlobError;
use runtime::ports::providers::ModelError;
use runtime::{Failure, Panicked, PortError, Refusal, Retry, Verdict};

/// Why a document does not come into the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IndexRefusal {
    /// A removed document leaves a tombstone: a revision of it that comes late stays out (S4).
    #[error("the document was removed from the index; its id is never used again")]
    Removed,
}

impl Refusal for IndexRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::Removed => "knowledge.removed",
        }
    }
}

/// Why an effect on the index did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KnowledgeError {
    /// The index could not be asked.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The passages could not be fetched.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The passages are not what they should be.
    #[error("the passages cannot be read: {0}")]
    Unreadable(#[from] Unreadable),
    /// Reading them panicked.
    #[error("reading the passages {0}")]
    Panicked(#[from] Panicked),
    /// There are no vectors.
    #[error(transparent)]
    Embed(#[from] ModelError),
    /// Another number of vectors than of texts, of another length, or not numbers.
    #[error("{model} gave vectors that cannot be used: {why}")]
    BadVectors {
        /// The embedder's model.
        model: String,
        /// What is wrong with them.
        why: String,
    },
}

impl Failure for KnowledgeError {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Port(e) => e.verdict(),
            Self::Blob(e) => e.verdict(),
            Self::Unreadable(_) => Verdict::DeadLetter("knowledge.passages_unreadable"),
            Self::Panicked(_) => Verdict::DeadLetter("knowledge.panicked"),
            Self::Embed(ModelError::Unavailable { endpoint, .. }) => {
                Verdict::Retry(Retry::WhenUp(endpoint.clone()))
            }
            Self::Embed(ModelError::Busy { wait, .. }) => Verdict::Retry(Retry::After(*wait)),
            Self::Embed(ModelError::Refused { .. }) => {
                Verdict::DeadLetter("knowledge.embedder_refused")
            }
            Self::Embed(ModelError::Nonsense { .. }) | Self::BadVectors { .. } => {
                Verdict::Retry(Retry::Backoff)
            }
        }
    }
}
