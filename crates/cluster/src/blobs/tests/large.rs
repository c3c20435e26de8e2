//! Content of several parts, and what is left of it.
use super::*;

fn bytes(length: usize, seed: u8) -> Bytes {
    (0..length)
        .map(|n| (n as u32).wrapping_mul(2_654_435_761).to_be_bytes()[0] ^ seed)
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_of_several_parts_comes_back_whole() {
    let blobs = open(&options());
    let wanted = bytes(2 * super::super::PART + 12_345, 1);
    let put = blobs.put(&acme(), "large", content(&wanted), PLENTY).await;
    assert_eq!(put.map(|blob| blob.size), Ok(wanted.len() as i64));
    let found = get(&blobs, "large").await.expect("gets");
    assert!(found == wanted, "it comes back");
    let keys = keys(&blobs).await;
    assert_eq!(keys.len(), 2, "an entry and its content: {keys:?}");
    assert_eq!(blobs.delete(&acme(), "large").await, Ok(()));
    assert_eq!(super::keys(&blobs).await, Vec::<String>::new(), "both go");
}

/// Of content that lost, that is the same again, that broke off, nothing is left but what is named.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_content_stays_that_no_entry_names() {
    let blobs = open(&S3Options {
        small: TINY,
        ..options()
    });
    let (one, other) = (bytes(300_000, 1), bytes(300_000, 2));
    let put = async |content: Content| blobs.put(&acme(), "a", content, PLENTY).await;
    let racing = futures::future::join(put(content(&one)), put(content(&other))).await;
    assert_eq!(
        [&racing.0, &racing.1]
            .iter()
            .filter(|put| put.is_ok())
            .count(),
        1
    );
    let kept = if racing.0.is_ok() { &one } else { &other };
    assert!(put(content(kept)).await.is_ok(), "the same again");
    let broken = Err(BlobError::BrokeOff("the line went dead".into()));
    let broken = content(&bytes(300_000, 3)).chain(stream::iter([broken]));
    let broken = blobs.put(&acme(), "b", broken.boxed(), PLENTY).await;
    assert!(matches!(broken, Err(BlobError::BrokeOff(_))));
    let too_large = blobs.put(&acme(), "c", content(&one), 200_000).await;
    assert_eq!(too_large, Err(BlobError::TooLarge { limit: 200_000 }));
    let keys = keys(&blobs).await;
    assert_eq!(keys.len(), 2, "one entry and its content: {keys:?}");
    assert!(get(&blobs, "a").await.is_ok_and(|found| found == *kept));
}

/// A process died between the content and the entry.
#[tokio::test]
async fn a_sweep_takes_only_content_that_no_entry_names() {
    use object_store::ObjectStoreExt;
    let blobs = open(&S3Options {
        small: TINY,
        ..options()
    });
    let kept = bytes(300_000, 1);
    let put = blobs.put(&acme(), "kept", content(&kept), PLENTY).await;
    assert!(put.is_ok());
    for id in ["kept", "never-entered"] {
        let key = blobs.keys.content(&acme(), id);
        let left = blobs.store.put(&key, bytes(10, 2).into()).await;
        assert!(left.is_ok());
    }
    assert_eq!(blobs.sweep(0, 10).await, Ok(0), "it was there since");
    // Of `kept` the content that it has, then what was left of another; then what was never entered.
    assert_eq!(blobs.sweep(i64::MAX, 2).await, Ok(1), "it looks at two");
    assert_eq!(keys(&blobs).await.len(), 3, "an entry and two contents");
    assert_eq!(blobs.sweep(i64::MAX, 2).await, Ok(1), "it goes on there");
    assert_eq!(blobs.sweep(i64::MAX, 10).await, Ok(0), "nothing is left");
    let key = blobs.keys.content(&acme(), "a");
    let left = blobs.store.put(&key, bytes(10, 2).into()).await;
    assert!(left.is_ok());
    assert_eq!(blobs.sweep(i64::MAX, 10).await, Ok(1), "it begins anew");
    assert!(get(&blobs, "kept").await.is_ok_and(|found| found == kept));
}
