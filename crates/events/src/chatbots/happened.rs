//! What has happened to a chatbot.
use super::Settings;
use crate::{addressed, record, topic};
use serde::{Deserialize, Serialize};

/// Where a chatbot is in its life.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum ChatbotState {
    /// A state that a newer version knows (A3).
    #[default]
    Unknown,
    /// It has a name and settings; its sources are being ingested.
    Registered,
    /// It answers.
    Active,
    /// It does not answer until it is resumed.
    Paused,
    /// It is being deleted and answers no more.
    Retiring,
    /// Nothing is left of it but this.
    Removed,
}

/// A chatbot was created and answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatbotCreated {
    /// The chatbot.
    pub chatbot: String,
    /// What people call it.
    pub name: String,
}
record!(
    ChatbotCreated,
    "troupe.chatbots.ChatbotCreated",
    "chatbots/ChatbotCreated.avsc"
);
addressed!(ChatbotCreated, topic::CHATBOT_CREATED, chatbot);

/// A chatbot was not created, and what had been done for it was undone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatbotCreationFailed {
    /// The chatbot.
    pub chatbot: String,
    /// Stable, `<context>.<what>`; a page each under docs/errors/.
    pub code: String,
    /// A sentence for a person for each thing that stood in the way.
    #[serde(default)]
    pub reasons: Vec<String>,
}
record!(
    ChatbotCreationFailed,
    "troupe.chatbots.ChatbotCreationFailed",
    "chatbots/ChatbotCreationFailed.avsc"
);
addressed!(
    ChatbotCreationFailed,
    topic::CHATBOT_CREATION_FAILED,
    chatbot
);

/// A chatbot was deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatbotDeleted {
    /// The chatbot.
    pub chatbot: String,
    /// Passages of it that a search still found afterwards, counted by looking: 0.
    pub retrievable: i64,
}
record!(
    ChatbotDeleted,
    "troupe.chatbots.ChatbotDeleted",
    "chatbots/ChatbotDeleted.avsc"
);
addressed!(ChatbotDeleted, topic::CHATBOT_DELETED, chatbot);

/// What a chatbot is now, whole, for directories.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChatbotChanged {
    /// The chatbot.
    pub chatbot: String,
    /// Counts its changes.
    pub version: i64,
    /// Where it is in its life.
    pub state: ChatbotState,
    /// What people call it.
    pub name: String,
    /// How it looks, sounds and answers.
    pub settings: Settings,
    /// The built system prompt; empty until it is built.
    #[serde(default)]
    pub system_prompt: String,
}
record!(
    ChatbotChanged,
    "troupe.chatbots.ChatbotChanged",
    "chatbots/ChatbotChanged.avsc"
);
addressed!(ChatbotChanged, topic::CHATBOT_CHANGED, chatbot);
