//! What the author of a saga gives to run it on the log.
use crate::{Cause, Name, SagaCommand, Versions};
use events::{Addressed, Record};
use runtime::{Emits, Moment, Refusal};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

/// Why a saga does not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unfit {
    /// Stable, `<context>.<what>`; a page each under docs/errors/.
    pub code: &'static str,
    /// A sentence for a person.
    pub message: String,
}

impl Unfit {
    /// What an entity, or a part of one, would refuse later.
    pub fn of(refusal: &impl Refusal) -> Self {
        Self {
            code: refusal.code(),
            message: refusal.to_string(),
        }
    }
}

/// A saga that runs on the log: [`SagaEntity`](crate::SagaEntity) makes an entity of it. Its input is the topic of
/// [`Start`](Self::Start).
///
/// What it says besides its commands and its one answer are events, said by the `on_` functions. Each is called in
/// the decision that brings it about, and only there.
pub trait SagaDefinition: Send + Sync + 'static {
    /// The command that starts it. Its id is the saga's.
    type Start: Addressed;
    /// What its commands are made from: chosen at the start, never changed (S2). It has no personal fields in clear.
    type Data: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static;
    /// What answers `Start` when it is done.
    type Done: Record;

    /// Every version that may still run (S9), the current one first.
    fn versions() -> Versions<Self::Data, SagaCommand>;
    /// Whether it may start at all. What can be known before the first step is said here: a start that is refused is no
    /// start, nothing is undone, and its id is free.
    ///
    /// # Errors
    /// [`Unfit`]: why not.
    fn check(_start: &Self::Start) -> Result<(), Unfit> {
        Ok(())
    }
    /// Chooses the data, with all ids that an undo will need (S2); new ids are `at.new_id("..")`.
    fn data(start: Self::Start, at: &Moment) -> Self::Data;
    /// The answer to whoever asked.
    fn done(data: &Self::Data) -> Self::Done;

    /// There is no way back any more: the pivot is passed, or without one all is done (S6).
    fn on_done(_data: &Self::Data, _at: &Moment) -> Emits {
        Emits::default()
    }
    /// Every step is done, but `reported`, which were given up after the pivot (S6).
    fn on_completed(_data: &Self::Data, _reported: &[Name], _at: &Moment) -> Emits {
        Emits::default()
    }
    /// Nothing is in effect; `why` is what turned it back.
    fn on_undone(_data: &Self::Data, _why: &Cause, _at: &Moment) -> Emits {
        Emits::default()
    }
    /// The undo of `step` failed too often (S7). The alert goes out anyway.
    fn on_stuck(_data: &Self::Data, _step: &Name, _at: &Moment) -> Emits {
        Emits::default()
    }
    /// A person gave it up; `why` is what had turned it back.
    fn on_abandoned(_data: &Self::Data, _why: &Cause, _at: &Moment) -> Emits {
        Emits::default()
    }
}
