//! The end of a document: out of the index, and a tombstone in its place.
use super::{Decided, Document, SILENCE_MS, TIMED_OUT, Upload};
use crate::DocumentRefusal;
use events::ReplyAddress;
use events::documents::{DeleteDocument, DocumentDeleted};
use events::reply;
use runtime::{Decision, Moment};
use serde::{Deserialize, Serialize};

/// How many may wait for the end of one deletion.
pub const MAX_WAITING: usize = 16;

/// A document that is going or gone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Deletion {
    /// The chatbot it belonged to.
    pub chatbot: String,
    /// The file's name; empty if there never was one.
    pub name: String,
    /// Who is told when nothing of it is found any more.
    pub askers: Vec<ReplyAddress>,
    /// When they are not kept waiting any longer, in milliseconds since 1970.
    pub give_up_at_ms: i64,
}

impl Deletion {
    fn event(&self, at: &Moment) -> DocumentDeleted {
        DocumentDeleted {
            document: at.id.to_string(),
            chatbot: self.chatbot.clone(),
        }
    }

    /// The index does not answer. It stays on its way out: a dead letter may be redriven.
    pub(super) fn timed_out(&self) -> Decision<Document> {
        let next = Self {
            askers: vec![],
            ..self.clone()
        };
        let why = "the index did not say that the document is gone; ask again";
        let decision = Decision::to(Document::Deleting(next)).never_wake();
        self.askers.iter().fold(decision, |decision, asker| {
            decision.answer_failed(Some(asker.clone()), TIMED_OUT, why, true)
        })
    }

    /// Somebody else waits too. If nobody did, the index was asked in vain: it is asked once more.
    fn joined(&self, at: &Moment) -> Decided {
        let mut next = self.clone();
        if let Some(asker) = at
            .reply_to
            .clone()
            .filter(|asker| !next.askers.contains(asker))
        {
            if next.askers.len() >= MAX_WAITING {
                return Err(DocumentRefusal::Busy);
            }
            next.askers.push(asker);
        }
        if at.now_ms < self.give_up_at_ms {
            return Ok(Decision::to(Document::Deleting(next)));
        }
        next.give_up_at_ms = at.now_ms.saturating_add(SILENCE_MS);
        let wake_at = next.give_up_at_ms;
        let again = self.event(at);
        Ok(Decision::to(Document::Deleting(next))
            .emit(again)
            .wake_at(wake_at))
    }
}

fn ok(at: &Moment) -> reply::Ok {
    reply::Ok {
        id: at.id.to_string(),
    }
}

impl Document {
    pub(super) fn delete(&self, delete: &DeleteDocument, at: &Moment) -> Decided {
        match self {
            Self::Absent => {
                let never = Deletion {
                    chatbot: delete.chatbot.clone(),
                    ..Deletion::default()
                };
                Ok(Self::to(Self::Deleted(never), at).reply(ok(at)))
            }
            Self::Parsing(upload)
            | Self::Indexing(upload)
            | Self::Ready(upload)
            | Self::Rejected(upload) => {
                if upload.chatbot != delete.chatbot {
                    return Err(DocumentRefusal::OtherChatbot);
                }
                Ok(take_out(upload, at))
            }
            Self::Deleting(deletion) => deletion.joined(at),
            Self::Deleted(_) => Ok(Decision::stay().reply(ok(at))),
        }
    }

    pub(super) fn index_removed(&self, at: &Moment) -> Decision<Self> {
        match self {
            Self::Deleting(deletion) => {
                let next = Deletion {
                    askers: vec![],
                    ..deletion.clone()
                };
                let decision = Self::to(Self::Deleted(next), at).never_wake();
                let told = |decision: Decision<Self>, asker: &ReplyAddress| {
                    decision.answer(Some(asker.clone()), ok(at))
                };
                deletion.askers.iter().fold(decision, told)
            }
            // Of a document that the index never had to forget.
            Self::Absent
            | Self::Parsing(_)
            | Self::Indexing(_)
            | Self::Ready(_)
            | Self::Rejected(_)
            | Self::Deleted(_) => Decision::stay(),
        }
    }
}

/// Everybody hears that it is deleted; who asked is answered when the index has forgotten it.
fn take_out(upload: &Upload, at: &Moment) -> Decision<Document> {
    let mut deletion = Deletion {
        chatbot: upload.chatbot.clone(),
        name: upload.name.clone(),
        ..Deletion::default()
    };
    let event = deletion.event(at);
    let why = "the document was deleted meanwhile";
    let waiting = upload.asker.clone();
    if !upload.handed_on {
        return Document::to(Document::Deleted(deletion), at)
            .emit(event)
            .answer_refused(waiting, "documents.deleted", why)
            .reply(ok(at))
            .never_wake();
    }
    deletion.askers.extend(at.reply_to.clone());
    deletion.give_up_at_ms = at.now_ms.saturating_add(SILENCE_MS);
    let wake_at = deletion.give_up_at_ms;
    Document::to(Document::Deleting(deletion), at)
        .emit(event)
        .answer_refused(waiting, "documents.deleted", why)
        .wake_at(wake_at)
}
