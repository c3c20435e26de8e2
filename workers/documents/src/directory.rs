//! The directory: what documents there are, and how each of them is.
use events::documents::{DocumentChanged, DocumentState};
use runtime::{Moment, View};
use serde::{Deserialize, Serialize};

/// How long the row of a deleted document is kept, in milliseconds (30 days): long enough to see that it is gone.
pub const KEEP_DELETED_MS: i64 = 30 * 24 * 3_600_000;

/// A document as the directory lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// The chatbot it belongs to.
    pub chatbot: String,
    /// The file's name.
    pub name: String,
    /// Where it is in its life.
    pub state: DocumentState,
    /// Why its latest upload was rejected, for a person; else empty.
    pub reason: String,
    /// Which upload.
    pub revision: String,
    /// How many passages; 0 while that is not known.
    pub passages: i64,
    /// The upload's length in bytes.
    pub size: i64,
    /// When it last changed, in milliseconds since 1970.
    pub updated_ms: i64,
}

/// The view `documents.directory`; its key is the document.
#[derive(Clone, Copy, Debug, Default)]
pub struct Directory;

impl View for Directory {
    type Event = DocumentChanged;
    type Row = Listed;

    fn key(&self, event: &DocumentChanged, _at: &Moment) -> String {
        event.document.clone()
    }
    fn apply(&self, row: &mut Listed, event: DocumentChanged, at: &Moment) {
        *row = Listed {
            chatbot: event.chatbot,
            name: event.name,
            state: event.state,
            reason: event.reason,
            revision: event.revision,
            passages: event.passages,
            size: event.size,
            updated_ms: at.now_ms,
        };
    }
    /// A document's events are all in one partition; should that ever have been another one, the later wins.
    fn merge(&self, into: &mut Listed, other: Listed) {
        if other.updated_ms >= into.updated_ms {
            *into = other;
        }
    }
    fn expires_at_ms(&self, row: &Listed) -> Option<i64> {
        (row.state == DocumentState::Deleted).then_some(row.updated_ms + KEEP_DELETED_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_shows_a_document_as_it_last_was() {
        let (mut row, mut at) = (Listed::default(), Moment::for_tests("d1"));
        at.now_ms = 5;
        let event = DocumentChanged {
            document: "d1".into(),
            chatbot: "bot".into(),
            name: "a.pdf".into(),
            state: DocumentState::Ready,
            passages: 3,
            ..DocumentChanged::default()
        };
        assert_eq!(Directory.key(&event, &at), "d1");
        Directory.apply(&mut row, event, &at);
        assert_eq!(
            (row.state, row.passages, row.updated_ms),
            (DocumentState::Ready, 3, 5)
        );
        assert_eq!(Directory.expires_at_ms(&row), None);
        let mut merged = Listed::default();
        Directory.merge(&mut merged, row.clone());
        Directory.merge(&mut merged, Listed::default());
        assert_eq!(merged, row);
    }
    #[test]
    fn the_row_of_a_deleted_document_is_swept_in_the_end() {
        let row = Listed {
            state: DocumentState::Deleted,
            updated_ms: 1,
            ..Listed::default()
        };
        assert_eq!(Directory.expires_at_ms(&row), Some(1 + KEEP_DELETED_MS));
    }
}
