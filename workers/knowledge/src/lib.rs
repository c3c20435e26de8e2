//! Knowledge: passages in, an index that answers searches out.
//!
//! - [`intake`]: `document.parsed` and `document.deleted` become commands to the document's index;
//! - [`indexed_document`]: the entity, which revision of a document searches find and which one is on its way;
//! - [`embed_passages`], [`publish_revision`], [`retire_document`]: the effects on the index;
//! - [`ledger`]: of each document, passages expected = embedded = stored = retrievable;
//! - [`passages`]: how passages stand in their blob.

#[cfg(test)]
mod effects_tests;
pub mod embed_passages;
mod error;
pub mod indexed_document;
pub mod intake;
pub mod ledger;
pub mod passages;
pub mod publish_revision;
pub mod retire_document;
#[cfg(test)]
mod shelf;

pub use error::{IndexRefusal, KnowledgeError};
pub use ledger::Ledger;

use events::consumer;
use events::knowledge::{
    self as commands, EmbeddingFailed, EmbeddingReady, EmbeddingRemoved, IndexDocument,
    RemoveFromIndex,
};
use runtime::Consumer;
use runtime::ports::providers::Embedder;
use std::sync::Arc;

/// What this worker consumes and emits. tests/tests/architecture holds it against topics.yaml.
pub fn consumers(embedder: Arc<dyn Embedder>) -> Vec<Consumer> {
    vec![
        Consumer::route(consumer::KNOWLEDGE_INTAKE, intake::index).emits::<IndexDocument>(),
        Consumer::route(consumer::KNOWLEDGE_FORGET, intake::remove).emits::<RemoveFromIndex>(),
        Consumer::entity::<indexed_document::IndexedDocument>(consumer::KNOWLEDGE_INDEX)
            .emits::<commands::EmbedPassages>()
            .emits::<commands::PublishRevision>()
            .emits::<commands::RetireDocument>()
            .emits::<EmbeddingReady>()
            .emits::<EmbeddingFailed>()
            .emits::<EmbeddingRemoved>(),
        Consumer::handlers(consumer::KNOWLEDGE_EFFECTS)
            .handler(embed_passages::EmbedPassages::with(embedder))
            .handler(publish_revision::PublishRevision)
            .handler(retire_document::RetireDocument),
        Consumer::view(consumer::KNOWLEDGE_LEDGER, Ledger),
    ]
}

/// A text cut to what a reason may hold, in characters.
fn reason(text: &str) -> String {
    runtime::emits::clipped(text)
}
