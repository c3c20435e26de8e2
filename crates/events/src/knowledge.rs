//! Knowledge: passages are embedded, indexed, found and removed.
use crate::{BlobRef, addressed, record, topic};
use serde::{Deserialize, Serialize};

/// Command of the route knowledge.intake: bring a revision into the index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexDocument {
    /// The document.
    pub document: String,
    /// The chatbot it belongs to.
    pub chatbot: String,
    /// Which upload of the document; the id of the `AddDocument` that brought it.
    pub revision: String,
    /// The file's name, as people see it in citations.
    pub name: String,
    /// The passages to index.
    pub passages: BlobRef,
    /// How many passages.
    pub count: i64,
}
record!(
    IndexDocument,
    "troupe.knowledge.IndexDocument",
    "knowledge/IndexDocument.avsc"
);
addressed!(IndexDocument, topic::KNOWLEDGE_INDEX, document);

/// Command of the route knowledge.forget: take a document out of the index; one that never was leaves a tombstone (S4).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveFromIndex {
    /// The document.
    pub document: String,
    /// The chatbot it belongs to.
    pub chatbot: String,
}
record!(
    RemoveFromIndex,
    "troupe.knowledge.RemoveFromIndex",
    "knowledge/RemoveFromIndex.avsc"
);
addressed!(RemoveFromIndex, topic::KNOWLEDGE_INDEX, document);

/// Command: embed the passages and stage them, not yet to be found. Done is [`Embedded`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmbedPassages {
    /// The document.
    pub document: String,
    /// The chatbot it belongs to.
    pub chatbot: String,
    /// Which upload of the document; the id of the `AddDocument` that brought it.
    pub revision: String,
    /// The file's name, as people see it in citations.
    pub name: String,
    /// The passages to index.
    pub passages: BlobRef,
    /// How many passages.
    pub count: i64,
}
record!(
    EmbedPassages,
    "troupe.knowledge.EmbedPassages",
    "knowledge/EmbedPassages.avsc"
);
addressed!(EmbedPassages, topic::KNOWLEDGE_EFFECTS, document);

/// Reply to [`EmbedPassages`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Embedded {
    /// The document.
    pub document: String,
    /// Which upload of the document; the id of the `AddDocument` that brought it.
    pub revision: String,
    /// Passages that have an embedding.
    pub embedded: i64,
    /// Passages staged in the index.
    pub stored: i64,
}
record!(
    Embedded,
    "troupe.knowledge.Embedded",
    "knowledge/Embedded.avsc"
);

/// Command: make a staged revision the one that searches find, in one step (O2). Done is [`Published`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishRevision {
    /// The document.
    pub document: String,
    /// The chatbot it belongs to.
    pub chatbot: String,
    /// Which upload of the document; the id of the `AddDocument` that brought it.
    pub revision: String,
    /// Counts the document's switches in the index; the higher one counts (O2).
    pub version: i64,
}
record!(
    PublishRevision,
    "troupe.knowledge.PublishRevision",
    "knowledge/PublishRevision.avsc"
);
addressed!(PublishRevision, topic::KNOWLEDGE_EFFECTS, document);

/// Reply to [`PublishRevision`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The document.
    pub document: String,
    /// Which upload of the document; the id of the `AddDocument` that brought it.
    pub revision: String,
    /// Counts the document's switches in the index; the higher one counts (O2).
    pub version: i64,
    /// Passages that a search can find, counted by looking.
    pub retrievable: i64,
}
record!(
    Published,
    "troupe.knowledge.Published",
    "knowledge/Published.avsc"
);

/// Command: take all revisions of a document out of the index (O2). Done is [`Retired`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetireDocument {
    /// The document.
    pub document: String,
    /// The chatbot it belongs to.
    pub chatbot: String,
    /// Counts the document's switches in the index; the higher one counts (O2).
    pub version: i64,
}
record!(
    RetireDocument,
    "troupe.knowledge.RetireDocument",
    "knowledge/RetireDocument.avsc"
);
addressed!(RetireDocument, topic::KNOWLEDGE_EFFECTS, document);

/// Reply to [`RetireDocument`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retired {
    /// The document.
    pub document: String,
    /// Counts the document's switches in the index; the higher one counts (O2).
    pub version: i64,
    /// Passages of the document that a search still finds, counted by looking: 0.
    pub remaining: i64,
}
record!(
    Retired,
    "troupe.knowledge.Retired",
    "knowledge/Retired.avsc"
);

/// A revision can be found, with its ledger: expected = embedded = stored = retrievable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmbeddingReady {
    /// The document.
    pub document: String,
    /// The chatbot it belongs to.
    pub chatbot: String,
    /// Which upload of the document; the id of the `AddDocument` that brought it.
    pub revision: String,
    /// Counts the document's switches in the index; the higher one counts (O2).
    pub version: i64,
    /// Passages that parsing found.
    pub expected: i64,
    /// Passages that have an embedding.
    pub embedded: i64,
    /// Passages staged in the index.
    pub stored: i64,
    /// Passages that a search can find, counted by looking.
    pub retrievable: i64,
}
record!(
    EmbeddingReady,
    "troupe.knowledge.EmbeddingReady",
    "knowledge/EmbeddingReady.avsc"
);
addressed!(EmbeddingReady, topic::EMBEDDING_READY, document);

/// A revision could not be indexed; `version` says whether what was found before is still found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmbeddingFailed {
    /// The document.
    pub document: String,
    /// The chatbot it belongs to.
    pub chatbot: String,
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
    EmbeddingFailed,
    "troupe.knowledge.EmbeddingFailed",
    "knowledge/EmbeddingFailed.avsc"
);
addressed!(EmbeddingFailed, topic::EMBEDDING_FAILED, document);

/// Nothing of the document can be found any more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmbeddingRemoved {
    /// The document.
    pub document: String,
    /// The chatbot it belongs to.
    pub chatbot: String,
    /// Counts the document's switches in the index; the higher one counts (O2).
    pub version: i64,
}
record!(
    EmbeddingRemoved,
    "troupe.knowledge.EmbeddingRemoved",
    "knowledge/EmbeddingRemoved.avsc"
);
addressed!(EmbeddingRemoved, topic::EMBEDDING_REMOVED, document);
