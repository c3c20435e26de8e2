//! Where a saga is, and what names its commands. Both have a text: it stands in rows, headers and logs.
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt, str::FromStr};

/// Names a step, `[a-z0-9-]+`, at most [`NAME_MAX`] characters. Tokens carry it, so it stays as it is while any
/// saga of its version runs (S9). Borrowed where the saga was built, owned where it was read from a row.
pub type Name = Cow<'static, str>;

/// Longest name of a step, in characters.
pub const NAME_MAX: usize = 64;

/// Where a saga is. As text: `new`, `doing.charge`, `undoing.charge`, `completed`, `undone`, `stuck.charge`,
/// `abandoned`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Phase {
    /// Nothing was asked yet.
    #[default]
    New,
    /// On its way forward, at this step.
    Doing(Name),
    /// On its way back, at this step.
    Undoing(Name),
    /// Every step is done, but those in [`State::reported`](crate::State::reported) (S6).
    Completed,
    /// Nothing is in effect: what may have happened was undone.
    Undone,
    /// The undo of this step failed too often; a person resumes or abandons (S7).
    Stuck(Name),
    /// A person gave it up; what its undo left behind is theirs to put right.
    Abandoned,
}

impl Phase {
    /// Whether nothing that comes can change it any more.
    pub fn is_end(&self) -> bool {
        matches!(self, Self::Completed | Self::Undone | Self::Abandoned)
    }
    /// The step it is at, if it is at one.
    pub fn step(&self) -> Option<&Name> {
        match self {
            Self::Doing(name) | Self::Undoing(name) | Self::Stuck(name) => Some(name),
            Self::New | Self::Completed | Self::Undone | Self::Abandoned => None,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New => f.write_str("new"),
            Self::Doing(name) => write!(f, "doing.{name}"),
            Self::Undoing(name) => write!(f, "undoing.{name}"),
            Self::Completed => f.write_str("completed"),
            Self::Undone => f.write_str("undone"),
            Self::Stuck(name) => write!(f, "stuck.{name}"),
            Self::Abandoned => f.write_str("abandoned"),
        }
    }
}

impl FromStr for Phase {
    type Err = Illegible;

    fn from_str(text: &str) -> Result<Self, Illegible> {
        let name = |name: &str| match is_name(name) {
            true => Ok(Cow::Owned(name.to_owned())),
            false => Err(Illegible::from(text)),
        };
        match text.split_once('.') {
            Some(("doing", step)) => name(step).map(Self::Doing),
            Some(("undoing", step)) => name(step).map(Self::Undoing),
            Some(("stuck", step)) => name(step).map(Self::Stuck),
            Some(_) => Err(Illegible::from(text)),
            None => match text {
                "new" => Ok(Self::New),
                "completed" => Ok(Self::Completed),
                "undone" => Ok(Self::Undone),
                "abandoned" => Ok(Self::Abandoned),
                _ => Err(Illegible::from(text)),
            },
        }
    }
}

/// Names one command (S1): the answer carries it back. The turn tells a late answer from the one awaited. As
/// text, `doing.charge/3`: the `correlation-id` of the command.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Token {
    /// [`Phase::Doing`] or [`Phase::Undoing`]: no other phase commands anything.
    pub phase: Phase,
    /// How many commands the saga had sent, this one included.
    pub turn: u32,
}

impl Token {
    /// Names the effect within the saga, `doing.charge`. It is the phase alone, the same on every try, so that a
    /// second try never pays twice (S1, O1): with the saga's id it is the `idempotency-key` of the command.
    pub fn effect(&self) -> String {
        self.phase.to_string()
    }
    /// Whether it names an undo.
    pub fn is_undo(&self) -> bool {
        matches!(self.phase, Phase::Undoing(_))
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.phase, self.turn)
    }
}

impl FromStr for Token {
    type Err = Illegible;

    fn from_str(text: &str) -> Result<Self, Illegible> {
        let illegible = || Illegible::from(text);
        let (phase, turn) = text.split_once('/').ok_or_else(illegible)?;
        let token = Self {
            phase: phase.parse().map_err(|_| illegible())?,
            turn: turn.parse().map_err(|_| illegible())?,
        };
        let commands = matches!(token.phase, Phase::Doing(_) | Phase::Undoing(_));
        let canonical = turn.bytes().all(|b| b.is_ascii_digit()) && !turn.starts_with('0');
        (commands && canonical)
            .then_some(token)
            .ok_or_else(illegible)
    }
}

/// A text that is neither a phase nor a token of a saga.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no phase or token of a saga: {0:?}")]
pub struct Illegible(
    /// Its first characters.
    pub String,
);

impl From<&str> for Illegible {
    fn from(text: &str) -> Self {
        Self(text.chars().take(NAME_MAX).collect())
    }
}

pub(crate) fn is_name(text: &str) -> bool {
    let letters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !text.is_empty() && text.len() <= NAME_MAX && text.bytes().all(letters)
}

impl From<Phase> for String {
    fn from(phase: Phase) -> Self {
        phase.to_string()
    }
}
impl TryFrom<String> for Phase {
    type Error = Illegible;
    fn try_from(text: String) -> Result<Self, Illegible> {
        text.parse()
    }
}
impl From<Token> for String {
    fn from(token: Token) -> Self {
        token.to_string()
    }
}
impl TryFrom<String> for Token {
    type Error = Illegible;
    fn try_from(text: String) -> Result<Self, Illegible> {
        text.parse()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_phase_is_read_back_from_its_text() {
        let charge = || Cow::Borrowed("charge-2");
        for (phase, text) in [
            (Phase::New, "new"),
            (Phase::Doing(charge()), "doing.charge-2"),
            (Phase::Undoing(charge()), "undoing.charge-2"),
            (Phase::Completed, "completed"),
            (Phase::Undone, "undone"),
            (Phase::Stuck(charge()), "stuck.charge-2"),
            (Phase::Abandoned, "abandoned"),
        ] {
            assert_eq!(phase.to_string(), text);
            assert_eq!(text.parse(), Ok(phase));
        }
    }

    #[test]
    fn a_token_is_read_back_from_its_text_and_names_its_effect_without_the_turn() {
        for phase in [
            Phase::Doing("charge".into()),
            Phase::Undoing("charge".into()),
        ] {
            for turn in [1, 9, 10, u32::MAX] {
                let token = Token {
                    phase: phase.clone(),
                    turn,
                };
                assert_eq!(token.to_string().parse(), Ok(token));
            }
        }
        let token: Token = "undoing.charge/3".parse().unwrap();
        assert_eq!(
            (token.effect().as_str(), token.is_undo()),
            ("undoing.charge", true)
        );
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let long = format!("doing.{}/1", "x".repeat(NAME_MAX + 1));
        for text in [
            "",
            "/",
            "doing.charge",
            "doing.charge/",
            "doing.charge/x",
            "doing.charge/-1",
            "doing.charge/+1",
            "doing.charge/01",
            "doing.charge/0",
            "doing.charge/4294967296",
            "doing./1",
            "doing.Charge/1",
            "doing.a.b/1",
            "doing.a/b/1",
            " doing.charge/1",
            "completed/1",
            "new/1",
            "stuck.charge/1",
            "charge/1",
            &long,
        ] {
            assert!(text.parse::<Token>().is_err(), "{text:?}");
        }
    }
}
