//! K1: where a partition begins.
use super::{Told, World, bootstrap, join, joining, placed, why_stopped, within};
use crate::log::{FirstCheckpoints, KafkaLog, Options};
use crate::settings::Kafka;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::producer::{BaseProducer, Producer};
use rdkafka::{Offset, TopicPartitionList};
use runtime::ports::log::{Checkpoint, Log, Publication};
use std::time::{Duration, Instant};

/// A client that is not ours, in the group's name.
fn stranger(group: &str) -> BaseConsumer {
    let mut config = Kafka::plaintext(bootstrap()).client();
    config.set("group.id", group).create().expect("a consumer")
}

fn offsets(topic: &str, offset: i64, text: &str) -> TopicPartitionList {
    let mut offsets = TopicPartitionList::new();
    let mut of = offsets.add_partition(topic, 0);
    of.set_offset(Offset::Offset(offset)).expect("an offset");
    of.set_metadata(text);
    offsets
}

fn checkpoint(watermark: i64, text: &str) -> Checkpoint {
    let text = text.to_owned();
    Checkpoint { watermark, text }
}

/// A topic of one partition with ten messages, whose consumer has committed offset 5.
async fn at_five(world: &World, group: &str) -> (KafkaLog, String) {
    let (topic, log) = (world.topic("in", 1, &[]).await, world.log().await);
    let ten = (0..10u8).map(|n| placed(&topic, 0, vec![n]));
    log.append(ten.collect()).await.expect("appends");
    let member = join(&log, group, &topic).await;
    let mut told = Told::default();
    let assigned = |told: &Told| !told.held.is_empty();
    told.until(&*member, "the partition", assigned).await;
    let publication = Publication {
        outgoing: vec![],
        checkpoints: vec![(told.held[&0], checkpoint(5, "five"))],
    };
    member.publish(publication).await.expect("publishes");
    within("leaving", member.leave()).await;
    (log, topic)
}

/// Someone dies in a transaction that holds a checkpoint; the group goes on at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkpoint_in_an_open_transaction_is_waited_for() {
    for commits in [false, true] {
        let world = World::new();
        let group = world.name("c");
        let (log, topic) = at_five(&world, &group).await;
        let mut config = Kafka::plaintext(bootstrap()).client();
        config
            .set("transactional.id", world.name("dies"))
            .set("transaction.timeout.ms", "3000");
        let producer: BaseProducer = config.create().expect("a producer");
        producer
            .init_transactions(Duration::from_secs(10))
            .expect("init");
        producer.begin_transaction().expect("begins");
        let metadata = stranger(&group).group_metadata().expect("a group");
        producer
            .send_offsets_to_transaction(
                &offsets(&topic, 8, "eight"),
                &metadata,
                Duration::from_secs(10),
            )
            .expect("offsets");
        let since = Instant::now();
        let member = join(&log, &group, &topic).await;
        let mut told = Told::default();
        let early = async {
            told.until(&*member, "nothing", |told| !told.held.is_empty())
                .await;
        };
        let early = tokio::time::timeout(Duration::from_secs(1), early).await;
        assert!(early.is_err(), "nobody knows yet where it begins");
        if commits {
            producer
                .commit_transaction(Duration::from_secs(10))
                .expect("commits");
        }
        let all = if commits { 2 } else { 5 };
        let fetched = |told: &Told| told.fetched.len() >= all;
        told.until(&*member, "its messages", fetched).await;
        let wanted = if commits {
            checkpoint(8, "eight")
        } else {
            assert!(
                since.elapsed() > Duration::from_secs(2),
                "it was waited for"
            );
            checkpoint(5, "five")
        };
        assert_eq!(told.checkpoints[&0], Some(wanted.clone()));
        assert_eq!(told.fetched[0].at.offset, wanted.watermark);
        within("leaving", member.leave()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_stranger_committed_is_handed_on_as_it_is() {
    let world = World::new();
    let group = world.name("c");
    let (log, topic) = at_five(&world, &group).await;
    for text in ["", "NO_METADATA", "\u{fffd}\u{0}{not ours"] {
        let foreign = offsets(&topic, 7, text);
        let stranger = stranger(&group);
        stranger
            .commit(&foreign, CommitMode::Sync)
            .expect("commits");
        let member = join(&log, &group, &topic).await;
        let mut told = Told::default();
        let fetched = |told: &Told| told.fetched.len() == 3;
        told.until(&*member, "its messages", fetched).await;
        assert_eq!(told.checkpoints[&0], Some(checkpoint(7, text)));
        within("leaving", member.leave()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_first_checkpoint_a_partition_stops_and_says_so() {
    let world = World::new();
    let topic = world.topic("in", 1, &[]).await;
    let group = world.name("c");
    let options = Options {
        first_checkpoints: FirstCheckpoints::Applied,
        ..world.options()
    };
    let log = KafkaLog::open(options).await.expect("opens");
    let three = (0..3u8).map(|n| placed(&topic, 0, vec![n]));
    log.append(three.collect()).await.expect("appends");
    let member = join(&log, &group, &topic).await;
    let why = why_stopped(&log).await;
    assert!(why.contains("troupe topics apply"), "{why}");
    // While it waits, its group takes commits of nobody who is not in it: it is applied while nobody runs.
    within("leaving", member.leave()).await;
    let stranger = stranger(&group);
    let first = offsets(&topic, 1, "");
    stranger.commit(&first, CommitMode::Sync).expect("commits");
    let member = join(&log, &group, &topic).await;
    let mut told = Told::default();
    let fetched = |told: &Told| told.fetched.len() == 2;
    told.until(&*member, "its messages", fetched).await;
    assert_eq!(told.checkpoints[&0], Some(checkpoint(1, "")));
    let health = log.health();
    assert_eq!(health[0].partitions[&0].stopped, None);
}

/// `auto.offset.reset=error`: retention, or a topic made anew, is never skipped over in silence.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offset_that_is_not_there_stops_the_partition() {
    let world = World::new();
    let group = world.name("c");
    let (log, topic) = at_five(&world, &group).await;
    let beyond = offsets(&topic, 1_000, "");
    let commits = stranger(&group);
    commits.commit(&beyond, CommitMode::Sync).expect("commits");
    let member = within("joining", log.join(joining(&group, &topic))).await;
    let member = member.expect("joins");
    let mut told = Told::default();
    let assigned = |told: &Told| !told.held.is_empty();
    told.until(&*member, "the partition", assigned).await;
    let why = why_stopped(&log).await;
    assert!(why.contains("1000"), "{why}");
    assert_eq!(told.fetched, [], "it begins nowhere else");
}
