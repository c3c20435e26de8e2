//! What can go wrong with an answer, and what each failure means.
use runtime::ports::providers::ModelError;
use runtime::{Failure, PortError, Retry, Verdict};
use std::time::Duration;

/// The longest question, in characters.
pub const MAX_QUESTION: usize = 8_000;
/// How long a view of a chatbot that was just activated may lag; each wait is one of the few attempts.
const VIEW_LAG: Duration = Duration::from_millis(150);
/// The longest that a model may make somebody wait.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The chatbot is not known yet, or not active yet; its latest change may be on its way here.
    #[error("chatbot {0} is not known to answer yet")]
    NotActiveYet(String),
    /// The chatbot does not answer: paused, being deleted, deleted, or it never was.
    #[error("chatbot {0} does not answer now")]
    NotActive(String),
    /// Nothing was asked.
    #[error("the question is empty")]
    Empty,
    /// Too much was asked.
    #[error("the question has more than {MAX_QUESTION} characters")]
    TooLong,
    /// The key to the question was destroyed.
    #[error("the question was erased")]
    Erased,
    /// The question came sealed, which the runtime should have opened.
    #[error("the question is sealed")]
    Sealed,
    /// A port could not be asked.
    #[error(transparent)]
    Port(#[from] PortError),
    /// No model wrote.
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl Failure for AnswerError {
    fn verdict(&self) -> Verdict {
        match self {
            Self::NotActiveYet(_) => Verdict::Retry(Retry::After(VIEW_LAG)),
            Self::NotActive(_) => Verdict::Refuse("answers.chatbot_not_active"),
            Self::Empty => Verdict::Refuse("answers.question_empty"),
            Self::TooLong => Verdict::Refuse("answers.question_too_long"),
            Self::Erased => Verdict::Refuse("answers.question_erased"),
            Self::Sealed => Verdict::DeadLetter("answers.question_sealed"),
            Self::Port(e) => e.verdict(),
            Self::Model(ModelError::Unavailable { endpoint, .. }) => {
                Verdict::Retry(Retry::WhenUp(endpoint.clone()))
            }
            Self::Model(ModelError::Busy { wait, .. }) => {
                Verdict::Retry(Retry::After((*wait).min(LONGEST_WAIT)))
            }
            Self::Model(ModelError::Refused { .. }) => Verdict::DeadLetter("answers.model_refused"),
            Self::Model(ModelError::Nonsense { .. }) => Verdict::Retry(Retry::Backoff),
        }
    }
}
