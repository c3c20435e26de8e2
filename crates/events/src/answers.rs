//! Answers: from a question and what was said before to words with citations.
use crate::{Personal, addressed, record, topic};
use serde::{Deserialize, Serialize};

/// Who speaks in a turn.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Role {
    /// A role that a newer version knows (A3).
    #[default]
    Unknown,
    /// Who asks.
    Visitor,
    /// Who answers.
    Chatbot,
}

/// What was said before, for the understanding of a follow-up question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// What was said.
    pub text: Personal,
}

/// A passage that an answer rests on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Citation {
    /// The document it stands in.
    pub document: String,
    /// The document's name, as people know it.
    pub name: String,
    /// The page, from 1; absent where the format has no pages.
    #[serde(default)]
    pub page: Option<i64>,
    /// The headings above it, outermost first, joined by ` > `.
    #[serde(default)]
    pub heading: String,
    /// The passage's words.
    pub quote: Personal,
    /// How relevant; the higher the better, comparable within one answer only.
    pub score: f64,
}

/// What a model used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt; 0 if the provider does not say.
    pub prompt_tokens: i64,
    /// Tokens of the answer; 0 if the provider does not say.
    pub completion_tokens: i64,
}

/// Command: find what is relevant and answer from it. Done is [`AnswerWritten`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteAnswer {
    /// The question; chosen by who asks.
    pub question: String,
    /// The conversation.
    pub conversation: String,
    /// The chatbot that is asked.
    pub chatbot: String,
    /// The visitor who asks; the key of personal fields is theirs.
    pub visitor: String,
    /// The question, as the visitor wrote it.
    pub text: Personal,
    /// What was said before, the oldest first; at most the last few turns.
    #[serde(default)]
    pub turns: Vec<Turn>,
}
record!(
    WriteAnswer,
    "troupe.answers.WriteAnswer",
    "answers/WriteAnswer.avsc",
    {
        fn personal(&mut self) -> Vec<(String, &mut Personal)> {
            let mut fields = vec![("text".into(), &mut self.text)];
            fields.extend(words(&mut self.turns));
            fields
        }
        fn subject_key(&self) -> Option<String> {
            Some(self.visitor.clone())
        }
    }
);
addressed!(WriteAnswer, topic::ANSWERS_EFFECTS, conversation);

/// Reply to [`WriteAnswer`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AnswerWritten {
    /// The question; chosen by who asks.
    pub question: String,
    /// The visitor who asks; the key of personal fields is theirs.
    pub visitor: String,
    /// The answer, whole.
    pub text: Personal,
    /// False if nothing relevant was found, and the answer says so.
    pub known: bool,
    /// What the answer rests on, best first.
    #[serde(default)]
    pub citations: Vec<Citation>,
    /// The model that answered; of the offline answerer its name.
    #[serde(default)]
    pub model: String,
    /// Which of the configured providers answered.
    #[serde(default)]
    pub provider: String,
    /// What the model used.
    pub usage: Usage,
    /// Which attempt wrote the answer, from 1; its deltas carry the same number (H3).
    pub attempt: i64,
    /// How many deltas that attempt sent.
    pub deltas: i64,
}
record!(
    AnswerWritten,
    "troupe.answers.AnswerWritten",
    "answers/AnswerWritten.avsc",
    {
        fn personal(&mut self) -> Vec<(String, &mut Personal)> {
            let mut fields = vec![("text".into(), &mut self.text)];
            fields.extend(quotes(&mut self.citations));
            fields
        }
        fn subject_key(&self) -> Option<String> {
            Some(self.visitor.clone())
        }
    }
);

/// A piece of an answer while it is written: ephemeral, at most once (H3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerDelta {
    /// The question; chosen by who asks.
    pub question: String,
    /// The visitor who asked; the key of personal fields is theirs.
    pub visitor: String,
    /// Which attempt writes, from 1; the pieces of lower ones are dropped.
    pub attempt: i64,
    /// The piece's number within its attempt, from 0.
    pub n: i64,
    /// True in the first piece of an attempt: forget what earlier ones sent.
    #[serde(default)]
    pub reset: bool,
    /// The piece.
    pub text: Personal,
}
record!(
    AnswerDelta,
    "troupe.answers.AnswerDelta",
    "answers/AnswerDelta.avsc",
    {
        fn personal(&mut self) -> Vec<(String, &mut Personal)> {
            vec![("text".into(), &mut self.text)]
        }
        fn subject_key(&self) -> Option<String> {
            Some(self.visitor.clone())
        }
    }
);
addressed!(AnswerDelta, topic::ANSWERS_DELTAS, question);

/// The quotes of an answer's citations as personal fields, by name: `citations.0.quote`.
pub(crate) fn quotes(citations: &mut [Citation]) -> impl Iterator<Item = (String, &mut Personal)> {
    let named = citations.iter_mut().enumerate();
    named.map(|(i, citation)| (format!("citations.{i}.quote"), &mut citation.quote))
}

/// What was said before as personal fields, by name: `turns.0.text`.
fn words(turns: &mut [Turn]) -> impl Iterator<Item = (String, &mut Personal)> {
    turns
        .iter_mut()
        .enumerate()
        .map(|(i, turn)| (format!("turns.{i}.text"), &mut turn.text))
}
