//! From an upload to passages that a search finds.
use super::left::{MAX_OVERTAKEN, discarding};
use super::{Decided, Document, SILENCE_MS, SUPERSEDED, document_ready};
use crate::DocumentRefusal;
use crate::blobs::is_upload;
use events::ReplyAddress;
use events::documents::{
    AddDocument, DocumentParsed, DocumentRejected, DocumentUploaded, IndexFailed, IndexReady,
    ParseUpload, Parsed,
};
use runtime::emits::clipped;
use runtime::{Decision, Moment};
use serde::{Deserialize, Serialize};

/// The latest upload of a document, and what a search finds of it meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Upload {
    /// The chatbot it belongs to.
    pub chatbot: String,
    /// The id of the `AddDocument` that brought it.
    pub revision: String,
    /// The file's name.
    pub name: String,
    /// Length in bytes.
    pub size: i64,
    /// The blob that was uploaded, if it is this upload's alone and still needed; else empty.
    #[serde(default)]
    pub blob: String,
    /// What overtaken uploads left: it goes when a later one is found, since until then one of them may be what is
    /// found, or may yet be.
    #[serde(default)]
    pub overtaken: Vec<String>,
    /// Uploads of the document that were removed, and go once more with it: one may land after it was removed.
    #[serde(default)]
    pub removed: Vec<String>,
    /// How many passages; 0 while that is not known.
    pub passages: i64,
    /// Who is told how it ends.
    pub asker: Option<ReplyAddress>,
    /// What a search finds of the document now.
    pub found: Option<Found>,
    /// The last switch in the index that was heard of. What became ready and what failed come by two ways: the later one
    /// need not be the later switch.
    #[serde(default)]
    pub switch: i64,
    /// Whether any upload of the document was ever handed to the index, which then has to forget it.
    pub handed_on: bool,
    /// Why it was rejected, if it was.
    pub why: Option<Why>,
    /// When it is not waited for any longer, in milliseconds since 1970.
    pub give_up_at_ms: i64,
}

/// The revision that a search finds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Which one.
    pub revision: String,
    /// Its file's name.
    pub name: String,
    /// How many passages can be found.
    pub passages: i64,
    /// Length in bytes.
    pub size: i64,
}

/// Why an upload was rejected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// Stable.
    pub code: String,
    /// A sentence for a person; at most 1,000 characters.
    pub reason: String,
    /// Whether it may go on all the same: a person may redrive a dead letter.
    pub may_return: bool,
}
impl Why {
    /// The file cannot be read, and never will be.
    pub(super) fn never(code: String, reason: String) -> Self {
        Self {
            code,
            reason,
            may_return: false,
        }
    }
}

impl Upload {
    /// Whether the message at hand answers the command to read this very upload (S1): an overtaken one means nothing.
    fn is_answered(&self, at: &Moment) -> bool {
        at.request.as_deref() == Some(&self.revision)
    }

    /// It will not be found; whoever asked is told why.
    pub(super) fn rejected(&self, why: Why, at: &Moment) -> Decision<Document> {
        let why = Why {
            reason: clipped(&why.reason),
            ..why
        };
        let event = DocumentRejected {
            document: at.id.to_string(),
            chatbot: self.chatbot.clone(),
            revision: self.revision.clone(),
            name: self.name.clone(),
            code: why.code.clone(),
            reason: why.reason.clone(),
        };
        let mut next = Self {
            asker: None,
            why: Some(why.clone()),
            ..self.clone()
        };
        // What cannot be read is not needed any more; what failed is read again when somebody redrives it.
        let unreadable = if why.may_return {
            vec![]
        } else {
            Vec::from_iter(Some(std::mem::take(&mut next.blob)).filter(|blob| !blob.is_empty()))
        };
        let next = next.without(&unreadable);
        let decision = Document::to(Document::Rejected(next), at)
            .emit(event)
            .saying(|emits| discarding(emits, unreadable, at))
            .never_wake();
        let (
            asker,
            Why {
                code,
                reason,
                may_return,
            },
        ) = (self.asker.clone(), why);
        if may_return {
            return decision.answer_failed(asker, &code, &reason, true);
        }
        decision.answer_refused(asker, &code, &reason)
    }

    /// A search finds it now.
    fn ready(&self, said: &IndexReady, at: &Moment) -> Decision<Document> {
        let next = Self {
            passages: said.retrievable,
            asker: None,
            why: None,
            overtaken: vec![],
            ..self.now_found(said).without(&self.overtaken)
        };
        let done = document_ready(&next, at);
        Document::to(Document::Ready(next), at)
            .never_wake()
            .answer(self.asker.clone(), done)
            .saying(|emits| discarding(emits, self.overtaken.clone(), at))
    }

