//! K3, K4: one transaction after the other.
use super::copying::copies;
use super::{Told, World, all_of, join, placed};
use crate::log::OVERHEAD;
use futures::FutureExt;
use runtime::ports::log::{Checkpoint, Happening, Log, Publication, PublishError};
use std::time::{Duration, Instant};

fn checkpoint(watermark: i64) -> Checkpoint {
    let text = format!("at {watermark}");
    Checkpoint { watermark, text }
}

/// K4: one delivery that is refused aborts the whole transaction, and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_delivery_leaves_nothing_and_names_its_message() {
    let world = World::new();
    let (input, small) = (
        world.topic("in", 1, &[]).await,
        world
            .topic("small", 2, &[("max.message.bytes", "2000")])
            .await,
    );
    let log = world.log().await;
    assert_eq!(log.max_message_bytes(&small), 2_000 - OVERHEAD);
    let member = join(&log, &world.name("c"), &input).await;
    let mut told = Told::default();
    let assigned = |told: &Told| !told.held.is_empty();
    told.until(&*member, "the partition", assigned).await;
    let lease = told.held[&0];
    let of = |payloads: [usize; 3], watermark| Publication {
        outgoing: (0..3)
            .map(|n| {
                let payload = vec![7; payloads[usize::try_from(n).unwrap()]];
                placed(&small, n % 2, payload).into()
            })
            .collect(),
        checkpoints: vec![(lease, checkpoint(watermark))],
    };
    let refused = member.publish(of([10, 5_000, 10], 1)).await;
    let Err(PublishError::Refused { index: 1, why }) = refused else {
        panic!("{refused:?}")
    };
    assert!(why.contains(&small), "{why}");
    let missing = Publication {
        outgoing: vec![placed(&small, 2, "x").into()],
        checkpoints: vec![(lease, checkpoint(2))],
    };
    let refused = member.publish(missing).await;
    assert!(
        matches!(refused, Err(PublishError::Refused { index: 0, .. })),
        "there is no partition 2: {refused:?}"
    );
    let absent = Publication {
        outgoing: vec![placed(&world.name("absent"), 0, "x").into()],
        checkpoints: vec![(lease, checkpoint(2))],
    };
    let refused = member.publish(absent).await;
    assert!(
        matches!(refused, Err(PublishError::Refused { index: 0, .. })),
        "there is no such topic: {refused:?}"
    );
    assert_eq!(member.committed(lease).await, Ok(None), "no checkpoint");
    assert_eq!(member.publish(of([10, 20, 30], 3)).await, Ok(()));
    assert_eq!(member.committed(lease).await, Ok(Some(checkpoint(3))));
    let sizes = |messages: Vec<runtime::ports::log::Message>| {
        let each = messages.into_iter().map(|m| m.payload.len());
        each.collect::<Vec<_>>()
    };
    assert_eq!(sizes(all_of(&log, &small, 0).await), [10, 30]);
    assert_eq!(sizes(all_of(&log, &small, 1).await), [20]);
}

/// The order of calls matters: the wrong one costs 102 ms, since commit then flushes in steps of 100.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_at_idle_takes_milliseconds() {
    let world = World::new();
    let (input, output) = (
        world.topic("in", 1, &[]).await,
        world.topic("out", 4, &[]).await,
    );
    let log = world.log().await;
    let member = join(&log, &world.name("c"), &input).await;
    let mut told = Told::default();
    let assigned = |told: &Told| !told.held.is_empty();
    told.until(&*member, "the partition", assigned).await;
    let mut took: Vec<Duration> = vec![];
    for n in 0..60 {
        let publication = Publication {
            outgoing: vec![placed(&output, n % 4, vec![1; 512]).into()],
            checkpoints: vec![(told.held[&0], checkpoint(n.into()))],
        };
        let since = Instant::now();
        member.publish(publication).await.expect("publishes");
        took.push(since.elapsed());
        // Idle is who has nothing of the last transaction left to write: its markers are there.
        let ends = i64::from(n / 4 + 1) * 2;
        while log.end(&output, n % 4).await.expect("answers") < ends {}
        let kept = member.committed(told.held[&0]).await;
        assert_eq!(kept, Ok(Some(checkpoint(n.into()))));
    }
    took.sort();
    let (median, worst) = (took[took.len() / 2], took[took.len() - 1]);
    eprintln!("a commit at idle: p50 {median:?}, worst {worst:?}");
    assert!(median < Duration::from_millis(40), "{median:?}");
}

