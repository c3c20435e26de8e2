//! The end of a document: out of the index, then its blobs, and a tombstone in its place.
use super::left::{MAX_OVERTAKEN, MAX_REMOVED, remembering};
use super::{Decided, Document, SILENCE_MS, SWEEP_MS, TIMED_OUT, Upload, Why};
use crate::DocumentRefusal;
use events::ReplyAddress;
use events::documents::{DeleteDocument, DiscardBlobs, DocumentDeleted};
use events::reply;
use runtime::{Decision, Moment};
use serde::{Deserialize, Serialize};

/// How many may wait for the end of one deletion.
pub const MAX_WAITING: usize = 16;

/// Most uploads that go with a document: all of its own, and as many that came too late for it.
const MAX_BLOBS: usize = MAX_OVERTAKEN + 2 * MAX_REMOVED;

/// What removing the blobs is called in its answer.
const DISCARD: &str = "deletion/blobs";

/// A document that is going or gone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Deletion {
    /// The chatbot it belonged to.
    pub chatbot: String,
    /// The file's name; empty if there never was one.
    pub name: String,
    /// Who is told when nothing of it is left.
    pub askers: Vec<ReplyAddress>,
    /// The uploads that go with it. A tombstone keeps their names until they are removed once more.
    #[serde(default)]
    pub blobs: Vec<String>,
    /// Whether the index has forgotten it, and its blobs are being removed.
    #[serde(default)]
    pub forgotten: bool,
    /// When they are not kept waiting any longer or, once it is gone, when its blobs are removed once more; in
    /// milliseconds since 1970.
    pub give_up_at_ms: i64,
}

impl Deletion {
    fn event(&self, at: &Moment) -> DocumentDeleted {
        DocumentDeleted {
            document: at.id.to_string(),
            chatbot: self.chatbot.clone(),
        }
    }

    /// Nobody answers. It stays on its way out: a dead letter may be redriven.
    pub(super) fn timed_out(&self) -> Decision<Document> {
        let why = if self.forgotten {
            "nobody said that the document's blobs are gone; ask again"
        } else {
            "the index did not say that the document is gone; ask again"
        };
        self.given_up(TIMED_OUT, why)
    }

    /// Nobody is kept waiting. Whoever asks now begins where it stopped.
    fn given_up(&self, code: &str, why: &str) -> Decision<Document> {
        let next = Self {
            askers: vec![],
            give_up_at_ms: 0,
            ..self.clone()
        };
        let decision = Decision::to(Document::Deleting(next)).never_wake();
        self.askers.iter().fold(decision, |decision, asker| {
            decision.answer_failed(Some(asker.clone()), code, why, true)
        })
    }

    /// These uploads go with it too.
    pub(super) fn with(&self, blobs: &[String]) -> Self {
        Self {
            blobs: remembering(&self.blobs, blobs, MAX_BLOBS),
            ..self.clone()
        }
    }

    fn discard(&self, at: &Moment) -> DiscardBlobs {
        DiscardBlobs {
            document: at.id.to_string(),
            blobs: self.blobs.clone(),
            all: true,
        }
    }

    fn awaits_blobs(&self, at: &Moment) -> bool {
        self.forgotten && at.request.as_deref() == Some(DISCARD)
    }

    /// Somebody else waits too. If nobody did, what was asked for was asked in vain: it is asked for once more.
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
        let decision = Decision::to(Document::Deleting(next));
        let decision = if self.forgotten {
            decision.ask(self.discard(at), DISCARD)
        } else {
            decision.emit(self.event(at))
        };
        Ok(decision.wake_at(wake_at))
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

    /// The index has forgotten it: nobody reads its blobs any more.
    pub(super) fn index_removed(&self, at: &Moment) -> Decision<Self> {
        match self {
            Self::Deleting(deletion) if !deletion.forgotten => {
                let next = Deletion {
                    forgotten: true,
                    give_up_at_ms: at.now_ms.saturating_add(SILENCE_MS),
                    ..deletion.clone()
                };
                let (discard, wake_at) = (next.discard(at), next.give_up_at_ms);
                Decision::to(Self::Deleting(next))
                    .ask(discard, DISCARD)
                    .wake_at(wake_at)
            }
            // Of a document that the index never had to forget, or said once more.
            Self::Absent
            | Self::Parsing(_)
            | Self::Indexing(_)
            | Self::Ready(_)
            | Self::Rejected(_)
            | Self::Deleting(_)
            | Self::Deleted(_) => Decision::stay(),
        }
    }

    /// Nothing of it is left.
    pub(super) fn discarded(&self, at: &Moment) -> Decision<Self> {
        match self {
            Self::Deleting(deletion) if deletion.awaits_blobs(at) => {
                let sweep_at_ms = at.now_ms.saturating_add(SWEEP_MS);
                let next = Deletion {
                    chatbot: deletion.chatbot.clone(),
                    name: deletion.name.clone(),
                    blobs: deletion.blobs.clone(),
                    give_up_at_ms: sweep_at_ms,
                    ..Deletion::default()
                };
                let decision = Self::to(Self::Deleted(next), at).wake_at(sweep_at_ms);
                let told = |decision: Decision<Self>, asker: &ReplyAddress| {
                    decision.answer(Some(asker.clone()), ok(at))
                };
                deletion.askers.iter().fold(decision, told)
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

impl Deletion {
    /// Its blobs could not be removed, this time.
    pub(super) fn not_discarded(&self, why: &Why, at: &Moment) -> Decision<Document> {
        if self.awaits_blobs(at) {
            self.given_up(&why.code, &why.reason)
        } else {
            Decision::stay()
        }
    }

    /// What landed after its blobs were removed goes too; nobody waits for that, and the tombstone names none any more.
    pub(super) fn swept(&self, at: &Moment) -> Decision<Document> {
        let next = Self {
            blobs: vec![],
            ..self.clone()
        };
        Decision::to(Document::Deleted(next))
            .emit(self.discard(at))
            .never_wake()
    }
}

/// Everybody hears that it is deleted; who asked is answered when the index has forgotten it and its blobs are gone.
fn take_out(upload: &Upload, at: &Moment) -> Decision<Document> {
    let deletion = Deletion {
        chatbot: upload.chatbot.clone(),
        name: upload.name.clone(),
        askers: at.reply_to.iter().cloned().collect(),
        blobs: upload.uploads(),
        forgotten: !upload.handed_on,
        give_up_at_ms: at.now_ms.saturating_add(SILENCE_MS),
    };
    let (event, wake_at) = (deletion.event(at), deletion.give_up_at_ms);
    // The index need not forget what it never had.
    let discard = deletion.forgotten.then(|| deletion.discard(at));
    let why = "the document was deleted meanwhile";
    let decision = Document::to(Document::Deleting(deletion), at)
        .emit(event)
        .answer_refused(upload.asker.clone(), "documents.deleted", why)
        .wake_at(wake_at);
    match discard {
        Some(discard) => decision.ask(discard, DISCARD),
        None => decision,
    }
}
