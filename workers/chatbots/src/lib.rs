//! Chatbots: created and deleted as a whole by sagas; configured, paused, resumed.

pub mod chatbot; // the entity: what a chatbot is and what may be asked of it
pub mod creation; // saga create-chatbot.v1: register, ingest, build the prompt, activate; or nothing
pub mod deletion; // saga delete-chatbot.v1: retire, then nothing is left, and somebody looks
pub mod directory; // view: what chatbots there are
mod error;
pub mod ingestion; // the child entity of both sagas: the sources, brought in and removed as a whole (S8)
pub mod prompt; // settings -> system prompt, pure
pub mod settings; // what settings may be
pub mod sources; // what happens to documents -> the sources of their chatbot
pub mod verify_gone; // effect: look whether a chatbot can still be found

pub use error::{ChatbotRefusal, IngestionRefusal, VerifyGoneError};

use events::consumer;
use runtime::Consumer;
use saga::SagaEntity;

/// What this worker consumes. The architecture test holds it against topics.yaml.
pub fn consumers() -> Vec<Consumer> {
    vec![
        Consumer::entity::<SagaEntity<creation::Creation>>(consumer::CHATBOTS_CREATION),
        Consumer::entity::<SagaEntity<deletion::Deletion>>(consumer::CHATBOTS_DELETION),
        Consumer::entity::<chatbot::Chatbot>(consumer::CHATBOTS_CHATBOT),
        Consumer::entity::<ingestion::Ingestion>(consumer::CHATBOTS_INGESTION),
        Consumer::route(consumer::CHATBOTS_NOTE, sources::note),
        Consumer::route(consumer::CHATBOTS_FORGET, sources::forget),
        Consumer::handlers(consumer::CHATBOTS_EFFECTS).handler(verify_gone::VerifyGone),
        Consumer::view(consumer::CHATBOTS_DIRECTORY, directory::Directory),
    ]
}
