//! The entity Document: what a document is, and what may happen to it.
//!
//! ```text
//! Absent -> Parsing -> Indexing -> Ready      a newer upload begins at Parsing again; what search finds of the
//!              \----------\-----> Rejected    older one stays until the switch
//! any -> Deleting -> Deleted                  a tombstone: its id is never used again (S4)
//! ```
mod deletion;
mod left;
#[cfg(test)]
mod tests;
mod upload;

pub use deletion::{Deletion, MAX_WAITING};
pub use left::{MAX_OVERTAKEN, MAX_REMOVED};
pub use upload::{Found, Upload, Why};

use crate::DocumentRefusal;
use events::documents::{
    AddDocument, DeleteDocument, DocumentChanged, DocumentReady, DocumentState, IndexFailed,
    IndexReady, IndexRemoved, Parsed,
};
use events::reply::{self, Failed, Progress, Refused};
use events::system::Woke;
use runtime::{Arm, Decision, Entity, Inbox, Moment, arm};
use serde::{Deserialize, Serialize};

/// How long reading, indexing or removing may say nothing, in milliseconds (one hour). Each answers by itself, a
/// failure too; this is for what is never answered, so it leaves room for a long queue.
pub const SILENCE_MS: i64 = 3_600_000;

/// When the blobs of a document that is gone are removed once more, in milliseconds after the first time (two minutes).
/// What a process had begun to write before it was stopped, or lost its partition, may land after that first time, and
/// nobody hears of it (O2: orphans are swept). It is less than the looks for a deleted chatbot take in all.
pub const SWEEP_MS: i64 = 120_000;

/// The code of a document that was waited for in vain.
pub const TIMED_OUT: &str = "documents.timed_out";

/// The code of an upload that a newer one overtook.
pub const SUPERSEDED: &str = "documents.superseded";

/// All that arrives on the input of the documents (E1).
#[derive(Clone, Debug, PartialEq)]
pub enum DocumentMessage {
    /// A new upload.
    Add(AddDocument),
    /// It is to go.
    Delete(DeleteDocument),
    /// Its text was read.
    Parsed(Parsed),
    /// Its text cannot be read, or its blobs cannot be removed.
    Refused(Refused),
    /// Its text could not be read, or its blobs not removed, this time.
    Failed(Failed),
    /// Reading goes on.
    Progress(Progress),
    /// A revision can be found.
    IndexReady(IndexReady),
    /// A revision could not be indexed.
    IndexFailed(IndexFailed),
    /// Nothing of it can be found any more.
    IndexRemoved(IndexRemoved),
    /// Its blobs are gone.
    Discarded(reply::Ok),
    /// It has waited long enough (E7).
    Woke(Woke),
}

impl Inbox for DocumentMessage {
    fn arms() -> Vec<Arm<Self>> {
        vec![
            arm(Self::Add),
            arm(Self::Delete),
            arm(Self::Parsed),
            arm(Self::Refused),
            arm(Self::Failed),
            arm(Self::Progress),
            arm(Self::IndexReady),
            arm(Self::IndexFailed),
            arm(Self::IndexRemoved),
            arm(Self::Discarded),
            arm(Self::Woke),
        ]
    }
}

/// A document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Document {
    /// Nobody ever spoke of it.
    #[default]
    Absent,
    /// The text of the latest upload is being read.
    Parsing(Upload),
    /// The passages of the latest upload are being indexed.
    Indexing(Upload),
    /// A search finds the latest upload.
    Ready(Upload),
    /// The latest upload will not be found; an older one perhaps still is.
    Rejected(Upload),
    /// It is being taken out of the index, then its blobs are removed.
    Deleting(Deletion),
    /// Nothing of it is left, now or ever.
    Deleted(Deletion),
}

type Decided = Result<Decision<Document>, DocumentRefusal>;

impl Entity for Document {
    type Message = DocumentMessage;
    type Refusal = DocumentRefusal;

