//! Blobs on an S3-compatible store.
//!
//! A blob is an *entry* at `<prefix>blobs/<tenant>/<id>`, written once: under the condition that it is not there. Small
//! content is the entry's own. Large content is sent in parts to a key of its own under `<prefix>parts/`, and then named by
//! an entry: so it is visible only when it is whole, and of two that race one is kept. The store must know
//! `If-None-Match: *` on PUT, as AWS, MinIO, Ceph and R2 do.
//!
//! What a process left when it died (content that no entry names) is removed by [`Blobs::sweep`]; uploads that were not
//! even completed are the store's to remove, by a lifecycle rule (`AbortIncompleteMultipartUpload`).
mod entry;
mod fault;
mod keys;
mod list;
mod put;
#[cfg(all(test, feature = "servers"))]
mod tests;

use crate::secret::Secret;
use events::{BlobRef, TenantId};
use futures::stream::StreamExt;
use keys::Keys;
use object_store::aws::{AmazonS3, AmazonS3Builder, S3ConditionalPut};
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStoreExt, RetryConfig};
use runtime::ports::blobs::{BlobError, Blobs, Content};
use runtime::{BoxFuture, PortError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Bytes of a part of large content; S3 wants 5 MiB at least.
pub const PART: usize = 8 << 20;

/// Where blobs are, and how long it may take.
#[derive(Clone, Debug)]
pub struct S3Options {
    /// The store's address; `None` for AWS. With `http://` nothing is encrypted: for stores on this machine.
    pub endpoint: Option<String>,
    /// Its region.
    pub region: String,
    /// The bucket; it must be there.
    pub bucket: String,
    /// What all keys begin with: empty, or ending in `/`.
    pub prefix: String,
    /// Id and secret of the access key; `None`: whatever the machine is given by its surroundings.
    pub key: Option<(Secret, Secret)>,
    /// How long the store may be silent, and how long a call is tried again.
    pub timeout: Duration,
    /// Content up to so many bytes is an entry's own; held in memory while it arrives.
    pub small: usize,
}

impl S3Options {
    /// With the defaults: no prefix, the machine's own credentials, 20 seconds, small is up to [`PART`].
    pub fn new(endpoint: Option<&str>, region: &str, bucket: &str) -> Self {
        Self {
            endpoint: endpoint.map(str::to_owned),
            region: region.to_owned(),
            bucket: bucket.to_owned(),
            prefix: String::new(),
            key: None,
            timeout: Duration::from_secs(20),
            small: PART,
        }
    }

    fn client(&self) -> Result<AmazonS3, object_store::Error> {
        let builder = match &self.key {
            Some((id, secret)) => AmazonS3Builder::new()
                .with_access_key_id(id.expose())
                .with_secret_access_key(secret.expose()),
            None => AmazonS3Builder::from_env(),
        };
        let client = ClientOptions::new()
            .with_connect_timeout(self.timeout)
            .with_read_timeout(self.timeout)
            .with_timeout_disabled();
        let builder = builder
            .with_region(&self.region)
            .with_bucket_name(&self.bucket)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_client_options(client)
            .with_retry(RetryConfig {
                max_retries: 3,
                retry_timeout: self.timeout,
                ..RetryConfig::default()
            });
        let builder = match &self.endpoint {
            Some(endpoint) => builder
                .with_allow_http(endpoint.starts_with("http://"))
                .with_endpoint(endpoint),
            None => builder,
        };
        builder.build()
    }
}

/// The port on an S3-compatible store.
pub struct S3Blobs {
    store: Arc<AmazonS3>,
    keys: Keys,
    small: usize,
    /// Where the last sweep stopped; absent: at the end.
    swept_to: Mutex<Option<Path>>,
}

impl S3Blobs {
    /// Reads the options; the store is asked when it is needed first.
    ///
    /// # Errors
    /// If no client can be made of them.
    pub fn open(options: &S3Options) -> Result<Self, PortError> {
        let store = options.client().map_err(|error| PortError::Corrupt {
            port: "blobs",
            why: format!("the store's settings: {error}"),
        })?;
        Ok(Self {
            store: Arc::new(store),
            keys: Keys::under(&options.prefix)?,
            small: options.small,
            swept_to: Mutex::default(),
        })
    }

    /// Asks the store for a sign of life: whether the bucket can be read.
    ///
    /// # Errors
    /// If it cannot.
    pub async fn ping(&self) -> Result<(), PortError> {
        use object_store::ObjectStore;
        match self.store.list(None).next().await {
            None | Some(Ok(_)) => Ok(()),
            Some(Err(error)) => Err(fault::of(&error)),
        }
    }
}

impl Blobs for S3Blobs {
    fn put<'a>(
        &'a self,
        tenant: &'a TenantId,
        id: &'a str,
        content: Content,
        limit: u64,
    ) -> BoxFuture<'a, Result<BlobRef, BlobError>> {
        Box::pin(put::put(self, tenant, id, content, limit))
    }

    fn get<'a>(
        &'a self,
        tenant: &'a TenantId,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Content, BlobError>> {
        Box::pin(async move {
            let missing = || BlobError::Missing(id.to_owned());
            let key = self.keys.entry(tenant, id).ok_or_else(missing)?;
            let missing_or = |error| fault::of_blob(id, &error);
            let mut found = self.store.get(&key).await.map_err(missing_or)?;
            if let Some(elsewhere) = entry::content(&found.attributes)? {
                found = self.store.get(&elsewhere).await.map_err(missing_or)?;
            }
            let id = id.to_owned();
            let parts = found.into_stream();
            Ok(parts
                .map(move |part| part.map_err(|error| fault::of_blob(&id, &error)))
                .boxed())
        })
    }

    fn delete<'a>(
        &'a self,
        tenant: &'a TenantId,
        id: &'a str,
    ) -> BoxFuture<'a, Result<(), BlobError>> {
        Box::pin(async move {
            let Some(key) = self.keys.entry(tenant, id) else {
                return Ok(());
            };
            let Some(found) = entry::look(&self.store, &key).await? else {
                return Ok(());
            };
            // The entry first: what no entry names is swept.
            for key in [Some(key), found.content].into_iter().flatten() {
                match self.store.delete(&key).await {
                    Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                    Err(error) => return Err(fault::of(&error).into()),
                }
            }
            Ok(())
        })
    }

    fn list<'a>(
        &'a self,
        tenant: &'a TenantId,
        prefix: &'a str,
        after: &'a str,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<String>, BlobError>> {
        Box::pin(list::list(self, tenant, prefix, after, limit))
    }

    fn sweep(&self, before_ms: i64, limit: usize) -> BoxFuture<'_, Result<usize, PortError>> {
        Box::pin(self.sweep_contents(before_ms, limit))
    }
}
