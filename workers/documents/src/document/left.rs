//! What uploads leave behind: which blobs are there or may be, and when they go.
use super::{Decided, Upload};
use crate::DocumentRefusal;
use crate::blobs::{is_upload, passages_blob};
use events::documents::{AddDocument, DiscardBlobs};
use runtime::{Decision, Emits, Moment, Refusal};

/// Most blobs of overtaken uploads that are kept until a later one is found. Only who uploads again and again without
/// waiting comes so far; the oldest go first, since the index has long turned to later ones.
pub const MAX_OVERTAKEN: usize = 64;

impl Upload {
    /// The uploads of the document that are there or may be.
    pub(super) fn uploads(&self) -> Vec<String> {
        let own = (!self.blob.is_empty()).then_some(&self.blob);
        let overtaken = self.overtaken.iter().filter(|blob| is_upload(blob));
        overtaken.chain(own).cloned().collect()
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

/// An upload that is not taken leaves nothing behind either.
pub(super) fn refused(why: DocumentRefusal, add: AddDocument, at: &Moment) -> Decided {
    if !is_upload(&add.blob.id) {
        return Err(why);
    }
    Ok(Decision::stay()
        .saying(|emits| emits.reply_refused(why.code(), &why.to_string()))
        .saying(|emits| discarding(emits, vec![add.blob.id], at)))
}