    /// The index switched to what it says.
    fn now_found(&self, said: &IndexReady) -> Self {
        let found = Found {
            revision: said.revision.clone(),
            name: self.name.clone(),
            passages: said.retrievable,
            size: self.size,
        };
        Self {
            found: Some(found),
            switch: self.switch.max(said.version),
            ..self.clone()
        }
    }

    /// The same command once more: nothing begins anew, and the latest who asked is answered.
    fn asked_again(&self, document: &Document, at: &Moment) -> Decision<Document> {
        let joined = || Self {
            asker: at.reply_to.clone().or(self.asker.clone()),
            ..self.clone()
        };
        match (document, &self.why) {
            (Document::Parsing(_), _) => Decision::to(Document::Parsing(joined())),
            (Document::Indexing(_), _) => Decision::to(Document::Indexing(joined())),
            (
                Document::Rejected(_),
                Some(Why {
                    code,
                    reason,
                    may_return: true,
                }),
            ) => Decision::stay().answer_failed(at.reply_to.clone(), code, reason, true),
            (
                Document::Rejected(_),
                Some(Why {
                    code,
                    reason,
                    may_return: false,
                }),
            ) => Decision::stay().answer_refused(at.reply_to.clone(), code, reason),
            (_, _) => Decision::stay().answer(at.reply_to.clone(), document_ready(self, at)),
        }
    }
}

impl Document {
    pub(super) fn add(&self, add: AddDocument, at: &Moment) -> Decided {
        let revision = at.message.id.clone();
        let before = match self {
            Self::Absent => None,
            Self::Parsing(upload)
            | Self::Indexing(upload)
            | Self::Ready(upload)
            | Self::Rejected(upload) => Some(upload),
            Self::Deleting(_) | Self::Deleted(_) => {
                return self.refused(DocumentRefusal::Deleted, add, at);
            }
        };
        if before.is_some_and(|before| before.chatbot != add.chatbot) {
            return self.refused(DocumentRefusal::OtherChatbot, add, at);
        }
        if let Some(before) = before.filter(|before| before.revision == revision) {
            return Ok(before.asked_again(self, at));
        }
        let give_up_at_ms = at.now_ms.saturating_add(SILENCE_MS);
        let mut overtaken_blobs = before.map(|before| before.leaves(at)).unwrap_or_default();
        let excess = overtaken_blobs.len().saturating_sub(MAX_OVERTAKEN);
        let too_many: Vec<String> = overtaken_blobs.drain(..excess).collect();
        let upload = Upload {
            chatbot: add.chatbot.clone(),
            revision: revision.clone(),
            name: add.name.clone(),
            size: add.blob.size,
            blob: Some(&add.blob.id)
                .filter(|id| is_upload(id))
                .cloned()
                .unwrap_or_default(),
            overtaken: overtaken_blobs,
            removed: before.map_or(vec![], |before| before.without(&too_many).removed),
            passages: 0,
            asker: at.reply_to.clone(),
            found: before.and_then(|before| before.found.clone()),
            switch: before.map_or(0, |before| before.switch),
            handed_on: before.is_some_and(|before| before.handed_on),
            why: None,
            give_up_at_ms,
        };
        let AddDocument {
            document,
            chatbot,
            name,
            media_type,
            blob,
        } = add;
        let uploaded = DocumentUploaded {
            document: document.clone(),
            chatbot,
            revision: revision.clone(),
            name: name.clone(),
            media_type: media_type.clone(),
            blob: blob.clone(),
        };
        let parse = ParseUpload {
            document,
            revision: revision.clone(),
            name,
            media_type,
            blob,
        };
        // Only one that is under way has somebody who waits.
        let overtaken = before.and_then(|before| before.asker.clone());
        Ok(Self::to(Self::Parsing(upload), at)
            .emit(uploaded)
            .ask(parse, revision)
            .answer_refused(
                overtaken,
                SUPERSEDED,
                "a newer upload of the document took its place",
            )
            .saying(|emits| discarding(emits, too_many, at))
            .wake_at(give_up_at_ms))
    }

