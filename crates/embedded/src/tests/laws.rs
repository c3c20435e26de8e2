//! The suites of the ports.
use super::support::{TestClock, options, topic};
use crate::{Embedded, Options};
use runtime::testkit::conformance::{blobs, engine, log, search, state};
use std::sync::Arc;

fn open() -> (Embedded, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let topics = log::TOPICS.map(|(name, partitions)| crate::TopicSpec {
        max_message_bytes: log::MAX_MESSAGE_BYTES,
        ..topic(name, partitions)
    });
    let options = Options {
        topics: topics.into(),
        ..options()
    };
    (
        Embedded::open(dir.path().join("troupe.db"), options).unwrap(),
        dir,
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_keeps_its_laws() {
    log::all(async || {
        let (file, dir) = open();
        log::Logs {
            one: file.log(),
            other: file.log(),
            state: file.state(),
            keep: Box::new(dir),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_state_keeps_its_laws() {
    state::all(async || {
        let (file, dir) = open();
        state::States {
            one: file.state(),
            other: file.state(),
            keep: Box::new(dir),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_blobs_keep_their_laws() {
    blobs::all(async || {
        let (file, dir) = open();
        blobs::BlobStores {
            one: file.blobs(),
            other: file.blobs(),
            keep: Box::new(dir),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_search_keeps_its_laws() {
    search::all(async || {
        let (file, dir) = open();
        let clock = Arc::new(TestClock::default());
        search::Searches {
            one: file.search(),
            other: file.search(),
            clock,
            keep: Box::new(dir),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_parked_comes_back_through_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let topics = engine::TOPICS.map(|(name, partitions)| topic(name, partitions));
    let options = Options {
        topics: topics.into(),
        ..options()
    };
    let file = Embedded::open(dir.path().join("troupe.db"), options).unwrap();
    engine::what_is_parked_comes_back(file.stores(), file.schemas()).await;
}
