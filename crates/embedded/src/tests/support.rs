//! A clock, topics and a file in a temporary directory.
use crate::{Embedded, Options, TopicSpec};
use events::Headers;
use runtime::ports::clock::Clock;
use runtime::ports::log::{Happening, Joining, Lease, Log, Member, Message, Outgoing};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// A time that a test sets; ids that only count.
pub(crate) struct TestClock {
    pub now_ms: AtomicI64,
    ids: AtomicU64,
}
impl Default for TestClock {
    fn default() -> Self {
        Self {
            now_ms: AtomicI64::new(1_700_000_000_000),
            ids: AtomicU64::new(0),
        }
    }
}
impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::Relaxed)
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

/// A directory with a file; both are gone with the value.
pub(crate) struct Place {
    dir: tempfile::TempDir,
}
impl Place {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }
    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("troupe.db")
    }
    pub(crate) fn open(&self) -> Embedded {
        Embedded::open(self.path(), options()).unwrap()
    }
    /// A connection of the test's own.
    pub(crate) fn sql(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).unwrap()
    }
}

pub(crate) fn message(topic: &str, key: &str, payload: impl Into<Vec<u8>>) -> Outgoing {
    let payload = payload.into();
    Outgoing {
        topic: topic.into(),
        partition: None,
        key: key.to_owned().into(),
        headers: Headers::default(),
        payload: payload.into(),
    }
}

pub(crate) fn placed(topic: &str, partition: i32, payload: impl Into<Vec<u8>>) -> Outgoing {
    Outgoing {
        partition: Some(partition),
        ..message(topic, "acme/1", payload)
    }
}

/// Joins `input`, and waits for its four partitions.
pub(crate) async fn join(log: &Arc<dyn Log>, consumer: &str) -> (Arc<dyn Member>, Vec<Lease>) {
    let joining = Joining {
        consumer: consumer.into(),
        topic: "input".into(),
        from_first: true,
    };
    let member = log.join(joining).await.unwrap();
    let mut leases = vec![];
    while leases.len() < 4 {
        match member.next().await.unwrap() {
            Happening::Assigned { lease, .. } => leases.push(lease),
            other => panic!("{other:?} before all partitions are assigned"),
        }
    }
    (member, leases)
}

/// All of a partition.
pub(crate) async fn read_all(log: &Arc<dyn Log>, topic: &str, partition: i32) -> Vec<Message> {
    let mut all: Vec<Message> = vec![];
    loop {
        let from = all.last().map_or(0, |last| last.at.offset + 1);
        let more = log.read(topic, partition, from, 1_000).await.unwrap();
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}
