//! Answers: from a question and what was said before to words with citations.
//!
//! - [`write_answer`]: the effect: understand, retrieve, prompt, let a model write, cite;
//! - [`settings`]: how each chatbot answers, a view of `chatbot.changed`;
//! - [`understand`]: what a question is about, follow-ups with what they refer to; [`relevance`]: which passages say
//!   anything about it; [`prompt`]: what a model is given; [`draft`]: what it wrote, with its citations;
//! - [`ports`]: the models; [`words`]: words, stems, sentences.

pub mod draft;
mod error;
pub mod ports;
pub mod prompt;
mod quote;
pub mod relevance;
pub mod settings;
mod speaker;
pub mod understand;
pub mod unknown;
pub mod words;
pub mod write_answer;
#[cfg(test)]
mod write_answer_tests;

pub use error::AnswerError;

use events::answers::AnswerDelta;
use events::consumer;
use ports::Models;
use runtime::Consumer;
use runtime::ports::providers::Embedder;
use std::sync::Arc;

/// What this worker consumes and emits. tests/tests/architecture holds it against topics.yaml.
pub fn consumers(embedder: Arc<dyn Embedder>, models: Arc<dyn Models>) -> Vec<Consumer> {
    vec![
        Consumer::handlers(consumer::ANSWERS_EFFECTS)
            .handler(write_answer::WriteAnswer::with(embedder, models))
            .emits::<AnswerDelta>(),
        Consumer::view(consumer::ANSWERS_SETTINGS, settings::ChatbotSettings),
    ]
}
