//! One way through a saga, as given/when/then.
use crate::{Effect, Input, Millis, Phase, Reply, Saga, State};
use std::{borrow::Cow, fmt::Debug};

/// A saga that was started at 0 ms, and what it just did. Replies answer the command awaited; waking takes the clock
/// to `wake_at`.
///
/// # Panics
/// Its methods panic if the saga did not do what is demanded of it.
pub struct Told<D, C> {
    saga: Saga<D, C>,
    data: D,
    state: State,
    effects: Vec<Effect<C>>,
    now: Millis,
}

/// Starts `saga` with `data`.
#[track_caller]
pub fn given<D, C>(saga: Saga<D, C>, data: D) -> Told<D, C> {
    Told {
        saga,
        data,
        state: State::default(),
        effects: vec![],
        now: 0,
    }
    .when(Input::Start)
}

impl<D, C> Told<D, C> {
    /// It hears `input`.
    #[track_caller]
    pub fn when(self, input: Input) -> Self {
        match self.saga.advance(&self.data, &self.state, input, self.now) {
            Ok((state, effects)) => Self {
                state,
                effects,
                ..self
            },
            Err(unknown) => panic!("{unknown}"),
        }
    }
    /// The command awaited is answered.
    #[track_caller]
    pub fn hears(self, reply: Reply) -> Self {
        let token = self.state.awaiting.clone().expect("no command is out");
        self.when(Input::Reply { token, reply })
    }
    /// Time passes until it has to wake.
    #[track_caller]
    pub fn wakes(mut self) -> Self {
        self.now = self.state.wake_at.expect("it has no time to wake");
        let at = self.now;
        self.when(Input::Woke { at })
    }
    /// The clock stands at `now`, in milliseconds.
    pub fn at(mut self, now: Millis) -> Self {
        self.now = now;
        self
    }
    /// A person resumes it.
    #[track_caller]
    pub fn resumed(self, by: &str, why: &str) -> Self {
        self.when(Input::Resume {
            by: by.into(),
            why: why.into(),
        })
    }
    /// A person abandons it.
    #[track_caller]
    pub fn abandoned(self, by: &str, why: &str) -> Self {
        self.when(Input::Abandon {
            by: by.into(),
            why: why.into(),
        })
    }
    /// It just answered whoever asked.
    #[track_caller]
    pub fn answers(self, outcome: Reply) -> Self {
        let answers: Vec<&Reply> = self.effects.iter().filter_map(answer).collect();
        assert_eq!(answers, [&outcome]);
        self
    }
    /// It just alerted a person to this step.
    #[track_caller]
    pub fn alerts(self, wanted: &str) -> Self {
        let alerted = self
            .effects
            .iter()
            .any(|e| matches!(e, Effect::Alert { step, .. } if step == wanted));
        assert!(alerted, "no alert about {wanted}");
        self
    }
    /// It is here now.
    #[track_caller]
    pub fn is(self, phase: Phase) -> Self {
        assert_eq!(self.state.phase, phase);
        self
    }
    /// It is at this step, on its way forward.
    #[track_caller]
    pub fn is_doing(self, step: &'static str) -> Self {
        self.is(Phase::Doing(Cow::Borrowed(step)))
    }
    /// It is at this step, on its way back.
    #[track_caller]
    pub fn is_undoing(self, step: &'static str) -> Self {
        self.is(Phase::Undoing(Cow::Borrowed(step)))
    }
    /// It is stuck at the undo of this step.
    #[track_caller]
    pub fn is_stuck_at(self, step: &'static str) -> Self {
        self.is(Phase::Stuck(Cow::Borrowed(step)))
    }
    /// It gave these steps up, after the pivot.
    #[track_caller]
    pub fn reported(self, steps: &[&str]) -> Self {
        assert_eq!(self.state.reported, steps);
        self
    }
    /// It just did nothing at all.
    #[track_caller]
    pub fn does_nothing(self) -> Self {
        assert!(
            self.effects.is_empty(),
            "it did {} things",
            self.effects.len()
        );
        self
    }
    /// All that is kept of it.
    pub fn state(&self) -> &State {
        &self.state
    }
}

impl<D, C: Debug + PartialEq> Told<D, C> {
    /// It just sent this command, and no other.
    #[track_caller]
    pub fn sends(self, wanted: C) -> Self {
        let sent: Vec<&C> = self.effects.iter().filter_map(command).collect();
        assert_eq!(sent, [&wanted]);
        self
    }
}

fn answer<C>(effect: &Effect<C>) -> Option<&Reply> {
    match effect {
        Effect::Reply { outcome } => Some(outcome),
        Effect::Send { .. } | Effect::Alert { .. } => None,
    }
}
fn command<C>(effect: &Effect<C>) -> Option<&C> {
    match effect {
        Effect::Send { command, .. } => Some(command),
        Effect::Reply { .. } | Effect::Alert { .. } => None,
    }
}
