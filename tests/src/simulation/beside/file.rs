//! The file of the embedded half (M1, M2).
use super::unless;
use embedded::{Embedded, OpenError, Options, TopicSpec};
use events::map::TopicMap;
use runtime::testkit::sim::{Sim, SimOptions};
use tempfile::TempDir;

/// `synchronous=FULL`, as SQLite counts it.
const FULL: i64 = 2;

fn options() -> Options {
    let topics = TopicMap::embedded().topics().map(|topic| TopicSpec {
        name: topic.name.clone(),
        partitions: topic.partitions,
        retention: None,
        max_message_bytes: 300 * 1024,
    });
    let clock = Sim::new(0, SimOptions::calm()).outside("owner").clock();
    Options::new(clock, topics.collect())
}

/// M1: somebody opens a file that has an owner. Whoever takes no heed of the lock might as well remove it.
pub(super) fn a_second_owner(broken: bool) -> Vec<String> {
    let place = TempDir::new().expect("a directory");
    let path = place.path().join("troupe.db");
    let first = Embedded::open(&path, options()).expect("nobody has it");
    if broken {
        std::fs::remove_file(place.path().join("troupe.db.lock")).expect("the lock is there");
    }
    let second = Embedded::open(&path, options());
    let refused = matches!(second, Err(OpenError::Owned { .. }));
    drop((first, second));
    unless(refused, || "two processes own the file".to_owned())
}

/// M2: nobody can pull the plug here, so the connection that commits is asked what it waits for.
pub(super) async fn what_a_commit_waits_for(broken: bool) -> Vec<String> {
    let place = TempDir::new().expect("a directory");
    let options = Options {
        hasty: broken,
        ..options()
    };
    let file = Embedded::open(place.path().join("troupe.db"), options).expect("nobody has it");
    let synchronous = file.synchronous().await.expect("it answers");
    unless(synchronous == FULL, || {
        format!("synchronous={synchronous}: what is acknowledged may be gone after a power cut")
    })
}
