//! A clock, topics and a file in a temporary directory.
use crate::{Embedded, Options, TopicSpec};
use runtime::ports::clock::Clock;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The real time; ids that only count.
#[derive(Default)]
pub(crate) struct TestClock {
    ids: AtomicU64,
}
impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_millis() as i64
    }
    fn random(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&self.ids.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        bytes
    }
}

pub(crate) fn topic(name: &str, partitions: i32) -> TopicSpec {
    TopicSpec {
        name: name.into(),
        partitions,
        retention: None,
        max_message_bytes: 256 * 1024,
    }
}

pub(crate) fn options() -> Options {
    Options::new(
        Arc::new(TestClock::default()),
        vec![topic("input", 4), topic("output", 2)],
    )
}

/// A file that is gone with the value.
pub(crate) struct Temporary {
    pub embedded: Embedded,
    pub dir: tempfile::TempDir,
}

pub(crate) fn temporary() -> Temporary {
    let dir = tempfile::tempdir().unwrap();
    let embedded = Embedded::open(dir.path().join("troupe.db"), options()).unwrap();
    Temporary { embedded, dir }
}
