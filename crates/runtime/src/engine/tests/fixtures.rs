//! A small business on the real engine, in a simulated cluster without faults: what happens to a message stands
//! in its name, and can be changed while the world runs.
use crate::breaker::Breakers;
use crate::codec::Schemas;
use crate::dead_letters::{DeadLetters, Filter, Letter};
use crate::engine::{self, Options, Running};
use crate::keys::Keys;
use crate::ports::log::{Message, Outgoing, Position};
use crate::testkit::sim::{Sim, SimOptions, SimProcess, SimTopic};
use crate::{
    Arm, Consumer, Context, Decision, Emits, Entity, Failure, Handler, Inbox, Incoming, Moment,
    Ports, Refusal, Retry, Verdict, View, any, arm, emit,
};
use events::documents::{
    AddDocument, DeleteDocument, DocumentChanged, DocumentUploaded, ParseUpload,
};
use events::envelope::name;
use events::knowledge::EmbedPassages;
use events::map::TopicMap;
use events::record::decode;
use events::reply::Ok as Said;
use events::system::Woke;
use events::{Addressed, Headers, Record};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

pub const BORDER: &str = "documents.border";
pub const DOCUMENT: &str = "documents.document";
pub const EFFECTS: &str = "documents.effects";
pub const UNORDERED: &str = "knowledge.effects";
pub const DIRECTORY: &str = "documents.directory";

/// More than an event may have, in bytes.
pub const HUGE: usize = 300 << 10;

/// What happens to the handlers' messages of one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ill {
    Fails,
    Poisoned,
    Panics,
    Refused,
    /// The dependency is down.
    Down,
    /// It takes so many seconds.
    Slow(u64),
    SaysTooMuch,
    SaysItElsewhere,
}

/// What the handlers met.
#[derive(Clone, Default)]
pub struct Script(Arc<Mutex<Scripted>>);
#[derive(Default)]
pub struct Scripted {
    pub ills: BTreeMap<String, Ill>,
    /// Attempts: name, number, virtual time.
    pub begun: Vec<(String, u32, i64)>,
    /// Names of what went well, in order.
    pub done: Vec<String>,
}
impl Script {
    pub fn lock(&self) -> MutexGuard<'_, Scripted> {
        self.0.lock().expect("nobody panics in it")
    }
    pub fn ill(&self, name: &str, ill: Ill) {
        self.lock().ills.insert(name.to_owned(), ill);
    }
    pub fn heal(&self, name: &str) {
        self.lock().ills.remove(name);
    }
    pub fn done(&self) -> Vec<String> {
        self.lock().done.clone()
    }
    pub fn attempts(&self, name: &str) -> usize {
        self.lock()
            .begun
            .iter()
            .filter(|(begun, _, _)| begun == name)
            .count()
    }

    async fn meet(&self, name: &str, cx: &Context) -> Result<Emits, Trouble> {
        let ill = {
            let mut script = self.lock();
            script
                .begun
                .push((name.to_owned(), cx.moment.attempt, cx.now_ms()));
            script.ills.get(name).copied()
        };
        tokio::time::sleep(Duration::from_millis(10)).await;
        let said = Emits::default().reply(Said {
            id: name.to_owned(),
        });
        let said = match ill {
            None => said,
            Some(Ill::Slow(seconds)) => {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                said
            }
            Some(Ill::SaysTooMuch) => Emits::default().reply(Said {
                id: "x".repeat(HUGE),
            }),
            Some(Ill::SaysItElsewhere) => emit(add("elsewhere", "note")),
            Some(Ill::Fails) => return Err(Trouble::NotYet),
            Some(Ill::Poisoned) => return Err(Trouble::Poisoned),
            Some(Ill::Refused) => return Err(Trouble::Refused),
            Some(Ill::Down) => return Err(Trouble::Down),
            Some(Ill::Panics) => panic!("the parser does not like {name}"),
        };
        self.lock().done.push(name.to_owned());
        Ok(said)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error("not yet")]
    NotYet,
    #[error("never")]
    Poisoned,
    #[error("no")]
    Refused,
    #[error("the parser is down")]
    Down,
}
impl Failure for Trouble {
    fn verdict(&self) -> Verdict {
        match self {
            Self::NotYet => Verdict::Retry(Retry::Backoff),
            Self::Poisoned => Verdict::DeadLetter("documents.poisoned"),
            Self::Refused => Verdict::Refuse("documents.refused"),
            Self::Down => Verdict::Retry(Retry::WhenUp("parser".into())),
        }
    }
}

