//! The port's laws: with content of the entry's own, and with content that is sent in parts.
use super::*;
use runtime::testkit::conformance::blobs;
use std::sync::Arc;

async fn keeps_its_laws(small: usize) {
    blobs::all(async || {
        let options = S3Options { small, ..options() };
        blobs::BlobStores {
            one: Arc::new(open(&options)),
            other: Arc::new(open(&options)),
            keep: Box::new(()),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_blobs_keep_their_laws_on_s3() {
    keeps_its_laws(super::super::PART).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_blobs_keep_their_laws_on_s3_where_content_is_sent_in_parts() {
    keeps_its_laws(TINY).await;
}

#[tokio::test]
async fn ids_are_listed_whatever_the_prefix_and_the_page() {
    let blobs = open(&options());
    let ids = [
        "a", "a-b", "a.b", "a/1", "a/1/2", "a/10", "a/2", "ab", "b/1",
    ];
    for id in ids {
        let one = Bytes::from_static(b"x");
        blobs
            .put(&acme(), id, content(&one), PLENTY)
            .await
            .expect("puts");
    }
    for prefix in ["", "a", "a/", "a/1", "a/1/", "ab", "b", "c", "a//", "/"] {
        for after in ["", "a", "a/1", "a/1/2", "a/2", "z"] {
            for limit in [0, 1, 3, 100] {
                let listed = blobs.list(&acme(), prefix, after, limit).await;
                let wanted = ids
                    .iter()
                    .filter(|id| id.starts_with(prefix) && **id > after);
                let wanted: Vec<String> = wanted.take(limit).map(|id| (*id).into()).collect();
                assert_eq!(listed, Ok(wanted), "{prefix:?} after {after:?}, {limit}");
            }
        }
    }
}
