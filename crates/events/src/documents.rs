//! Documents: uploads in, passages with their structure out.
use crate::{BlobRef, addressed, record, topic};
use serde::{Deserialize, Serialize};

/// Where a document is in its life.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum DocumentState {
    /// A state that a newer version knows (A3).
    #[default]
    Unknown,
    /// Its text is being read.
    Parsing,
    /// Its passages are being embedded and indexed.
    Indexing,
    /// All its passages can be found.
    Ready,
    /// It cannot be read; the reason says why.
    Rejected,
    /// It is being removed from the index.
    Deleting,
    /// Nothing of it can be found.
    Deleted,
}

/// Command: make passages of an upload and index them. Done is [`DocumentReady`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddDocument {
    /// The document.
    pub document: String,
    /// The chatbot it belongs to.
    pub chatbot: String,
    /// The file's name, as people see it in citations.
    pub name: String,
    /// What the uploader calls it, as in HTTP; content decides, this is a hint.
    pub media_type: String,
    /// The uploaded bytes.
    pub blob: BlobRef,
}
record!(
    AddDocument,
    "troupe.documents.AddDocument",
    "documents/AddDocument.avsc"
);
addressed!(AddDocument, topic::DOCUMENTS_DOCUMENT, document);

/// Command: remove a document everywhere; one that never was leaves a tombstone (S4). Done is [`crate::reply::Ok`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteDocument {
    /// The document.
    pub document: String,
    /// The chatbot it belongs to.
    pub chatbot: String,
}
record!(
    DeleteDocument,
    "troupe.documents.DeleteDocument",
    "documents/DeleteDocument.avsc"
);
addressed!(DeleteDocument, topic::DOCUMENTS_DOCUMENT, document);

/// Command: read the uploaded bytes into passages. Done is [`Parsed`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParseUpload {
    /// The document.
    pub document: String,
    /// Which upload of the document; the id of the `AddDocument` that brought it.
    pub revision: String,
    /// The file's name, as people see it in citations.
    pub name: String,
    /// What the uploader calls it, as in HTTP; content decides, this is a hint.
    pub media_type: String,
    /// The uploaded bytes.
    pub blob: BlobRef,
}
record!(
    ParseUpload,
    "troupe.documents.ParseUpload",
    "documents/ParseUpload.avsc"
);
addressed!(ParseUpload, topic::DOCUMENTS_EFFECTS, document);

/// Command: remove blobs that nothing needs any more. Done is [`crate::reply::Ok`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiscardBlobs {
    /// The document.
    pub document: String,
    /// Blobs that are the document's alone: uploads of its, passages of its.
    pub blobs: Vec<String>,
    /// Whether the document is gone: then all passages of its go too, whichever upload they came from.
    pub all: bool,
}
record!(
    DiscardBlobs,
    "troupe.documents.DiscardBlobs",
    "documents/DiscardBlobs.avsc"
);
addressed!(DiscardBlobs, topic::DOCUMENTS_EFFECTS, document);

/// Reply to [`ParseUpload`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parsed {
    /// The document.
    pub document: String,
    /// Which upload of the document; the id of the `AddDocument` that brought it.
    pub revision: String,
    /// The passages, in the order of the document.
    pub passages: BlobRef,
    /// How many passages.
    pub count: i64,
    /// The document's own title, where it has one.
    #[serde(default)]
    pub title: Option<String>,
    /// What it turned out to be, such as `pdf` or `markdown`.
    #[serde(default)]
    pub format: String,
}
record!(Parsed, "troupe.documents.Parsed", "documents/Parsed.avsc");

/// Reply to [`AddDocument`]: all its passages can be found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentReady {
    /// The document.
    pub document: String,
    /// The chatbot it belongs to.
    pub chatbot: String,
    /// Which upload of the document; the id of the `AddDocument` that brought it.
    pub revision: String,
    /// The file's name, as people see it in citations.
    pub name: String,
    /// How many passages can be found.
    pub passages: i64,
}
record!(
    DocumentReady,
    "troupe.documents.DocumentReady",
    "documents/DocumentReady.avsc"
);

/// What the index says of a revision, brought by the route documents.after.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexReady {
    /// The document.
    pub document: String,
    /// Which upload of the document; the id of the `AddDocument` that brought it.
    pub revision: String,
    /// Passages that parsing found.
    pub expected: i64,
    /// Passages that have an embedding.
    pub embedded: i64,
    /// Passages staged in the index.
    pub stored: i64,
    /// Passages that a search can find, counted by looking.
    pub retrievable: i64,
    /// Counts the document's switches in the index; the higher one counts (O2). 0: not known.
    #[serde(default)]
    pub version: i64,
}
record!(
    IndexReady,
    "troupe.documents.IndexReady",
    "documents/IndexReady.avsc"
);
addressed!(IndexReady, topic::DOCUMENTS_DOCUMENT, document);

