//! The history, read from outside by a plain consumer that sees what was committed, and the laws that it keeps.
//!
//! - nothing lost: every group's committed offset has passed every message; every command is answered, for good, once;
//! - nothing twice: no identity of a worker's message stands on a topic twice;
//! - order per key: what a consumer says under one key stands in the order of what caused it, and a key in one partition.
use events::envelope::name;
use events::map::{TopicKind, TopicMap};
use events::outside::OutsideRequest;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers as _, Message as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// One question to the broker.
const CALL: Duration = Duration::from_secs(20);

/// A record, as much of it as is checked.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) key: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) bytes: usize,
}

impl Record {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
    fn identity(&self) -> (&str, &str, &str) {
        let tenant = self.key.split('/').next().unwrap_or_default();
        (tenant, self.header(name::SOURCE), self.header(name::ID))
    }
}

/// All that was committed, by topic, each partition in its order.
pub(super) struct History {
    pub(super) topics: BTreeMap<String, Vec<Record>>,
}

fn client(bootstrap: &str, group: &str, level: &str) -> BaseConsumer {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("fetch.queue.backoff.ms", "5")
        .set("isolation.level", level);
    config.create().expect("a consumer")
}

/// Blocks; see [`read`].
fn read_blocking(bootstrap: &str, level: &str) -> History {
    let consumer = client(bootstrap, "a-stranger", level);
    let metadata = consumer
        .fetch_metadata(None, CALL)
        .expect("the broker answers");
    let mut wanted = TopicPartitionList::new();
    for topic in metadata
        .topics()
        .iter()
        .filter(|t| !t.name().starts_with("__"))
    {
        for partition in topic.partitions() {
            let added =
                wanted.add_partition_offset(topic.name(), partition.id(), Offset::Beginning);
            added.expect("an offset");
        }
    }
    consumer.assign(&wanted).expect("assigned");
    let mut topics: BTreeMap<String, Vec<Record>> = BTreeMap::new();
    let (mut left, over) = (wanted.count(), Instant::now() + CALL);
    while left > 0 {
        assert!(Instant::now() < over, "the ends were not reached");
        match consumer.poll(Duration::from_millis(100)) {
            None => {}
            Some(Err(KafkaError::PartitionEOF(_))) => left -= 1,
            Some(Err(e)) => panic!("{e}"),
            Some(Ok(message)) => {
                let headers = message.headers().into_iter().flat_map(|all| all.iter());
                let text = |bytes: Option<&[u8]>| {
                    String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
                };
                let record = Record {
                    partition: message.partition(),
                    offset: message.offset(),
                    key: text(message.key()),
                    headers: headers.map(|h| (h.key.to_owned(), text(h.value))).collect(),
                    bytes: message.payload_len(),
                };
                topics
                    .entry(message.topic().to_owned())
                    .or_default()
                    .push(record);
            }
        }
    }
    for records in topics.values_mut() {
        records.sort_by_key(|one| (one.partition, one.offset));
    }
    History { topics }
}

/// Where the consumers that are behind stand; empty: nobody is.
fn behind(bootstrap: &str, history: &History) -> Vec<String> {
    let mut behind = vec![];
    let looks: Vec<_> = TopicMap::embedded()
        .consumers()
        .filter_map(|(topic, consumer)| {
            let mut last: BTreeMap<i32, i64> = BTreeMap::new();
            for record in history.topics.get(&topic.name)? {
                last.insert(record.partition, record.offset);
            }
            Some((topic.name.clone(), consumer.name.clone(), last))
        })
        .collect();
    std::thread::scope(|scope| {
        let asked: Vec<_> = looks
            .into_iter()
            .map(|(topic, consumer, last)| {
                scope.spawn(move || {
                    let mut wanted = TopicPartitionList::new();
                    for partition in last.keys() {
                        wanted.add_partition(&topic, *partition);
                    }
                    let group = client(bootstrap, &consumer, "read_committed");
                    let committed = group
                        .committed_offsets(wanted, CALL)
                        .expect("the broker answers");
                    let of = |partition| committed.find_partition(&topic, partition);
                    let is_behind = |(partition, last): &(&i32, &i64)| match of(**partition)
                        .map(|p| p.offset())
                    {
                        Some(Offset::Offset(offset)) => offset <= **last,
                        _ => true,
                    };
                    let open = last.iter().find(is_behind);
                    open.map(|(partition, last)| {
                        format!(
                            "{consumer} in {partition}, before {last}: {:?}",
                            of(*partition)
                        )
                    })
                })
            })
            .collect();
        behind.extend(
            asked
                .into_iter()
                .filter_map(|one| one.join().expect("no panic")),
        );
    });
    behind
}

