//! Documents: uploads in, passages with their structure out.

pub mod after; // what the index says -> the document
pub mod blobs; // which blobs are a document's
pub mod border; // inbox.document.uploaded -> AddDocument
pub mod commands; // inbox.documents.commands -> the documents
pub mod directory; // view: what documents there are
pub mod discard_blobs; // effect: blobs that nothing needs any more
pub mod document; // the entity: what a document is and what may happen to it
mod error;
pub mod parse; // bytes -> passages, pure
pub mod parse_upload; // effect: an uploaded blob -> a blob of passages

pub use error::{DiscardBlobsError, DocumentRefusal, ParseUploadError};

use events::consumer;
use events::documents::{
    self, AddDocument, DocumentChanged, DocumentDeleted, DocumentParsed, DocumentRejected,
    DocumentUploaded, IndexFailed, IndexReady, IndexRemoved,
};
use parse::Limits;
use runtime::Consumer;

/// What this worker consumes and emits. tests/tests/architecture holds it against topics.yaml.
pub fn consumers(limits: Limits) -> Vec<Consumer> {
    vec![
        Consumer::fallible_route(consumer::DOCUMENTS_BORDER, border::accept).emits::<AddDocument>(),
        commands::border(),
        Consumer::entity::<document::Document>(consumer::DOCUMENTS_DOCUMENT)
            .emits::<documents::ParseUpload>()
            .emits::<documents::DiscardBlobs>()
            .emits::<DocumentUploaded>()
            .emits::<DocumentParsed>()
            .emits::<DocumentRejected>()
            .emits::<DocumentDeleted>()
            .emits::<DocumentChanged>(),
        Consumer::handlers(consumer::DOCUMENTS_EFFECTS)
            .handler(parse_upload::ParseUpload::within(limits))
            .handler(discard_blobs::DiscardBlobs),
        Consumer::route(consumer::DOCUMENTS_AFTER, after::index_ready).emits::<IndexReady>(),
        Consumer::route(consumer::DOCUMENTS_FAILED, after::index_failed).emits::<IndexFailed>(),
        Consumer::route(consumer::DOCUMENTS_REMOVED, after::index_removed).emits::<IndexRemoved>(),
        Consumer::view(consumer::DOCUMENTS_DIRECTORY, directory::Directory),
    ]
}
