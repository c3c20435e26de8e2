//! The laws of the blob store.
use super::{Keep, within};
use crate::ports::PortError;
use crate::ports::blobs::{BlobError, Blobs, Content};
use bytes::Bytes;
use events::{BlobRef, TenantId};
use futures::stream::{self, StreamExt};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use tokio::sync::mpsc;

/// A new, empty world.
pub struct BlobStores {
    /// A process.
    pub one: Arc<dyn Blobs>,
    /// Another process of the same world, or the same.
    pub other: Arc<dyn Blobs>,
    /// As long as the law runs.
    pub keep: Keep,
}

/// Every law. `make` gives a new world each time.
///
/// # Panics
/// If a law is broken.
pub async fn all(make: impl AsyncFn() -> BlobStores) {
    a_blob_comes_back_whole(make().await).await;
    it_is_visible_only_when_it_is_whole(make().await).await;
    the_limit_is_kept_to_the_byte(make().await).await;
    content_that_breaks_off_leaves_nothing(make().await).await;
    a_put_that_is_given_up_leaves_nothing(make().await).await;
    the_same_content_again_is_fine_and_other_content_is_not(make().await).await;
    of_two_that_race_one_is_kept(make().await).await;
    what_is_deleted_is_gone(make().await).await;
    ids_are_listed_in_order_by_pages(make().await).await;
    no_tenant_sees_another_ones_blobs(make().await).await;
}

/// More than any content here.
const PLENTY: u64 = 1 << 30;

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).expect("a tenant")
}

fn bytes(length: usize, seed: u8) -> Vec<u8> {
    (0..length)
        .map(|n| (n as u32).wrapping_mul(2_654_435_761).to_be_bytes()[0] ^ seed)
        .collect()
}

/// In parts of `size`.
fn content(bytes: &[u8], size: usize) -> Content {
    let parts: Vec<_> = bytes
        .chunks(size)
        .map(|part| Ok(Bytes::copy_from_slice(part)))
        .collect();
    stream::iter(parts).boxed()
}

/// Breaks off after `bytes`.
fn broken(bytes: &[u8]) -> Content {
    let error = Err(BlobError::BrokeOff("the line went dead".into()));
    content(bytes, 1_000).chain(stream::iter([error])).boxed()
}

async fn put(store: &Arc<dyn Blobs>, id: &str, bytes: &[u8]) -> Result<BlobRef, BlobError> {
    store
        .put(&tenant("acme"), id, content(bytes, 10_000), PLENTY)
        .await
}

async fn get(store: &Arc<dyn Blobs>, id: &str) -> Result<Vec<u8>, BlobError> {
    let mut content = store.get(&tenant("acme"), id).await?;
    let mut all = vec![];
    while let Some(part) = content.next().await {
        all.extend_from_slice(&part?);
    }
    Ok(all)
}

async fn assert_missing(store: &Arc<dyn Blobs>, id: &str) {
    let found = get(store, id).await.map(|bytes| bytes.len());
    assert_eq!(found, Err(BlobError::Missing(id.to_owned())));
    let listed = store.list(&tenant("acme"), id, "", 10).await;
    assert_eq!(listed, Ok(vec![]), "{id} is not listed");
}

/// # Panics
/// If the law is broken.
pub async fn a_blob_comes_back_whole(world: BlobStores) {
    let chunk = 256 * 1024;
    for length in [0, 1, 1_000, chunk - 1, chunk, chunk + 1, 3 * chunk + 17] {
        for size in [1_000, 7_777, 1 << 20] {
            let (id, wanted) = (format!("uploads/{length}/{size}.pdf"), bytes(length, 1));
            let put = world
                .one
                .put(&tenant("acme"), &id, content(&wanted, size), PLENTY)
                .await;
            let sha256: String = Sha256::digest(&wanted)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            assert_eq!(
                put,
                Ok(BlobRef {
                    id: id.clone(),
                    size: length as i64,
                    sha256
                })
            );
            let found = get(&world.other, &id).await;
            assert!(found.is_ok_and(|found| found == wanted), "{id} comes back");
        }
    }
}

