//! The bare machine on one file: an engine with a handler that only passes on and an entity that only counts.
use embedded::{Embedded, Options as FileOptions, TopicSpec};
use events::ReplyAddress;
use events::documents::{AddDocument, DocumentDeleted, ParseUpload};
use events::map::TopicMap;
use runtime::codec::Schemas;
use runtime::emission::{Emitter, MAX_EVENT};
use runtime::engine::{Options, Running, start};
use runtime::ports::clock::Clock;
use runtime::ports::log::Outgoing;
use runtime::{Consumer, Context, Decision, Emits, Entity, Handler, Moment, Never, Ports, reply};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Errors end a measurement with their text.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;

/// The clock of the machine it runs on.
pub struct WallClock;
impl Clock for WallClock {
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
    fn random(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).unwrap_or_else(|e| panic!("no randomness: {e}"));
        bytes
    }
}

/// Answers.
pub struct PassOn;
impl Handler for PassOn {
    type Message = ParseUpload;
    type Error = runtime::PortError;
    async fn handle(&self, upload: ParseUpload, _: &Context) -> Result<Emits, Self::Error> {
        Ok(reply(DocumentDeleted {
            document: upload.document,
            chatbot: upload.revision,
        }))
    }
}

/// Counts.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Count(u64);

/// The map of these two: `documents.effects` answers on `replies`, `documents.document` says `document.deleted`.
pub const MAP: &str = include_str!("map.yaml");
impl Entity for Count {
    type Message = AddDocument;
    type Refusal = Never;
    fn decide(&self, added: AddDocument, _: &Moment) -> Result<Decision<Self>, Never> {
        let out = DocumentDeleted {
            document: added.document,
            chatbot: added.chatbot,
        };
        Ok(Decision::to(Self(self.0 + 1)).emit(out))
    }
}

/// The machine, running.
pub struct Machine {
    /// Its world.
    pub ports: Ports,
    running: Option<Running>,
    map: Arc<TopicMap>,
}

impl Machine {
    /// On a new file in `directory`; `run`: with its consumers.
    pub async fn start(directory: &Path, run: bool) -> Result<Self, Failed> {
        let map = Arc::new(TopicMap::parse(MAP)?);
        let topics = map.topics().map(|topic| TopicSpec {
            name: topic.name.clone(),
            partitions: topic.partitions,
            retention: None,
            max_message_bytes: 2 * MAX_EVENT,
        });
        let clock = Arc::new(WallClock);
        let file = Embedded::open(
            directory.join("bench.db"),
            FileOptions::new(clock.clone(), topics.collect()),
        )?;
        let schemas = Schemas::start(file.schemas(), &events::all_records()).await?;
        let mut machine = Self {
            ports: Ports::new(file.stores(), schemas, clock),
            running: None,
            map,
        };
        if run {
            machine.run()?;
        }
        Ok(machine)
    }
    /// Starts its consumers.
    pub fn run(&mut self) -> Result<(), Failed> {
        let consumers = vec![
            Consumer::handlers(events::topic::consumer::DOCUMENTS_EFFECTS).handler(PassOn),
            Consumer::entity::<Count>(events::topic::consumer::DOCUMENTS_DOCUMENT),
        ];
        let options = Options::new(self.map.clone());
        self.running = Some(start(&self.ports, consumers, &options)?);
        Ok(())
    }
    /// A message for the handler.
    ///
    /// # Errors
    /// See [`upload`].
    pub async fn upload(&self, n: usize, key: usize) -> Result<Outgoing, Failed> {
        upload(&self.ports, n, key).await
    }
    /// A message for the entity.
    ///
    /// # Errors
    /// See [`add`].
    pub async fn add(&self, n: usize, key: usize) -> Result<Outgoing, Failed> {
        add(&self.ports, n, key).await
    }
    /// Messages that have come out on a topic.
    pub async fn out(&self, topic: &str) -> Result<i64, Failed> {
        let mut sum = 0;
        for partition in 0..4 {
            sum += self.ports.log.end(topic, partition).await?;
        }
        Ok(sum)
    }
    /// Stops its consumers.
    pub async fn stop(mut self) {
        if let Some(running) = self.running.take() {
            running.stop(std::time::Duration::from_secs(10)).await;
        }
    }
}

/// A message for the handler: its answer says `n` as its `chatbot`, with an `n` before it.
///
/// # Errors
/// If it cannot be said on these ports.
pub async fn upload(ports: &Ports, n: usize, key: usize) -> Result<Outgoing, Failed> {
    let body = ParseUpload {
        document: format!("d{key}"),
        revision: format!("n{n}"),
        name: "a name of a file.md".into(),
        media_type: "text/markdown".into(),
        ..ParseUpload::default()
    };
    let to = ReplyAddress {
        topic: "replies".into(),
        key: format!("acme/d{key}"),
        partition: None,
        request: "r".into(),
        from_outside: false,
    };
    let deadline = i64::MAX;
    Ok(Emitter::new(ports)
        .command(&at(n, key), &body, &to, deadline)
        .await?)
}
/// A message for the entity, as [`upload`].
///
/// # Errors
/// If it cannot be said on these ports.
pub async fn add(ports: &Ports, n: usize, key: usize) -> Result<Outgoing, Failed> {
    let body = AddDocument {
        document: format!("d{key}"),
        chatbot: format!("n{n}"),
        name: "a name of a file.md".into(),
        media_type: "text/markdown".into(),
        ..AddDocument::default()
    };
    let topic = "documents.document";
    Ok(Emitter::new(ports)
        .own(&at(n, key), topic, &body, "bench")
        .await?)
}

fn at(n: usize, key: usize) -> Moment {
    let mut at = Moment::for_tests(&format!("d{key}"));
    at.message.id = format!("bench-{n}");
    at
}
