//! What the simulated cluster promises, one sentence a test.
mod conformance;
mod storm;

use super::*;
use crate::ports::log::{
    Checkpoint, Happening, Joining, Lease, Member, Outgoing, Publication, PublishError,
};
use crate::ports::search::{IndexedPassage, Query, Revision};
use crate::ports::state::{Save, Saved};
use events::{Headers, TenantId};
use futures::StreamExt;

/// A world that runs on paused time.
fn simulate<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.expect("a runtime").block_on(work)
}

fn world(seed: u64, options: SimOptions) -> Sim {
    let sim = Sim::new(seed, options);
    sim.topic(SimTopic::new("in", 4));
    sim.topic(SimTopic::new("out", 2));
    sim
}

fn message(topic: &str, key: &str) -> Outgoing {
    let headers = Headers(vec![("ce_id".to_owned(), key.as_bytes().to_vec())]);
    Outgoing {
        topic: topic.into(),
        partition: None,
        key: key.as_bytes().to_vec().into(),
        headers,
        payload: vec![0, 1, 2].into(),
    }
}

fn joining(from_first: bool) -> Joining {
    Joining {
        consumer: "c".into(),
        topic: "in".into(),
        from_first,
    }
}

async fn join(process: &SimProcess) -> Arc<dyn Member> {
    process.log().join(joining(true)).await.expect("joins")
}

async fn leases(member: &Arc<dyn Member>, count: usize) -> Vec<Lease> {
    let mut leases = Vec::new();
    while leases.len() < count {
        if let Happening::Assigned { lease, .. } = member.next().await.expect("something happens") {
            leases.push(lease);
        }
    }
    leases
}

fn publication(lease: Lease, watermark: i64, keys: &[&str]) -> Publication {
    Publication {
        outgoing: keys.iter().map(|key| message("out", key).into()).collect(),
        checkpoints: vec![(
            lease,
            Checkpoint {
                watermark,
                text: "text".to_owned(),
            },
        )],
    }
}

#[test]
fn a_killed_process_never_hears_again_and_is_missed_after_its_session() {
    simulate(async {
        let sim = world(1, SimOptions::calm());
        let (a, b) = (sim.process("a"), sim.process("b"));
        let first = join(&a).await;
        leases(&first, 4).await;
        sim.crash("a");
        assert!(a.is_dead());
        let (log, quiet) = (a.log(), Duration::from_secs(60));
        assert!(tokio::time::timeout(quiet, log.end("in", 0)).await.is_err());
        let second = join(&b).await;
        leases(&second, 4).await;
        assert_eq!(sim.owners("c"), vec![Some("b".to_owned()); 4]);
    });
}

#[test]
fn partitions_move_when_a_member_joins_and_when_it_leaves() {
    simulate(async {
        let sim = world(1, SimOptions::calm());
        let (first, second) = (join(&sim.process("a")).await, join(&sim.process("b")).await);
        let began = tokio::time::Instant::now();
        let shared = leases(&second, 2).await;
        assert!(shared.iter().all(|lease| lease.assignment == 1));
        second.leave().await;
        loop {
            if let Happening::Assigned { lease, .. } = first.next().await.expect("happens")
                && sim
                    .owners("c")
                    .iter()
                    .all(|owner| owner.as_deref() == Some("a"))
                && shared
                    .iter()
                    .any(|other| other.partition == lease.partition)
            {
                break;
            }
        }
        assert!(
            began.elapsed() < Duration::from_secs(6),
            "leaving needs no session to run out"
        );
    });
}

#[test]
fn a_frozen_publication_of_a_zombie_is_fenced() {
    simulate(async {
        let sim = world(1, SimOptions::calm());
        let (a, b) = (sim.process("a"), sim.process("b"));
        let member = join(&a).await;
        let lease = leases(&member, 4).await[0];
        sim.stop_at("a", sim.writes("a") + 1, Side::Before);
        let frozen = tokio::spawn({
            let member = member.clone();
            async move { member.publish(publication(lease, 1, &["t/1"])).await }
        });
        leases(&join(&b).await, 4).await;
        sim.resume("a");
        assert_eq!(
            frozen.await.expect("ends"),
            Err(PublishError::Fenced(vec![lease]))
        );
        assert!(sim.messages("out").is_empty());
        assert_eq!(
            member.committed(lease).await,
            Err(PublishError::Fenced(vec![lease]))
        );
        let happening = member.next().await.expect("happens");
        assert!(matches!(happening, Happening::Revoked(_)), "{happening:?}");
    });
}

