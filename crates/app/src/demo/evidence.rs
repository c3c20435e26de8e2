//! What the demo saw, from outside: over HTTP, and of the working process. Kept beside the database, so that it can be
//! held against it again.
use super::questions::Expected;
use serde::{Deserialize, Serialize};

/// All that was seen; what was not reached is absent.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// Whose data it is.
    pub tenant: String,
    /// Whether it was done on a cluster, by processes of their own.
    #[serde(default)]
    pub cluster: bool,
    /// Before anything was done, in milliseconds since 1970: what is older on a shared log is somebody else's.
    #[serde(default)]
    pub began_ms: i64,
    /// The chatbot that was made.
    pub chatbot: String,
    /// How its creation ended: `done`, if all is well.
    pub created: Option<String>,
    /// Its documents.
    pub documents: Vec<Document>,
    /// The crash.
    pub crash: Option<Crash>,
    /// What was asked and answered.
    pub answers: Vec<Answer>,
    /// How many questions there were to ask.
    pub questions: usize,
    /// The chatbot that could not be.
    pub undone: Option<Undone>,
    /// How the working process ended at last: its exit code after SIGTERM.
    pub exit_code: Option<i32>,
    /// Why the demo did not get to its end.
    pub broke_off: Option<BrokeOff>,
}

/// A document of the chatbot.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Document {
    /// The file's name.
    pub name: String,
    /// Whether it was made up.
    pub generated: bool,
    /// How many passages the demo found in it by reading the file itself.
    pub read: u64,
    /// Which texts, in which order.
    pub digest: String,
    /// Its id, once it is listed.
    pub id: String,
    /// The state that was listed last.
    pub state: String,
    /// What the edge says of its passages at the end.
    pub ledger: Option<Ledger>,
}

/// Passages of a document, as the edge tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // as in `knowledge::ledger::LedgerRow`
pub struct Ledger {
    pub expected: i64,
    pub embedded: i64,
    pub stored: i64,
    pub retrievable: i64,
}

/// The working process was killed, and started again.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Crash {
    /// The process that was killed.
    pub killed_pid: u32,
    /// The signal that ended it: 9 is SIGKILL.
    pub signal: Option<i32>,
    /// When, in milliseconds since 1970.
    pub killed_at_ms: i64,
    /// How many documents were ready just before.
    pub ready_before: usize,
    /// Of how many.
    pub of: usize,
    /// The process that went on.
    pub restarted_pid: u32,
    /// How long it took until that one was ready to serve, in milliseconds.
    pub ready_again_ms: u64,
}

/// An answer as a client gets it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Answer {
    /// As it was asked.
    pub question: String,
    /// What is known about the answer.
    pub expected: Option<Expected>,
    /// The answer.
    pub text: String,
    /// Whether it claims to know.
    pub known: bool,
    /// What it rests on.
    pub citations: Vec<Citation>,
    /// Who wrote it.
    pub model: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// A citation as a client gets it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Citation {
    /// The document's id.
    pub document: String,
    /// The document's name.
    pub name: String,
    /// The page or sheet.
    pub page: Option<i64>,
    /// The headings above it.
    pub heading: String,
    /// The quoted passage; several sentences are joined by ` … `.
    pub quote: String,
}

/// A chatbot that could not be created.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Undone {
    /// The chatbot that was asked for.
    pub chatbot: String,
    /// Its sources.
    pub sources: Vec<String>,
    /// The one that cannot be read.
    pub unreadable: String,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The code of the answer.
    pub code: String,
    /// The reasons, as the answer gives them.
    pub reason: String,
    /// The HTTP status of the chatbot afterwards: 404, if nothing is left.
    pub chatbot_status: u16,
    /// The HTTP status of the list of its documents afterwards.
    pub documents_status: u16,
    /// Whether it is in the list of chatbots afterwards.
    pub listed: bool,
}

/// Why the demo did not get to its end.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct BrokeOff {
    /// The step that it was in.
    pub step: String,
    /// What went wrong, or was waited for.
    pub why: String,
    /// The last lines that the working process wrote.
    pub log: Vec<String>,
}
