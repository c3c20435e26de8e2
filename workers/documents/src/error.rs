//! What can go wrong with a document, and what each means.
use crate::parse::ParseError;
use runtime::ports::blobs::BlobError;
use runtime::{Failure, Panicked, Refusal, Verdict};

/// Why a document does not do what it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentRefusal {
    /// A deleted document leaves a tombstone; its id is never used again (S4).
    #[error("the document was deleted; upload it again under a new id")]
    Deleted,
    /// A document belongs to one chatbot for its whole life.
    #[error("the document belongs to another chatbot")]
    OtherChatbot,
    /// Too many wait for the end of its deletion.
    #[error("the document is being deleted, and too many wait for it already")]
    Busy,
}

impl Refusal for DocumentRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::Deleted => "documents.deleted",
            Self::OtherChatbot => "documents.other_chatbot",
            Self::Busy => "documents.busy",
        }
    }
}

/// Why an upload did not become passages.
#[derive(Debug, thiserror::Error)]
pub enum ParseUploadError {
    /// The file cannot be read, and never will be: an answer for its uploader.
    #[error(transparent)]
    Unreadable(#[from] ParseError),
    /// The upload is gone: an answer, and nobody waits for it.
    #[error("the upload is not there any more: its document was deleted")]
    Discarded,
    /// The blob store could not.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// A fault of ours: the parsers catch the panics of their libraries.
    #[error("the parser {0}")]
    Panicked(#[from] Panicked),
    /// A fault of ours: passages are plain data.
    #[error("cannot write the passages: {0}")]
    Unwritable(#[from] serde_json::Error),
}

impl Failure for ParseUploadError {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Unreadable(why) => Verdict::Refuse(why.code()),
            Self::Discarded => Verdict::Refuse("documents.deleted"),
            Self::Blob(why) => why.verdict(),
            Self::Panicked(_) => Verdict::DeadLetter("documents.parser_panicked"),
            Self::Unwritable(_) => Verdict::DeadLetter("documents.passages_unwritable"),
        }
    }
}

/// Why blobs were not removed.
#[derive(Debug, thiserror::Error)]
pub enum DiscardBlobsError {
    /// The blob store could not.
    #[error(transparent)]
    Blob(#[from] BlobError),
}

impl Failure for DiscardBlobsError {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Blob(why) => why.verdict(),
        }
    }
}
