//! The entity: which revision of a document searches find, and what is on its way.
mod decisions;
#[cfg(test)]
mod tests;

use crate::IndexRefusal;
use events::BlobRef;
use events::knowledge::{Embedded, IndexDocument, Published, RemoveFromIndex, Retired};
use events::reply::{Failed, Progress, Refused};
use events::system::Woke;
use runtime::{Arm, Decision, Entity, Inbox, Moment, arm};
use serde::{Deserialize, Serialize};

/// A document in the index. Its row is never swept: a version that began again would mean nothing to the index (O2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexedDocument {
    /// Counts the document's switches in the index; it only rises (O2).
    pub version: i64,
    /// The revision that searches find.
    pub shown: Option<String>,
    /// A revision that could not be embedded. A person may put that right and redrive: it then goes on, unless another
    /// upload or a removal came between.
    #[serde(default)]
    pub failed: Option<Work>,
    /// What is going on.
    pub stage: Stage,
}

/// What is going on with a document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// Nothing of it is found, and nothing is under way.
    #[default]
    Absent,
    /// A revision is being embedded; the one before, if any, is still found.
    Embedding(Work),
    /// A revision is staged and about to be found.
    Publishing(Staged),
    /// `shown` is found, and nothing is under way.
    Ready,
    /// It is being taken out of the index.
    Retiring(Retirement),
    /// The tombstone: it was removed, perhaps before it ever came, and nothing brings it back.
    Gone,
}

/// A revision to be indexed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// The chatbot that may find it.
    pub chatbot: String,
    /// Which upload.
    pub revision: String,
    /// The file's name.
    pub name: String,
    /// Its passages.
    pub passages: BlobRef,
    /// How many.
    pub expected: i64,
}

/// A revision whose passages stand in the index, all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staged {
    /// The revision.
    pub work: Work,
    /// Passages that have an embedding.
    pub embedded: i64,
    /// Passages that stand in the index.
    pub stored: i64,
    /// What was uploaded meanwhile; it begins when it is known what this switch shows.
    #[serde(default)]
    pub next: Option<Work>,
}

/// Why a document is taken out of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// Somebody asked for it.
    Removed,
    /// It may have been published by halves, and half a document must not be found.
    Withdrawn,
}

/// A document on its way out of the index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retirement {
    /// The chatbot that may find it.
    pub chatbot: String,
    /// Why.
    pub why: Why,
    /// The first version that retires it; answers to lower ones mean nothing.
    pub since: i64,
    /// How often it did not work.
    pub failures: u32,
    /// What was uploaded meanwhile; it begins when nothing of the old is left. Nothing comes after a removal.
    pub next: Option<Work>,
}

/// All that is said to a document in the index.
#[derive(Clone, Debug, PartialEq)]
pub enum IndexMessage {
    /// Bring a revision into the index.
    Index(IndexDocument),
    /// Take the document out of the index.
    Remove(RemoveFromIndex),
    /// A revision was embedded and staged.
    Embedded(Embedded),
    /// A revision was published.
    Published(Published),
    /// The document was taken out.
    Retired(Retired),
    /// An effect did not happen.
    Refused(Refused),
    /// An effect failed.
    Failed(Failed),
    /// An effect is under way.
    Progress(Progress),
    /// Time to try again.
    Woke(Woke),
}

impl Inbox for IndexMessage {
    fn arms() -> Vec<Arm<Self>> {
        vec![
            arm(Self::Index),
            arm(Self::Remove),
            arm(Self::Embedded),
            arm(Self::Published),
            arm(Self::Retired),
            arm(Self::Refused),
            arm(Self::Failed),
            arm(Self::Progress),
            arm(Self::Woke),
        ]
    }
}

impl Entity for IndexedDocument {
    type Message = IndexMessage;
    /// Answers that come too late mean nothing; only who asks for a removed document is refused.
    type Refusal = IndexRefusal;

    fn decide(&self, message: IndexMessage, at: &Moment) -> Result<Decision<Self>, IndexRefusal> {
        Ok(match message {
            IndexMessage::Index(asked) => return self.index(asked, at),
            IndexMessage::Remove(asked) => self.remove(asked, at),
            IndexMessage::Embedded(done) => self.embedded(done, at),
            IndexMessage::Published(done) => self.published(done, at),
            IndexMessage::Retired(done) => self.retired(done, at),
            IndexMessage::Refused(Refused { code, message }) => self.failed(&code, &message, at),
            IndexMessage::Failed(Failed {
                code,
                message,
                may_have_happened: _,
            }) => self.failed(&code, &message, at),
            IndexMessage::Progress(_) => Decision::stay(),
            IndexMessage::Woke(_) => self.try_again(at),
        })
    }
}
