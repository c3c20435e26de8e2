//! Large content, by tenant and id. Written once, never overwritten (O2).
use super::{BoxFuture, PortError};
use bytes::Bytes;
use events::{BlobRef, TenantId};
use futures::stream::BoxStream;

/// Why a blob could not be written or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// There is no such blob (any more).
    #[error("there is no blob {0}")]
    Missing(String),
    /// It grew over the limit while it was written; nothing is kept.
    #[error("larger than the {limit} bytes that are allowed")]
    TooLarge {
        /// In bytes.
        limit: u64,
    },
    /// The stream that should have given the content broke off; nothing is kept.
    #[error("the content broke off: {0}")]
    BrokeOff(String),
    /// The id is taken by other content.
    #[error("blob {0} exists with other content")]
    Exists(String),
    /// The store could not.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// Content on its way in or out, in chunks.
pub type Content = BoxStream<'static, Result<Bytes, BlobError>>;

/// The blob store.
pub trait Blobs: Send + Sync {
    /// Writes a blob of at most `limit` bytes. The same content again is fine; visible only when whole.
    fn put<'a>(
        &'a self,
        tenant: &'a TenantId,
        id: &'a str,
        content: Content,
        limit: u64,
    ) -> BoxFuture<'a, Result<BlobRef, BlobError>>;

    /// The content, whole blobs only.
    fn get<'a>(
        &'a self,
        tenant: &'a TenantId,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Content, BlobError>>;

    /// Removes it; fine if it is not there.
    fn delete<'a>(
        &'a self,
        tenant: &'a TenantId,
        id: &'a str,
    ) -> BoxFuture<'a, Result<(), BlobError>>;

    /// Up to `limit` ids that start with `prefix`, after `after`, in order.
    fn list<'a>(
        &'a self,
        tenant: &'a TenantId,
        prefix: &'a str,
        after: &'a str,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<String>, BlobError>>;

    /// Removes what writers left that died, of before `before_ms` (milliseconds since 1970); looks at `limit` pieces of it
    /// at most and goes on there the next time. Says how many it removed. No blob that can be read is among them. A store
    /// that keeps nothing of the kind has nothing to do.
    fn sweep(&self, before_ms: i64, limit: usize) -> BoxFuture<'_, Result<usize, PortError>> {
        let _nothing = (before_ms, limit);
        Box::pin(async { Ok(0) })
    }
}
