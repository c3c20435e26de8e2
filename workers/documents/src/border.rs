//! The border: what upstream systems say of their uploads. Tenant, size, schema and identity are checked by the
//! runtime (I3); here it is what stands in the fields.
use crate::blobs::is_upload;
use events::BlobRef;
use events::documents::{AddDocument, DocumentUploaded};
use events::id::check_part;
use runtime::{Emits, Moment, emit};

/// The code of the dead letter of an upload whose fields are not what they should be.
pub const INVALID_UPLOAD: &str = "documents.invalid_upload";

/// Longest name of a file, in characters.
pub const MAX_NAME: usize = 255;

/// Longest media type, in bytes.
pub const MAX_MEDIA_TYPE: usize = 255;

/// Longest id of a blob, in bytes.
pub const MAX_BLOB_ID: usize = 512;

/// Passes an upload on to its document.
///
/// # Errors
/// [`INVALID_UPLOAD`] and the field that is wrong.
pub fn accept(said: DocumentUploaded, _at: &Moment) -> Result<Emits, (&'static str, String)> {
    check(&said).map_err(|why| (INVALID_UPLOAD, why))?;
    let DocumentUploaded {
        document,
        chatbot,
        revision: _,
        name,
        media_type,
        blob,
    } = said;
    Ok(emit(AddDocument {
        document,
        chatbot,
        name,
        media_type,
        blob,
    }))
}

fn check(said: &DocumentUploaded) -> Result<(), String> {
    check_ids(&said.document, &said.chatbot)?;
    check_upload(&said.name, &said.media_type, &said.blob)
}

/// Whose an upload is.
pub(crate) fn check_ids(document: &str, chatbot: &str) -> Result<(), String> {
    check_part(document).map_err(|e| format!("document: {e}"))?;
    check_part(chatbot).map_err(|e| format!("chatbot: {e}"))
}

/// What an upload from outside may be called, and where it may stand.
pub(crate) fn check_upload(name: &str, media_type: &str, blob: &BlobRef) -> Result<(), String> {
    if name.trim().is_empty() || name.chars().count() > MAX_NAME {
        return Err(format!("name: 1 to {MAX_NAME} characters are expected"));
    }
    if name.chars().any(char::is_control) {
        return Err("name: control characters are not allowed".into());
    }
    if media_type.len() > MAX_MEDIA_TYPE {
        return Err(format!(
            "media_type: at most {MAX_MEDIA_TYPE} bytes are expected"
        ));
    }
    let letter = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'/' | b'.');
    let id = &blob.id;
    if id.is_empty() || id.len() > MAX_BLOB_ID || !id.bytes().all(letter) {
        return Err(format!(
            "blob.id: 1 to {MAX_BLOB_ID} of a-z, 0-9, '-', '/' and '.' are expected"
        ));
    }
    // Such a blob goes with the one document that it was uploaded for.
    if is_upload(id) {
        return Err("blob.id: it is an upload's own; put the content by itself".into());
    }
    if blob.size < 0 {
        return Err("blob.size: it is negative".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uploaded() -> DocumentUploaded {
        DocumentUploaded {
            document: "d1".into(),
            chatbot: "bot".into(),
            revision: String::new(),
            name: "Opening hours.pdf".into(),
            media_type: "application/pdf".into(),
            blob: BlobRef {
                id: "crm/7".into(),
                size: 3,
                sha256: String::new(),
            },
        }
    }
    fn refused(change: impl FnOnce(&mut DocumentUploaded)) -> String {
        let mut said = uploaded();
        change(&mut said);
        let (code, why) = accept(said, &Moment::for_tests("d1")).expect_err("it is unroutable");
        assert_eq!(code, INVALID_UPLOAD);
        why.split_once(':')
            .map_or_else(String::new, |(field, _)| field.to_owned())
    }

    #[test]
    fn what_upstream_says_becomes_a_command_to_the_document() {
        let accepted = accept(uploaded(), &Moment::for_tests("d1")).expect("it passes");
        let DocumentUploaded {
            document,
            chatbot,
            name,
            media_type,
            blob,
            ..
        } = uploaded();
        assert!(accepted.same(&emit(AddDocument {
            document,
            chatbot,
            name,
            media_type,
            blob
        })));
    }
    #[test]
    fn a_field_that_is_wrong_is_named_in_the_dead_letter() {
        assert_eq!(refused(|said| said.document = "D 1".into()), "document");
        assert_eq!(refused(|said| said.chatbot.clear()), "chatbot");
        assert_eq!(refused(|said| said.name = "  ".into()), "name");
        assert_eq!(refused(|said| said.name = "x".repeat(256)), "name");
        assert_eq!(refused(|said| said.name = "a\nb".into()), "name");
        assert_eq!(
            refused(|said| said.media_type = "x".repeat(256)),
            "media_type"
        );
        assert_eq!(refused(|said| said.blob.id.clear()), "blob.id");
        assert_eq!(refused(|said| said.blob.id = "ABC".into()), "blob.id");
        assert_eq!(refused(|said| said.blob.id = "upload/u1".into()), "blob.id");
        assert_eq!(refused(|said| said.blob.size = -1), "blob.size");
    }
}