/// # Panics
/// If the law is broken.
pub async fn it_is_visible_only_when_it_is_whole(world: BlobStores) {
    let (parts, mut queue) = mpsc::channel::<Bytes>(1);
    let slow = stream::poll_fn(move |cx| queue.poll_recv(cx))
        .map(Ok)
        .boxed();
    let acme = tenant("acme");
    let putting = world.one.put(&acme, "slow", slow, PLENTY);
    let feeding = async {
        for _ in 0..20 {
            let part = Bytes::from(bytes(100_000, 2));
            parts.send(part).await.expect("it is still taken in");
            assert_missing(&world.other, "slow").await;
        }
        drop(parts);
    };
    let (put, ()) = within("the blob", futures::future::join(putting, feeding)).await;
    assert_eq!(put.map(|blob| blob.size), Ok(2_000_000));
    assert_eq!(
        get(&world.other, "slow").await.map(|found| found.len()),
        Ok(2_000_000)
    );
}

/// # Panics
/// If the law is broken.
pub async fn the_limit_is_kept_to_the_byte(world: BlobStores) {
    let acme = tenant("acme");
    for length in [1_000usize, 600_000] {
        let (fits, limit) = (bytes(length, 3), length as u64);
        let put = world
            .one
            .put(&acme, &format!("fits/{length}"), content(&fits, 999), limit)
            .await;
        assert!(put.is_ok(), "exactly the limit fits: {put:?}");
        let more = bytes(length + 1, 3);
        let put = world
            .one
            .put(&acme, "more", content(&more, 999), limit)
            .await;
        assert_eq!(put, Err(BlobError::TooLarge { limit }));
        assert_missing(&world.other, "more").await;
    }
}

/// # Panics
/// If the law is broken.
pub async fn content_that_breaks_off_leaves_nothing(world: BlobStores) {
    for length in [0, 1_000, 600_000] {
        let put = world
            .one
            .put(&tenant("acme"), "broken", broken(&bytes(length, 4)), PLENTY)
            .await;
        assert_eq!(put, Err(BlobError::BrokeOff("the line went dead".into())));
        assert_missing(&world.other, "broken").await;
    }
    let other = bytes(600_000, 5);
    assert!(
        put(&world.one, "broken", &other).await.is_ok(),
        "the id is free"
    );
    assert!(
        get(&world.other, "broken")
            .await
            .is_ok_and(|found| found == other)
    );
}

/// # Panics
/// If the law is broken.
pub async fn a_put_that_is_given_up_leaves_nothing(world: BlobStores) {
    let acme = tenant("acme");
    let (parts, mut queue) = mpsc::channel::<Bytes>(1);
    let slow = stream::poll_fn(move |cx| queue.poll_recv(cx))
        .map(Ok)
        .boxed();
    let putting = world.one.put(&acme, "given-up", slow, PLENTY);
    let feeding = async {
        for _ in 0..10 {
            parts
                .send(Bytes::from(bytes(100_000, 6)))
                .await
                .expect("it is still taken in");
        }
    };
    let given_up = async {
        tokio::select! {
            put = putting => panic!("it cannot be whole: {put:?}"),
            () = feeding => {}
        }
    };
    within("giving up", given_up).await;
    assert_missing(&world.other, "given-up").await;
    assert!(
        put(&world.one, "given-up", b"other").await.is_ok(),
        "the id is free"
    );
}

/// # Panics
/// If the law is broken.
pub async fn the_same_content_again_is_fine_and_other_content_is_not(world: BlobStores) {
    for length in [10, 600_000] {
        let (id, wanted) = (format!("same/{length}"), bytes(length, 7));
        let first = put(&world.one, &id, &wanted).await;
        assert!(first.is_ok());
        assert_eq!(
            put(&world.other, &id, &wanted).await,
            first,
            "the same again"
        );
        let mut changed = wanted.clone();
        changed[length - 1] ^= 1;
        for other in [&changed[..], &wanted[..length - 1], b""] {
            assert_eq!(
                put(&world.other, &id, other).await,
                Err(BlobError::Exists(id.clone()))
            );
        }
        assert!(
            get(&world.one, &id)
                .await
                .is_ok_and(|found| found == wanted),
            "it is as it was"
        );
    }
}

