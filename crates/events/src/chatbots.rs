//! Chatbots: created and deleted by sagas, configured, paused, resumed.
use crate::{Addressed, BlobRef, record, topic};
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
impl Addressed for CreateChatbot {
    const TOPIC: &'static str = topic::CHATBOTS_CREATION;
    fn id(&self) -> &str {
        &self.chatbot
    }
}

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
impl Addressed for DeleteChatbot {
    const TOPIC: &'static str = topic::CHATBOTS_DELETION;
    fn id(&self) -> &str {
        &self.chatbot
    }
}

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
impl Addressed for RegisterChatbot {
    const TOPIC: &'static str = topic::CHATBOTS_CHATBOT;
    fn id(&self) -> &str {
        &self.chatbot
    }
}

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
impl Addressed for BuildPrompt {
    const TOPIC: &'static str = topic::CHATBOTS_CHATBOT;
    fn id(&self) -> &str {
        &self.chatbot
    }
}

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
impl Addressed for DropPrompt {
    const TOPIC: &'static str = topic::CHATBOTS_CHATBOT;
    fn id(&self) -> &str {
        &self.chatbot
    }
}

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
impl Addressed for ActivateChatbot {
    const TOPIC: &'static str = topic::CHATBOTS_CHATBOT;
    fn id(&self) -> &str {
        &self.chatbot
    }
}

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
impl Addressed for DeactivateChatbot {
    const TOPIC: &'static str = topic::CHATBOTS_CHATBOT;
    fn id(&self) -> &str {
        &self.chatbot
    }
}

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
impl Addressed for RemoveChatbot {
    const TOPIC: &'static str = topic::CHATBOTS_CHATBOT;
    fn id(&self) -> &str {
        &self.chatbot
    }
}

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
impl Addressed for PauseChatbot {
    const TOPIC: &'static str = topic::CHATBOTS_CHATBOT;
    fn id(&self) -> &str {
        &self.chatbot
    }
}

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
impl Addressed for ResumeChatbot {
    const TOPIC: &'static str = topic::CHATBOTS_CHATBOT;
    fn id(&self) -> &str {
        &self.chatbot
    }
}

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
}
record!(
    UpdateChatbot,
    "troupe.chatbots.UpdateChatbot",
    "chatbots/UpdateChatbot.avsc"
);
impl Addressed for UpdateChatbot {
    const TOPIC: &'static str = topic::CHATBOTS_CHATBOT;
    fn id(&self) -> &str {
        &self.chatbot
    }
}

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
impl Addressed for RetireChatbot {
    const TOPIC: &'static str = topic::CHATBOTS_CHATBOT;
    fn id(&self) -> &str {
        &self.chatbot
    }
}

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
impl Addressed for RestoreChatbot {
    const TOPIC: &'static str = topic::CHATBOTS_CHATBOT;
    fn id(&self) -> &str {
        &self.chatbot
    }
}

/// Command: bring in every source; one answer when all have ended (S8). Done is [`SourcesIngested`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IngestSources {
    /// The chatbot.
    pub chatbot: String,
    /// What it is to know.
    #[serde(default)]
    pub sources: Vec<Source>,
}
record!(
    IngestSources,
    "troupe.chatbots.IngestSources",
    "chatbots/IngestSources.avsc"
);
impl Addressed for IngestSources {
    const TOPIC: &'static str = topic::CHATBOTS_INGESTION;
    fn id(&self) -> &str {
        &self.chatbot
    }
}

/// Command: delete every document of the chatbot; also undoes [`IngestSources`]. Done is [`crate::reply::Ok`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveSources {
    /// The chatbot.
    pub chatbot: String,
}
record!(
    RemoveSources,
    "troupe.chatbots.RemoveSources",
    "chatbots/RemoveSources.avsc"
);
impl Addressed for RemoveSources {
    const TOPIC: &'static str = topic::CHATBOTS_INGESTION;
    fn id(&self) -> &str {
        &self.chatbot
    }
}

/// From the route chatbots.note: a document was uploaded to the chatbot, so that a deletion knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteSource {
    /// The chatbot.
    pub chatbot: String,
    /// The document.
    pub document: String,
}
record!(
    NoteSource,
    "troupe.chatbots.NoteSource",
    "chatbots/NoteSource.avsc"
);
impl Addressed for NoteSource {
    const TOPIC: &'static str = topic::CHATBOTS_INGESTION;
    fn id(&self) -> &str {
        &self.chatbot
    }
}

/// From the route chatbots.forget: a document of the chatbot was deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForgetSource {
    /// The chatbot.
    pub chatbot: String,
    /// The document.
    pub document: String,
}
record!(
    ForgetSource,
    "troupe.chatbots.ForgetSource",
    "chatbots/ForgetSource.avsc"
);
impl Addressed for ForgetSource {
    const TOPIC: &'static str = topic::CHATBOTS_INGESTION;
    fn id(&self) -> &str {
        &self.chatbot
    }
}

/// Reply to [`IngestSources`]: every source can be found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourcesIngested {
    /// The chatbot.
    pub chatbot: String,
    /// How many documents.
    pub documents: i64,
    /// How many passages can be found.
    pub passages: i64,
}
record!(
    SourcesIngested,
    "troupe.chatbots.SourcesIngested",
    "chatbots/SourcesIngested.avsc"
);

/// Command: look whether anything of the chatbot can still be found. Done is [`VerifiedGone`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyGone {
    /// The chatbot.
    pub chatbot: String,
}
record!(
    VerifyGone,
    "troupe.chatbots.VerifyGone",
    "chatbots/VerifyGone.avsc"
);
impl Addressed for VerifyGone {
    const TOPIC: &'static str = topic::CHATBOTS_EFFECTS;
    fn id(&self) -> &str {
        &self.chatbot
    }
}

/// Reply to [`VerifyGone`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedGone {
    /// The chatbot.
    pub chatbot: String,
    /// Passages that a search still finds, counted by looking.
    pub retrievable: i64,
    /// Documents that the index still knows.
    pub documents: i64,
}
record!(
    VerifiedGone,
    "troupe.chatbots.VerifiedGone",
    "chatbots/VerifiedGone.avsc"
);

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
impl Addressed for ChatbotCreated {
    const TOPIC: &'static str = topic::CHATBOT_CREATED;
    fn id(&self) -> &str {
        &self.chatbot
    }
}

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
impl Addressed for ChatbotCreationFailed {
    const TOPIC: &'static str = topic::CHATBOT_CREATION_FAILED;
    fn id(&self) -> &str {
        &self.chatbot
    }
}

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
impl Addressed for ChatbotDeleted {
    const TOPIC: &'static str = topic::CHATBOT_DELETED;
    fn id(&self) -> &str {
        &self.chatbot
    }
}

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
impl Addressed for ChatbotChanged {
    const TOPIC: &'static str = topic::CHATBOT_CHANGED;
    fn id(&self) -> &str {
        &self.chatbot
    }
}
