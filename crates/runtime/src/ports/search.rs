//! The index of passages: staged, published, retired by version; never overwritten (O2).
use super::{BoxFuture, PortError};
use events::TenantId;
use serde::{Deserialize, Serialize};

/// A passage as it is indexed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IndexedPassage {
    /// Its place in the document, from 0.
    pub ordinal: u32,
    /// What is searched and quoted.
    pub text: String,
    /// The headings above it, joined by ` › `.
    pub heading: String,
    /// Page or sheet, from 1.
    pub page: Option<u32>,
    /// Unit length; all of one index have the same dimension.
    pub vector: Vec<f32>,
}

/// Which revision of which document, and whose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// The chatbot that may find it.
    pub chatbot: String,
    /// The document.
    pub document: String,
    /// The document's name, for citations.
    pub name: String,
    /// The id of the command that brought it.
    pub revision: String,
}

/// What is searched for.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Only this chatbot's published passages.
    pub chatbot: String,
    /// In a person's words.
    pub text: String,
    /// Of `text`, by the index's embedder; empty: full text only.
    pub vector: Vec<f32>,
    /// At most so many hits.
    pub limit: usize,
}

/// A passage that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The document.
    pub document: String,
    /// Its name.
    pub name: String,
    /// Its published revision.
    pub revision: String,
    /// The passage's place in it.
    pub ordinal: u32,
    /// The passage.
    pub text: String,
    /// The headings above it.
    pub heading: String,
    /// Page or sheet.
    pub page: Option<u32>,
    /// Fused by reciprocal rank: the sum of 1 / (60 + rank) over the lists it is in.
    pub score: f64,
    /// Its rank in full text, from 1.
    pub text_rank: Option<u32>,
    /// Cosine similarity of the vectors, -1 to 1; 0 without a vector.
    pub similarity: f32,
}

/// What the index holds of a document, counted by looking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Passages stored of the revision asked for, published or not.
    pub stored: u64,
    /// Passages that a search can find now, of any revision.
    pub retrievable: u64,
}

/// The search index.
pub trait Search: Send + Sync {
    /// Stores passages of a revision, unpublished: nobody finds them. The same again changes nothing.
    fn stage<'a>(
        &'a self,
        tenant: &'a TenantId,
        revision: &'a Revision,
        passages: Vec<IndexedPassage>,
    ) -> BoxFuture<'a, Result<(), PortError>>;

    /// From now on a search finds this revision and no other of the document. `version` counts the
    /// document's switches: not above the stored one, nothing happens, and `false` is returned.
    fn publish<'a>(
        &'a self,
        tenant: &'a TenantId,
        revision: &'a Revision,
        version: i64,
    ) -> BoxFuture<'a, Result<bool, PortError>>;

    /// From now on a search finds nothing of the document, and what was staged is removed. Versions as in
    /// `publish`.
    fn retire<'a>(
        &'a self,
        tenant: &'a TenantId,
        document: &'a str,
        version: i64,
    ) -> BoxFuture<'a, Result<bool, PortError>>;

    /// Counts by looking at the index itself.
    fn count<'a>(
        &'a self,
        tenant: &'a TenantId,
        document: &'a str,
        revision: &'a str,
    ) -> BoxFuture<'a, Result<Counts, PortError>>;

    /// How many passages of a chatbot a search can find.
    fn count_chatbot<'a>(
        &'a self,
        tenant: &'a TenantId,
        chatbot: &'a str,
    ) -> BoxFuture<'a, Result<u64, PortError>>;

    /// The best hits, full text and vectors fused by reciprocal rank.
    fn query<'a>(
        &'a self,
        tenant: &'a TenantId,
        query: &'a Query,
    ) -> BoxFuture<'a, Result<Vec<Hit>, PortError>>;

    /// Removes up to `limit` passages of revisions that are neither published nor staged since
    /// `before_ms`; says how many.
    fn sweep(&self, before_ms: i64, limit: usize) -> BoxFuture<'_, Result<usize, PortError>>;
}
