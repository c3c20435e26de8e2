//! C5 on Kafka: who gives a partition back in order says so; who loses it does not.
use super::renamed::Renamed;
use super::{KafkaLog, Told, World, bootstrap, join, placed, within};
use crate::log::Options;
use crate::settings::Kafka;
use events::map::TopicMap;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};
use runtime::codec::Schemas;
use runtime::consumer::BytesStep;
use runtime::engine::{self, Running};
use runtime::ports::log::{Checkpoint, Member, Message, Outgoing, Publication};
use runtime::testkit::sim::{Sim, SimOptions};
use runtime::{BoxFuture, Consumer, Ports, Stores};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// As the engine writes it: somebody has the partition since offset 0.
pub(super) const OWNED: &str = "2 7 0 1^0 ";
/// The same, given back.
pub(super) const BACK: &str = "2 7 0 0 ";

/// What is committed for a partition now.
async fn committed(group: &str, topic: &str, partition: i32) -> Option<Checkpoint> {
    let (group, topic) = (group.to_owned(), topic.to_owned());
    let asked = tokio::task::spawn_blocking(move || {
        let consumer = stranger(&group);
        let mut list = TopicPartitionList::new();
        list.add_partition(&topic, partition);
        let found = consumer
            .committed_offsets(list, Duration::from_secs(10))
            .expect("the coordinator answers");
        let of = found.elements().pop().expect("one was asked for");
        match of.offset() {
            Offset::Offset(watermark) => Some(Checkpoint {
                watermark,
                text: of.metadata().to_owned(),
            }),
            _ => None,
        }
    });
    asked.await.expect("no panic")
}

fn stranger(group: &str) -> BaseConsumer {
    let mut config = Kafka::plaintext(bootstrap()).client();
    config.set("group.id", group).create().expect("a consumer")
}

/// With members that hear of each other sooner than in earnest.
fn lively(world: &World) -> Options {
    let mut options = world.options();
    options.bounds.heartbeat = Duration::from_millis(50);
    options
}

async fn own(member: &dyn Member, told: &Told, partition: i32) {
    let checkpoint = Checkpoint {
        watermark: 0,
        text: OWNED.to_owned(),
    };
    let publication = Publication {
        outgoing: vec![],
        checkpoints: vec![(told.held[&partition], checkpoint)],
    };
    member.publish(publication).await.expect("publishes");
}