    fn decide(&self, message: DocumentMessage, at: &Moment) -> Decided {
        use DocumentMessage as M;
        match message {
            M::Add(add) => self.add(add, at),
            M::Delete(delete) => self.delete(&delete, at),
            M::Parsed(parsed) => Ok(self.parsed(parsed, at)),
            M::Refused(said) => Ok(self.not_parsed(Why::never(said.code, said.message), at)),
            M::Failed(said) => {
                let Failed {
                    code,
                    message,
                    may_have_happened,
                } = said;
                Ok(self.not_parsed(
                    Why {
                        code,
                        reason: message,
                        may_return: may_have_happened,
                    },
                    at,
                ))
            }
            M::Progress(_) => Ok(Decision::stay()), // reading has no parts
            M::IndexReady(ready) => Ok(self.index_ready(&ready, at)),
            M::IndexFailed(failed) => Ok(self.index_failed(failed, at)),
            M::IndexRemoved(_) => Ok(self.index_removed(at)),
            M::Discarded(_) => Ok(self.discarded(at)),
            M::Woke(woke) => Ok(self.woke(&woke, at)),
        }
    }
}

impl Document {
    /// What it is now, whole, for directories.
    pub fn changed(&self, document: &str) -> DocumentChanged {
        let of = |upload: &Upload, state: DocumentState| DocumentChanged {
            document: document.to_owned(),
            chatbot: upload.chatbot.clone(),
            revision: upload.revision.clone(),
            name: upload.name.clone(),
            state,
            reason: upload
                .why
                .as_ref()
                .map(|why| why.reason.clone())
                .unwrap_or_default(),
            passages: upload.passages,
            size: upload.size,
        };
        let gone = |deletion: &Deletion, state: DocumentState| DocumentChanged {
            document: document.to_owned(),
            chatbot: deletion.chatbot.clone(),
            name: deletion.name.clone(),
            state,
            ..DocumentChanged::default()
        };
        match self {
            Self::Absent => DocumentChanged {
                document: document.to_owned(),
                ..DocumentChanged::default()
            },
            Self::Parsing(upload) => of(upload, DocumentState::Parsing),
            Self::Indexing(upload) => of(upload, DocumentState::Indexing),
            Self::Ready(upload) => of(upload, DocumentState::Ready),
            // Rejected is the latest upload only: people still find the one before it.
            Self::Rejected(upload) => match &upload.found {
                None => of(upload, DocumentState::Rejected),
                Some(found) => DocumentChanged {
                    revision: found.revision.clone(),
                    name: found.name.clone(),
                    passages: found.passages,
                    size: found.size,
                    ..of(upload, DocumentState::Ready)
                },
            },
            Self::Deleting(deletion) => gone(deletion, DocumentState::Deleting),
            Self::Deleted(deletion) => gone(deletion, DocumentState::Deleted),
        }
    }

    /// A decision to become `next` and to say so; what else is said comes after.
    fn to(next: Self, at: &Moment) -> Decision<Self> {
        let changed = next.changed(&at.id);
        Decision::to(next).emit(changed)
    }

    fn woke(&self, woke: &Woke, at: &Moment) -> Decision<Self> {
        match self {
            Self::Parsing(upload) | Self::Indexing(upload)
                if woke.at_ms >= upload.give_up_at_ms =>
            {
                let reason = "it took too long; upload it again, or ask for the dead letters";
                let why = Why {
                    code: TIMED_OUT.into(),
                    reason: reason.into(),
                    may_return: true,
                };
                upload.rejected(why, at)
            }
            Self::Deleting(deletion) if woke.at_ms >= deletion.give_up_at_ms => {
                deletion.timed_out()
            }
            Self::Deleted(tombstone) if woke.at_ms >= tombstone.give_up_at_ms => {
                tombstone.swept(at)
            }
            Self::Absent
            | Self::Parsing(_)
            | Self::Indexing(_)
            | Self::Ready(_)
            | Self::Rejected(_)
            | Self::Deleting(_)
            | Self::Deleted(_) => Decision::stay(),
        }
    }
}

fn document_ready(upload: &Upload, at: &Moment) -> DocumentReady {
    DocumentReady {
        document: at.id.to_string(),
        chatbot: upload.chatbot.clone(),
        revision: upload.revision.clone(),
        name: upload.name.clone(),
        passages: upload.passages,
    }
}
