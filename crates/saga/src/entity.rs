//! A saga as an entity of the runtime: a thin coat around the engine.
use crate::definition::{SagaDefinition, Unfit};
use crate::message::SagaMessage;
use crate::{Effect, Input, Phase, Reply, SagaCommand, State, Token, Unknown};
use events::system::SagaAlert;
use events::{Addressed, ReplyAddress, ReplyStatus, reply};
use runtime::{Decision, Emits, Entity, Moment, Refusal, Wake};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::{fmt, marker::PhantomData};

/// The row of a saga that runs on the log. In JSON: `{"saga": State, "data": .., "asker": ..}`.
///
/// A row of a version that is not registered cannot be read (S9): what comes for it is not lost, but fails until the
/// version is registered again.
pub struct SagaEntity<S: SagaDefinition> {
    row: Row<S::Data>,
    definition: PhantomData<fn() -> S>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Row<D> {
    saga: State,
    /// None before the start.
    #[serde(default = "Option::default")]
    data: Option<D>,
    /// Who asked for the saga, if they want an answer.
    #[serde(default)]
    asker: Option<ReplyAddress>,
}

/// Why a saga does not do what it is asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SagaRefusal {
    /// It has one start in its life.
    #[error("it has been asked for before, and is {0}")]
    AlreadyStarted(Phase),
    /// It had its start, and nothing of it is left.
    #[error("its id was taken by one that was undone; choose another id")]
    WasUndone,
    /// What it is asked for cannot be: it has not started.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// Only a stuck saga is resumed or abandoned (S7).
    #[error("it is not stuck: it is {0}")]
    NotStuck(Phase),
    /// Neither the start, nor an answer, nor a person's command.
    #[error("a saga does not understand {0}")]
    NotUnderstood(String),
    /// Not to be met: such a row is not read at all.
    #[error(transparent)]
    Unknown(#[from] Unknown),
}

impl Refusal for SagaRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::AlreadyStarted(_) => "saga.already_started",
            Self::WasUndone => "saga.was_undone",
            Self::Unfit(unfit) => unfit.code,
            Self::NotStuck(_) => "saga.not_stuck",
            Self::NotUnderstood(_) => "saga.not_understood",
            Self::Unknown(_) => "saga.unknown_version",
        }
    }
}

impl<S: SagaDefinition> SagaEntity<S> {
    /// Where the saga is.
    pub fn saga(&self) -> &State {
        &self.row.saga
    }
    /// What its commands are made from; none before the start.
    pub fn data(&self) -> Option<&S::Data> {
        self.row.data.as_ref()
    }

    fn of(row: Row<S::Data>) -> Self {
        Self {
            row,
            definition: PhantomData,
        }
    }

    fn start(&self, start: S::Start, at: &Moment) -> Result<Decision<Self>, SagaRefusal> {
        match &self.row.saga.phase {
            Phase::New => S::check(&start)?,
            Phase::Undone => return Err(SagaRefusal::WasUndone),
            phase => return Err(SagaRefusal::AlreadyStarted(phase.clone())),
        }
        let (data, asker) = (Some(S::data(start, at)), at.reply_to.clone());
        Self::of(Row {
            saga: State::default(),
            data,
            asker,
        })
        .hear(Input::Start, at)
    }

    fn reply(&self, reply: Reply, at: &Moment) -> Result<Decision<Self>, SagaRefusal> {
        let token = at
            .request
            .as_deref()
            .and_then(|request| request.parse::<Token>().ok());
        match token {
            Some(token) => self.hear(Input::Reply { token, reply }, at),
            None => Ok(Decision::stay()), // it answers nothing that a saga ever asked
        }
    }

    /// Whoever asked hears that it goes on, as long as they wait.
    fn progress(
        &self,
        progress: &reply::Progress,
        at: &Moment,
    ) -> Result<Decision<Self>, SagaRefusal> {
        let decision = self.reply(Reply::Progress, at)?;
        let awaited = self.row.saga.awaiting.as_ref().map(Token::to_string);
        let asker = self
            .row
            .asker
            .clone()
            .filter(|_| !self.row.saga.answered && awaited == at.request);
        Ok(match asker {
            Some(asker) => decision.saying(|emits| {
                emits.answer_progress(asker, &progress.message, progress.done, progress.total)
            }),
            None => decision,
        })
    }

    fn person(&self, input: Input, at: &Moment) -> Result<Decision<Self>, SagaRefusal> {
        if !matches!(self.row.saga.phase, Phase::Stuck(_)) {
            return Err(SagaRefusal::NotStuck(self.row.saga.phase.clone()));
        }
        let id = at.id.to_string();
        Ok(self.hear(input, at)?.reply(reply::Ok { id }))
    }

    fn hear(&self, input: Input, at: &Moment) -> Result<Decision<Self>, SagaRefusal> {
        let (before, Some(data)) = (&self.row.saga, &self.row.data) else {
            return Ok(Decision::stay()); // whatever comes for a saga that nobody asked for
        };
        let (saga, effects) = S::versions().advance(data, before, input, at.now_ms)?;
        if saga == *before && effects.is_empty() {
            return Ok(Decision::stay());
        }
        let mut emits = events_of::<S>(data, before, &saga, &effects, at);
        for effect in effects {
            emits = self.carry_out(emits, effect, &saga, data, at);
        }
        let wake = match saga.wake_at {
            Some(wake_at) if before.wake_at != Some(wake_at) => Wake::At(wake_at),
            Some(_) => Wake::Keep,
            None => Wake::Never,
        };
        let next = Self::of(Row {
            saga,
            ..self.row.clone()
        });
        Ok(Decision {
            emits,
            wake,
            ..Decision::to(next)
        })
    }