#[test]
fn a_process_dies_before_or_after_a_write() {
    for (side, there) in [(Side::Before, 0), (Side::After, 1)] {
        simulate(async {
            let sim = world(1, SimOptions::calm());
            let a = sim.process("a");
            sim.crash_at("a", 2, side);
            let log = a.log();
            let work = a.spawn(async move {
                log.append(vec![message("in", "t/1")])
                    .await
                    .expect("appends");
                log.append(vec![message("out", "t/2")])
                    .await
                    .expect("never returns");
            });
            assert_eq!(work.await.expect("ends"), None);
            assert_eq!(
                (sim.messages("in").len(), sim.messages("out").len()),
                (1, there)
            );
        });
    }
}

#[test]
fn an_open_transaction_hides_what_is_behind_it_and_holds_back_its_partition() {
    let mut seen = [false; 2];
    for seed in 0..40 {
        let committed = simulate(async {
            let sim = world(
                seed,
                SimOptions {
                    unknown: 1000,
                    ..SimOptions::calm()
                },
            );
            let (a, b) = (sim.process("a"), sim.process("b"));
            let member = join(&a).await;
            let lease = leases(&member, 4).await[0];
            let outcome = member.publish(publication(lease, 1, &["t/1"])).await;
            assert!(matches!(outcome, Err(PublishError::Unknown(_))));
            if !sim.history().contains("stays open") {
                return None;
            }
            let behind = Outgoing {
                partition: Some(events::id::partition_of(b"t/1", 2)),
                ..message("out", "t/2")
            };
            sim.outside("x")
                .log()
                .append(vec![behind])
                .await
                .expect("appends");
            assert!(sim.messages("out").is_empty());
            let other = join(&b).await;
            sim.crash("a");
            loop {
                let happening = other.next().await.expect("happens");
                if let Happening::Assigned {
                    lease: taken,
                    checkpoint,
                    ..
                } = happening
                    && taken.partition == lease.partition
                {
                    assert_eq!(checkpoint.is_some() as usize + 1, sim.messages("out").len());
                    return Some(checkpoint.is_some());
                }
            }
        });
        if let Some(committed) = committed {
            seen[usize::from(committed)] = true;
        }
    }
    assert_eq!(seen, [true; 2], "both outcomes happen");
}

#[test]
fn a_consumer_that_begins_with_new_messages_has_a_checkpoint_at_once() {
    simulate(async {
        let sim = world(1, SimOptions::calm());
        let a = sim.process("a");
        a.log()
            .append((0..20).map(|n| message("in", &format!("t/{n}"))).collect())
            .await
            .expect("appends");
        let member = a.log().join(joining(false)).await.expect("joins");
        for _ in 0..4 {
            let Happening::Assigned {
                lease, checkpoint, ..
            } = member.next().await.expect("happens")
            else {
                panic!()
            };
            let end = a.log().end("in", lease.partition).await.expect("an end");
            assert_eq!(
                checkpoint,
                Some(Checkpoint {
                    watermark: end,
                    text: String::new()
                })
            );
        }
    });
}

#[test]
fn a_save_is_lost_to_another_version_and_unanswered_saves_may_have_been_done() {
    simulate(async {
        let sim = world(1, SimOptions::calm());
        let state = sim.process("a").state();
        let row = |version| {
            Some(Row {
                version,
                partition: 3,
                wake_at_ms: Some(7),
                ..Row::default()
            })
        };
        let save = |id: &str, expected| Save {
            collection: "x".to_owned(),
            id: id.to_owned(),
            expected,
            row: row(expected + 1),
        };
        assert_eq!(
            state.save(vec![save("t/1", 0), save("t/2", 1)]).await,
            Ok(vec![Saved::Done, Saved::Lost])
        );
        assert_eq!(
            state.save(vec![save("t/1", 0), save("t/1", 1)]).await,
            Ok(vec![Saved::Lost, Saved::Done])
        );
        assert_eq!(state.due("x", 3, 9).await.expect("due").len(), 1);
        assert_eq!(state.scan("x", "t/", "t/", 9).await.expect("rows").len(), 1);
        sim.set_options(SimOptions {
            fail_after: 1000,
            ..SimOptions::calm()
        });
        let saves = (10..50).map(|n| save(&format!("t/{n}"), 0)).collect();
        assert!(state.save(saves).await.is_err());
        let done = sim.rows("x").len();
        assert!((2..41).contains(&done), "{done} of 41 rows");
    });
}