/// A message of 2 MB passes where its topics take it, and stops nobody where one does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_of_two_megabytes_goes_its_way_and_stops_nobody() {
    const LARGE: usize = 2 << 20;
    let world = World::new();
    let takes = |bytes: &'static str| [("max.message.bytes", bytes)];
    let input = world.topic("in", 1, &takes("3000000")).await;
    let dead = world.topic("dead", 1, &takes("6000000")).await;
    let small = world.topic("small", 1, &takes("1000000")).await;
    let log = world.log().await;
    let sizes = [10, LARGE, 20];
    for size in sizes {
        let message = placed(&input, 0, vec![7; size]);
        log.append(vec![message]).await.expect("appends");
    }
    let member = join(&log, &world.name("c"), &input).await;
    let mut told = Told::default();
    let fetched = |told: &Told| told.fetched.len() == sizes.len();
    told.until(&*member, "all three", fetched).await;
    let lease = told.held[&0];
    let refused = member.publish(copies(lease, &told.fetched, &small)).await;
    assert!(
        matches!(refused, Err(PublishError::Refused { index: 1, .. })),
        "{refused:?}"
    );
    let published = member.publish(copies(lease, &told.fetched, &dead)).await;
    assert_eq!(published, Ok(()));
    let found = all_of(&log, &dead, 0).await;
    assert_eq!(
        found.iter().map(|m| m.payload.len()).collect::<Vec<_>>(),
        sizes
    );
    assert_eq!(all_of(&log, &small, 0).await, [], "nothing of that batch");
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.and_then(|n| n.parse().ok()).expect("a number")
}

/// Whatever is there goes into one transaction; what a backlog takes in memory does not depend on its length.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_is_copied_in_bounded_memory() {
    const MESSAGES: usize = 60_000;
    let world = World::new();
    let (input, output) = (
        world.topic("in", 4, &[]).await,
        world.topic("out", 4, &[]).await,
    );
    let log = world.log().await;
    for _ in 0..MESSAGES / 2_000 {
        let some = (0..2_000).map(|n| placed(&input, n % 4, vec![1; 512]));
        log.append(some.collect()).await.expect("appends");
    }
    let before = resident_kib();
    let member = join(&log, &world.name("c"), &input).await;
    let (mut copied, mut commits, mut most) = (0, 0, 0);
    let mut since = None;
    super::within("the copy", async {
        while copied < MESSAGES {
            let mut publication = Publication::default();
            let mut next = Some(member.next().await);
            while let Some(happening) = next.take() {
                if let Ok(Happening::Fetched(lease, messages)) = happening {
                    since.get_or_insert_with(Instant::now);
                    let copies = copies(lease, &messages, &output);
                    publication.outgoing.extend(copies.outgoing);
                    publication.checkpoints.retain(|(of, _)| *of != lease);
                    publication.checkpoints.extend(copies.checkpoints);
                }
                if publication.outgoing.len() < 4_000 {
                    next = member.next().now_or_never();
                }
            }
            copied += publication.outgoing.len();
            commits += 1;
            member.publish(publication).await.expect("publishes");
            most = most.max(resident_kib());
        }
    })
    .await;
    let took = since.expect("something came").elapsed().as_secs_f64();
    #[allow(clippy::cast_precision_loss)] // a figure to look at
    let rate = MESSAGES as f64 / took;
    eprintln!(
        "copied {rate:.0} messages/s in {commits} commits; {before} KiB before, {most} KiB at most"
    );
    // The backlog itself is 30 MiB.
    assert!(most - before < 80 << 10, "{before} KiB, then {most} KiB");
}