    fn carry_out(
        &self,
        mut emits: Emits,
        effect: Effect<SagaCommand>,
        saga: &State,
        data: &S::Data,
        at: &Moment,
    ) -> Emits {
        match effect {
            Effect::Send {
                token,
                command,
                deadline,
            } => {
                let mut out = command.out(token.to_string(), Self::key(at, &token.phase));
                out.deadline_ms = deadline;
                if let Phase::Undoing(step) = &token.phase {
                    out.undoes = Some(Self::key(at, &Phase::Doing(step.clone()))); // S4
                }
                emits.0.push(out);
                emits
            }
            Effect::Reply { outcome } => match (self.row.asker.clone(), outcome) {
                (None, _) | (_, Reply::Progress) => emits,
                (Some(asker), Reply::Done) => emits.answer(asker, S::done(data)),
                (Some(asker), Reply::Refused { code, message }) => {
                    emits.answer_refused(asker, &code, &message)
                }
                (
                    Some(asker),
                    Reply::Failed {
                        code,
                        message,
                        may_have_happened,
                    },
                ) => emits.answer_failed(asker, &code, &message, may_have_happened),
            },
            Effect::Alert {
                step,
                code,
                message,
            } => {
                let said = match saga.phase {
                    Phase::Stuck(_) => {
                        format!("the undo of {step} is stuck; resume or abandon it: {message}")
                    }
                    _ => format!("{step} was given up, all before it stays: {message}"),
                };
                emits.and(SagaAlert {
                    saga: at.id.to_string(),
                    definition: S::Start::TOPIC.to_owned(),
                    step: step.into_owned(),
                    code,
                    message: runtime::emits::clipped(&said),
                })
            }
        }
    }

    /// Names an effect (S1, O1). The topic tells apart the sagas that share an id: a chatbot's creation and its
    /// deletion.
    fn key(at: &Moment, phase: &Phase) -> String {
        format!("{}/{}/{phase}", S::Start::TOPIC, at.id)
    }
}

/// The events of what just came about.
fn events_of<S: SagaDefinition>(
    data: &S::Data,
    before: &State,
    saga: &State,
    effects: &[Effect<SagaCommand>],
    at: &Moment,
) -> Emits {
    let is_done = |effect: &Effect<_>| {
        matches!(
            effect,
            Effect::Reply {
                outcome: Reply::Done
            }
        )
    };
    let mut emits = Emits::default();
    if effects.iter().any(is_done) {
        emits = S::on_done(data, at);
    }
    if saga.phase == before.phase {
        return emits;
    }
    let why = saga.why.clone().unwrap_or_default();
    emits.append(match &saga.phase {
        Phase::Completed => S::on_completed(data, &saga.reported, at),
        Phase::Undone => S::on_undone(data, &why, at),
        Phase::Stuck(step) => S::on_stuck(data, step, at),
        Phase::Abandoned => S::on_abandoned(data, &why, at),
        Phase::New | Phase::Doing(_) | Phase::Undoing(_) => Emits::default(),
    })
}

impl<S: SagaDefinition> Entity for SagaEntity<S> {
    type Message = SagaMessage<S::Start>;
    type Refusal = SagaRefusal;

    fn decide(&self, message: Self::Message, at: &Moment) -> Result<Decision<Self>, SagaRefusal> {
        match message {
            SagaMessage::Start(start) => self.start(start, at),
            SagaMessage::Woke(woke) => self.hear(Input::Woke { at: woke.at_ms }, at),
            SagaMessage::Resume(asked) => self.person(
                Input::Resume {
                    by: asked.by,
                    why: asked.why,
                },
                at,
            ),
            SagaMessage::Abandon(asked) => self.person(
                Input::Abandon {
                    by: asked.by,
                    why: asked.why,
                },
                at,
            ),
            SagaMessage::Refused(said) => self.reply(Reply::refused(said.code, said.message), at),
            SagaMessage::Failed(said) => self.reply(
                Reply::failed(said.code, said.message, said.may_have_happened),
                at,
            ),
            SagaMessage::Progress(said) => self.progress(&said, at),
            SagaMessage::Other(record) => match at.reply_status {
                Some(ReplyStatus::Done) => self.reply(Reply::Done, at),
                Some(ReplyStatus::Progress) => self.reply(Reply::Progress, at),
                Some(ReplyStatus::Refused | ReplyStatus::Failed) | None => {
                    Err(SagaRefusal::NotUnderstood(record))
                }
            },
        }
    }
}

// Derived, these would ask the same of `S`, which is never a value.
impl<S: SagaDefinition> Default for SagaEntity<S> {
    fn default() -> Self {
        Self::of(Row {
            saga: State::default(),
            data: None,
            asker: None,
        })
    }
}
impl<S: SagaDefinition> Clone for SagaEntity<S> {
    fn clone(&self) -> Self {
        Self::of(self.row.clone())
    }
}
impl<S: SagaDefinition> PartialEq for SagaEntity<S> {
    fn eq(&self, other: &Self) -> bool {
        self.row == other.row
    }
}
impl<S: SagaDefinition> fmt::Debug for SagaEntity<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.row.fmt(f)
    }
}
impl<S: SagaDefinition> Serialize for SagaEntity<S> {
    fn serialize<W: Serializer>(&self, to: W) -> Result<W::Ok, W::Error> {
        self.row.serialize(to)
    }
}
impl<'de, S: SagaDefinition> Deserialize<'de> for SagaEntity<S> {
    fn deserialize<R: Deserializer<'de>>(from: R) -> Result<Self, R::Error> {
        let row = Row::deserialize(from)?;
        S::versions()
            .can_carry_on(&row.saga)
            .map_err(R::Error::custom)?;
        Ok(Self::of(row))
    }
}
