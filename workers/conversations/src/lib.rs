//! Conversations: questions and answers of one visitor with one chatbot, in order.

pub mod closing; // the entity: all conversations of a chatbot are ended, with it
pub mod commands; // inbox.conversations.commands -> the conversations
pub mod conversation; // the entity: one question at a time, follow-ups with what was said before
pub mod endings; // view: which conversations were ended
mod error;
pub mod history; // view: what was asked and answered
pub mod list_of_chatbot; // effect: the conversations of a chatbot, some at a time
pub mod roster; // view: which conversations a chatbot has
pub mod verify_ended; // effect: look whether anything of them is still shown
#[cfg(test)]
mod with_the_chatbot_tests;

pub use error::{ConversationRefusal, ListError, VerifyEndedError};

use events::answers::WriteAnswer;
use events::consumer;
use events::conversations::{
    ConversationEnded, EndConversation, ListConversations, QuestionAnswered, QuestionAsked,
    QuestionFailed,
};
use runtime::Consumer;

/// How long a conversation is kept after its last turn, in milliseconds (30 days).
pub const RETENTION_MS: i64 = 30 * 24 * 3_600_000;

/// What this worker consumes and emits. tests/tests/architecture holds it against topics.yaml.
pub fn consumers() -> Vec<Consumer> {
    vec![
        commands::border(),
        Consumer::entity::<conversation::Conversation>(consumer::CONVERSATIONS_CONVERSATION)
            .emits::<WriteAnswer>()
            .emits::<QuestionAsked>()
            .emits::<QuestionAnswered>()
            .emits::<QuestionFailed>()
            .emits::<ConversationEnded>(),
        Consumer::entity::<closing::Closing>(consumer::CONVERSATIONS_CLOSING)
            .emits::<ListConversations>()
            .emits::<EndConversation>(),
        Consumer::handlers(consumer::CONVERSATIONS_EFFECTS)
            .handler(list_of_chatbot::ListOfChatbot)
            .handler(verify_ended::VerifyEnded),
        Consumer::view(consumer::CONVERSATIONS_ROSTER, roster::Roster),
        Consumer::view(consumer::CONVERSATIONS_HISTORY, history::History),
        Consumer::view(consumer::CONVERSATIONS_ENDINGS, endings::Endings),
    ]
}
