//! What the edge keeps of an operation.
use events::topic::consumer;
use runtime::PortError;
use runtime::ports::log::Outgoing;
use runtime::ports::state::{Row, Save};
use serde::{Deserialize, Serialize};

/// The collection. The edge's rows are `<tenant>/<operation>`, those of the consumer `operations`, which keeps the
/// replies, `<tenant>/<operation>/replies-<partition>`.
pub const COLLECTION: &str = consumer::OPERATIONS;

/// Rows whose command may not have been sent are due under this number; no partition's owner wakes them (E7).
pub const UNSENT: i32 = 0;

/// How long after its deadline an operation is kept, in milliseconds: a day.
pub const KEPT_MS: i64 = 86_400_000;

/// How long an operation may be unsent before its command is sent again, in milliseconds (H2).
pub const RESEND_AFTER_MS: i64 = 10_000;

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A chatbot with its sources.
    CreateChatbot,
    /// Another name, other settings.
    UpdateChatbot,
    /// Away with it.
    DeleteChatbot,
    /// No more answers for now.
    PauseChatbot,
    /// Answers again.
    ResumeChatbot,
    /// A new document.
    AddDocument,
    /// Several new documents; it has parts.
    AddDocuments,
    /// A document's new content.
    ReplaceDocument,
    /// Away with it.
    DeleteDocument,
    /// A question.
    AskQuestion,
    /// A conversation to be forgotten.
    EndConversation,
}

/// What an operation is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Subject {
    #[serde(skip_serializing_if = "Option::is_none")]
    /// The chatbot.
    pub chatbot: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// The document.
    pub document: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// The document's name.
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// The conversation.
    pub conversation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// The question.
    pub question: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// The visitor.
    pub visitor: Option<String>,
}

/// Where the deltas of an answer can be, at the earliest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deltas {
    /// Of `answers.deltas`.
    pub partition: i32,
    /// Of the partition.
    pub from: i64,
}

/// What the edge keeps of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationRow {
    /// What was asked for.
    pub kind: Kind,
    /// SHA-256 of the request, by which the same key with another body is found out (H2).
    pub fingerprint: String,
    /// Which of the tenant's keys asked.
    pub principal: String,
    /// In milliseconds since 1970.
    pub created_ms: i64,
    /// No attempt begins afterwards (E6).
    pub deadline_ms: i64,
    /// What it is about.
    #[serde(default)]
    pub subject: Subject,
    /// For a question: where its deltas are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deltas: Option<Deltas>,
    /// The operations that it consists of, if it has no command of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<String>,
    /// The command, sealed as it goes, until it is known to be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Outgoing>,
}

impl OperationRow {
    /// The change that writes it as version `expected + 1`.
    ///
    /// # Errors
    /// Never in practice: what serde says.
    pub fn save(&self, id: &str, expected: u64) -> Result<Save, PortError> {
        let body = serde_json::to_vec(self).map_err(|e| unreadable(id, &e))?;
        let unsent = self.command.is_some();
        let row = Row {
            version: expected + 1,
            partition: if unsent { UNSENT } else { -1 },
            wake_at_ms: unsent.then_some(self.created_ms + RESEND_AFTER_MS),
            expires_at_ms: Some(self.deadline_ms.max(self.created_ms) + KEPT_MS),
            body,
        };
        Ok(Save {
            collection: COLLECTION.into(),
            id: id.into(),
            expected,
            row: Some(row),
        })
    }
    /// # Errors
    /// [`PortError::Corrupt`] if it is none.
    pub fn read(id: &str, row: &Row) -> Result<Self, PortError> {
        serde_json::from_slice(&row.body).map_err(|e| unreadable(id, &e))
    }
}

fn unreadable(id: &str, why: &dyn std::fmt::Display) -> PortError {
    PortError::Corrupt {
        port: "state",
        why: format!("operation {id}: {why}"),
    }
}
