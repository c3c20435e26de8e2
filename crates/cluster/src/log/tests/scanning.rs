//! Looking at the log from outside.
use super::{World, bootstrap, join, placed, within};
use crate::settings::Kafka;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use runtime::ports::log::{Checkpoint, Happening, Log, Publication};
use std::collections::BTreeSet;
use std::time::Duration;

/// Every committed message of every partition, once; from a time on; only what is wanted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_reads_all_of_many_topics_once_from_a_time_on() {
    let world = World::new();
    let mut topics = vec![];
    for n in 0..6 {
        topics.push(world.topic(&format!("t{n}"), 3, &[]).await);
    }
    let log = world.log().await;
    let mut said = BTreeSet::new();
    for (n, topic) in topics.iter().enumerate().skip(1) {
        for partition in 0..2 {
            let texts = (0..50).map(|m| format!("{n}/{partition}/{m}"));
            let messages = texts.map(|text| {
                said.insert(text.clone());
                placed(topic, partition, text)
            });
            let appended = log.append(messages.collect()).await;
            appended.expect("appends");
        }
    }
    // An aborted transaction, and its marker at the end of a partition.
    let mut config = Kafka::plaintext(bootstrap()).client();
    config.set("transactional.id", world.name("aborted"));
    let producer: BaseProducer = config.create().expect("a producer");
    let bound = Duration::from_secs(10);
    producer.init_transactions(bound).expect("init");
    producer.begin_transaction().expect("begins");
    let record = BaseRecord::<[u8], [u8]>::to(&topics[1]).partition(0);
    let sent = producer.send(record.payload(b"never"));
    sent.map_err(|(e, _)| e).expect("sends");
    producer.flush(bound).expect("is on the log");
    producer.abort_transaction(bound).expect("aborts");

    let absent = world.name("absent");
    let all = || topics.iter().cloned().chain([absent.clone()]);
    let mut scan = log.scan(all(), 0, |_| true);
    let (mut found, mut last_ms) = (vec![], 0);
    while let Some(message) = within("the next", scan.next()).await.expect("reads") {
        last_ms = message.timestamp_ms.max(last_ms);
        found.push(String::from_utf8(message.payload.into()).expect("UTF-8"));
    }
    assert_eq!(found.len(), said.len(), "none twice");
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), said);
    let progress = scan.progress();
    assert_eq!(progress.looked_at(), progress.of());

    let mut later = log.scan(all(), last_ms + 1, |_| true);
    assert_eq!(within("the end", later.next()).await, Ok(None));
    let mut one = log.scan(all(), 0, |message| message.payload == "3/1/7");
    let found = within("the one", one.next()).await.expect("reads");
    assert_eq!(found.expect("it is there").at.offset, 7);
    assert_eq!(within("the end", one.next()).await, Ok(None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_far_a_group_has_got_is_told_to_who_is_no_member() {
    let world = World::new();
    let (topic, log) = (world.topic("in", 2, &[]).await, world.log().await);
    let group = world.name("consumer");
    assert_eq!(log.watermarks(&group, &topic).await, Ok([].into()));
    log.append(vec![placed(&topic, 0, "a"), placed(&topic, 0, "b")])
        .await
        .expect("appends");
    let member = join(&log, &group, &topic).await;
    let lease = loop {
        let happening = within("the partitions", member.next()).await;
        if let Ok(Happening::Fetched(lease, _)) = happening {
            break lease;
        }
    };
    let checkpoint = Checkpoint {
        watermark: 1,
        text: String::new(),
    };
    let publication = Publication {
        outgoing: vec![],
        checkpoints: vec![(lease, checkpoint)],
    };
    member.publish(publication).await.expect("commits");
    let told = log.watermarks(&group, &topic).await.expect("told");
    assert_eq!(told.get(&0), Some(&1), "{told:?}");
    let id = log.cluster_id().await.expect("told");
    assert!(!id.is_empty());
}
