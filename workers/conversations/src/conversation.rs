//! The entity Conversation: the first question fixes who talks with whom; questions are answered one at a time, each
//! with what was said before it.
mod answering;
mod asking;
mod ending;
#[cfg(test)]
mod tests;

use crate::ConversationRefusal;
use events::ReplyAddress;
use events::answers::{AnswerWritten, Role, Turn};
use events::conversations::{AskQuestion, EndConversation};
use events::reply::{Failed, Progress, Refused};
use events::system::Woke;
use runtime::{Arm, Decision, Entity, Inbox, Moment, arm};
use serde::{Deserialize, Serialize};

/// Longest question, in characters: more than anybody types.
pub const MAX_QUESTION: usize = 4_000;

/// Most questions that wait behind the one that is being answered.
pub const MAX_QUEUE: usize = 5;

/// Most turns that are remembered.
pub const MAX_TURNS: usize = 50;

/// Turns that go with a question, so that a follow-up is understood: three questions with their answers.
pub const TURNS_TOLD: usize = 6;

/// What is remembered of a turn, in characters: [`TURNS_TOLD`] of them, sealed, stay below the size of an event (G2).
pub const MAX_TURN: usize = 4_000;

/// How long an answer may take, in milliseconds (two minutes). Writing answers by itself, a failure too.
pub const SILENCE_MS: i64 = 120_000;

/// The code of a question that nobody answered.
pub const SILENCE: &str = "conversations.silence";

/// The code of a question whose deadline passed while it waited for its turn (E6).
pub const EXPIRED: &str = "conversations.expired";

/// The code of a question whose conversation was ended before its answer.
pub const ENDED: &str = "conversations.ended";

/// All that arrives on the input of the conversations (E1).
#[derive(Clone, Debug, PartialEq)]
pub enum ConversationMessage {
    /// A visitor asks.
    Ask(AskQuestion),
    /// The turns are to be forgotten.
    End(EndConversation),
    /// The answer is written.
    Written(AnswerWritten),
    /// It will not be.
    Refused(Refused),
    /// It could not be.
    Failed(Failed),
    /// It is being written.
    Progress(Progress),
    /// An answer has been waited for long enough, or the conversation is over (E7).
    Woke(Woke),
}

impl Inbox for ConversationMessage {
    fn arms() -> Vec<Arm<Self>> {
        vec![
            arm(Self::Ask),
            arm(Self::End),
            arm(Self::Written),
            arm(Self::Refused),
            arm(Self::Failed),
            arm(Self::Progress),
            arm(Self::Woke),
        ]
    }
}

/// A conversation. Its texts are clear; an erasure sweeps the row (G1).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// The chatbot that is asked; empty before the first question.
    pub chatbot: String,
    /// The visitor who asks; empty before the first question.
    pub visitor: String,
    /// What was said, the oldest first; at most [`MAX_TURNS`].
    pub turns: Vec<Said>,
    /// The question that is being answered.
    pub current: Option<Waiting>,
    /// The questions behind it, at most [`MAX_QUEUE`].
    pub queue: Vec<Waiting>,
    /// When something was said last, in milliseconds since 1970.
    pub last_turn_ms: i64,
    /// How often it was ended.
    #[serde(default)]
    pub endings: i64,
}

/// What somebody said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The question that it is, or answers.
    pub question: String,
    /// Who said it.
    pub role: Role,
    /// The words; at most [`MAX_TURN`] characters.
    pub text: String,
}

/// A question without an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The question's id.
    pub question: String,
    /// What is asked.
    pub text: String,
    /// Who is told the answer.
    pub asker: Option<ReplyAddress>,
    /// Names the effect of answering it (O1).
    pub key: String,
    /// After this nobody begins to answer it (E6), in milliseconds since 1970.
    pub deadline_ms: Option<i64>,
    /// When it is not waited for any longer, once it is being answered, in milliseconds since 1970.
    pub give_up_at_ms: i64,
}

type Decided = Result<Decision<Conversation>, ConversationRefusal>;

impl Entity for Conversation {
    type Message = ConversationMessage;
    type Refusal = ConversationRefusal;

    fn decide(&self, message: ConversationMessage, at: &Moment) -> Decided {
        use ConversationMessage as M;
        match message {
            M::Ask(ask) => self.ask(ask, at),
            M::End(_) => Ok(self.end(at)),
            M::Written(written) => Ok(self.written(written, at)),
            M::Refused(said) => Ok(self.not_answered(&said.code, &said.message, None, at)),
            M::Failed(said) => {
                let may = Some(said.may_have_happened);
                Ok(self.not_answered(&said.code, &said.message, may, at))
            }
            M::Progress(_) => Ok(Decision::stay()), // who asked sees it grow by its deltas (H3)
            M::Woke(woke) => Ok(self.woke(&woke, at)),
        }
    }
}

impl Conversation {
    /// The latest turns, for the understanding of a follow-up.
    fn told(&self) -> Vec<Turn> {
        let from = self.turns.len().saturating_sub(TURNS_TOLD);
        let turn = |said: &Said| Turn {
            role: said.role,
            text: said.text.as_str().into(),
        };
        self.turns[from..].iter().map(turn).collect()
    }
    /// Whether somebody waits for an answer.
    fn is_waited_for(&self, question: &str) -> bool {
        self.current
            .iter()
            .chain(&self.queue)
            .any(|waiting| waiting.question == question)
    }
    fn remember(&mut self, question: &str, role: Role, text: &str, now_ms: i64) {
        let text = text.chars().take(MAX_TURN).collect();
        self.turns.push(Said {
            question: question.to_owned(),
            role,
            text,
        });
        let excess = self.turns.len().saturating_sub(MAX_TURNS);
        self.turns.drain(..excess);
        self.last_turn_ms = now_ms;
    }
}
