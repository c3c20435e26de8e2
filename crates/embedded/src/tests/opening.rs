//! Opening the file: one owner, no foreign file, no changed topic.
use super::support::{Place, options, placed, read_all, topic};
use crate::{Embedded, OpenError, Options};
use runtime::PortError;
use runtime::ports::log::Joining;

#[tokio::test]
async fn a_second_owner_is_refused_and_told_who_is_the_first() {
    let place = Place::new();
    let first = place.open();
    let refused = Embedded::open(place.path(), options()).err().unwrap();
    assert!(
        matches!(refused, OpenError::Owned { pid: Some(pid), .. } if pid == std::process::id())
    );
    assert!(
        refused
            .to_string()
            .contains(&format!("process {}", std::process::id())),
        "{refused}"
    );
    // Whatever still uses the file keeps it.
    let log = first.log();
    drop(first);
    assert!(matches!(
        Embedded::open(place.path(), options()),
        Err(OpenError::Owned { .. })
    ));
    log.append(vec![placed("input", 0, "x")]).await.unwrap();
    drop(log);
    assert_eq!(read_all(&place.open().log(), "input", 0).await.len(), 1);
}

#[tokio::test]
async fn a_reader_sees_what_the_owner_writes_and_changes_nothing() {
    let place = Place::new();
    let owner = place.open();
    owner
        .log()
        .append(vec![placed("input", 0, "before")])
        .await
        .unwrap();
    let reader = Embedded::open_readonly(place.path(), options()).unwrap();
    owner
        .log()
        .append(vec![placed("input", 0, "after")])
        .await
        .unwrap();
    assert_eq!(
        read_all(&reader.log(), "input", 0).await,
        read_all(&owner.log(), "input", 0).await
    );
    assert_eq!(reader.log().end("input", 0).await, Ok(2));
    assert_eq!(reader.topics().await, owner.topics().await);
    let refused = reader.log().append(vec![placed("input", 0, "x")]).await;
    assert!(
        matches!(refused, Err(PortError::Unreachable { port: "log", .. })),
        "{refused:?}"
    );
    assert!(reader.state().save(vec![]).await.is_err());
    assert!(reader.log().grown("input", 0, 0).await.is_err());
    let joining = Joining {
        consumer: "c".into(),
        topic: "input".into(),
        from_first: true,
    };
    assert!(reader.log().join(joining).await.is_err());
    // It reads on when the owner is gone.
    drop(owner);
    assert_eq!(read_all(&reader.log(), "input", 0).await.len(), 2);
}

#[test]
fn a_reader_needs_a_file() {
    let place = Place::new();
    assert!(matches!(
        Embedded::open_readonly(place.path(), options()),
        Err(OpenError::Sql(_))
    ));
    assert!(!place.path().exists(), "and makes none");
}

#[test]
fn a_file_of_something_else_or_of_a_newer_program_is_refused() {
    let place = Place::new();
    place.sql().execute_batch("CREATE TABLE theirs(x)").unwrap();
    assert!(matches!(
        Embedded::open(place.path(), options()),
        Err(OpenError::Foreign)
    ));
    let place = Place::new();
    drop(place.open());
    place.sql().pragma_update(None, "user_version", 99).unwrap();
    let refused = Embedded::open(place.path(), options()).err().unwrap();
    assert!(
        matches!(refused, OpenError::Newer { found: 99, .. }),
        "{refused}"
    );
    assert!(matches!(
        Embedded::open_readonly(place.path(), options()),
        Err(OpenError::Newer { .. })
    ));
    std::fs::write(
        place.path(),
        "not a database, but long enough to be taken for one".repeat(100),
    )
    .unwrap();
    assert!(matches!(
        Embedded::open(place.path(), options()),
        Err(OpenError::Sql(_))
    ));
}

#[tokio::test]
async fn partition_counts_never_change_and_topics_keep_their_life() {
    let place = Place::new();
    let before = place.open().topics().await.unwrap();
    let changed = Options {
        topics: vec![topic("input", 5)],
        ..options()
    };
    let refused = Embedded::open(place.path(), changed).err().unwrap();
    assert!(
        matches!(
            refused,
            OpenError::Partitions {
                found: 4,
                wanted: 5,
                ..
            }
        ),
        "{refused}"
    );
    // A topic that is not named stays; one that is new is added.
    let more = Options {
        topics: vec![topic("input", 4), topic("new", 1)],
        ..options()
    };
    let file = Embedded::open(place.path(), more).unwrap();
    let after = file.topics().await.unwrap();
    let ids = |topics: &[crate::TopicInfo]| {
        topics
            .iter()
            .map(|topic| topic.id.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        after.iter().map(|topic| &*topic.name).collect::<Vec<_>>(),
        ["input", "new", "output"]
    );
    assert_eq!(
        [ids(&after)[0].clone(), ids(&after)[2].clone()],
        ids(&before)[..]
    );
    let wrong = Options {
        topics: vec![topic("none", 0)],
        ..options()
    };
    drop(file);
    assert!(matches!(
        Embedded::open(place.path(), wrong),
        Err(OpenError::Topic { .. })
    ));
}