/// Everything, when every consumer has done all that there is.
pub(super) async fn settled(bootstrap: &str) -> History {
    let bootstrap = bootstrap.to_owned();
    let read = move || {
        let over = Instant::now() + super::PATIENCE;
        loop {
            let history = read_blocking(&bootstrap, "read_committed");
            let behind = behind(&bootstrap, &history);
            if behind.is_empty() {
                return history;
            }
            assert!(Instant::now() < over, "not done: {behind:#?}");
        }
    };
    tokio::task::spawn_blocking(read).await.expect("it is read")
}

/// Everything, with what was never committed.
pub(super) async fn uncommitted(bootstrap: &str) -> History {
    let bootstrap = bootstrap.to_owned();
    let read = move || read_blocking(&bootstrap, "read_uncommitted");
    tokio::task::spawn_blocking(read).await.expect("it is read")
}

fn kind(topic: &str) -> Option<TopicKind> {
    TopicMap::embedded().topic(topic).map(|topic| topic.kind)
}

impl History {
    pub(super) fn of(&self, topic: &str) -> &[Record] {
        self.topics.get(topic).map_or(&[], Vec::as_slice)
    }
    pub(super) fn count(&self) -> usize {
        self.topics.values().map(Vec::len).sum()
    }
    /// All records that stand in dead-letter topics.
    pub(super) fn dead(&self) -> impl Iterator<Item = (&String, &Record)> {
        let dead = |(topic, _): &(&String, &Vec<Record>)| topic.ends_with(".dead");
        let topics = self.topics.iter().filter(dead);
        topics.flat_map(|(topic, records)| records.iter().map(move |record| (topic, record)))
    }

