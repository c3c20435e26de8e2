//! What a handler reaches of the world: the ports, already its tenant's (G4).
use crate::breaker::Breakers;
use crate::codec::Schemas;
use crate::emission::Emitter;
use crate::keys::Keys;
use crate::ports::blobs::{BlobError, Blobs, Content};
use crate::ports::clock::Clock;
use crate::ports::log::Log;
use crate::ports::search::{Counts, Hit, IndexedPassage, Query, Revision, Search};
use crate::ports::state::State;
use crate::view::View;
use crate::{Moment, Panicked, PortError};
use bytes::Bytes;
use events::{Addressed, BlobRef, TenantId};
use futures::StreamExt;
use std::sync::Arc;

/// The world of a process.
#[derive(Clone)]
pub struct Ports {
    /// The log.
    pub log: Arc<dyn Log>,
    /// The state.
    pub state: Arc<dyn State>,
    /// The search index.
    pub search: Arc<dyn Search>,
    /// The blob store.
    pub blobs: Arc<dyn Blobs>,
    /// Time and chance.
    pub clock: Arc<dyn Clock>,
    /// Schema ids.
    pub schemas: Arc<Schemas>,
    /// Keys of personal fields.
    pub keys: Arc<Keys>,
    /// One breaker a dependency.
    pub breakers: Breakers,
}

/// What is kept outside the process, as one implementation of the ports gives it.
pub struct Stores {
    /// The log.
    pub log: Arc<dyn Log>,
    /// The state.
    pub state: Arc<dyn State>,
    /// The search index.
    pub search: Arc<dyn Search>,
    /// The blob store.
    pub blobs: Arc<dyn Blobs>,
}

impl Ports {
    /// On these stores, with breakers and a cache of keys of its own.
    pub fn new(stores: Stores, schemas: Schemas, clock: Arc<dyn Clock>) -> Self {
        Self {
            log: stores.log,
            search: stores.search,
            blobs: stores.blobs,
            schemas: Arc::new(schemas),
            keys: Arc::new(Keys::new(stores.state.clone(), clock.clone())),
            breakers: Breakers::new(clock.clone()),
            state: stores.state,
            clock,
        }
    }
}

/// The largest blob that a handler may write or read whole, in bytes (256 MiB).
pub const MAX_WHOLE_BLOB: u64 = 256 << 20;

/// What a handler reaches of the world.
pub struct Context {
    /// Whose message it is, when, and who asked.
    pub moment: Moment,
    tenant: TenantId,
    ports: Arc<Ports>,
}

impl Context {
    /// For the runtime and the testkit.
    pub fn new(moment: Moment, tenant: TenantId, ports: impl Into<Arc<Ports>>) -> Self {
        Self {
            moment,
            tenant,
            ports: ports.into(),
        }
    }
    /// The tenant's blobs.
    pub fn blobs(&self) -> TenantBlobs<'_> {
        TenantBlobs {
            blobs: &*self.ports.blobs,
            tenant: &self.tenant,
        }
    }
    /// The tenant's index.
    pub fn search(&self) -> TenantSearch<'_> {
        TenantSearch {
            search: &*self.ports.search,
            tenant: &self.tenant,
        }
    }
    /// One breaker a dependency, shared with all that call it.
    pub fn breakers(&self) -> &Breakers {
        &self.ports.breakers
    }
    /// Milliseconds since 1970, now (not when the message came).
    pub fn now_ms(&self) -> i64 {
        self.ports.clock.now_ms()
    }

    /// The row of a view's key, merged from its partitions; the default if there is none.
    ///
    /// # Errors
    /// If State cannot be asked.
    pub async fn view<V: View>(
        &self,
        view: &V,
        name: &str,
        key: &str,
    ) -> Result<V::Row, PortError> {
        crate::queries::view_row(&self.ports, view, name, &self.tenant, key).await
    }

    /// Says something at once that nobody needs to keep: a delta of an answer. It is not exactly once, and
    /// it is said even if the handler then fails (H3).
    ///
    /// # Errors
    /// If the log cannot be asked.
    pub async fn say<A: Addressed>(&self, record: A) -> Result<(), PortError> {
        Emitter::new(&self.ports).say(&self.moment, record).await
    }

    /// Work that blocks or may panic: on a blocking thread, inline in the simulation; a panic is an error
    /// either way.
    ///
    /// # Errors
    /// [`Panicked`].
    pub async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Panicked> {
        let guarded = move || std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        let done = if self.ports.clock.inline() {
            guarded()
        } else {
            tokio::task::spawn_blocking(guarded)
                .await
                .map_err(|e| Panicked(e.to_string()))?
        };
        done.map_err(|panic| Panicked(panic_text(&*panic)))
    }
}

