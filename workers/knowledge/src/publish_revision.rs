//! Effect: a staged revision becomes the one that searches find, in one step.
use crate::KnowledgeError;
use crate::embed_passages::count;
use events::knowledge::Published;
use runtime::ports::search::Revision;
use runtime::{Context, Emits, Handler, reply};

/// Publishes a revision, then counts by looking what a search can find.
///
/// Effects: one switch of the document in the index; a version not above the stored one changes nothing (O2).
pub struct PublishRevision;

impl Handler for PublishRevision {
    type Message = events::knowledge::PublishRevision;
    type Error = KnowledgeError;

    async fn handle(&self, asked: Self::Message, cx: &Context) -> Result<Emits, KnowledgeError> {
        // The name was staged with the passages.
        let revision = Revision {
            chatbot: asked.chatbot,
            document: asked.document,
            name: String::new(),
            revision: asked.revision,
        };
        // A repeat publishes nothing and counts the same.
        cx.search().publish(&revision, asked.version).await?;
        let counts = cx
            .search()
            .count(&revision.document, &revision.revision)
            .await?;
        let Revision {
            document, revision, ..
        } = revision;
        Ok(reply(Published {
            document,
            revision,
            version: asked.version,
            retrievable: count(counts.retrievable),
        }))
    }
}
