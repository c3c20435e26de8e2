//! The border of the commands: what systems outside may ask of documents, and what must stand in it.
use crate::border::{INVALID_UPLOAD, check_ids, check_upload};
use events::consumer;
use events::documents::{AddDocument, DeleteDocument};
use runtime::commands::ids;
use runtime::{Consumer, command};

/// What may be asked.
pub fn border() -> Consumer {
    let commands = vec![command(add), command(delete)];
    Consumer::commands(consumer::DOCUMENTS_COMMANDS, commands)
}

fn add(asked: &AddDocument) -> Result<(), (&'static str, String)> {
    check_ids(&asked.document, &asked.chatbot)
        .and_then(|()| check_upload(&asked.name, &asked.media_type, &asked.blob))
        .map_err(|why| (INVALID_UPLOAD, why))
}

fn delete(asked: &DeleteDocument) -> Result<(), (&'static str, String)> {
    ids(&[("document", &asked.document), ("chatbot", &asked.chatbot)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::BlobRef;
    use runtime::commands::INVALID_COMMAND;
    use runtime::testkit::borders::outsider;

    fn asked() -> AddDocument {
        AddDocument {
            document: "d1".into(),
            chatbot: "bot".into(),
            name: "Opening hours.pdf".into(),
            media_type: "application/pdf".into(),
            blob: BlobRef {
                id: "crm/7".into(),
                size: 3,
                sha256: String::new(),
            },
        }
    }

    #[test]
    fn what_is_asked_of_a_document_is_passed_on_as_it_was_asked() {
        outsider(border()).asks(&asked()).is_passed_on(asked());
        let delete = DeleteDocument {
            document: "d1".into(),
            chatbot: "bot".into(),
        };
        outsider(border()).asks(&delete).is_passed_on(delete);
    }
    #[test]
    fn a_field_that_is_wrong_is_named_in_the_refusal() {
        let refused = |change: fn(&mut AddDocument), field: &str| {
            let mut asked = asked();
            change(&mut asked);
            outsider(border())
                .asks(&asked)
                .is_refused(INVALID_UPLOAD, field);
        };
        refused(|asked| asked.document = "D 1".into(), "document");
        refused(|asked| asked.chatbot.clear(), "chatbot");
        refused(|asked| asked.name = "a\nb".into(), "name");
        refused(|asked| asked.blob.id = "upload/u1".into(), "blob.id");
        let delete = DeleteDocument {
            document: "d1".into(),
            chatbot: "Bot".into(),
        };
        outsider(border())
            .asks(&delete)
            .is_refused(INVALID_COMMAND, "chatbot");
    }
    #[test]
    fn the_key_is_the_documents() {
        outsider(border())
            .under("d2")
            .asks(&asked())
            .is_refused("runtime.invalid_key", "the key says d2, the command d1");
    }
}