/// # Panics
/// If the law is broken.
pub async fn of_two_that_race_one_is_kept(world: BlobStores) {
    for round in 0..5 {
        let id = format!("race/{round}");
        let (a, b) = (bytes(300_000, 8), bytes(300_000, 9));
        let racing = futures::future::join(put(&world.one, &id, &a), put(&world.other, &id, &b));
        let (of_a, of_b) = within("both", racing).await;
        let wanted = match (&of_a, &of_b) {
            (Ok(_), Err(BlobError::Exists(_))) => a,
            (Err(BlobError::Exists(_)), Ok(_)) => b,
            other => panic!("exactly one is kept: {other:?}"),
        };
        assert!(
            get(&world.one, &id)
                .await
                .is_ok_and(|found| found == wanted),
            "the one that was told so"
        );
    }
}

/// # Panics
/// If the law is broken.
pub async fn what_is_deleted_is_gone(world: BlobStores) {
    let acme = tenant("acme");
    assert_eq!(
        world.one.delete(&acme, "none").await,
        Ok(()),
        "fine if it is not there"
    );
    put(&world.one, "gone", &bytes(600_000, 10))
        .await
        .expect("puts");
    assert_eq!(world.other.delete(&acme, "gone").await, Ok(()));
    assert_missing(&world.one, "gone").await;
    assert_eq!(world.one.delete(&acme, "gone").await, Ok(()));
    assert!(
        put(&world.one, "gone", b"new").await.is_ok(),
        "the id is free"
    );
    assert_eq!(get(&world.other, "gone").await, Ok(b"new".to_vec()));
}

/// # Panics
/// If the law is broken.
pub async fn ids_are_listed_in_order_by_pages(world: BlobStores) {
    let acme = tenant("acme");
    let mut wanted: Vec<_> = (0..25).map(|n| format!("documents/{n}")).collect();
    for id in wanted
        .iter()
        .map(String::as_str)
        .chain(["document", "documents-/1", "other/1"])
    {
        put(&world.one, id, b"x").await.expect("puts");
    }
    wanted.sort_unstable();
    let mut found: Vec<String> = vec![];
    loop {
        let after = found.last().cloned().unwrap_or_default();
        let page = world
            .other
            .list(&acme, "documents/", &after, 10)
            .await
            .expect("lists");
        assert!(page.len() <= 10);
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    assert_eq!(found, wanted);
    let all: Result<Vec<_>, PortError> =
        Ok(world.one.list(&acme, "", "", 100).await.expect("lists"));
    assert_eq!(all.map(|all| all.len()), Ok(28));
}

/// # Panics
/// If the law is broken.
pub async fn no_tenant_sees_another_ones_blobs(world: BlobStores) {
    let (acme, other) = (tenant("acme"), tenant("acme-2"));
    put(&world.one, "mine", b"mine").await.expect("puts");
    let missing = Err(BlobError::Missing("mine".into()));
    assert_eq!(world.one.get(&other, "mine").await.map(|_| ()), missing);
    assert_eq!(world.one.list(&other, "", "", 10).await, Ok(vec![]));
    assert_eq!(world.one.delete(&other, "mine").await, Ok(()));
    let theirs = world
        .one
        .put(&other, "mine", content(b"theirs", 3), PLENTY)
        .await;
    assert!(theirs.is_ok(), "ids are per tenant: {theirs:?}");
    assert_eq!(get(&world.other, "mine").await, Ok(b"mine".to_vec()));
    assert_eq!(
        world.one.list(&acme, "", "", 10).await,
        Ok(vec!["mine".to_owned()])
    );
}
