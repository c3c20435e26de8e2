//! What happens to documents, told to the sources of their chatbot: so a deletion knows every one of them.
use events::chatbots::{ForgetSource, NoteSource};
use events::documents::{DocumentDeleted, DocumentUploaded};
use runtime::{Emits, Moment, emit};

/// A document was uploaded, by the creation or by a person afterwards.
pub fn note(said: DocumentUploaded, _at: &Moment) -> Emits {
    emit(NoteSource {
        chatbot: said.chatbot,
        document: said.document,
    })
}

/// A document was deleted.
pub fn forget(said: DocumentDeleted, _at: &Moment) -> Emits {
    emit(ForgetSource {
        chatbot: said.chatbot,
        document: said.document,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chatbot_hears_of_its_documents() {
        let (chatbot, document) = (String::from("bot"), String::from("d1"));
        let at = Moment::for_tests("d1");
        let uploaded = DocumentUploaded {
            chatbot: chatbot.clone(),
            document: document.clone(),
            ..DocumentUploaded::default()
        };
        let noted = NoteSource {
            chatbot: chatbot.clone(),
            document: document.clone(),
        };
        assert!(note(uploaded, &at).same(&emit(noted)));
        let deleted = DocumentDeleted {
            chatbot: chatbot.clone(),
            document: document.clone(),
        };
        assert!(forget(deleted, &at).same(&emit(ForgetSource { chatbot, document })));
    }
}
