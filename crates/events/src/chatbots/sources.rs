//! What a chatbot knows: sources are brought in and removed as a whole (S8), and looked for when it is gone.
use super::Source;
use crate::{addressed, record, topic};
use serde::{Deserialize, Serialize};

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
addressed!(IngestSources, topic::CHATBOTS_INGESTION, chatbot);

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
addressed!(RemoveSources, topic::CHATBOTS_INGESTION, chatbot);

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
addressed!(NoteSource, topic::CHATBOTS_INGESTION, chatbot);

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
addressed!(ForgetSource, topic::CHATBOTS_INGESTION, chatbot);

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
addressed!(VerifyGone, topic::CHATBOTS_EFFECTS, chatbot);

/// Reply to [`VerifyGone`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedGone {
    /// The chatbot.
    pub chatbot: String,
    /// Passages that a search still finds, counted by looking.
    pub retrievable: i64,
    /// Documents that the index still knows.
    pub documents: i64,
    /// Blobs of its documents that are still there, counted by looking.
    #[serde(default)]
    pub blobs: i64,
}
record!(
    VerifiedGone,
    "troupe.chatbots.VerifiedGone",
    "chatbots/VerifiedGone.avsc"
);
