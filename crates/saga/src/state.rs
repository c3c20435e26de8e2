//! What goes into a saga, what comes out of it, and what is kept of it.
use crate::phase::{Name, Phase, Token};
use serde::{Deserialize, Serialize};

/// Milliseconds since 1970, by the caller's clock: the engine has none.
pub type Millis = i64;

/// How many entries a saga's history has at most. Steps times tries stay well below; only a person who resumes for
/// ever reaches it. The first entry is never lost.
pub const HISTORY: usize = 64;

/// Longest code that is kept, in characters.
pub const CODE_MAX: usize = 100;

/// Longest message that is kept as the reason for turning back, or answered to whoever asked, in characters.
pub const MESSAGE_MAX: usize = 1_000;

/// Longest message in an entry of the history, in characters: [`HISTORY`] of them fit well into a row.
pub const HISTORY_MESSAGE_MAX: usize = 300;

/// The answer to a command (D5), and to whoever asked for the saga.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reply {
    /// It happened.
    Done,
    /// It did not happen, and will not.
    Refused {
        /// Stable, `<context>.<what>`.
        code: String,
        /// A sentence for a person.
        message: String,
    },
    /// It failed.
    Failed {
        /// Stable, `<context>.<what>`.
        code: String,
        /// A sentence for a person.
        message: String,
        /// Whether it may have happened all the same, or happen yet (S3).
        may_have_happened: bool,
    },
    /// It is under way; the final answer comes later.
    Progress,
}

impl Reply {
    /// It did not happen, and will not.
    pub fn refused(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Refused {
            code: code.into(),
            message: message.into(),
        }
    }
    /// It failed.
    pub fn failed(
        code: impl Into<String>,
        message: impl Into<String>,
        may_have_happened: bool,
    ) -> Self {
        Self::Failed {
            code: code.into(),
            message: message.into(),
            may_have_happened,
        }
    }
    /// Whether it is a failure that may have happened all the same.
    pub fn may_have_happened(&self) -> bool {
        matches!(
            self,
            Self::Failed {
                may_have_happened: true,
                ..
            }
        )
    }
    /// The same with code and message cut to what is kept.
    pub(crate) fn bounded(mut self, message_max: usize) -> Self {
        if let Self::Refused { code, message } | Self::Failed { code, message, .. } = &mut self {
            cut(code, CODE_MAX);
            cut(message, message_max);
        }
        self
    }
}

/// Cuts a text that comes from outside, with `…` as its last character if something is lost.
pub(crate) fn cut(text: &mut String, max: usize) {
    if text.chars().nth(max).is_some() {
        let end = text.char_indices().nth(max - 1).map_or(0, |(at, _)| at);
        text.truncate(end);
        text.push('…');
    }
}

/// What a saga may be told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// Somebody asks for it.
    Start,
    /// A command is answered.
    Reply {
        /// Which one.
        token: Token,
        /// What it says.
        reply: Reply,
    },
    /// The time that it set has come (E7).
    Woke {
        /// Which time: one that is not the current [`State::wake_at`] means nothing.
        at: Millis,
    },
    /// A person lets a stuck saga try its undo again (S7).
    Resume {
        /// Who.
        by: String,
        /// Why.
        why: String,
    },
    /// A person gives a stuck saga up (S7).
    Abandon {
        /// Who.
        by: String,
        /// Why.
        why: String,
    },
}

/// What a saga wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect<C> {
    /// A command is to be sent. Its idempotency key is (saga id, [`Token::effect`]).
    Send {
        /// The answer must carry it.
        token: Token,
        /// What is asked.
        command: C,
        /// After this no attempt may begin; none for an undo, which is never too late (E6).
        deadline: Option<Millis>,
    },
    /// To whoever asked for the saga: `Done`, `Refused` or `Failed`. Exactly one in its life.
    Reply {
        /// How it went.
        outcome: Reply,
    },
    /// A person must know: an undo is stuck (S7), or a step after the pivot was given up (S6).
    Alert {
        /// Which step.
        step: Name,
        /// What was heard last.
        code: String,
        /// The same, for a person.
        message: String,
    },
}

/// Why a saga turned back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cause {
    /// Stable, `<context>.<what>`.
    pub code: String,
    /// A sentence for a person; at most [`MESSAGE_MAX`] characters.
    pub message: String,
}

/// Something that was sent or heard.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Past {
    /// When.
    pub at: Millis,
    /// What.
    pub what: What,
}

/// What was sent or heard.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// A command went out.
    Sent {
        /// Which one.
        token: Token,
    },
    /// Its answer came in, or none in time: [`SILENCE`](crate::SILENCE).
    Heard {
        /// Of which command.
        token: Token,
        /// The final answer; `Progress` is not kept.
        reply: Reply,
    },
    /// A person resumed it.
    Resumed {
        /// Who.
        by: String,
        /// Why.
        why: String,
    },
    /// A person abandoned it.
    Abandoned {
        /// Who.
        by: String,
        /// Why.
        why: String,
    },
}

/// The row of one saga, but for its id and the data its commands are made from, which never change (S2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// Which version of the saga it runs, `create-chatbot.v1`, from its start to its end (S9); empty before.
    pub version: String,
    /// Where it is.
    pub phase: Phase,
    /// Commands sent so far.
    pub turn: u32,
    /// The command whose answer counts; none between two tries.
    pub awaiting: Option<Token>,
    /// Tries of the current phase so far.
    pub tries: u32,
    /// When to wake it.
    pub wake_at: Option<Millis>,
    /// The latest `wake_at` whose `Woke` may have been sent: a new one is later, so an old `Woke` never fits
    /// (E7, docs/adr/0001).
    pub last_wake_at: Millis,
    /// When the command awaited is given up, whatever progress it reports.
    pub give_up_at: Millis,
    /// Why it turned back, if it did.
    pub why: Option<Cause>,
    /// Whether whoever asked has their answer.
    pub answered: bool,
    /// The steps after the pivot that were given up (S6).
    pub reported: Vec<Name>,
    /// What was sent and heard and when, oldest first, for the person who must resume or abandon: the first entry
    /// and the last `HISTORY - 1`.
    pub history: Vec<Past>,
    /// How many entries are missing between the first entry and the second.
    pub forgotten: u32,
}

impl State {
    /// Adds to the history; the oldest entry but the first gives way.
    pub(crate) fn remember(&mut self, at: Millis, what: What) {
        self.history.push(Past { at, what });
        if self.history.len() > HISTORY {
            self.history.remove(1);
            self.forgotten = self.forgotten.saturating_add(1);
        }
    }
}
