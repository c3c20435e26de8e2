//! The index of passages on Qdrant: one collection for each embedding model, tenant and chatbot in the payload of each
//! point and in its indexes, a dense vector and a sparse one for the words (BM25; Qdrant adds the inverse document
//! frequency, counted among the chatbot's own passages).
//!
//! Qdrant changes one point at a time, and a search may come between two. So a switch is the change of one point: the
//! *document*'s, which names the published revision and is overwritten only by a higher version. A query first reads which
//! revisions of the chatbot are published, and finds passages of these only; when it has them, it looks whether one of
//! those revisions was given up meanwhile, and if so it starts again. What is given up is deleted after the switch.
//!
//! Four kinds of points: *passages*; *revisions*, which say what was staged, for the sweep; *documents*; and a *scope* for
//! each chatbot, whose token changes with every switch, so that the published revisions need not be read for each query.
mod fault;
mod filters;
mod look;
mod names;
mod points;
mod prepare;
mod published;
mod query;
mod stage;
mod sweep;
mod switch;
#[cfg(all(test, feature = "servers"))]
mod tests;
mod words;

pub use look::{Stored, StoredPassage, StoredRevision};

use crate::secret::Secret;
use events::TenantId;
use published::Published;
use qdrant_client::Qdrant;
use qdrant_client::config::QdrantConfig;
use qdrant_client::qdrant::Filter;
use runtime::ports::clock::Clock;
use runtime::ports::search::{Counts, Hit, IndexedPassage, Query, Revision, Search};
use runtime::{BoxFuture, PortError};
use std::sync::Arc;
use std::time::Duration;

/// Where the index is, and of what.
#[derive(Clone, Debug)]
pub struct QdrantOptions {
    /// Its gRPC address, `http://…:6334` or `https://…`.
    pub url: String,
    /// Its key, if it wants one.
    pub key: Option<Secret>,
    /// What the names of collections begin with.
    pub prefix: String,
    /// The embedding model; another model is another collection.
    pub model: String,
    /// Numbers in one of its vectors.
    pub dimension: usize,
    /// Words of a passage and its heading on the average, for BM25. Another number is another collection's.
    pub average_words: u32,
    /// On how many nodes each point is. More than one: reads ask the majority.
    pub replicas: u32,
    /// How long one call may take.
    pub timeout: Duration,
}

impl QdrantOptions {
    /// With the defaults: no key, `troupe-` before the names, 256 words, one replica, 10 seconds.
    pub fn new(url: &str, model: &str, dimension: usize) -> Self {
        Self {
            url: url.to_owned(),
            key: None,
            prefix: "troupe-".into(),
            model: model.to_owned(),
            dimension,
            average_words: 256,
            replicas: 1,
            timeout: Duration::from_secs(10),
        }
    }
}

/// The port on Qdrant 1.20 or newer.
pub struct QdrantSearch {
    client: Qdrant,
    clock: Arc<dyn Clock>,
    /// The collection.
    collection: String,
    options: QdrantOptions,
    published: Published,
}

impl QdrantSearch {
    /// Reads the options; the server is asked when it is needed first. `clock` says when passages are staged.
    ///
    /// # Errors
    /// If no client can be made of them.
    pub fn open(options: QdrantOptions, clock: Arc<dyn Clock>) -> Result<Self, PortError> {
        let mut config = QdrantConfig::from_url(&options.url)
            .timeout(options.timeout)
            .connect_timeout(options.timeout)
            .skip_compatibility_check();
        if let Some(key) = &options.key {
            config = config.api_key(key.expose());
        }
        let client = Qdrant::new(config).map_err(|error| fault::corrupt(error.to_string()))?;
        Ok(Self {
            client,
            clock,
            collection: names::collection(&options),
            options,
            published: Published::default(),
        })
    }

    /// How many points pass a filter; counted, not estimated.
    async fn count_points(&self, filter: Filter) -> Result<u64, PortError> {
        let counted = self.client.count(qdrant_client::qdrant::CountPoints {
            collection_name: self.collection.clone(),
            filter: Some(filter),
            exact: Some(true),
            read_consistency: self.consistency(),
            ..Default::default()
        });
        let counted = counted.await.map_err(|error| fault::of(&error))?;
        Ok(counted.result.map_or(0, |result| result.count))
    }

    async fn counts(
        &self,
        tenant: &TenantId,
        document: &str,
        revision: &str,
    ) -> Result<Counts, PortError> {
        let asked = names::revision_key(tenant, document, revision);
        let stored = self.count_points(filters::passages_of(&asked)).await?;
        let known = self.document(tenant, document).await?;
        let retrievable = match known.and_then(|known| known.published) {
            None => 0,
            Some(key) if key == asked => stored,
            Some(key) => self.count_points(filters::passages_of(&key)).await?,
        };
        Ok(Counts {
            stored,
            retrievable,
        })
    }

    async fn of_chatbot(&self, tenant: &TenantId, chatbot: &str) -> Result<u64, PortError> {
        let published = self.published(tenant, chatbot).await?;
        let mut total = 0;
        for keys in published.keys.chunks(1_000) {
            total += self
                .count_points(filters::findable(tenant, chatbot, keys))
                .await?;
        }
        Ok(total)
    }
}

impl Search for QdrantSearch {
    fn stage<'a>(
        &'a self,
        tenant: &'a TenantId,
        revision: &'a Revision,
        passages: Vec<IndexedPassage>,
    ) -> BoxFuture<'a, Result<(), PortError>> {
        Box::pin(stage::stage(self, tenant, revision, passages))
    }

    fn publish<'a>(
        &'a self,
        tenant: &'a TenantId,
        revision: &'a Revision,
        version: i64,
    ) -> BoxFuture<'a, Result<bool, PortError>> {
        Box::pin(switch::publish(self, tenant, revision, version))
    }

    fn retire<'a>(
        &'a self,
        tenant: &'a TenantId,
        document: &'a str,
        version: i64,
    ) -> BoxFuture<'a, Result<bool, PortError>> {
        Box::pin(switch::retire(self, tenant, document, version))
    }

    fn count<'a>(
        &'a self,
        tenant: &'a TenantId,
        document: &'a str,
        revision: &'a str,
    ) -> BoxFuture<'a, Result<Counts, PortError>> {
        Box::pin(self.counts(tenant, document, revision))
    }

    fn count_chatbot<'a>(
        &'a self,
        tenant: &'a TenantId,
        chatbot: &'a str,
    ) -> BoxFuture<'a, Result<u64, PortError>> {
        Box::pin(self.of_chatbot(tenant, chatbot))
    }

    fn query<'a>(
        &'a self,
        tenant: &'a TenantId,
        query: &'a Query,
    ) -> BoxFuture<'a, Result<Vec<Hit>, PortError>> {
        Box::pin(query::query(self, tenant, query))
    }

    fn sweep(&self, before_ms: i64, limit: usize) -> BoxFuture<'_, Result<usize, PortError>> {
        Box::pin(sweep::sweep(self, before_ms, limit))
    }
}