struct Parse(Script);
impl Handler for Parse {
    type Message = ParseUpload;
    type Error = Trouble;
    async fn handle(&self, work: ParseUpload, cx: &Context) -> Result<Emits, Trouble> {
        self.0.meet(&work.name, cx).await
    }
}
struct Embed(Script);
impl Handler for Embed {
    type Message = EmbedPassages;
    type Error = Trouble;
    async fn handle(&self, work: EmbedPassages, cx: &Context) -> Result<Emits, Trouble> {
        self.0.meet(&work.name, cx).await
    }
}

/// The entity: it remembers the names that it was told, in order.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Document {
    pub log: Vec<String>,
}
pub enum Told {
    Add(AddDocument),
    Delete(DeleteDocument),
    Woke(Woke),
}
impl Inbox for Told {
    fn arms() -> Vec<Arm<Self>> {
        vec![arm(Self::Add), arm(Self::Delete), arm(Self::Woke)]
    }
}
#[derive(Debug, thiserror::Error)]
#[error("not this one")]
pub struct NotThisOne;
impl Refusal for NotThisOne {
    fn code(&self) -> &'static str {
        "documents.not_this_one"
    }
}
impl Entity for Document {
    type Message = Told;
    type Refusal = NotThisOne;
    fn decide(&self, message: Told, at: &Moment) -> Result<Decision<Self>, NotThisOne> {
        let mut next = self.clone();
        let name = match message {
            Told::Add(add) => add.name,
            Told::Delete(delete) => format!("deleted {}", delete.document),
            Told::Woke(woke) => format!("woke at {}", woke.at_ms),
        };
        next.log.push(name.clone());
        let changed = changed(&at.id, "bot", &name);
        let number = Said {
            id: next.log.len().to_string(),
        };
        let decision = Decision::to(next);
        Ok(match name.split_once(' ').unwrap_or((&name, "")) {
            ("refuse", _) => return Err(NotThisOne),
            ("panic", _) => panic!("it does not like that"),
            ("huge", _) => decision.emit(DocumentChanged {
                reason: "x".repeat(HUGE),
                ..changed
            }),
            ("elsewhere", _) => decision.emit(add(&at.id, "note")),
            ("wake", after) => {
                let after: i64 = after.parse().expect("milliseconds");
                decision.wake_at(at.now_ms + after).emit(changed)
            }
            _ => decision.emit(changed).reply(number),
        })
    }
}

