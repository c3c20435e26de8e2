//! Why a conversation does not do what it is asked.
use crate::conversation::{MAX_QUESTION, MAX_QUEUE};
use crate::verify_ended::{LOOKS, pause};
use runtime::{Failure, PortError, Refusal, Retry, Verdict};

/// Why a question is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConversationRefusal {
    /// The first question fixes the chatbot and the visitor.
    #[error("the conversation is another visitor's, or with another chatbot")]
    NotYours,
    /// One question is answered at a time.
    #[error("{MAX_QUEUE} questions wait in this conversation already; wait for an answer first")]
    Busy,
    /// There is nothing to answer.
    #[error("the question is empty")]
    Empty,
    /// More than a person types.
    #[error("the question has more than {MAX_QUESTION} characters")]
    TooLong,
    /// The key of the visitor was destroyed (G1).
    #[error("the question was erased")]
    Erased,
    /// A question's id is its own.
    #[error("a question with this id was asked before")]
    AskedBefore,
}

impl Refusal for ConversationRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::NotYours => "conversations.not_yours",
            Self::Busy => "conversations.busy",
            Self::Empty => "conversations.empty_question",
            Self::TooLong => "conversations.question_too_long",
            Self::Erased => "conversations.erased",
            Self::AskedBefore => "conversations.asked_before",
        }
    }
}

/// Why the conversations of a chatbot cannot be listed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// The roster could not be read.
    #[error(transparent)]
    Roster(#[from] PortError),
}

impl Failure for ListError {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Roster(why) => why.verdict(),
        }
    }
}

/// Why nobody can say that the conversations of a chatbot have ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyEndedError {
    /// The views could not be read.
    #[error(transparent)]
    Views(#[from] PortError),
    /// Something is still shown. It may be about to go, so it is looked for again, but not for ever.
    #[error("{shown} conversations of the chatbot are still shown, one of them is {one}")]
    StillShown {
        /// How many, counted by looking.
        shown: u64,
        /// One of them.
        one: String,
        /// From 0: looks that found something before.
        attempt: u32,
    },
}

impl Failure for VerifyEndedError {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Views(why) => why.verdict(),
            Self::StillShown { attempt, .. } if attempt + 1 < LOOKS => {
                Verdict::Retry(Retry::After(pause(*attempt)))
            }
            Self::StillShown { .. } => Verdict::DeadLetter("conversations.still_shown"),
        }
    }
}
