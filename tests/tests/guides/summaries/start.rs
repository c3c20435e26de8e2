//! A document was parsed: its summary is to be written.
use super::records::Summarize;
use events::documents::DocumentParsed;
use runtime::{Emits, Moment, emit};

/// Passes the event on to the summary of the document.
pub fn document_parsed(parsed: DocumentParsed, _at: &Moment) -> Emits {
    emit(Summarize {
        document: parsed.document,
        chatbot: parsed.chatbot,
        revision: parsed.revision,
        passages: parsed.passages.id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::BlobRef;

    #[test]
    fn what_was_parsed_is_to_be_summarised() {
        let parsed = DocumentParsed {
            document: "d1".into(),
            chatbot: "ada".into(),
            revision: "r1".into(),
            passages: BlobRef {
                id: "d1/r1/passages".into(),
                ..BlobRef::default()
            },
            ..DocumentParsed::default()
        };
        let said = document_parsed(parsed, &Moment::for_tests("d1"));
        assert!(said.same(&emit(Summarize {
            document: "d1".into(),
            chatbot: "ada".into(),
            revision: "r1".into(),
            passages: "d1/r1/passages".into(),
        })));
    }
}
