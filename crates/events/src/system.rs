//! What the machine itself says and is told: wakes (E7), stuck sagas (S7), alerts, what became of dead letters (D4).
use crate::{addressed, record, topic};
use serde::{Deserialize, Serialize};

/// A row's `wake_at` is due (E7). The machine appends it to the entity's own input.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Woke {
    /// The `wake_at` that is due, in milliseconds since 1970; any other than the row's own means nothing.
    pub at_ms: i64,
}
record!(Woke, "troupe.system.Woke", "system/Woke.avsc");

/// Gives a stuck saga new tries (S7). Goes to the saga's own input. Done is [`crate::reply::Ok`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumeSaga {
    /// The saga's id: the id part of its key.
    pub saga: String,
    /// Who asks for it: the principal.
    pub by: String,
    /// The reason given; at most 1,000 characters.
    pub why: String,
}
record!(
    ResumeSaga,
    "troupe.system.ResumeSaga",
    "system/ResumeSaga.avsc"
);

/// Ends a stuck saga as it is (S7). Goes to the saga's own input. Done is [`crate::reply::Ok`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbandonSaga {
    /// The saga's id: the id part of its key.
    pub saga: String,
    /// Who asks for it: the principal.
    pub by: String,
    /// The reason given; at most 1,000 characters.
    pub why: String,
}
record!(
    AbandonSaga,
    "troupe.system.AbandonSaga",
    "system/AbandonSaga.avsc"
);

/// A saga needs a person, or gave up a step after its pivot (S6, S7).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SagaAlert {
    /// The saga's id: the id part of its key.
    pub saga: String,
    /// Which saga it is, such as `chatbots.creation`.
    pub definition: String,
    /// The step it stands at.
    pub step: String,
    /// Stable, `<context>.<what>`; a page each under docs/errors/.
    pub code: String,
    /// What happened and what to do, for a person.
    pub message: String,
}
record!(
    SagaAlert,
    "troupe.system.SagaAlert",
    "system/SagaAlert.avsc"
);
addressed!(SagaAlert, topic::SAGA_ALERTED, saga);

/// A person had a dead letter redriven, or discarded it (D4). Its key is that of the letter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetterDecided {
    /// The id part of the letter's key; the consumer's name, if the letter's key is none.
    pub subject: String,
    /// Where it stands: `<consumer>.dead/<partition>/<offset>`.
    pub letter: String,
    /// The consumer that could not handle it.
    pub worker: String,
    /// Why it was a dead letter: stable, `<context>.<what>`.
    pub code: String,
    /// The id of the message that it is.
    pub message: String,
    /// `redriven`: it was appended to its input once more. `discarded`: it will not be handled.
    pub decision: String,
    /// Who decided it; at most 1,000 characters.
    pub by: String,
    /// The reason given; at most 1,000 characters.
    pub why: String,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
}
record!(
    LetterDecided,
    "troupe.system.LetterDecided",
    "system/LetterDecided.avsc"
);
addressed!(LetterDecided, topic::LETTER_DECIDED, subject);
