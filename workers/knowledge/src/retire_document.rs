//! Effect: nothing of a document is found any more.
use crate::KnowledgeError;
use crate::embed_passages::count;
use events::knowledge::Retired;
use runtime::{Context, Emits, Handler, reply};

/// Takes a document out of the index, then counts by looking what is still found.
///
/// Effects: one switch of the document in the index; a version not above the stored one changes nothing (O2).
pub struct RetireDocument;

impl Handler for RetireDocument {
    type Message = events::knowledge::RetireDocument;
    type Error = KnowledgeError;

    async fn handle(&self, asked: Self::Message, cx: &Context) -> Result<Emits, KnowledgeError> {
        cx.search().retire(&asked.document, asked.version).await?;
        let remaining = cx.search().count(&asked.document, "").await?.retrievable;
        Ok(reply(Retired {
            document: asked.document,
            version: asked.version,
            remaining: count(remaining),
        }))
    }
}