#[test]
fn the_index_switches_by_version_and_shows_published_revisions_only() {
    simulate(async {
        let sim = world(1, SimOptions::calm());
        let search = sim.process("a").search();
        let tenant = TenantId::new("t").expect("a tenant");
        let revision = |revision: &str| Revision {
            chatbot: "bot".into(),
            document: "d".into(),
            name: "D".into(),
            revision: revision.into(),
        };
        let passage = IndexedPassage {
            ordinal: 0,
            text: "Warm fish".into(),
            heading: String::new(),
            page: None,
            vector: vec![1.0],
        };
        let query = Query {
            chatbot: "bot".into(),
            text: "fish".into(),
            vector: vec![],
            limit: 5,
        };
        search
            .stage(&tenant, &revision("r1"), vec![passage.clone()])
            .await
            .expect("stages");
        assert!(
            search
                .query(&tenant, &query)
                .await
                .expect("hits")
                .is_empty()
        );
        assert_eq!(search.publish(&tenant, &revision("r1"), 2).await, Ok(true));
        assert_eq!(
            search.publish(&tenant, &revision("r0"), 1).await,
            Ok(false),
            "a zombie's"
        );
        let hits = search.query(&tenant, &query).await.expect("hits");
        assert_eq!((hits.len(), hits[0].text_rank), (1, Some(1)));
        assert_eq!(search.retire(&tenant, "d", 3).await, Ok(true));
        assert_eq!(search.count_chatbot(&tenant, "bot").await, Ok(0));
        search
            .stage(&tenant, &revision("r1"), vec![passage])
            .await
            .expect("stages");
        assert_eq!(search.publish(&tenant, &revision("r1"), 2).await, Ok(false));
        assert_eq!(search.sweep(i64::MAX, 10).await, Ok(1));
    });
}

#[test]
fn a_blob_is_written_once() {
    simulate(async {
        let sim = world(1, SimOptions::calm());
        let blobs = sim.process("a").blobs();
        let tenant = TenantId::new("t").expect("a tenant");
        let content =
            |text: &'static str| futures::stream::iter([Ok(bytes::Bytes::from(text))]).boxed();
        let put = blobs
            .put(&tenant, "a/1", content("hello"), 5)
            .await
            .expect("written");
        assert_eq!(
            blobs.put(&tenant, "a/1", content("hello"), 5).await,
            Ok(put)
        );
        assert!(
            blobs
                .put(&tenant, "a/1", content("other"), 5)
                .await
                .is_err()
        );
        assert!(
            blobs
                .put(&tenant, "a/2", content("longer"), 5)
                .await
                .is_err()
        );
        let chunks: Vec<_> = blobs
            .get(&tenant, "a/1")
            .await
            .expect("there")
            .collect()
            .await;
        let whole: Vec<u8> = chunks
            .into_iter()
            .flat_map(|chunk| chunk.expect("a chunk"))
            .collect();
        assert_eq!(whole, b"hello");
        assert_eq!(
            blobs.list(&tenant, "a/", "", 9).await,
            Ok(vec!["a/1".to_owned()])
        );
    });
}

#[test]
fn a_clock_may_step_back_and_sleeps_until_its_process_is_continued() {
    simulate(async {
        let sim = world(
            1,
            SimOptions {
                step_back: 1000,
                ..SimOptions::calm()
            },
        );
        let clock = sim.process("a").clock();
        let (first, second) = (clock.now_ms(), clock.now_ms());
        assert!(second < first, "{first} {second}");
        assert_ne!(clock.random(), clock.random());
        sim.stop("a");
        let slept = tokio::spawn(clock.sleep(Duration::from_secs(1)));
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(!slept.is_finished());
        sim.resume("a");
        slept.await.expect("wakes");
    });
}