/// What a panic said.
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".into())
}

/// The blobs of one tenant.
pub struct TenantBlobs<'a> {
    blobs: &'a dyn Blobs,
    tenant: &'a TenantId,
}
impl TenantBlobs<'_> {
    /// The whole content.
    ///
    /// # Errors
    /// [`BlobError::Missing`], [`BlobError::TooLarge`], or the store's.
    pub async fn read(&self, id: &str) -> Result<Vec<u8>, BlobError> {
        let mut content = self.blobs.get(self.tenant, id).await?;
        let mut bytes = Vec::new();
        while let Some(chunk) = content.next().await {
            bytes.extend_from_slice(&chunk?);
            if bytes.len() as u64 > MAX_WHOLE_BLOB {
                return Err(BlobError::TooLarge {
                    limit: MAX_WHOLE_BLOB,
                });
            }
        }
        Ok(bytes)
    }
    /// Writes a blob; the same content again is fine.
    ///
    /// # Errors
    /// [`BlobError::Exists`] with other content, or the store's.
    pub async fn write(&self, id: &str, bytes: Vec<u8>) -> Result<BlobRef, BlobError> {
        let content: Content = futures::stream::iter([Ok(Bytes::from(bytes))]).boxed();
        self.blobs
            .put(self.tenant, id, content, MAX_WHOLE_BLOB)
            .await
    }
    /// Removes it; fine if it is not there.
    ///
    /// # Errors
    /// The store's.
    pub async fn delete(&self, id: &str) -> Result<(), BlobError> {
        self.blobs.delete(self.tenant, id).await
    }
    /// Up to `limit` ids that start with `prefix`, after `after`, in order.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<String>, BlobError> {
        self.blobs.list(self.tenant, prefix, after, limit).await
    }
}

/// The index of one tenant; see [`Search`] for what each call means.
pub struct TenantSearch<'a> {
    search: &'a dyn Search,
    tenant: &'a TenantId,
}
impl TenantSearch<'_> {
    /// See [`Search::stage`].
    ///
    /// # Errors
    /// The store's.
    pub async fn stage(
        &self,
        revision: &Revision,
        passages: Vec<IndexedPassage>,
    ) -> Result<(), PortError> {
        self.search.stage(self.tenant, revision, passages).await
    }
    /// See [`Search::publish`].
    ///
    /// # Errors
    /// The store's.
    pub async fn publish(&self, revision: &Revision, version: i64) -> Result<bool, PortError> {
        self.search.publish(self.tenant, revision, version).await
    }
    /// See [`Search::retire`].
    ///
    /// # Errors
    /// The store's.
    pub async fn retire(&self, document: &str, version: i64) -> Result<bool, PortError> {
        self.search.retire(self.tenant, document, version).await
    }
    /// See [`Search::count`].
    ///
    /// # Errors
    /// The store's.
    pub async fn count(&self, document: &str, revision: &str) -> Result<Counts, PortError> {
        self.search.count(self.tenant, document, revision).await
    }
    /// See [`Search::count_chatbot`].
    ///
    /// # Errors
    /// The store's.
    pub async fn count_chatbot(&self, chatbot: &str) -> Result<u64, PortError> {
        self.search.count_chatbot(self.tenant, chatbot).await
    }
    /// See [`Search::query`].
    ///
    /// # Errors
    /// The store's.
    pub async fn query(&self, query: &Query) -> Result<Vec<Hit>, PortError> {
        self.search.query(self.tenant, query).await
    }
}
