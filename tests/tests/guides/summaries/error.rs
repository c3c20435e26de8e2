//! What can go wrong with a summary, and what each means.
use runtime::ports::blobs::BlobError;
use runtime::{Failure, Panicked, Refusal, Verdict};

/// Why a summary could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SummaryError {
    /// There is no sentence in the document: an answer, not a failure.
    #[error("the document has no sentence")]
    NothingToSay,
    /// The passages are not what they should be.
    #[error("the passages cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// The blob store could not.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// A fault of ours.
    #[error("reading the passages {0}")]
    Panicked(#[from] Panicked),
}

impl Failure for SummaryError {
    fn verdict(&self) -> Verdict {
        match self {
            Self::NothingToSay => Verdict::Refuse("summaries.nothing_to_say"),
            Self::Unreadable(_) => Verdict::DeadLetter("summaries.passages_unreadable"),
            Self::Blob(why) => why.verdict(), // a store that is down is waited for, and burns no attempt
            Self::Panicked(_) => Verdict::DeadLetter("summaries.panicked"),
        }
    }
}

/// Why a summary does not do what it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SummaryRefusal {
    /// A document belongs to one chatbot for its whole life.
    #[error("the document belongs to another chatbot")]
    OtherChatbot,
}

impl Refusal for SummaryRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::OtherChatbot => "summaries.other_chatbot",
        }
    }
}
