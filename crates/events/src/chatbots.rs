//! Chatbots: created and deleted by sagas, configured, paused, resumed.
use crate::{addressed, record, topic};
use serde::{Deserialize, Serialize};

mod happened;
mod settings;
mod sources;
pub use happened::{
    ChatbotChanged, ChatbotCreated, ChatbotCreationFailed, ChatbotDeleted, ChatbotState,
};
pub use settings::{AnswerStyle, Avatar, Settings, Source, Voice};
pub use sources::{
    ForgetSource, IngestSources, NoteSource, RemoveSources, SourcesIngested, VerifiedGone,
    VerifyGone,
};

/// Command: start the saga that creates a chatbot with all its sources, or nothing. Done is [`crate::reply::Ok`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CreateChatbot {
    /// The chatbot; chosen by who asks.
    pub chatbot: String,
    /// What people call it.
    pub name: String,
    /// How it looks, sounds and answers.
    pub settings: Settings,
    /// What it is to know.
    #[serde(default)]
    pub sources: Vec<Source>,
}
record!(
    CreateChatbot,
    "troupe.chatbots.CreateChatbot",
    "chatbots/CreateChatbot.avsc"
);
addressed!(CreateChatbot, topic::CHATBOTS_CREATION, chatbot);

/// Command: start the saga that deletes a chatbot and proves that nothing is retrievable. Done is [`crate::reply::Ok`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteChatbot {
    /// The chatbot.
    pub chatbot: String,
}
record!(
    DeleteChatbot,
    "troupe.chatbots.DeleteChatbot",
    "chatbots/DeleteChatbot.avsc"
);
addressed!(DeleteChatbot, topic::CHATBOTS_DELETION, chatbot);

/// Command: give it a name and settings; it does not answer yet. Done is [`crate::reply::Ok`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RegisterChatbot {
    /// The chatbot.
    pub chatbot: String,
    /// What people call it.
    pub name: String,
    /// How it looks, sounds and answers.
    pub settings: Settings,
}
record!(
    RegisterChatbot,
    "troupe.chatbots.RegisterChatbot",
    "chatbots/RegisterChatbot.avsc"
);
addressed!(RegisterChatbot, topic::CHATBOTS_CHATBOT, chatbot);

/// Command: build its system prompt from its settings. Done is [`crate::reply::Ok`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildPrompt {
    /// The chatbot.
    pub chatbot: String,
}
record!(
    BuildPrompt,
    "troupe.chatbots.BuildPrompt",
    "chatbots/BuildPrompt.avsc"
);
addressed!(BuildPrompt, topic::CHATBOTS_CHATBOT, chatbot);

/// Command: undo [`BuildPrompt`]. Done is [`crate::reply::Ok`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropPrompt {
    /// The chatbot.
    pub chatbot: String,
}
record!(
    DropPrompt,
    "troupe.chatbots.DropPrompt",
    "chatbots/DropPrompt.avsc"
);
addressed!(DropPrompt, topic::CHATBOTS_CHATBOT, chatbot);

/// Command: let it answer. Done is [`crate::reply::Ok`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivateChatbot {
    /// The chatbot.
    pub chatbot: String,
}
record!(
    ActivateChatbot,
    "troupe.chatbots.ActivateChatbot",
    "chatbots/ActivateChatbot.avsc"
);
addressed!(ActivateChatbot, topic::CHATBOTS_CHATBOT, chatbot);

/// Command: undo [`ActivateChatbot`]. Done is [`crate::reply::Ok`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeactivateChatbot {
    /// The chatbot.
    pub chatbot: String,
}
record!(
    DeactivateChatbot,
    "troupe.chatbots.DeactivateChatbot",
    "chatbots/DeactivateChatbot.avsc"
);
addressed!(DeactivateChatbot, topic::CHATBOTS_CHATBOT, chatbot);

/// Command: undo [`RegisterChatbot`], and the end of a deletion; leaves a tombstone (S4). Done is [`crate::reply::Ok`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveChatbot {
    /// The chatbot.
    pub chatbot: String,
}
record!(
    RemoveChatbot,
    "troupe.chatbots.RemoveChatbot",
    "chatbots/RemoveChatbot.avsc"
);
addressed!(RemoveChatbot, topic::CHATBOTS_CHATBOT, chatbot);

/// Command: stop answering until it is resumed. Done is [`crate::reply::Ok`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseChatbot {
    /// The chatbot.
    pub chatbot: String,
}
record!(
    PauseChatbot,
    "troupe.chatbots.PauseChatbot",
    "chatbots/PauseChatbot.avsc"
);
addressed!(PauseChatbot, topic::CHATBOTS_CHATBOT, chatbot);

/// Command: answer again after a pause. Done is [`crate::reply::Ok`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumeChatbot {
    /// The chatbot.
    pub chatbot: String,
}
record!(
    ResumeChatbot,
    "troupe.chatbots.ResumeChatbot",
    "chatbots/ResumeChatbot.avsc"
);
addressed!(ResumeChatbot, topic::CHATBOTS_CHATBOT, chatbot);

/// Command: change its name or its settings; what is absent stays. Done is [`crate::reply::Ok`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UpdateChatbot {
    /// The chatbot.
    pub chatbot: String,
    /// Its new name.
    #[serde(default)]
    pub name: Option<String>,
    /// Its new settings, whole.
    #[serde(default)]
    pub settings: Option<Settings>,
    /// What changes of its settings, as a JSON merge patch (RFC 7396): what is not named stays, null is the default again.
    #[serde(default)]
    pub settings_patch: Option<String>,
}
record!(
    UpdateChatbot,
    "troupe.chatbots.UpdateChatbot",
    "chatbots/UpdateChatbot.avsc"
);
addressed!(UpdateChatbot, topic::CHATBOTS_CHATBOT, chatbot);

/// Command: the first step of a deletion: answer no more. Done is [`crate::reply::Ok`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetireChatbot {
    /// The chatbot.
    pub chatbot: String,
}
record!(
    RetireChatbot,
    "troupe.chatbots.RetireChatbot",
    "chatbots/RetireChatbot.avsc"
);
addressed!(RetireChatbot, topic::CHATBOTS_CHATBOT, chatbot);

/// Command: undo [`RetireChatbot`]. Done is [`crate::reply::Ok`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreChatbot {
    /// The chatbot.
    pub chatbot: String,
}
record!(
    RestoreChatbot,
    "troupe.chatbots.RestoreChatbot",
    "chatbots/RestoreChatbot.avsc"
);
addressed!(RestoreChatbot, topic::CHATBOTS_CHATBOT, chatbot);
