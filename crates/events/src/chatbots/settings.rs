//! How a chatbot looks, sounds and answers.
use crate::BlobRef;
use serde::{Deserialize, Serialize};

/// A document that a chatbot is to know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The document's id; chosen by who asks.
    pub document: String,
    /// The file's name, as people see it in citations.
    pub name: String,
    /// What the uploader calls it, as in HTTP; content decides, this is a hint.
    pub media_type: String,
    /// The uploaded bytes.
    pub blob: BlobRef,
}

/// How it speaks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Voice {
    /// The voice, as the speech provider calls it.
    pub name: String,
    /// 1.0 is the voice's own pace.
    pub speed: f64,
    /// Semitones above the voice's own; below is negative.
    pub pitch: f64,
}

/// How it looks in 3D.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Avatar {
    /// The 3D model.
    pub model: String,
    /// What stands behind it; a colour or a scene.
    pub background: String,
    /// Whether it moves its hands while it speaks.
    pub gestures: bool,
}

/// How it answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerStyle {
    /// At most so many sentences in an answer; 0 leaves it to the answerer.
    pub max_sentences: i64,
    /// Such as `friendly` or `formal`; goes into the prompt.
    pub tone: String,
}

/// How a chatbot looks, sounds and answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// What it says first.
    pub greeting: String,
    /// BCP 47 tags that it answers in, the preferred one first; none means as asked.
    #[serde(default)]
    pub languages: Vec<String>,
    /// The template of the system prompt; empty means the built-in one.
    pub prompt_template: String,
    /// How it speaks; absent for text only.
    #[serde(default)]
    pub voice: Option<Voice>,
    /// How it looks; absent if it has no body.
    #[serde(default)]
    pub avatar: Option<Avatar>,
    /// How it answers.
    pub answer: AnswerStyle,
}
