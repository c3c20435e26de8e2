//! Lines that break, processes that freeze, brokers that restart.
use super::copying::{check, copy, publish};
use super::line::{Broker, Line};
use super::{Told, all_of, joining, placed, within};
use crate::log::{Bounds, FirstCheckpoints, KafkaLog, Options};
use crate::settings::Kafka;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseProducer, Producer};
use runtime::ports::log::{Checkpoint, Log, Member, Outgoing, Publication, PublishError};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

fn options(bootstrap: &str) -> Options {
    Options {
        first_checkpoints: FirstCheckpoints::Made,
        bounds: Bounds {
            transaction: Duration::from_secs(2),
            ..Bounds::default()
        },
        ..Options::new(Kafka::plaintext(bootstrap), "faults")
    }
}

async fn topics(broker: &Broker, names: &[(&str, i32)]) {
    let config = Kafka::plaintext(&broker.direct).client();
    let admin: AdminClient<DefaultClientContext> = config.create().expect("a client");
    let topics = names
        .iter()
        .map(|(name, partitions)| NewTopic::new(name, *partitions, TopicReplication::Fixed(1)));
    let topics: Vec<_> = topics.collect();
    let created = admin.create_topics(&topics, &AdminOptions::new()).await;
    for created in created.expect("the broker answers") {
        created.expect("is created");
    }
    let there = || {
        let metadata = admin.inner().fetch_metadata(None, Duration::from_secs(10));
        let metadata = metadata.expect("the broker answers");
        names.iter().all(|(name, partitions)| {
            let mut all = metadata.topics().iter();
            all.any(|t| {
                let led = t.partitions().iter().filter(|p| p.leader() >= 0);
                t.name() == *name && i32::try_from(led.count()) == Ok(*partitions)
            })
        })
    };
    while !there() {
        tokio::task::yield_now().await;
    }
}

fn publication(told: &Told, watermark: i64, output: &str) -> Publication {
    // As the engine writes it: somebody has the partition, and it was not given back (C5).
    let text = format!("2 {watermark} 0 1^0 ");
    let checkpoint = Checkpoint { watermark, text };
    Publication {
        outgoing: vec![placed("out", 0, output).into()],
        checkpoints: vec![(told.held[&0], checkpoint)],
    }
}

async fn outputs(log: &KafkaLog, enough: usize) -> Vec<String> {
    let all = within("the outputs", async {
        loop {
            let all = all_of(log, "out", 0).await;
            if all.len() >= enough {
                return all;
            }
            let next = all.last().map_or(0, |last| last.at.offset + 1);
            log.grown("out", 0, next).await.expect("grows");
        }
    })
    .await;
    let texts = all.into_iter().map(|m| String::from_utf8(m.payload.into()));
    texts.collect::<Result<_, _>>().expect("text")
}

/// Until no transaction is open on the output any more. Each look asks the broker.
async fn given_up(broker: &Broker) {
    let open = Options {
        read_uncommitted: ["out".to_owned()].into(),
        ..options(&broker.direct)
    };
    let open = KafkaLog::open(open).await.expect("opens");
    let closed = KafkaLog::open(options(&broker.direct))
        .await
        .expect("opens");
    within("the broker's patience", async {
        while closed.end("out", 0).await != open.end("out", 0).await {}
    })
    .await;
}

async fn assigned(log: &KafkaLog) -> (Arc<dyn Member>, Told) {
    let member = log.join(joining("c", "in")).await.expect("joins");
    let mut told = Told::default();
    let held = |told: &Told| !told.held.is_empty();
    told.until(&*member, "the partition", held).await;
    (member, told)
}

/// K3: the same id, initialised again, settles what is in doubt; what is read back says how.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_in_doubt_is_settled_by_the_same_id_and_read_back() {
    let broker = Broker::start().await;
    topics(&broker, &[("in", 1), ("out", 1)]).await;
    let log = KafkaLog::open(options(&broker.through))
        .await
        .expect("opens");
    let checker = KafkaLog::open(options(&broker.direct))
        .await
        .expect("opens");
    let (member, told) = assigned(&log).await;
    let zero = publication(&told, 0, "zero");
    assert_eq!(member.publish(zero.clone()).await, Ok(()));

    // The answer is lost: librdkafka asks again on another connection.
    broker.set(Line::EndsUnanswered);
    let one = publication(&told, 1, "one");
    let asking = tokio::spawn({
        let (member, one) = (member.clone(), one.clone());
        async move { publish(&*member, &one).await }
    });
    broker.ended(1).await;
    broker.set(Line::Open);
    let published = within("an end", asking).await.expect("no panic");
    assert!(published);
    let committed = member.committed(told.held[&0]).await;
    assert_eq!(committed, Ok(Some(one.checkpoints[0].1.clone())));

    // The question is lost, until the broker has given the transaction up.
    broker.set(Line::EndsLost);
    let two = publication(&told, 2, "two");
    let asking = tokio::spawn({
        let (member, two) = (member.clone(), two.clone());
        async move { member.publish(two).await }
    });
    broker.ended(2).await;
    given_up(&broker).await;
    broker.set(Line::Open);
    let published = within("an end", asking).await.expect("no panic");
    assert!(
        matches!(published, Err(PublishError::Unknown(_))),
        "nobody knows: {published:?}"
    );
    let committed = within("the truth", member.committed(told.held[&0])).await;
    let before = Ok(Some(one.checkpoints[0].1.clone()));
    assert_eq!(committed, before, "it did not take place");
    let of_two = two.checkpoints[0].1.clone();
    assert_eq!(member.publish(two).await, Ok(()), "and never will");
    assert_eq!(member.committed(told.held[&0]).await, Ok(Some(of_two)));

    assert_eq!(outputs(&checker, 3).await, ["zero", "one", "two"]);
}

