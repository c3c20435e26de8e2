//! What can go wrong with a chatbot, and what each means.
use crate::ingestion::{MAX_KNOWN, MAX_SOURCES, MAX_WAITING};
use crate::prompt::{MAX_PROMPT, PLACEHOLDERS};
use crate::verify_gone::{LOOKS, pause};
use runtime::ports::blobs::BlobError;
use runtime::{Failure, PortError, Refusal, Retry, Verdict};

/// Why a chatbot does not do what it is asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChatbotRefusal {
    /// Nobody registered it.
    #[error("there is no such chatbot")]
    NotFound,
    /// It has a name and settings already.
    #[error("there is a chatbot with this id already")]
    Exists,
    /// It left a tombstone; its id is never used again (S4).
    #[error("the chatbot was removed; create another one under a new id")]
    Removed,
    /// It is on its way out.
    #[error("the chatbot is being deleted")]
    Retiring,
    /// It neither answers nor is it paused.
    #[error("the chatbot is not active yet")]
    NotActive,
    /// It cannot answer without a prompt.
    #[error("the chatbot has no system prompt yet")]
    NoPrompt,
    /// This step was taken back before it came (S4).
    #[error("this was taken back before it came")]
    Undone,
    /// A setting is not what it may be.
    #[error("{field}: {why}")]
    InvalidSettings {
        /// Which one.
        field: &'static str,
        /// What it may be.
        why: String,
    },
    /// The template asks for something that there is not.
    #[error("the prompt template has a placeholder {{{0}}}; there are {PLACEHOLDERS}")]
    UnknownPlaceholder(String),
    /// A brace without its counterpart.
    #[error(
        "the prompt template has a brace that stands alone; write {{{{ or }}}} for a brace itself"
    )]
    LoneBrace,
    /// More than a model should be told before the question.
    #[error("the system prompt has more than {MAX_PROMPT} characters")]
    PromptTooLong,
}

impl Refusal for ChatbotRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "chatbots.not_found",
            Self::Exists => "chatbots.exists",
            Self::Removed => "chatbots.removed",
            Self::Retiring => "chatbots.retiring",
            Self::NotActive => "chatbots.not_active",
            Self::NoPrompt => "chatbots.no_prompt",
            Self::Undone => "chatbots.undone",
            Self::InvalidSettings { .. } => "chatbots.invalid_settings",
            Self::UnknownPlaceholder(_) => "chatbots.unknown_placeholder",
            Self::LoneBrace => "chatbots.lone_brace",
            Self::PromptTooLong => "chatbots.prompt_too_long",
        }
    }
}

/// Why sources are not brought in or removed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IngestionRefusal {
    /// They were removed before they came (S4).
    #[error("the sources of this chatbot were removed")]
    Removed,
    /// Sources are brought in once, at the creation.
    #[error("the sources of this chatbot were brought in before")]
    AlreadyIngested,
    /// More than one creation may bring.
    #[error(
        "a chatbot is created with at most {MAX_SOURCES} sources; upload the others afterwards"
    )]
    TooManySources,
    /// Two sources with one id.
    #[error("two sources have the id {0}")]
    SameSource(String),
    /// A field of a source is not what it may be.
    #[error("source {0}")]
    InvalidSource(String),
    /// More than one chatbot may have.
    #[error("a chatbot has at most {MAX_KNOWN} documents")]
    TooManyKnown,
    /// Too many wait for the end of the removal.
    #[error("the sources are being removed, and {MAX_WAITING} wait for it already")]
    Busy,
}

impl Refusal for IngestionRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::Removed => "chatbots.sources_removed",
            Self::AlreadyIngested => "chatbots.already_ingested",
            Self::TooManySources => "chatbots.too_many_sources",
            Self::SameSource(_) => "chatbots.same_source",
            Self::InvalidSource(_) => "chatbots.invalid_source",
            Self::TooManyKnown => "chatbots.too_many_documents",
            Self::Busy => "chatbots.busy",
        }
    }
}

/// Why nobody can say that a chatbot is gone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyGoneError {
    /// The index, or the view that says where to look, could not be asked.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The blob store could not be asked.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// Something is still found. It may be on its way out, so it is looked for again, but not for ever.
    #[error("{retrievable} passages and {blobs} blobs of the chatbot can still be found")]
    StillRetrievable {
        /// Passages, counted by looking.
        retrievable: u64,
        /// Blobs, counted by looking.
        blobs: u64,
        /// From 0: looks that found something before.
        attempt: u32,
    },
}

impl Failure for VerifyGoneError {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Port(why) | Self::Blobs(BlobError::Port(why)) => why.verdict(),
            // Ids are listed; nothing else can be the matter with them.
            Self::Blobs(_) => Verdict::Retry(Retry::Backoff),
            Self::StillRetrievable { attempt, .. } if attempt + 1 < LOOKS => {
                Verdict::Retry(Retry::After(pause(*attempt)))
            }
            Self::StillRetrievable { .. } => Verdict::DeadLetter("chatbots.still_retrievable"),
        }
    }
}
