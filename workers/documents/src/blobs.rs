//! Which blobs are a document's, and may go with it.
//!
//! | id                                | whose                                     | goes                                   |
//! |-----------------------------------|-------------------------------------------|----------------------------------------|
//! | `upload/<operation>[/<n>]`        | one command's: the edge took it in for it | with its document, or when overtaken   |
//! | `<document>/<revision>/passages`  | the document's: reading made it           | with its document, or when overtaken   |
//! | `put/...` and all others          | whoever put it                            | never with a document                  |
//!
//! What was under way for long may land after it was removed. So what was overtaken goes once more with its document, and all
//! of it some minutes after that; until then the tombstone keeps the names of the uploads, which are not personal.
//!
//! What was put by itself (`POST /v1/blobs`) may be a source of several documents, of several chatbots, and may be
//! named by an upstream system an hour from now; one document cannot know of the others, so none of them removes it.
//! Nor is it swept by age: its reading may wait in the dead letters for longer than any age that would be worth it.

/// What the blobs of the edge's own uploads begin with: each is named by one command only.
const UPLOADS: &str = "upload/";

/// Where the passages of a revision are.
pub fn passages_blob(document: &str, revision: &str) -> String {
    format!("{document}/{revision}/passages")
}

/// What the passages of a document begin with, and perhaps other blobs: a document may be called `upload` or `put`.
pub(crate) fn passages_prefix(document: &str) -> String {
    format!("{document}/")
}

/// Whether a blob holds passages of the document.
pub(crate) fn is_passages_of(document: &str, blob: &str) -> bool {
    let rest = blob
        .strip_prefix(document)
        .and_then(|rest| rest.strip_prefix('/'));
    let revision = rest.and_then(|rest| rest.strip_suffix("/passages"));
    revision.is_some_and(|revision| !revision.is_empty() && !revision.contains('/'))
}

/// Whether a blob was taken in for one upload only.
pub(crate) fn is_upload(blob: &str) -> bool {
    blob.starts_with(UPLOADS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_passages_of_a_document_are_told_from_whatever_else_begins_like_it() {
        assert!(is_passages_of("d1", &passages_blob("d1", "r1")));
        for other in [
            "d1/r1",
            "d1/r1/passages/more",
            "d1/a/b/passages",
            "d1//passages",
            "d1/passages",
            "d12/r1/passages",
            "put/r1/passages",
            "upload/r1/0",
        ] {
            assert!(!is_passages_of("d1", other), "{other}");
        }
        // Nothing hinders anybody from calling a document so.
        assert!(!is_passages_of("upload", "upload/0197-2f3a/0"));
        assert!(!is_passages_of("put", "put/0197-2f3a"));
    }
    #[test]
    fn only_the_uploads_of_the_edge_are_one_documents_alone() {
        assert!(is_upload("upload/0197-2f3a") && is_upload("upload/0197-2f3a/1"));
        assert!(!is_upload("put/0197-2f3a") && !is_upload("crm/7") && !is_upload("uploads/1"));
    }
}
