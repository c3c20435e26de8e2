//! What the index holds of a tenant, point by point: for whoever holds it against what should be there.
use super::points::{text, to_passage, to_switched};
use super::{QdrantSearch, filters, names};
use events::TenantId;
use qdrant_client::qdrant::{Filter, RetrievedPoint, WithPayloadSelector};
use runtime::PortError;
use std::collections::BTreeMap;

/// Points of one page: they come with their texts.
const PAGE: u32 = 200;

/// Everything that there is of a tenant, published or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Each passage there is.
    pub passages: Vec<StoredPassage>,
    /// Each revision that was staged and not removed.
    pub revisions: Vec<StoredRevision>,
    /// The chatbot that finds something of a document, by document: those that are published.
    pub published: BTreeMap<String, String>,
}

/// A passage in the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPassage {
    /// Whose it is.
    pub of: StoredRevision,
    /// Its place in the document, from 0.
    pub ordinal: u32,
    /// What is searched and quoted.
    pub text: String,
    /// Page or sheet, from 1.
    pub page: Option<u32>,
    /// Whether its revision is the published one.
    pub published: bool,
}

/// A revision in the index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoredRevision {
    /// The chatbot that may find it.
    pub chatbot: String,
    /// The document.
    pub document: String,
    /// The id of the command that brought it.
    pub revision: String,
}

fn revision(point: &RetrievedPoint) -> Result<StoredRevision, PortError> {
    let own = |name| text(point, name).map(str::to_owned);
    Ok(StoredRevision {
        chatbot: own(names::CHATBOT)?,
        document: own(names::OF_DOCUMENT)?,
        revision: own(names::OF_REVISION)?,
    })
}

impl QdrantSearch {
    /// Everything that there is of `tenant`. All of it is in memory at once: for a tenant who is known to be small.
    ///
    /// # Errors
    /// If the index cannot be read.
    pub async fn stored(&self, tenant: &TenantId) -> Result<Stored, PortError> {
        let (mut stored, mut keys) = (Stored::default(), BTreeMap::new());
        for point in self.all(filters::of_kind(tenant, names::DOCUMENT)).await? {
            let switched = to_switched(&point)?;
            if let (Some(key), Some(chatbot)) = (switched.published, switched.chatbot) {
                let document = text(&point, names::OF_DOCUMENT)?.to_owned();
                keys.insert(document.clone(), key);
                stored.published.insert(document, chatbot);
            }
        }
        for point in self.all(filters::of_kind(tenant, names::REVISION)).await? {
            stored.revisions.push(revision(&point)?);
        }
        for point in self.all(filters::of_kind(tenant, names::PASSAGE)).await? {
            let (of, passage) = (revision(&point)?, to_passage(&point)?.passage);
            let key = names::revision_key(tenant, &of.document, &of.revision);
            stored.passages.push(StoredPassage {
                published: keys.get(&of.document) == Some(&key),
                ordinal: passage.ordinal,
                text: passage.text,
                page: passage.page,
                of,
            });
        }
        Ok(stored)
    }

    async fn all(&self, filter: Filter) -> Result<Vec<RetrievedPoint>, PortError> {
        let (mut all, mut offset) = (vec![], None);
        loop {
            let payload = WithPayloadSelector::from(true);
            let (found, next) = self.page(filter.clone(), offset, PAGE, payload).await?;
            all.extend(found);
            offset = next;
            if offset.is_none() {
                return Ok(all);
            }
        }
    }
}
