//! Tokens and answers in few bytes, since a sweep keeps very many of them.
use crate::{Reply, Token};

/// Which step, by its index.
pub type At = u8;

/// A token of the saga that is swept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tok {
    pub step: At,
    pub undo: bool,
    pub turn: u32,
}

/// What participants answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    Done,
    No,
    Not,
    Maybe,
    Progress,
}

impl Answer {
    pub const ALL: [Self; 5] = [Self::Done, Self::No, Self::Not, Self::Maybe, Self::Progress];

    pub fn reply(self) -> Reply {
        match self {
            Self::Done => Reply::Done,
            Self::No => Reply::refused("sweep.no", ""),
            Self::Not => Reply::failed("sweep.not", "", false),
            Self::Maybe => Reply::failed("sweep.maybe", "", true),
            Self::Progress => Reply::Progress,
        }
    }
    /// What kind of answer the saga gave to whoever asked.
    pub fn of(reply: &Reply) -> Self {
        match reply {
            Reply::Done => Self::Done,
            Reply::Refused { .. } => Self::No,
            Reply::Failed {
                may_have_happened: false,
                ..
            } => Self::Not,
            Reply::Failed {
                may_have_happened: true,
                ..
            } => Self::Maybe,
            Reply::Progress => Self::Progress,
        }
    }
}

/// What the saga may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    Start,
    Reply(Tok, Answer),
    Woke(i64),
    Resume,
    Abandon,
}

/// Reads a token of a saga whose steps have these names; none if it is of no step.
pub fn tok(names: &[&str], token: &Token) -> Option<Tok> {
    let name = token.phase.step()?;
    let step = names.iter().position(|n| n == name)?;
    Some(Tok {
        step: u8::try_from(step).ok()?,
        undo: token.is_undo(),
        turn: token.turn,
    })
}
