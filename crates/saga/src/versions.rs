//! The versions of a saga that may still run (rule S9).
use crate::builder::Saga;
use crate::engine::Unknown;
use crate::phase::Phase;
use crate::state::{Effect, Input, Millis, State};

/// All registered versions of one saga: new sagas run the current one, each other goes on in the version it began
/// with (S9). A version may go when no row names it any more.
pub struct Versions<D, C> {
    current: Saga<D, C>,
    older: Vec<Saga<D, C>>,
}

impl<D, C> Versions<D, C> {
    /// One version only.
    ///
    /// # Panics
    /// If one of its steps sends nothing: a fault of wiring, found at start.
    pub fn of(current: Saga<D, C>) -> Self {
        current.assert_whole();
        Self {
            current,
            older: vec![],
        }
    }
    /// And one that still runs, but does not start any more.
    ///
    /// # Panics
    /// If one of its steps sends nothing, or two versions have one name: faults of wiring, found at start.
    pub fn and(mut self, older: Saga<D, C>) -> Self {
        older.assert_whole();
        assert!(
            self.all().all(|saga| saga.version != older.version),
            "{} is registered twice",
            older.version
        );
        self.older.push(older);
        self
    }
    /// The version in which new sagas start.
    pub fn current(&self) -> &Saga<D, C> {
        &self.current
    }
    /// Every registered version, the current one first.
    pub fn all(&self) -> impl Iterator<Item = &Saga<D, C>> {
        std::iter::once(&self.current).chain(&self.older)
    }
    /// The version that `state` runs, or would start in. One that has ended runs none: the current one ignores what
    /// still comes for it.
    ///
    /// # Errors
    /// [`Unknown::Version`] if it is not registered.
    pub fn version_of(&self, state: &State) -> Result<&Saga<D, C>, Unknown> {
        if state.phase == Phase::New || state.phase.is_end() {
            return Ok(&self.current);
        }
        let unknown = || Unknown::Version {
            version: state.version.clone(),
        };
        self.all()
            .find(|saga| saga.version == state.version)
            .ok_or_else(unknown)
    }
    /// Whether [`Self::advance`] knows what to do with `state`: what a program asks when it reads a row.
    ///
    /// # Errors
    /// [`Unknown`] if the version is not registered, or lacks a step that the state names.
    pub fn can_carry_on(&self, state: &State) -> Result<(), Unknown> {
        let saga = self.version_of(state)?;
        if state.phase.is_end() {
            return Ok(());
        }
        let awaited = state.awaiting.as_ref().map(|token| &token.phase);
        [Some(&state.phase), awaited]
            .into_iter()
            .flatten()
            .try_for_each(|phase| saga.has(phase))
    }
    /// [`Saga::advance`] of the version that `state` runs.
    ///
    /// # Errors
    /// [`Unknown`] if the version is not registered, or is not what it was.
    pub fn advance(
        &self,
        data: &D,
        state: &State,
        input: Input,
        now: Millis,
    ) -> Result<(State, Vec<Effect<C>>), Unknown> {
        self.version_of(state)?.advance(data, state, input, now)
    }
}
