//! The uploads: which documents a chatbot was given, and in which blobs, so that somebody can look whether they are gone.
use events::documents::DocumentUploaded;
use events::id::{derived, partition_of};
use runtime::{Moment, View};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Rows a chatbot has: an upload rewrites one of them, so none may grow with all documents.
pub const SHELVES: i32 = 64;

/// Blobs listed of one document: the latest uploads. Earlier ones were removed when they were overtaken.
pub const MAX_BLOBS: usize = 20;

/// What the blobs of the edge's own uploads begin with: they go with their document, and no others do.
const OWN: &str = "upload/";

/// The key of a chatbot's row.
pub fn shelf(chatbot: &str, number: i32) -> String {
    derived(&[chatbot, "uploads", &number.to_string()]).to_string()
}

/// Some of the documents of a chatbot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shelf {
    /// Each with the uploads that were taken in for it alone, the oldest first.
    pub documents: BTreeMap<String, Vec<String>>,
}

/// The view `chatbots.uploads`; its key is [`shelf`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Uploads;

impl View for Uploads {
    type Event = DocumentUploaded;
    type Row = Shelf;

    fn key(&self, event: &DocumentUploaded, _at: &Moment) -> String {
        let number = partition_of(event.document.as_bytes(), SHELVES);
        shelf(&event.chatbot, number)
    }
    fn apply(&self, row: &mut Shelf, event: DocumentUploaded, _at: &Moment) {
        let blobs = row.documents.entry(event.document).or_default();
        if event.blob.id.starts_with(OWN) && !blobs.contains(&event.blob.id) {
            blobs.push(event.blob.id);
            let excess = blobs.len().saturating_sub(MAX_BLOBS);
            blobs.drain(..excess);
        }
    }
    fn merge(&self, into: &mut Shelf, other: Shelf) {
        for (document, blobs) in other.documents {
            let known = into.documents.entry(document).or_default();
            let both: BTreeSet<String> = known.drain(..).chain(blobs).collect();
            *known = both.into_iter().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::BlobRef;

    fn uploaded(document: &str, blob: &str) -> DocumentUploaded {
        let blob = BlobRef {
            id: blob.into(),
            ..BlobRef::default()
        };
        DocumentUploaded {
            chatbot: "bot".into(),
            document: document.into(),
            blob,
            ..DocumentUploaded::default()
        }
    }

    #[test]
    fn what_was_taken_in_for_a_document_alone_is_listed_with_it() {
        let (mut row, at) = (Shelf::default(), Moment::for_tests("d1"));
        let key = Uploads.key(&uploaded("d1", "upload/u1"), &at);
        assert!((0..SHELVES).any(|number| shelf("bot", number) == key));
        for blob in ["upload/u1", "upload/u1", "put/p1", "upload/u2"] {
            Uploads.apply(&mut row, uploaded("d1", blob), &at);
        }
        Uploads.apply(&mut row, uploaded("d2", "put/p1"), &at);
        assert_eq!(row.documents["d1"], ["upload/u1", "upload/u2"]);
        assert!(row.documents["d2"].is_empty());
        let mut other = Shelf::default();
        Uploads.apply(&mut other, uploaded("d1", "upload/u3"), &at);
        Uploads.merge(&mut row, other);
        assert_eq!(row.documents["d1"].len(), 3);
    }
    #[test]
    fn the_uploads_of_a_document_that_changes_all_the_time_are_bounded() {
        let (mut row, at) = (Shelf::default(), Moment::for_tests("d1"));
        for n in 0..2 * MAX_BLOBS {
            Uploads.apply(&mut row, uploaded("d1", &format!("upload/u{n}")), &at);
        }
        assert_eq!(row.documents["d1"].len(), MAX_BLOBS);
        assert_eq!(row.documents["d1"][0], format!("upload/u{MAX_BLOBS}"));
    }
}
