//! The real engine on a real file, with the map and the records of a guide.
use app::clock::SystemClock;
use app::wiring::topics::specs;
use embedded::{Embedded, Options as FileOptions};
use events::id::partition_of;
use events::map::TopicMap;
use events::record::decode;
use events::{Addressed, BlobRef, RecordSchema, TenantId};
use futures::StreamExt;
use runtime::codec::Schemas;
use runtime::emission::Emitter;
use runtime::engine::{self, Options, Running};
use runtime::ports::blobs::Content;
use runtime::ports::clock::Clock;
use runtime::{Consumer, Moment, Ports};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::timeout;

/// Longer than anything here takes on a busy machine; a test never waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Machine {
    ports: Ports,
    map: Arc<TopicMap>,
    running: Option<Running>,
    _place: TempDir,
}

impl Machine {
    pub(super) async fn start(map: TopicMap, records: &[&'static RecordSchema]) -> Self {
        let place = tempfile::tempdir().expect("a directory");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let options = FileOptions::new(clock.clone(), specs(&map));
        let file = Embedded::open(place.path().join("guide.db"), options).expect("a file");
        let schemas = Schemas::start(file.schemas(), records).await;
        Self {
            ports: Ports::new(file.stores(), schemas.expect("registered"), clock),
            map: Arc::new(map),
            running: None,
            _place: place,
        }
    }
    pub(super) fn run(&mut self, consumers: Vec<Consumer>) {
        let options = Options::new(self.map.clone());
        let running = engine::start(&self.ports, consumers, &options);
        self.running = Some(running.expect("the wiring is right"));
    }
    pub(super) async fn put(&self, id: &str, bytes: &'static [u8]) -> BlobRef {
        let tenant = TenantId::new("acme").expect("a tenant");
        let content: Content = futures::stream::iter([Ok(bytes.into())]).boxed();
        let put = self.ports.blobs.put(&tenant, id, content, 1 << 20).await;
        put.expect("written")
    }
    /// As whoever says it would.
    pub(super) async fn publish<A: Addressed>(&self, id: &str, event: &A) {
        let emitter = Emitter::new(&self.ports);
        let at = Moment::for_tests(id);
        let outgoing = emitter.own(&at, A::TOPIC, event, "guide").await;
        let appended = self.ports.log.append(vec![outgoing.expect("it is sound")]);
        appended.await.expect("appended");
    }
    /// The first event of `id` on the topic of `A`, when it is there.
    pub(super) async fn first<A: Addressed>(&self, id: &str) -> A {
        let (log, topic) = (&self.ports.log, A::TOPIC);
        let partitions = log.partitions(topic).expect("a topic");
        let partition = partition_of(format!("acme/{id}").as_bytes(), partitions);
        let grown = timeout(PATIENCE, log.grown(topic, partition, 0)).await;
        grown.expect("it comes").expect("readable");
        let read = log.read(topic, partition, 0, 1).await.expect("readable");
        let message = read.first().expect("one message");
        let datum = self.ports.schemas.datum(&message.payload).await;
        decode(&datum.expect("a schema")).expect("the record")
    }
    pub(super) async fn stop(mut self) {
        if let Some(running) = self.running.take() {
            assert_eq!(running.stop(PATIENCE).await.len(), 0, "all is finished");
        }
    }
}
