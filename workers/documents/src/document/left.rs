//! What uploads leave behind: which blobs are there or may be, and when they go.
use super::{Decided, Document, SWEEP_MS, Upload};
use crate::DocumentRefusal;
use crate::blobs::{is_upload, passages_blob};
use events::documents::{AddDocument, DiscardBlobs};
use runtime::{Decision, Emits, Moment, Refusal};

/// Most blobs of overtaken uploads that are kept until a later one is found. Only who uploads again and again without
/// waiting comes so far; the oldest go first, since the index has long turned to later ones.
pub const MAX_OVERTAKEN: usize = 64;

/// Most uploads that were removed and are remembered, the latest: what was under way to the store for long may land after
/// it was removed (O2), so they are removed once more with their document, and once more after it.
pub const MAX_REMOVED: usize = 64;

/// The latest of these uploads, `most` of them at most.
pub(super) fn remembering(removed: &[String], more: &[String], most: usize) -> Vec<String> {
    let is_new = |blob: &&String| is_upload(blob) && !removed.contains(blob);
    let mut all: Vec<String> = removed.to_vec();
    all.extend(more.iter().filter(is_new).cloned());
    all.drain(..all.len().saturating_sub(most));
    all
}

impl Upload {
    /// The uploads of the document that are there, or may be, or may yet land.
    pub(super) fn uploads(&self) -> Vec<String> {
        let own = (!self.blob.is_empty()).then_some(&self.blob);
        let overtaken = self.overtaken.iter().filter(|blob| is_upload(blob));
        let removed = self.removed.iter();
        removed.chain(overtaken).chain(own).cloned().collect()
    }

    /// These are removed now; what lands of them later goes with the document.
    pub(super) fn without(&self, blobs: &[String]) -> Self {
        Self {
            removed: remembering(&self.removed, blobs, MAX_REMOVED),
            ..self.clone()
        }
    }

    /// All that is there or may be of overtaken uploads, once a newer one comes: this one is overtaken too.
    pub(super) fn leaves(&self, at: &Moment) -> Vec<String> {
        let mut blobs = self.overtaken.clone();
        if !self.blob.is_empty() {
            blobs.push(self.blob.clone());
        }
        if self.may_have_passages() {
            blobs.push(passages_blob(&at.id, &self.revision));
        }
        blobs
    }
    fn may_have_passages(&self) -> bool {
        self.why.as_ref().is_none_or(|why| why.may_return)
    }

    /// Whether something of this revision is found, or may yet be.
    pub(super) fn knows(&self, revision: &str, at: &Moment) -> bool {
        self.revision == revision
            || self
                .found
                .as_ref()
                .is_some_and(|found| found.revision == revision)
            || self.overtaken.contains(&passages_blob(&at.id, revision))
    }
}

/// Blobs that nobody needs any more; nobody waits for them to go.
pub(super) fn discarding(emits: Emits, blobs: Vec<String>, at: &Moment) -> Emits {
    if blobs.is_empty() {
        return emits;
    }
    emits.and(DiscardBlobs {
        document: at.id.to_string(),
        blobs,
        all: false,
    })
}

impl Document {
    /// An upload that is not taken leaves nothing behind either, now or when it lands late.
    pub(super) fn refused(&self, why: DocumentRefusal, add: AddDocument, at: &Moment) -> Decided {
        if !is_upload(&add.blob.id) {
            return Err(why);
        }
        let blobs = vec![add.blob.id];
        let decision = match self {
            Self::Absent => Decision::stay(),
            Self::Parsing(upload) => Decision::to(Self::Parsing(upload.without(&blobs))),
            Self::Indexing(upload) => Decision::to(Self::Indexing(upload.without(&blobs))),
            Self::Ready(upload) => Decision::to(Self::Ready(upload.without(&blobs))),
            Self::Rejected(upload) => Decision::to(Self::Rejected(upload.without(&blobs))),
            Self::Deleting(deletion) => Decision::to(Self::Deleting(deletion.with(&blobs))),
            Self::Deleted(tombstone) => {
                let mut next = tombstone.with(&blobs);
                next.give_up_at_ms = at.now_ms.saturating_add(SWEEP_MS);
                let sweep_at_ms = next.give_up_at_ms;
                Decision::to(Self::Deleted(next)).wake_at(sweep_at_ms)
            }
        };
        Ok(decision
            .saying(|emits| emits.reply_refused(why.code(), &why.to_string()))
            .saying(|emits| discarding(emits, blobs, at)))
    }
}