    /// What is against a law, in words.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults = self.twice();
        faults.extend(self.out_of_order());
        faults.extend(self.in_two_partitions());
        faults.extend(self.not_answered_once());
        faults
    }

    /// What the edge sends may be sent again under the same id (H2): it has its effect once, which its answers show.
    fn twice(&self) -> Vec<String> {
        let mut faults = vec![];
        for (topic, records) in &self.topics {
            if kind(topic) == Some(TopicKind::Ephemeral) {
                continue;
            }
            let mut seen = BTreeMap::new();
            let ours = |one: &&Record| {
                let source = one.header(name::SOURCE);
                source.starts_with("troupe/")
                    && source != "troupe/edge"
                    && !topic.ends_with(".dead")
            };
            for one in records.iter().filter(ours) {
                if let Some(before) = seen.insert(one.identity(), one) {
                    faults.push(format!(
                        "twice on {topic}: {:?} {} at {}/{} and {}/{}",
                        one.identity(),
                        one.header(name::TYPE),
                        before.partition,
                        before.offset,
                        one.partition,
                        one.offset
                    ));
                }
            }
        }
        faults
    }

    fn out_of_order(&self) -> Vec<String> {
        // Where each message stands first.
        let mut places: BTreeMap<(&str, &str), (&str, i32, i64, &str)> = BTreeMap::new();
        for (topic, records) in self
            .topics
            .iter()
            .filter(|(topic, _)| !topic.ends_with(".dead"))
        {
            for one in records {
                let (tenant, _, id) = one.identity();
                let place = (topic.as_str(), one.partition, one.offset, one.key.as_str());
                places.entry((tenant, id)).or_insert(place);
            }
        }
        let (mut faults, mut last) = (vec![], BTreeMap::new());
        for (topic, records) in &self.topics {
            if kind(topic).is_none_or(|kind| matches!(kind, TopicKind::Ephemeral)) {
                continue;
            }
            for one in records {
                let (tenant, source, _) = one.identity();
                let Some(cause) = places.get(&(tenant, one.header(name::CAUSATION))) else {
                    continue;
                };
                let lane = (
                    topic,
                    one.partition,
                    &one.key,
                    source,
                    cause.0,
                    cause.1,
                    cause.3,
                );
                let before = last.insert(lane, cause.2);
                if before.is_some_and(|before| before > cause.2) {
                    faults.push(format!(
                        "out of order on {topic}: {} at {}/{}, caused by {cause:?}, comes after what {before:?} caused",
                        one.header(name::TYPE), one.partition, one.offset
                    ));
                }
            }
        }
        faults
    }

    fn in_two_partitions(&self) -> Vec<String> {
        let (mut faults, mut of) = (vec![], BTreeMap::new());
        for (topic, records) in &self.topics {
            // Whoever asks says in which partition he listens.
            if kind(topic).is_none_or(|kind| kind == TopicKind::Replies) {
                continue;
            }
            for one in records {
                let first = *of.entry((topic, &one.key)).or_insert(one.partition);
                if first != one.partition {
                    faults.push(format!(
                        "{topic}: {} stands in {first} and in {}",
                        one.key, one.partition
                    ));
                }
            }
        }
        faults
    }

    /// D5: as many final answers as commands; what an outsider writes counts where its border has passed it on.
    fn not_answered_once(&self) -> Vec<String> {
        type Asked<'a> = (&'a str, &'a str, String);
        let mut answers: BTreeMap<Asked<'_>, usize> = BTreeMap::new();
        let mut commands: BTreeMap<Asked<'_>, BTreeSet<(&str, &str, &str)>> = BTreeMap::new();
        let counts = |topic: &str| {
            kind(topic).is_some_and(|kind| !matches!(kind, TopicKind::Inbox | TopicKind::Dead))
        };
        for (topic, records) in self.topics.iter().filter(|(topic, _)| counts(topic)) {
            for one in records {
                let request = one.header(name::REQUEST);
                match one.header(name::REPLY_STATUS) {
                    "progress" => {}
                    "" if one.header(name::REPLY_TO).is_empty() => {}
                    "" => {
                        let key = Some(one.header(name::REPLY_KEY)).filter(|key| !key.is_empty());
                        // An outsider gets back what he called it.
                        let outside = OutsideRequest::read(request).and_then(|of| of.request());
                        let request = outside.unwrap_or_else(|| request.to_owned());
                        let asked = (one.header(name::REPLY_TO), key.unwrap_or(&one.key), request);
                        commands.entry(asked).or_default().insert(one.identity());
                    }
                    _ => {
                        *answers
                            .entry((topic, &one.key, request.to_owned()))
                            .or_default() += 1
                    }
                }
            }
        }
        let told = |(asked, commands): (&Asked<'_>, &BTreeSet<_>)| {
            let (answers, wanted) = (
                answers.get(asked).copied().unwrap_or_default(),
                commands.len(),
            );
            let why = || {
                format!("{wanted} commands {commands:?} of {asked:?} have {answers} final answers")
            };
            (answers != wanted).then(why)
        };
        commands.iter().filter_map(told).collect()
    }

    /// How often something was said under a key.
    pub(super) fn said(&self, topic: &str, key: &str) -> usize {
        self.of(topic).iter().filter(|one| one.key == key).count()
    }
}
