//! Conversations: questions and answers of one visitor with one chatbot, in order.

pub mod conversation; // the entity: one question at a time, follow-ups with what was said before
pub mod endings; // view: which conversations were ended
mod error;
pub mod history; // view: what was asked and answered

pub use error::ConversationRefusal;

use events::consumer;
use runtime::Consumer;

/// How long a conversation is kept after its last turn, in milliseconds (30 days).
pub const RETENTION_MS: i64 = 30 * 24 * 3_600_000;

/// What this worker consumes. The architecture test holds it against topics.yaml.
pub fn consumers() -> Vec<Consumer> {
    vec![
        Consumer::entity::<conversation::Conversation>(consumer::CONVERSATIONS_CONVERSATION),
        Consumer::view(consumer::CONVERSATIONS_HISTORY, history::History),
        Consumer::view(consumer::CONVERSATIONS_ENDINGS, endings::Endings),
    ]
}
