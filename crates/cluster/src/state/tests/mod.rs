//! On a real server: `TROUPE_TEST_MONGODB_URL` says where it is.
mod laws;
mod outages;
mod owners;

use super::{MongoOptions, MongoState};
use runtime::ports::state::{Row, Save};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Where the server is.
fn server() -> String {
    crate::servers::shared("TROUPE_TEST_MONGODB_URL")
}

/// A database of its own, new and empty.
fn database() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("test-{}-{next}", uuid::Uuid::now_v7().simple())
}

async fn open(url: &str, database: &str, timeout: Duration) -> MongoState {
    let options = MongoOptions {
        timeout,
        ..MongoOptions::new(url, database)
    };
    MongoState::open(&options).await.expect("opens")
}

fn save(id: &str, expected: u64, body: &str) -> Save {
    Save {
        collection: "c".into(),
        id: id.into(),
        expected,
        row: Some(Row {
            version: expected + 1,
            partition: -1,
            body: body.into(),
            ..Row::default()
        }),
    }
}
