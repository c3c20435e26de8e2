//! The whole engine: one pure function from state and input to state and effects.
use crate::builder::Saga;
use crate::phase::{Name, Phase, Phase::*, Token};
use crate::state::{
    Cause, Effect, HISTORY_MESSAGE_MAX, Input, MESSAGE_MAX, Millis, Reply, State, What, cut,
};

/// The code of a command that was not answered in time. Silence is just another failure that may have happened
/// (S3).
pub const SILENCE: &str = "saga.silence";

/// Longest name of a person and longest reason that are kept, in characters.
const PERSON_MAX: usize = 300;

/// A row that this program cannot carry on: somebody unregistered its version too early (S9), or changed a version
/// in place. Nothing is lost: the saga goes on when the version is registered again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    /// No saga of this version is registered.
    #[error("no saga of version {version} is registered; its rows wait until it is")]
    Version {
        /// What the row says.
        version: String,
    },
    /// The version is registered, but without this step.
    #[error(
        "version {version} has no step {step}, or none with such a command; a changed saga is a new version"
    )]
    Step {
        /// What the row says.
        version: String,
        /// What the row says.
        step: String,
    },
}

impl<D, C> Saga<D, C> {
    /// What `input` makes of `state` at `now`, and what is to be done. An input that means nothing here (late,
    /// repeated, not for this phase) changes nothing.
    ///
    /// # Errors
    /// [`Unknown`] if the state is not one of this version's (S9).
    pub fn advance(
        &self,
        data: &D,
        state: &State,
        input: Input,
        now: Millis,
    ) -> Result<(State, Vec<Effect<C>>), Unknown> {
        if state.phase.is_end() {
            return Ok((state.clone(), vec![])); // whatever version it ran
        }
        if state.phase != New && state.version != self.version {
            return Err(Unknown::Version {
                version: state.version.clone(),
            });
        }
        let mut run = Run {
            saga: self,
            data,
            now,
            state: state.clone(),
            effects: vec![],
        };
        match (&state.phase, input) {
            (New, Input::Start) => {
                run.state.version = self.version.to_owned();
                run.enter(0)?;
            }
            (_, Input::Reply { token, reply }) if state.awaiting.as_ref() == Some(&token) => {
                run.hear(token, reply)?
            }
            (_, Input::Woke { at }) if state.wake_at == Some(at) => {
                run.state.last_wake_at = run.state.last_wake_at.max(at);
                match state.awaiting.clone() {
                    Some(token) => {
                        let waited = format!("no answer to {token} in time");
                        run.hear(token, Reply::failed(SILENCE, waited, true))?;
                    }
                    None => run.send()?,
                }
            }
            (Stuck(step), Input::Resume { by, why }) => {
                let (by, why) = bounded(by, why);
                run.state.remember(now, What::Resumed { by, why });
                run.begin(Undoing(step.clone()))?;
            }
            (Stuck(_), Input::Abandon { by, why }) => {
                let (by, why) = bounded(by, why);
                run.state.remember(now, What::Abandoned { by, why });
                run.rest_in(Abandoned);
            }
            _ => {}
        }
        Ok((run.state, run.effects))
    }

    /// Whether this version can be in this phase.
    pub(crate) fn has(&self, phase: &Phase) -> Result<(), Unknown> {
        let Some(name) = phase.step() else {
            return Ok(());
        };
        let undo = !matches!(phase, Doing(_));
        let step = self.steps.iter().find(|step| step.name == name.as_ref());
        match step {
            Some(step) if !undo || step.undo.is_some() => Ok(()),
            _ => Err(Unknown::Step {
                version: self.version.to_owned(),
                step: name.to_string(),
            }),
        }
    }
}

fn bounded(mut by: String, mut why: String) -> (String, String) {
    cut(&mut by, PERSON_MAX);
    cut(&mut why, PERSON_MAX);
    (by, why)
}

/// A wake due within this time may have been sent by an owner whose clock is ahead, in milliseconds.
const MAY_BE_SENT: Millis = 60_000;

/// One call of `advance`, under way.
struct Run<'a, D, C> {
    saga: &'a Saga<D, C>,
    data: &'a D,
    now: Millis,
    state: State,
    effects: Vec<Effect<C>>,
}

