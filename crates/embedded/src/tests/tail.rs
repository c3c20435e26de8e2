//! The log where memory ends and the file begins, and where messages are swept.
use super::support::{Place, TestClock, join, message, options, placed, read_all, topic};
use crate::{Embedded, Options, TopicSpec};
use runtime::PortError;
use runtime::ports::log::{Checkpoint, Happening, Publication};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

#[tokio::test]
async fn a_backlog_larger_than_memory_comes_from_the_file() {
    let place = Place::new();
    let file = place.open();
    let (member, _) = join(&file.log(), "c").await;
    // 20 MB, of which 8 are kept in memory.
    for n in 0..40u32 {
        let batch = (0..5).map(|m| {
            placed(
                "input",
                1,
                [&(n * 5 + m).to_be_bytes()[..], &[7; 100_000]].concat(),
            )
        });
        file.log().append(batch.collect()).await.unwrap();
    }
    let (mut next, mut largest) = (0u32, 0);
    while next < 200 {
        let Happening::Fetched(_, messages) = member.next().await.unwrap() else {
            panic!()
        };
        largest = largest.max(messages.iter().map(|message| message.payload.len()).sum());
        for message in messages {
            assert_eq!(message.payload[..4], next.to_be_bytes());
            next += 1;
        }
    }
    assert!(largest < 5 << 20, "a fetch is bounded: {largest}");
}

#[tokio::test]
async fn a_member_that_is_dropped_gives_its_partitions_back() {
    let place = Place::new();
    let file = place.open();
    let (first, _) = join(&file.log(), "c").await;
    drop(first);
    join(&file.log(), "c").await;
}

#[tokio::test]
async fn what_cannot_be_appended_is_refused_before_it_harms_anybody() {
    let place = Place::new();
    let log = place.open().log();
    let wrong = [
        message("absent", "acme/1", "x"),
        placed("input", 4, "x"),
        placed("input", -1, "x"),
        message("input", "", "no key"),
        placed("input", 0, vec![0; 256 * 1024]),
    ];
    for wrong in wrong {
        let refused = log
            .append(vec![placed("input", 0, "beside it"), wrong.clone()])
            .await;
        assert!(
            matches!(refused, Err(PortError::Unreachable { port: "log", .. })),
            "{wrong:?}: {refused:?}"
        );
    }
    assert_eq!(log.end("input", 0).await, Ok(0), "nothing of it was done");
    assert_eq!(log.append(vec![]).await, Ok(vec![]));
}

#[tokio::test]
async fn retention_sweeps_what_everybody_has_done() {
    let place = Place::new();
    let clock = Arc::new(TestClock::default());
    let keeping = TopicSpec {
        retention: Some(Duration::from_millis(1_000)),
        ..topic("input", 4)
    };
    let options = || Options {
        clock: clock.clone(),
        topics: vec![keeping.clone(), topic("output", 2)],
        ..options()
    };
    let file = Embedded::open(place.path(), options()).unwrap();
    let (member, leases) = join(&file.log(), "c").await;
    for n in 0..1_200u32 {
        // 600 old ones, 600 new ones.
        let at = if n == 600 { 5_000 } else { 0 };
        clock.now_ms.fetch_add(at, Ordering::Relaxed);
        file.log()
            .append(vec![placed("input", 0, n.to_be_bytes())])
            .await
            .unwrap();
        file.log()
            .append(vec![placed("output", 0, n.to_be_bytes())])
            .await
            .unwrap();
    }
    let now = clock.now_ms.load(Ordering::Relaxed);
    let commit = async |watermark| {
        let checkpoint = Checkpoint {
            watermark,
            text: String::new(),
        };
        let publication = Publication {
            outgoing: vec![],
            checkpoints: vec![(leases[0], checkpoint)],
        };
        member.publish(publication).await.unwrap();
    };
    commit(10).await;
    assert_eq!(file.sweep_log(now).await, Ok(10), "what is not done stays");
    commit(1_200).await;
    assert_eq!(file.sweep_log(now).await, Ok(590), "what is old goes");
    let left = read_all(&file.log(), "input", 0).await;
    assert_eq!(left.first().map(|message| message.at.offset), Some(600));
    assert_eq!(
        read_all(&file.log(), "output", 0).await.len(),
        1_200,
        "for ever is for ever"
    );
    // When all is gone, offsets go on.
    assert_eq!(file.sweep_log(now + 10_000).await, Ok(600));
    assert_eq!(read_all(&file.log(), "input", 0).await, []);
    drop((member, file));
    let file = Embedded::open(place.path(), options()).unwrap();
    assert_eq!(file.log().end("input", 0).await, Ok(1_200));
    let log = file.log();
    let mut growing = std::pin::pin!(log.grown("input", 0, 0));
    assert!(
        futures::poll!(&mut growing).is_pending(),
        "there is nothing"
    );
    let places = log.append(vec![placed("input", 0, "x")]).await.unwrap();
    assert_eq!(places[0].offset, 1_200);
    growing.await.unwrap();
    assert_eq!(file.topics().await.unwrap()[0].partitions[0].start, 1_200);
}
