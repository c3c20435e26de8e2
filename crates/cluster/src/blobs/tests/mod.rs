//! On a real server: `TROUPE_TEST_S3_URL` says where it is, as `http://127.0.0.1:9000/bucket`; `TROUPE_TEST_S3_KEY` and
//! `TROUPE_TEST_S3_SECRET` are its access key where it wants one.
mod large;
mod laws;
mod outages;

use super::{S3Blobs, S3Options};
use crate::secret::Secret;
use bytes::Bytes;
use events::TenantId;
use futures::stream::{self, StreamExt, TryStreamExt};
use runtime::ports::blobs::{BlobError, Blobs, Content};

/// More than any content here.
const PLENTY: u64 = 1 << 30;

/// Small enough that the laws' larger content is large.
const TINY: usize = 100_000;

/// A place of its own in the bucket, new and empty.
fn options() -> S3Options {
    let url = crate::servers::shared("TROUPE_TEST_S3_URL");
    let (endpoint, bucket) = url
        .trim_end_matches('/')
        .rsplit_once('/')
        .expect("an address and a bucket");
    let of = |name| std::env::var(name).unwrap_or_else(|_| "test".into());
    let key = |name| Secret::from(of(name));
    S3Options {
        key: Some((key("TROUPE_TEST_S3_KEY"), key("TROUPE_TEST_S3_SECRET"))),
        prefix: format!("test-{}/", uuid::Uuid::now_v7().simple()),
        ..S3Options::new(Some(endpoint), "us-east-1", bucket)
    }
}

fn open(options: &S3Options) -> S3Blobs {
    S3Blobs::open(options).expect("opens")
}

fn acme() -> TenantId {
    TenantId::new("acme").expect("a tenant")
}

/// In parts of a million bytes.
fn content(bytes: &Bytes) -> Content {
    let (bytes, step) = (bytes.clone(), 1_000_000);
    let parts = (0..bytes.len()).step_by(step);
    let part = move |at: usize| Ok(bytes.slice(at..bytes.len().min(at + step)));
    stream::iter(parts.map(part).collect::<Vec<_>>()).boxed()
}

async fn get(blobs: &S3Blobs, id: &str) -> Result<Vec<u8>, BlobError> {
    let parts: Vec<Bytes> = blobs.get(&acme(), id).await?.try_collect().await?;
    Ok(parts.concat())
}

/// Everything below the prefix, as the store lists it.
async fn keys(blobs: &S3Blobs) -> Vec<String> {
    use object_store::ObjectStore;
    let prefix = blobs.keys.contents();
    let base = object_store::path::Path::from(
        prefix
            .as_ref()
            .strip_suffix("/parts")
            .expect("it has a prefix"),
    );
    let listed: Vec<_> = blobs
        .store
        .list(Some(&base))
        .try_collect()
        .await
        .expect("lists");
    let key = |meta: object_store::ObjectMeta| meta.location.to_string();
    listed.into_iter().map(key).collect()
}