impl<D, C> Run<'_, D, C> {
    /// The answer to the command awaited.
    fn hear(&mut self, token: Token, reply: Reply) -> Result<(), Unknown> {
        let (Doing(name) | Undoing(name)) = &token.phase else {
            return Ok(());
        };
        let (index, undo) = (self.index(name)?, token.is_undo());
        if reply == Reply::Progress {
            self.listen_on(index);
            return Ok(());
        }
        self.state.awaiting = None;
        let heard = What::Heard {
            token,
            reply: reply.clone().bounded(HISTORY_MESSAGE_MAX),
        };
        self.state.remember(self.now, heard);
        let may_have_happened = reply.may_have_happened();
        match reply.bounded(MESSAGE_MAX) {
            Reply::Progress => Ok(()),
            Reply::Done if undo => self.unwind(index),
            Reply::Done => self.enter(index + 1),
            Reply::Refused { code, message } | Reply::Failed { code, message, .. } => {
                let cause = Cause { code, message };
                if undo || index >= self.saga.point_of_no_return() {
                    return self.try_again(index, cause);
                }
                self.state.why = Some(cause);
                self.unwind(index + usize::from(may_have_happened)) // S3
            }
        }
    }
    /// Forward, into the step at `index`.
    fn enter(&mut self, index: usize) -> Result<(), Unknown> {
        if index == self.saga.point_of_no_return() {
            self.answer(Reply::Done);
        }
        match self.saga.steps.get(index) {
            Some(step) => self.begin(Doing(step.name())),
            None => {
                self.rest_in(Completed);
                Ok(())
            }
        }
    }
    /// Undoes the steps before `end`, the last first.
    fn unwind(&mut self, end: usize) -> Result<(), Unknown> {
        let mut back = self.saga.steps[..end].iter().rev();
        if let Some(step) = back.find(|step| step.undo.is_some()) {
            return self.begin(Undoing(step.name()));
        }
        let Cause { code, message } = self.state.why.clone().unwrap_or_default();
        self.answer(Reply::Refused { code, message });
        self.rest_in(Undone);
        Ok(())
    }
    /// An undo, or a step after the pivot, was not done.
    fn try_again(&mut self, index: usize, cause: Cause) -> Result<(), Unknown> {
        let step = &self.saga.steps[index];
        if self.state.tries < step.tries {
            let doublings = self.state.tries.saturating_sub(1).min(20);
            let pause = step.backoff.saturating_mul(1 << doublings);
            self.wake(self.now.saturating_add(pause));
            return Ok(());
        }
        let Cause { code, message } = cause;
        self.effects.push(Effect::Alert {
            step: step.name(),
            code: code.clone(),
            message: message.clone(),
        });
        if matches!(self.state.phase, Doing(_)) {
            self.state.reported.push(step.name());
            return self.enter(index + 1);
        }
        self.answer(Reply::failed(code, message, true)); // now, since a person may take days
        self.rest_in(Stuck(step.name()));
        Ok(())
    }
    fn begin(&mut self, phase: Phase) -> Result<(), Unknown> {
        self.state.phase = phase;
        self.state.tries = 0;
        self.send()
    }
    /// One more try of the phase it is in.
    fn send(&mut self) -> Result<(), Unknown> {
        let (Doing(name) | Undoing(name)) = self.state.phase.clone() else {
            return Ok(());
        };
        let undo = matches!(self.state.phase, Undoing(_));
        let step = &self.saga.steps[self.index(&name)?];
        let command = if undo { step.undo } else { step.send };
        let command = command.ok_or_else(|| self.unknown(&name))?;
        self.state.turn = self.state.turn.saturating_add(1);
        self.state.tries = self.state.tries.saturating_add(1);
        let token = Token {
            phase: self.state.phase.clone(),
            turn: self.state.turn,
        };
        self.state.awaiting = Some(token.clone());
        self.state.give_up_at = self.now.saturating_add(step.timeout);
        self.wake(self.now.saturating_add(step.timeout.min(step.silence)));
        self.state.remember(
            self.now,
            What::Sent {
                token: token.clone(),
            },
        );
        let deadline = (!undo).then_some(self.state.give_up_at); // E6
        self.effects.push(Effect::Send {
            token,
            command: command(self.data),
            deadline,
        });
        Ok(())
    }
    /// `Progress` puts off silence, never the end.
    fn listen_on(&mut self, index: usize) {
        let silent_at = self.now.saturating_add(self.saga.steps[index].silence);
        let wake_at = silent_at.min(self.state.give_up_at);
        if self.state.wake_at.is_none_or(|before| wake_at > before) {
            self.wake(wake_at);
        }
    }
    fn wake(&mut self, at: Millis) {
        let before = self.state.wake_at;
        let sent = before.filter(|before| *before <= self.now.saturating_add(MAY_BE_SENT));
        self.state.last_wake_at = self.state.last_wake_at.max(sent.unwrap_or_default());
        self.state.wake_at = Some(at.max(self.state.last_wake_at.saturating_add(1)));
    }
    fn rest_in(&mut self, phase: Phase) {
        self.state.phase = phase;
        self.state.wake_at = None;
    }
    fn answer(&mut self, outcome: Reply) {
        if !std::mem::replace(&mut self.state.answered, true) {
            self.effects.push(Effect::Reply { outcome });
        }
    }
    fn index(&self, name: &Name) -> Result<usize, Unknown> {
        let position = self
            .saga
            .steps
            .iter()
            .position(|step| step.name == name.as_ref());
        position.ok_or_else(|| self.unknown(name))
    }
    fn unknown(&self, name: &Name) -> Unknown {
        Unknown::Step {
            version: self.saga.version.to_owned(),
            step: name.to_string(),
        }
    }
}