/// K3: nobody ever says that it took place, and it did.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_took_place_and_ended_unknown_is_found_out_and_not_done_twice() {
    let broker = Broker::start().await;
    topics(&broker, &[("in", 1), ("out", 1)]).await;
    let log = KafkaLog::open(options(&broker.through))
        .await
        .expect("opens");
    let checker = KafkaLog::open(options(&broker.direct))
        .await
        .expect("opens");
    let (member, told) = assigned(&log).await;
    let lease = told.held[&0];
    let zero = publication(&told, 0, "zero");
    assert_eq!(member.publish(zero).await, Ok(()));

    broker.set(Line::EndsUnanswered);
    let one = publication(&told, 1, "one");
    let asking = tokio::spawn({
        let (member, one) = (member.clone(), one.clone());
        async move { member.publish(one).await }
    });
    broker.ended(1).await;
    // Whatever is asked again is not heard, so that nobody says that it took place. It did.
    broker.set(Line::EndsLost);
    assert_eq!(outputs(&checker, 2).await, ["zero", "one"]);
    // A producer that is not the last of its id is told so, and nothing else: that is the end of its question.
    let id = broker.whose("faults.c.");
    let direct = broker.direct.clone();
    let initialised = tokio::task::spawn_blocking(move || {
        let mut config = Kafka::plaintext(&direct).client();
        let producer: BaseProducer = config.set("transactional.id", &id).create()?;
        producer.init_transactions(Duration::from_secs(20))
    });
    let initialised = initialised.await.expect("no panic");
    initialised.expect("it is initialised");
    broker.set(Line::Open);
    let published = within("an end", asking).await.expect("no panic");
    assert!(
        matches!(published, Err(PublishError::Unknown(_))),
        "nobody knows: {published:?}"
    );

    let committed = within("the truth", member.committed(lease)).await;
    let of_one = one.checkpoints[0].1.clone();
    assert_eq!(committed, Ok(Some(of_one)), "it took place");
    let two = publication(&told, 2, "two");
    assert!(publish(&*member, &two).await, "it goes on");
    assert_eq!(outputs(&checker, 3).await, ["zero", "one", "two"]);
}

/// K2: a process that is stopped for longer than its session is somebody else's, whatever it had begun.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_zombie_publishes_nothing() {
    let broker = Broker::start().await;
    topics(&broker, &[("in", 1), ("out", 1)]).await;
    let log = KafkaLog::open(options(&broker.through))
        .await
        .expect("opens");
    let other = KafkaLog::open(options(&broker.direct))
        .await
        .expect("opens");
    let (zombie, mut told) = assigned(&log).await;
    let first = publication(&told, 1, "first");
    assert_eq!(zombie.publish(first.clone()).await, Ok(()));

    broker.set(Line::Frozen);
    let late = tokio::spawn({
        let (zombie, late) = (zombie.clone(), publication(&told, 2, "of the zombie"));
        async move { zombie.publish(late).await }
    });
    let (heir, heirs) = assigned(&other).await;
    let found = heirs.checkpoints[&0].as_ref();
    assert_eq!(found, Some(&first.checkpoints[0].1), "it counts as a death");
    let second = publication(&heirs, 2, "of the heir");
    assert_eq!(heir.publish(second.clone()).await, Ok(()));
    broker.set(Line::Open);
    let late = within("the zombie's end", late).await.expect("no panic");
    assert!(late.is_err(), "{late:?}");
    let again = zombie.publish(publication(&told, 3, "again")).await;
    assert!(again.is_err(), "{again:?}");
    let revoked = |told: &Told| told.held.is_empty();
    told.until(&*zombie, "the news", revoked).await;
    assert_eq!(outputs(&other, 2).await, ["first", "of the heir"]);
    let committed = heir.committed(heirs.held[&0]).await;
    assert_eq!(committed, Ok(Some(second.checkpoints[0].1.clone())));
}

/// A broker that dies and comes back loses nothing, and neither do we.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_restarts_stops_nothing_for_ever() {
    let mut broker = Broker::start().await;
    topics(&broker, &[("in", 4), ("out", 3)]).await;
    let log = KafkaLog::open(options(&broker.direct))
        .await
        .expect("opens");
    let (stop, stopped) = watch::channel(false);
    let member = log.join(joining("c", "in")).await.expect("joins");
    let copying = tokio::spawn(async move {
        copy(&*member, "out", stopped, None).await;
        member.leave().await;
    });
    let mut sent: BTreeMap<Vec<u8>, Vec<Vec<u8>>> = BTreeMap::new();
    for round in 0..2u8 {
        for n in 0..200u8 {
            let key = format!("acme/{}", n % 7).into_bytes();
            let payload = vec![round, n];
            sent.entry(key.clone()).or_default().push(payload.clone());
            let message = Outgoing {
                partition: None,
                key: key.into(),
                ..placed("in", 0, payload)
            };
            log.append(vec![message]).await.expect("appends");
        }
        if round == 0 {
            broker = tokio::task::spawn_blocking(move || {
                broker.own.kill();
                broker.own.start_again(&["--keep-data"]);
                broker
            })
            .await
            .expect("starts again");
        }
    }
    check(&log, "out", &sent).await;
    stop.send_replace(true);
    within("the copier", copying).await.expect("no panic");
}
