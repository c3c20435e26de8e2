//! What happens to documents, told to their index.
use events::documents::{DocumentDeleted, DocumentParsed};
use events::knowledge::{IndexDocument, RemoveFromIndex};
use runtime::{Emits, Moment, emit};

/// A document became passages: they are to be found.
pub fn index(parsed: DocumentParsed, _: &Moment) -> Emits {
    emit(IndexDocument {
        document: parsed.document,
        chatbot: parsed.chatbot,
        revision: parsed.revision,
        name: parsed.name,
        passages: parsed.passages,
        count: parsed.count,
    })
}

/// A document was deleted: nothing of it is to be found any more.
pub fn remove(deleted: DocumentDeleted, _: &Moment) -> Emits {
    emit(RemoveFromIndex {
        document: deleted.document,
        chatbot: deleted.chatbot,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::Addressed;

    #[test]
    fn a_parsed_document_is_indexed_under_its_own_key() {
        let parsed = DocumentParsed {
            document: "d1".into(),
            revision: "r1".into(),
            count: 3,
            ..Default::default()
        };
        let wanted = IndexDocument {
            document: "d1".into(),
            revision: "r1".into(),
            count: 3,
            ..Default::default()
        };
        assert_eq!(wanted.id(), "d1");
        assert!(index(parsed, &Moment::for_tests("d1")).same(&emit(wanted)));
    }
    #[test]
    fn a_deleted_document_is_taken_out_of_the_index() {
        let deleted = DocumentDeleted {
            document: "d1".into(),
            chatbot: "c1".into(),
        };
        let wanted = RemoveFromIndex {
            document: "d1".into(),
            chatbot: "c1".into(),
        };
        assert!(remove(deleted, &Moment::for_tests("d1")).same(&emit(wanted)));
    }
}