/// A revision could not be indexed, brought by the route documents.failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexFailed {
    /// The document.
    pub document: String,
    /// Which upload of the document; the id of the `AddDocument` that brought it.
    pub revision: String,
    /// Stable, `<context>.<what>`; a page each under docs/errors/.
    pub code: String,
    /// A sentence for a person; at most 1,000 characters.
    pub reason: String,
    /// The switch that takes the whole document out of the index, since one that failed may show half of it; 0: there is
    /// none, and what was found before is still found.
    #[serde(default)]
    pub version: i64,
}
record!(
    IndexFailed,
    "troupe.documents.IndexFailed",
    "documents/IndexFailed.avsc"
);
addressed!(IndexFailed, topic::DOCUMENTS_DOCUMENT, document);

/// The index holds nothing of the document any more, brought by the route documents.removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexRemoved {
    /// The document.
    pub document: String,
    /// Counts the document's switches in the index; the higher one counts (O2).
    pub version: i64,
}
record!(
    IndexRemoved,
    "troupe.documents.IndexRemoved",
    "documents/IndexRemoved.avsc"
);
addressed!(IndexRemoved, topic::DOCUMENTS_DOCUMENT, document);

/// A document was uploaded. Upstream systems say it on the inbox, where the revision may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentUploaded {
    /// The document.
    pub document: String,
    /// The chatbot it belongs to.
    pub chatbot: String,
    /// Which upload of the document; empty where an upstream system says it.
    #[serde(default)]
    pub revision: String,
    /// The file's name, as people see it in citations.
    pub name: String,
    /// What the uploader calls it, as in HTTP; content decides, this is a hint.
    pub media_type: String,
    /// The uploaded bytes.
    pub blob: BlobRef,
}
record!(
    DocumentUploaded,
    "troupe.documents.DocumentUploaded",
    "documents/DocumentUploaded.avsc"
);
addressed!(DocumentUploaded, topic::DOCUMENT_UPLOADED, document);

/// A document became passages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentParsed {
    /// The document.
    pub document: String,
    /// The chatbot it belongs to.
    pub chatbot: String,
    /// Which upload of the document; the id of the `AddDocument` that brought it.
    pub revision: String,
    /// The file's name, as people see it in citations.
    pub name: String,
    /// The passages, in the order of the document.
    pub passages: BlobRef,
    /// How many passages.
    pub count: i64,
}
record!(
    DocumentParsed,
    "troupe.documents.DocumentParsed",
    "documents/DocumentParsed.avsc"
);
addressed!(DocumentParsed, topic::DOCUMENT_PARSED, document);

/// A document could not be read or indexed, and will not be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentRejected {
    /// The document.
    pub document: String,
    /// The chatbot it belongs to.
    pub chatbot: String,
    /// Which upload of the document; the id of the `AddDocument` that brought it.
    pub revision: String,
    /// The file's name, as people see it in citations.
    pub name: String,
    /// Stable, `<context>.<what>`; a page each under docs/errors/.
    pub code: String,
    /// A sentence for a person; at most 1,000 characters.
    pub reason: String,
}
record!(
    DocumentRejected,
    "troupe.documents.DocumentRejected",
    "documents/DocumentRejected.avsc"
);
addressed!(DocumentRejected, topic::DOCUMENT_REJECTED, document);

/// A document was deleted; its index follows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentDeleted {
    /// The document.
    pub document: String,
    /// The chatbot it belongs to.
    pub chatbot: String,
}
record!(
    DocumentDeleted,
    "troupe.documents.DocumentDeleted",
    "documents/DocumentDeleted.avsc"
);
addressed!(DocumentDeleted, topic::DOCUMENT_DELETED, document);

/// What a document is now, whole, for directories.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentChanged {
    /// The document.
    pub document: String,
    /// The chatbot it belongs to.
    pub chatbot: String,
    /// Which upload of the document; the id of the `AddDocument` that brought it.
    pub revision: String,
    /// The file's name, as people see it in citations.
    pub name: String,
    /// Where it is in its life.
    pub state: DocumentState,
    /// Why it was rejected, for a person; else empty.
    #[serde(default)]
    pub reason: String,
    /// How many passages it has; 0 while that is not known.
    #[serde(default)]
    pub passages: i64,
    /// The upload's length in bytes.
    #[serde(default)]
    pub size: i64,
}
record!(
    DocumentChanged,
    "troupe.documents.DocumentChanged",
    "documents/DocumentChanged.avsc"
);
addressed!(DocumentChanged, topic::DOCUMENT_CHANGED, document);
