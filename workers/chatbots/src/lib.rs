//! Chatbots: created and deleted as a whole by sagas; configured, paused, resumed.

pub mod chatbot; // the entity: what a chatbot is and what may be asked of it
pub mod commands; // inbox.chatbots.commands -> the sagas and the chatbots
pub mod creation; // saga create-chatbot.v2: open the sources, register, ingest, build the prompt, activate; or nothing
pub mod deletion; // saga delete-chatbot.v2: retire, then nothing is left, and somebody looks
pub mod directory; // view: what chatbots there are
mod error;
pub mod ingestion; // the child entity of both sagas: the sources, brought in and removed as a whole (S8)
pub mod prompt; // settings -> system prompt, pure
pub mod settings; // what settings may be
pub mod settings_patch; // a change of settings, pure
pub mod sources; // what happens to documents -> the sources of their chatbot
pub mod uploads; // view: which documents a chatbot was given, and in which blobs
pub mod verify_gone; // effect: look whether a chatbot can still be found

pub use error::{ChatbotRefusal, IngestionRefusal, VerifyGoneError};

use events::chatbots::{
    ActivateChatbot, BuildPrompt, ChatbotChanged, ChatbotCreated, ChatbotCreationFailed,
    ChatbotDeleted, DeactivateChatbot, DropPrompt, ForgetSource, IngestSources, NoteSource,
    RegisterChatbot, RemoveChatbot, RemoveSources, RestoreChatbot, RetireChatbot, VerifyGone,
};
use events::consumer;
use events::conversations::{EndConversations, VerifyEnded};
use events::documents::{AddDocument, DeleteDocument};
use events::system::SagaAlert;
use runtime::Consumer;
use saga::SagaEntity;

/// What this worker consumes and emits. tests/tests/architecture holds it against topics.yaml.
pub fn consumers() -> Vec<Consumer> {
    vec![
        commands::border(),
        Consumer::entity::<SagaEntity<creation::Creation>>(consumer::CHATBOTS_CREATION)
            .emits::<RegisterChatbot>()
            .emits::<RemoveChatbot>()
            .emits::<IngestSources>()
            .emits::<RemoveSources>()
            .emits::<BuildPrompt>()
            .emits::<DropPrompt>()
            .emits::<ActivateChatbot>()
            .emits::<DeactivateChatbot>()
            .emits::<ChatbotCreated>()
            .emits::<ChatbotCreationFailed>()
            .emits::<SagaAlert>(),
        Consumer::entity::<SagaEntity<deletion::Deletion>>(consumer::CHATBOTS_DELETION)
            .emits::<RetireChatbot>()
            .emits::<RestoreChatbot>()
            .emits::<RemoveSources>()
            .emits::<RemoveChatbot>()
            .emits::<EndConversations>()
            .emits::<VerifyEnded>()
            .emits::<VerifyGone>()
            .emits::<ChatbotDeleted>()
            .emits::<SagaAlert>(),
        Consumer::entity::<chatbot::Chatbot>(consumer::CHATBOTS_CHATBOT).emits::<ChatbotChanged>(),
        Consumer::entity::<ingestion::Ingestion>(consumer::CHATBOTS_INGESTION)
            .emits::<AddDocument>()
            .emits::<DeleteDocument>(),
        Consumer::route(consumer::CHATBOTS_NOTE, sources::note).emits::<NoteSource>(),
        Consumer::route(consumer::CHATBOTS_FORGET, sources::forget).emits::<ForgetSource>(),
        Consumer::handlers(consumer::CHATBOTS_EFFECTS).handler(verify_gone::VerifyGone),
        Consumer::view(consumer::CHATBOTS_UPLOADS, uploads::Uploads),
        Consumer::view(consumer::CHATBOTS_DIRECTORY, directory::Directory),
    ]
}