fn text_of(told: &Told, partition: i32) -> Option<&str> {
    told.checkpoints[&partition]
        .as_ref()
        .map(|checkpoint| checkpoint.text.as_str())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_by_the_group_or_left_in_order_is_given_back() {
    let world = World::new();
    let topic = world.topic("in", 2, &[]).await;
    let group = world.name("c");
    let log = KafkaLog::open(lively(&world)).await.expect("opens");
    let (first, mut told) = (join(&log, &group, &topic).await, Told::default());
    let both = |told: &Told| told.held.len() == 2;
    told.until(&*first, "both partitions", both).await;
    own(&*first, &told, 0).await;
    own(&*first, &told, 1).await;

    // Taken by the group, while the other one stays.
    let (second, mut heard) = (join(&log, &group, &topic).await, Told::default());
    let (one, other) = tokio::join!(
        told.until(&*first, "a revocation", |told| told.held.len() == 1),
        heard.until(&*second, "a partition", |told| told.held.len() == 1),
    );
    let ((), ()) = (one, other);
    let (taken, kept) = match heard.held.contains_key(&0) {
        true => (0, 1),
        false => (1, 0),
    };
    assert_eq!(text_of(&heard, taken), Some(BACK));
    let owned = Some(Checkpoint {
        watermark: 0,
        text: OWNED.to_owned(),
    });
    assert_eq!(committed(&group, &topic, kept).await, owned, "it is not");

    // Nothing was published of it by whoever leaves: what others said of it stands.
    within("leaving", second.leave()).await;
    told.until(&*first, "both again", both).await;
    assert_eq!(text_of(&told, taken), Some(BACK));
    own(&*first, &told, taken).await;

    // Dropped in the middle of its work, by a process that goes on.
    let (third, mut heard) = (join(&log, &group, &topic).await, Told::default());
    drop(first);
    heard.until(&*third, "both", both).await;
    assert_eq!(
        (text_of(&heard, 0), text_of(&heard, 1)),
        (Some(BACK), Some(BACK))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_said_nothing_takes_nothing_back() {
    let world = World::new();
    let topic = world.topic("in", 1, &[]).await;
    let group = world.name("c");
    let log = KafkaLog::open(lively(&world)).await.expect("opens");
    let mut died = TopicPartitionList::new();
    let mut of = died.add_partition(&topic, 0);
    of.set_offset(Offset::Offset(0)).expect("an offset");
    of.set_metadata(OWNED);
    let commits = stranger(&group);
    commits.commit(&died, CommitMode::Sync).expect("commits");
    let (member, mut told) = (join(&log, &group, &topic).await, Told::default());
    let held = |told: &Told| !told.held.is_empty();
    told.until(&*member, "the partition", held).await;
    assert_eq!(text_of(&told, 0), Some(OWNED));
    within("leaving", member.leave()).await;
    let text = committed(&group, &topic, 0).await.map(|found| found.text);
    assert_eq!(text.as_deref(), Some(OWNED), "its last owner died");
}

/// Takes until it is told that it is enough.
struct Slow {
    begun: mpsc::UnboundedSender<i32>,
    enough: watch::Receiver<bool>,
}

impl BytesStep for Slow {
    fn run<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Vec<Outgoing>, String>> {
        Box::pin(async move {
            let _ = self.begun.send(message.at.partition);
            let mut enough = self.enough.clone();
            let heard = enough.wait_for(|enough| *enough).await;
            heard.map(|_| vec![]).map_err(|e| e.to_string())
        })
    }
}

/// What is slow, as topics.yaml would say it.
const MAP: &str = "
defaults: { partitions: 2, retention: 1d, from: first, limit: 8, attempts: 3, dead_retention: 1d }
topics:
  - name: slow.effects
    kind: effects
    meaning: What takes long.
    key: document
    schemas: [troupe.documents.ParseUpload]
    producers: [slow.job]
    consumers:
      - { name: slow.effects, kind: handlers, ordered: true }
  - name: slow.job
    kind: input
    meaning: Who asks for it.
    key: document
    schemas: [troupe.documents.AddDocument, troupe.system.Woke]
    producers: [edge]
    replies: internal
    consumers:
      - { name: slow.job, kind: entity, ordered: true }
";
const SLOW: &str = "slow.effects";

/// A consumer that works on bytes, on a log whose names are a test's own.
struct Engines {
    ports: Ports,
    enough: watch::Sender<bool>,
}

impl Engines {
    async fn new(world: &World) -> Self {
        let process = Sim::new(1, SimOptions::calm()).process("one");
        let schemas = Schemas::start(process.schemas(), &events::all_records()).await;
        let stores = Stores {
            log: Renamed::of(world, lively(world), [SLOW]).await,
            ..process.stores()
        };
        Self {
            ports: Ports::new(stores, schemas.expect("resolves"), process.clock()),
            enough: watch::Sender::new(false),
        }
    }

    fn start(&self) -> (Running, mpsc::UnboundedReceiver<i32>) {
        let (begun, hearing) = mpsc::unbounded_channel();
        let enough = self.enough.subscribe();
        let consumer = Consumer::bytes(SLOW, Slow { begun, enough });
        let map = TopicMap::parse(MAP).expect("keeps the rules");
        let options = engine::Options::new(Arc::new(map));
        let running = engine::start(&self.ports, vec![consumer], &options);
        (running.expect("the wiring is right"), hearing)
    }
}

/// How many owners died in a row, as a checkpoint counts them.
fn owners(checkpoint: &Checkpoint) -> u32 {
    let mark = checkpoint.text.split(' ').nth(3).expect("a mark");
    let owners = mark.split(['^', '@']).next().expect("a number");
    owners.parse().expect("a number")
}

/// More than the deaths that make a suspect (ADR 3).
const ROUNDS: usize = 62;

/// Each round takes a partition from whoever works on it, twice: given away, and left in the middle of the work.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_suspected_where_members_come_and_go_and_the_work_is_slow() {
    let world = World::new();
    // Its group has the same name.
    let topic = world.topic(SLOW, 2, &[]).await;
    let engines = Engines::new(&world).await;
    for partition in 0..2 {
        let message = placed(SLOW, partition, "slow");
        let appended = engines.ports.log.append(vec![message]).await;
        appended.expect("appends");
    }
    let (staying, mut begun) = engines.start();
    for _ in 0..2 {
        within("the work", begun.recv()).await.expect("begins");
    }
    for _ in 0..ROUNDS {
        let (coming, mut begins) = engines.start();
        within("a partition of the new one", begins.recv())
            .await
            .expect("begins");
        let unfinished = coming.stop(Duration::ZERO).await;
        assert_eq!(unfinished.len(), 1, "its work was not done");
        within("its partition again", begun.recv())
            .await
            .expect("begins");
    }
    for partition in 0..2 {
        let found = committed(&topic, &topic, partition).await;
        let found = found.expect("somebody owns it");
        assert_eq!((found.watermark, owners(&found)), (0, 1), "{found:?}");
    }
    engines.enough.send_replace(true);
    let unfinished = within("the end", staying.stop(Duration::from_secs(30))).await;
    assert_eq!(unfinished, Vec::<Arc<str>>::new());
    for partition in 0..2 {
        let found = committed(&topic, &topic, partition).await;
        let found = found.expect("somebody owned it");
        assert_eq!((found.watermark, owners(&found)), (1, 0), "done: {found:?}");
    }
}
