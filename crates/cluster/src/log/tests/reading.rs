//! H1, H3: reading by hand.
use super::{World, bootstrap, placed, within};
use crate::log::{KafkaLog, Options};
use crate::settings::Kafka;
use futures::FutureExt;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use runtime::ports::log::Log;
use std::time::Duration;

/// H3: an open transaction freezes who reads committed messages, and nobody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deltas_do_not_wait_for_transactions_and_replies_do() {
    let world = World::new();
    let (deltas, replies) = (
        world.topic("deltas", 1, &[]).await,
        world.topic("replies", 1, &[]).await,
    );
    let options = Options {
        read_uncommitted: [deltas.clone()].into(),
        ..world.options()
    };
    let log = KafkaLog::open(options).await.expect("opens");
    let mut config = Kafka::plaintext(bootstrap()).client();
    config.set("transactional.id", world.name("open"));
    let producer: BaseProducer = config.create().expect("a producer");
    let bound = Duration::from_secs(10);
    producer.init_transactions(bound).expect("init");
    producer.begin_transaction().expect("begins");
    for topic in [&deltas, &replies] {
        let record = BaseRecord::<[u8], [u8]>::to(topic)
            .partition(0)
            .payload(b"open");
        producer.send(record).map_err(|(e, _)| e).expect("sends");
    }
    producer.flush(bound).expect("is on the log");
    for topic in [&deltas, &replies] {
        let behind = log.append(vec![placed(topic, 0, "behind")]).await;
        assert_eq!(behind.expect("appends")[0].offset, 1);
    }
    within("the delta", log.grown(&deltas, 0, 1))
        .await
        .expect("grows");
    let read = log.read(&deltas, 0, 0, 10).await.expect("reads");
    let payloads: Vec<_> = read.iter().map(|m| &m.payload[..]).collect();
    assert_eq!(payloads, [b"open".as_slice(), b"behind"]);
    assert_eq!(log.end(&deltas, 0).await, Ok(2));

    assert_eq!(log.end(&replies, 0).await, Ok(0), "the last stable offset");
    assert_eq!(log.read(&replies, 0, 0, 10).await, Ok(vec![]));
    let mut growing = log.grown(&replies, 0, 0);
    assert!((&mut growing).now_or_never().is_none());
    producer.abort_transaction(bound).expect("aborts");
    within("what stands behind it", growing)
        .await
        .expect("grows");
    let read = log.read(&replies, 0, 0, 10).await.expect("reads");
    let payloads: Vec<_> = read.iter().map(|m| &m.payload[..]).collect();
    assert_eq!(payloads, [b"behind"], "what was aborted never was");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_from_before_what_is_kept_is_answered_from_the_log() {
    let world = World::new();
    let (topic, log) = (world.topic("replies", 1, &[]).await, world.log().await);
    let of = |from: u32| (from..from + 1_000).map(|n| placed(&topic, 0, n.to_be_bytes()));
    log.append(of(0).collect()).await.expect("appends");
    // From here on it is followed.
    let growing = log.grown(&topic, 0, 1_000);
    let (grown, appended) =
        tokio::join!(within("growth", growing), log.append(of(1_000).collect()));
    grown.expect("grows");
    appended.expect("appends");
    for from in [0, 999, 1_000, 1_500] {
        within("what is there", log.grown(&topic, 0, from))
            .await
            .expect("grows");
        let read = log.read(&topic, 0, from, 3).await.expect("reads");
        let offsets: Vec<_> = read.iter().map(|message| message.at.offset).collect();
        assert_eq!(offsets, [from, from + 1, from + 2]);
    }
    assert!(log.grown(&topic, 0, 2_000).now_or_never().is_none());
    let nowhere = log.read(&topic, 1, 0, 1).await;
    assert!(nowhere.is_err(), "there is no partition 1");
}

/// A header's name need not be text: outsiders write them, and rdkafka would panic.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_that_hold_zero_bytes_are_refused_before_rdkafka_panics() {
    let world = World::new();
    let (topic, log) = (world.topic("in", 1, &[]).await, world.log().await);
    let mut message = placed(&topic, 0, "x");
    message.headers.0.push(("a\0b".to_owned(), vec![]));
    assert!(log.append(vec![message]).await.is_err());
    assert_eq!(log.end(&topic, 0).await, Ok(0), "nothing was appended");
}