/// The view: the names that it heard of a chatbot.
struct Directory;
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    pub names: Vec<String>,
}
impl View for Directory {
    type Event = DocumentChanged;
    type Row = Heard;
    fn key(&self, event: &DocumentChanged, _: &Moment) -> String {
        event.chatbot.clone()
    }
    fn apply(&self, row: &mut Heard, event: DocumentChanged, _: &Moment) {
        assert!(event.name != "panic", "it does not like that");
        row.names.push(event.name);
    }
    fn merge(&self, into: &mut Heard, other: Heard) {
        into.names.extend(other.names);
    }
}
struct Operations;
struct Anything;
impl Inbox for Anything {
    fn arms() -> Vec<Arm<Self>> {
        vec![any(|_: &Incoming<'_>| Ok(Self))]
    }
}
impl View for Operations {
    type Event = Anything;
    type Row = u64;
    fn key(&self, _: &Anything, at: &Moment) -> String {
        at.id.to_string()
    }
    fn apply(&self, row: &mut u64, _: Anything, _: &Moment) {
        *row += 1;
    }
    fn merge(&self, into: &mut u64, other: u64) {
        *into += other;
    }
}

// ---- records ----

pub fn add(document: &str, name: &str) -> AddDocument {
    AddDocument {
        document: document.into(),
        name: name.into(),
        ..AddDocument::default()
    }
}
pub fn uploaded(document: &str, name: &str) -> DocumentUploaded {
    DocumentUploaded {
        document: document.into(),
        name: name.into(),
        ..DocumentUploaded::default()
    }
}
pub fn parse(document: &str, name: &str) -> ParseUpload {
    ParseUpload {
        document: document.into(),
        name: name.into(),
        ..ParseUpload::default()
    }
}
pub fn embed(document: &str, name: &str) -> EmbedPassages {
    EmbedPassages {
        document: document.into(),
        name: name.into(),
        ..EmbedPassages::default()
    }
}
pub fn changed(document: &str, chatbot: &str, name: &str) -> DocumentChanged {
    DocumentChanged {
        document: document.into(),
        chatbot: chatbot.into(),
        name: name.into(),
        ..DocumentChanged::default()
    }
}

/// The same message with these headers.
pub fn with(mut message: Outgoing, headers: &[(&str, &str)]) -> Outgoing {
    headers
        .iter()
        .for_each(|(name, value)| message.headers.set(name, *value));
    message
}
/// The same message, to be answered as `request`.
pub fn asking(message: Outgoing, request: &str) -> Outgoing {
    let key = format!("acme/{request}");
    with(
        message,
        &[
            (name::REPLY_TO, "replies"),
            (name::REPLY_KEY, &key),
            (name::REQUEST, request),
        ],
    )
}

// ---- the world ----

pub struct World {
    pub sim: Sim,
    /// Of somebody outside.
    pub ports: Ports,
    pub script: Script,
    pub letters: DeadLetters,
    pub map: Arc<TopicMap>,
    running: Option<(SimProcess, Running)>,
}

/// Runs a test on paused time, in a world whose engine does not run yet.
pub fn simulate<F: Future<Output = ()>>(test: impl FnOnce(World) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime
        .expect("a runtime")
        .block_on(async { test(World::new().await).await });
}
/// The same, and the engine runs.
pub fn running<F: Future<Output = ()>>(test: impl FnOnce(World) -> F) {
    simulate(async |mut world: World| {
        world.start().await;
        test(world).await;
    });
}

pub async fn ports(process: &SimProcess) -> Ports {
    let (clock, state) = (process.clock(), process.state());
    let schemas = Schemas::start(process.schemas(), &events::all_records())
        .await
        .expect("no faults");
    Ports {
        log: process.log(),
        search: process.search(),
        blobs: process.blobs(),
        schemas: Arc::new(schemas),
        keys: Arc::new(Keys::new(state.clone(), clock.clone())),
        breakers: Breakers::new(clock.clone()),
        state,
        clock,
    }
}

impl World {
    async fn new() -> Self {
        let sim = Sim::new(1, SimOptions::calm());
        let map =
            Arc::new(TopicMap::parse(include_str!("map.yaml")).expect("the map keeps the rules"));
        map.topics()
            .for_each(|topic| sim.topic(SimTopic::new(&topic.name, topic.partitions)));
        let ports = ports(&sim.outside("outside")).await;
        let letters = DeadLetters::new(&ports, map.clone());
        Self {
            sim,
            ports,
            script: Script::default(),
            letters,
            map,
            running: None,
        }
    }
    fn consumers(&self) -> Vec<Consumer> {
        let script = self.script.clone();
        let pass_on = move |uploaded: DocumentUploaded, _: &Moment| {
            if script.lock().ills.contains_key(&uploaded.name) {
                return Err(("documents.unroutable", "nobody wants it".to_owned()));
            }
            Ok(emit(add(&uploaded.document, &uploaded.name)))
        };
        vec![
            Consumer::fallible_route::<DocumentUploaded>(BORDER, pass_on),
            Consumer::entity::<Document>(DOCUMENT),
            Consumer::handlers(EFFECTS).handler(Parse(self.script.clone())),
            Consumer::handlers(UNORDERED).handler(Embed(self.script.clone())),
            Consumer::view(DIRECTORY, Directory),
            Consumer::view("operations", Operations),
        ]
    }
    /// Starts the process, or starts it again.
    pub async fn start(&mut self) {
        let process = self.sim.process("a");
        let ports = ports(&process).await;
        let options = Options {
            map: self.map.clone(),
            sabotage: None,
        };
        let running =
            engine::start(&ports, self.consumers(), &options).expect("the wiring is right");
        if let Some((_, before)) = self.running.replace((process, running)) {
            before.abort();
        }
    }
    /// Kills the process and starts it again.
    pub async fn restart(&mut self) {
        self.sim.crash("a");
        self.start().await;
    }
    /// Waits until nothing happens any more; a process that was killed meanwhile is started again.
    pub async fn settle(&mut self) {
        let (quiet, limit) = (Duration::from_secs(20), 100_000);
        assert!(
            self.sim.settled(quiet, limit).await,
            "it does not settle:\n{}",
            self.sim.history()
        );
        if self
            .running
            .as_ref()
            .is_some_and(|(process, _)| process.is_dead())
        {
            self.start().await;
            assert!(
                self.sim.settled(quiet, limit).await,
                "it does not settle:\n{}",
                self.sim.history()
            );
        }
    }
    /// A message with this id, as we would send it ourselves.
    pub fn message<A: Addressed>(&self, key: &str, record: &A, id: &str) -> Outgoing {
        self.to(A::TOPIC, key, record, id)
    }
    pub fn to<R: Record>(&self, topic: &str, key: &str, record: &R, id: &str) -> Outgoing {
        let mut headers = Headers::default();
        headers.set(name::ID, id);
        headers.set(name::SOURCE, "test");
        headers.set_some(name::TENANT, key.split_once('/').map(|(tenant, _)| tenant));
        let datum = R::schema().encode(record).expect("encodes");
        let payload = self.ports.schemas.frame(R::NAME, &datum).expect("frames");
        Outgoing {
            topic: topic.into(),
            partition: None,
            key: key.into(),
            headers,
            payload,
        }
    }
    /// What upstream says of document `d1`.
    pub fn upload(&self, name: &str, id: &str) -> Outgoing {
        self.to(
            "inbox.document.uploaded",
            "acme/d1",
            &uploaded("d1", name),
            id,
        )
    }
    /// Work for the ordered handlers of `acme/<document>`; its id is its name.
    pub fn work(&self, document: &str, name: &str) -> Outgoing {
        self.message(&format!("acme/{document}"), &parse(document, name), name)
    }
    pub async fn send(&self, message: Outgoing) -> Position {
        let places = self
            .ports
            .log
            .append(vec![message])
            .await
            .expect("no faults");
        places.into_iter().next().expect("one message, one place")
    }
    pub async fn send_work(&self, document: &str, names: &[&str]) {
        for name in names {
            self.send(asking(self.work(document, name), name)).await;
        }
    }
    /// What stands in a topic of one record.
    pub async fn said<R: Record>(&self, topic: &str) -> Vec<(Message, R)> {
        let mut said = vec![];
        for message in self.sim.messages(topic) {
            let datum = self
                .ports
                .schemas
                .datum(&message.payload)
                .await
                .expect("ours");
            if datum.record == R::NAME {
                let record = decode(&datum).expect("decodes");
                said.push((message, record));
            }
        }
        said
    }
    /// What handlers and entities answered, in order.
    pub async fn done_answers(&self) -> Vec<String> {
        self.said::<Said>("replies")
            .await
            .into_iter()
            .map(|(_, said)| said.id)
            .collect()
    }
    pub async fn letters_of(&self, consumer: &str) -> Vec<Letter> {
        let filter = Filter {
            consumer: Some(consumer.into()),
            ..Filter::default()
        };
        self.letters
            .list(&filter, None, 1_000)
            .await
            .expect("no faults")
            .letters
    }
    /// The ids and codes of a consumer's letters, as they stand.
    pub async fn dead(&self, consumer: &str) -> Vec<(String, String)> {
        self.letters_of(consumer)
            .await
            .into_iter()
            .map(|letter| (letter.id.id, letter.code))
            .collect()
    }
    /// How many holds there are of a consumer.
    pub fn holds(&self, consumer: &str) -> usize {
        self.sim.rows(&format!("holds.{consumer}")).len()
    }
    /// What a document was told.
    pub async fn log_of(&self, id: &str) -> Vec<String> {
        let tenant = events::TenantId::new("acme").expect("a tenant");
        let state: Document = crate::queries::entity_state(&self.ports, DOCUMENT, &tenant, id)
            .await
            .expect("no faults");
        state.log
    }
    /// What the directory heard of a chatbot.
    pub async fn heard(&self, chatbot: &str) -> Vec<String> {
        let tenant = events::TenantId::new("acme").expect("a tenant");
        let row =
            crate::queries::view_row(&self.ports, &Directory, DIRECTORY, &tenant, chatbot).await;
        row.expect("no faults").names
    }
}
