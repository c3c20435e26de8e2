//! Why a conversation does not do what it is asked.
use crate::conversation::{MAX_QUESTION, MAX_QUEUE};
use runtime::Refusal;

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