    /// An upload that was given up may still be read: somebody redrove its dead letter, or it came late.
    pub(super) fn parsed(&self, parsed: Parsed, at: &Moment) -> Decision<Self> {
        let upload = match self {
            Self::Parsing(upload) | Self::Rejected(upload) if upload.is_answered(at) => upload,
            // Read too late for anybody to need it: somebody redrove it.
            Self::Parsing(upload)
            | Self::Indexing(upload)
            | Self::Ready(upload)
            | Self::Rejected(upload)
                if !upload.knows(&parsed.revision, at) =>
            {
                return Decision::stay()
                    .saying(|emits| discarding(emits, vec![parsed.passages.id], at));
            }
            Self::Deleted(_) => {
                return Decision::stay()
                    .saying(|emits| discarding(emits, vec![parsed.passages.id], at));
            }
            // Deleting: they go with all others.
            Self::Absent
            | Self::Parsing(_)
            | Self::Indexing(_)
            | Self::Ready(_)
            | Self::Rejected(_)
            | Self::Deleting(_) => return Decision::stay(),
        };
        let give_up_at_ms = at.now_ms.saturating_add(SILENCE_MS);
        let next = Upload {
            passages: parsed.count,
            handed_on: true,
            why: None,
            give_up_at_ms,
            ..upload.clone()
        };
        let event = DocumentParsed {
            document: at.id.to_string(),
            chatbot: upload.chatbot.clone(),
            revision: upload.revision.clone(),
            name: upload.name.clone(),
            passages: parsed.passages,
            count: parsed.count,
        };
        let message = format!(
            "{}: {} passages are being indexed",
            upload.name, parsed.count
        );
        let asker = upload.asker.clone();
        Self::to(Self::Indexing(next), at)
            .emit(event)
            .saying(|emits| match asker {
                Some(asker) => emits.answer_progress(asker, &message, 1, 2),
                None => emits,
            })
            .wake_at(give_up_at_ms)
    }

    pub(super) fn not_parsed(&self, why: Why, at: &Moment) -> Decision<Self> {
        match self {
            Self::Parsing(upload) if upload.is_answered(at) => upload.rejected(why, at),
            Self::Deleting(deletion) => deletion.not_discarded(&why, at),
            Self::Absent
            | Self::Parsing(_)
            | Self::Indexing(_)
            | Self::Ready(_)
            | Self::Rejected(_)
            | Self::Deleted(_) => Decision::stay(),
        }
    }

    /// What the index says of its latest switch is what a search finds.
    pub(super) fn index_ready(&self, ready: &IndexReady, at: &Moment) -> Decision<Self> {
        match self {
            // A later switch was heard of before: this one is over.
            Self::Parsing(upload) | Self::Indexing(upload) | Self::Rejected(upload)
                if (1..upload.switch).contains(&ready.version) =>
            {
                Decision::stay()
            }
            Self::Parsing(upload) | Self::Indexing(upload) | Self::Rejected(upload)
                if upload.revision == ready.revision =>
            {
                upload.ready(ready, at)
            }
            // One that was overtaken is found until the switch.
            Self::Parsing(upload) => Decision::to(Self::Parsing(upload.now_found(ready))),
            Self::Indexing(upload) => Decision::to(Self::Indexing(upload.now_found(ready))),
            Self::Rejected(upload) => Self::to(Self::Rejected(upload.now_found(ready)), at),
            Self::Absent | Self::Ready(_) | Self::Deleting(_) | Self::Deleted(_) => {
                Decision::stay()
            }
        }
    }

    /// A revision will not be found; if it was the switch that failed, nor will the one before it.
    pub(super) fn index_failed(&self, failed: IndexFailed, at: &Moment) -> Decision<Self> {
        let upload = match self {
            Self::Parsing(upload)
            | Self::Indexing(upload)
            | Self::Ready(upload)
            | Self::Rejected(upload) => upload,
            Self::Absent | Self::Deleting(_) | Self::Deleted(_) => return Decision::stay(),
        };
        let withdrawn = failed.version > upload.switch;
        let mut next = upload.clone();
        if withdrawn {
            (next.found, next.switch) = (None, failed.version);
        }
        match self {
            Self::Indexing(_) if upload.revision == failed.revision => {
                let IndexFailed { code, reason, .. } = failed;
                // A person may redrive what failed in the index.
                let may_return = true;
                next.rejected(
                    Why {
                        code,
                        reason,
                        may_return,
                    },
                    at,
                )
            }
            Self::Parsing(_) if withdrawn => Decision::to(Self::Parsing(next)),
            Self::Indexing(_) if withdrawn => Decision::to(Self::Indexing(next)),
            Self::Rejected(_) if withdrawn => Self::to(Self::Rejected(next), at),
            _ => Decision::stay(),
        }
    }
}
