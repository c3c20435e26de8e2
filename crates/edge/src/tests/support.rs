//! A whole edge in a temporary directory: ports, engine, workers that answer as they are told, and a client.
use super::workers::{Conversation, Document, Made, answered};
use crate::{AlwaysUp, ApiKey, Edge, EdgeConfig, EdgeError, Health, KeyHash, Limits, consumers};
use embedded::{Embedded, Options, TopicSpec};
use events::answers::AnswerDelta;
use events::chatbots::{ChatbotChanged, ChatbotState};
use events::conversations::AskQuestion;
use events::map::TopicMap;
use events::topic::consumer;
use events::{MessageId, Personal, ReplyAddress, ReplyStatus, TenantId, all_records, topic};
use runtime::codec::Schemas;
use runtime::emission::Emitter;
use runtime::ports::clock::Clock;
use runtime::ports::log::Message;
use runtime::ports::state::{Row, Save};
use runtime::{Consumer, Moment, Ports, engine};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A time that stands still, and chance that only counts.
#[derive(Default)]
pub struct Hands(AtomicU64);
pub const NOW_MS: i64 = 1_800_000_000_000;
/// What does not happen within this never will.
const PATIENCE: Duration = Duration::from_secs(60);
impl Clock for Hands {
    fn now_ms(&self) -> i64 {
        NOW_MS
    }
    fn random(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        bytes
    }
}

/// An edge that serves, and how it is stopped.
type Served = (watch::Sender<bool>, JoinHandle<Result<(), EdgeError>>);

/// All of it. It ends when it is dropped.
pub struct World {
    pub ports: Ports,
    pub file: Embedded,
    pub url: String,
    pub client: reqwest::Client,
    running: Option<engine::Running>,
    edges: Vec<Served>,
    config: EdgeConfig,
    health: Arc<dyn Health>,
    _dir: tempfile::TempDir,
}

pub fn key(tenant: &str, key: &str) -> ApiKey {
    ApiKey {
        tenant: TenantId::new(tenant).unwrap(),
        name: format!("{tenant}-key"),
        sha256: KeyHash::of(key),
    }
}

/// Small limits, so that they are met.
pub fn config() -> EdgeConfig {
    let limits = Limits {
        upload_bytes: 100_000,
        files: 3,
        question_bytes: 20_000,
        body_bytes: 50_000,
        stop_s: 5,
        ..Limits::default()
    };
    let keys = vec![key("acme", "acme-secret"), key("globex", "globex-secret")];
    EdgeConfig {
        keys,
        limits,
        cors_origins: vec!["https://example.org".into()],
        ..EdgeConfig::default()
    }
}

impl World {
    /// With workers.
    pub async fn new() -> Self {
        Self::with(config(), Arc::new(AlwaysUp), true).await
    }

    pub async fn with(config: EdgeConfig, health: Arc<dyn Health>, workers: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let map = TopicMap::embedded();
        let topics = map.topics().map(|topic| TopicSpec {
            name: topic.name.clone(),
            partitions: topic.partitions,
            retention: None,
            max_message_bytes: 600 << 10,
        });
        let clock: Arc<dyn Clock> = Arc::new(Hands::default());
        let file = Embedded::open(
            dir.path().join("troupe.db"),
            Options::new(clock.clone(), topics.collect()),
        )
        .unwrap();
        let schemas = Schemas::start(file.schemas(), &all_records()).await;
        let ports = Ports::new(file.stores(), schemas.unwrap(), clock);
        let mut all = consumers();
        if workers {
            all.extend([
                Consumer::entity::<Conversation>(consumer::CONVERSATIONS_CONVERSATION),
                Consumer::entity::<Document>(consumer::DOCUMENTS_DOCUMENT),
                Consumer::entity::<Made>(consumer::CHATBOTS_CREATION),
                Consumer::entity::<Made>(consumer::CHATBOTS_DELETION),
                Consumer::entity::<Made>(consumer::CHATBOTS_CHATBOT),
            ]);
        }
        let options = engine::Options::new(Arc::new(map.clone()));
        let running = engine::start(&ports, all, &options).unwrap();
        let mut world = Self {
            ports,
            file,
            url: String::new(),
            client: reqwest::Client::new(),
            running: Some(running),
            edges: vec![],
            config,
            health,
            _dir: dir,
        };
        world.url = world.edge().await;
        world.chatbot("acme", "bot", ChatbotState::Active).await;
        world
    }

    /// One more edge on the same ports; its address.
    pub async fn edge(&mut self) -> String {
        let edge = Edge::new(self.ports.clone(), self.config.clone(), self.health.clone()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, mut stopping) = watch::channel(false);
        let serving = tokio::spawn(edge.serve(listener, async move {
            let _ = stopping.wait_for(|stop| *stop).await;
        }));
        self.edges.push((stop, serving));
        url
    }

    /// SIGTERM for the first edge; returns when it has ended.
    pub async fn stop(&mut self) {
        let (stop, serving) = self.edges.remove(0);
        stop.send_replace(true);
        serving.await.unwrap().unwrap();
    }

    /// Puts a row into a view, as its worker would have built it.
    pub async fn row(&self, view: &str, key: &str, row: Value) {
        let body =
            serde_json::to_vec(&json!({"applied": {"topic_id": "t", "offset": 1}, "row": row}))
                .unwrap();
        let row = Row {
            version: 1,
            partition: -1,
            body,
            ..Row::default()
        };
        let save = Save {
            collection: view.into(),
            id: format!("{key}/t-0"),
            expected: 0,
            row: Some(row),
        };
        self.ports.state.save(vec![save]).await.unwrap();
    }
    pub async fn chatbot(&self, tenant: &str, id: &str, state: ChatbotState) {
        let row = ChatbotChanged {
            chatbot: id.into(),
            state,
            name: format!("The {id}"),
            version: 1,
            ..Default::default()
        };
        self.row(
            consumer::CHATBOTS_DIRECTORY,
            &format!("{tenant}/{id}"),
            serde_json::to_value(row).unwrap(),
        )
        .await;
    }

    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        self.client
            .request(method, format!("{}{path}", self.url))
            .bearer_auth("acme-secret")
    }
    pub fn post(&self, path: &str, body: &Value) -> reqwest::RequestBuilder {
        self.request("POST", path).json(body)
    }
    pub fn ask(&self, text: &str) -> reqwest::RequestBuilder {
        self.post("/v1/chatbots/bot/questions", &json!({"text": text}))
    }

    /// All of a topic.
    pub async fn messages(&self, topic: &str) -> Vec<Message> {
        let mut all = vec![];
        for partition in 0..self.ports.log.partitions(topic).unwrap() {
            all.extend(
                self.ports
                    .log
                    .read(topic, partition, 0, 10_000)
                    .await
                    .unwrap(),
            );
        }
        all
    }

    /// The moment of somebody who speaks for a worker.
    pub fn moment(&self, id: &str, message: &str) -> Moment {
        Moment {
            tenant: "acme".into(),
            consumer: "test".into(),
            message: MessageId {
                tenant: "acme".into(),
                source: "test".into(),
                id: message.into(),
            },
            now_ms: NOW_MS,
            ..Moment::for_tests(id)
        }
    }
    /// Says a delta, as the worker that writes answers would.
    pub async fn delta(&self, asked: &AskQuestion, attempt: i64, n: i64, text: &str) {
        let delta = AnswerDelta {
            question: asked.question.clone(),
            visitor: asked.visitor.clone(),
            attempt,
            n,
            reset: n == 0 && attempt > 1,
            text: Personal::from(text),
        };
        let moment = self.moment(&asked.question, &format!("{attempt}-{n}"));
        Emitter::new(&self.ports).say(&moment, delta).await.unwrap();
    }
    /// Answers a question that no worker answers.
    pub async fn answer(&self, asked: &AskQuestion, text: &str, attempt: i64) {
        let message = self
            .command(topic::CONVERSATIONS_CONVERSATION, &asked.question)
            .await;
        let to = events::Envelope::read(&message.headers).reply_to.unwrap();
        self.reply(&to, &answered(asked, text, attempt)).await;
    }
    pub async fn reply(&self, to: &ReplyAddress, record: &impl events::Record) {
        let moment = self.moment("reply", &to.request);
        let message = Emitter::new(&self.ports)
            .reply(&moment, to, ReplyStatus::Done, record, "0")
            .await
            .unwrap();
        self.ports.log.append(vec![message]).await.unwrap();
    }
    /// The command with this id, once it is on the log.
    pub async fn command(&self, topic: &str, id: &str) -> Message {
        loop {
            let ends = self.ends(topic).await;
            for message in self.messages(topic).await {
                if message.headers.text("ce_id") == Some(id) {
                    return message;
                }
            }
            self.grown(topic, &ends).await;
        }
    }
    /// Where each partition of a topic ends now.
    pub async fn ends(&self, topic: &str) -> Vec<i64> {
        let mut ends = vec![];
        for partition in 0..self.ports.log.partitions(topic).unwrap() {
            ends.push(self.ports.log.end(topic, partition).await.unwrap());
        }
        ends
    }
    /// Returns when a topic holds more than it did.
    pub async fn grown(&self, topic: &str, ends: &[i64]) {
        let grown = (0..)
            .zip(ends)
            .map(|(partition, end)| self.ports.log.grown(topic, partition, *end));
        let grown = tokio::time::timeout(PATIENCE, futures::future::select_all(grown)).await;
        grown.expect("more comes in time").0.unwrap();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
        }
        for (_, serving) in &self.edges {
            serving.abort();
        }
    }
}

/// Status, problem code, and the whole document; checks what every problem document has.
pub async fn problem(request: reqwest::RequestBuilder) -> (u16, String, Value) {
    let response = request.send().await.unwrap();
    let (status, path) = (response.status().as_u16(), response.url().path().to_owned());
    let content_type = response.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    let text = response.text().await.unwrap();
    assert_eq!(content_type, "application/problem+json", "{text}");
    let document: Value = serde_json::from_str(&text).unwrap();
    for member in ["type", "title", "status", "detail", "instance", "code"] {
        assert!(
            !document[member].is_null(),
            "{member} is missing: {document}"
        );
    }
    assert_eq!(
        (document["status"].as_u64(), document["instance"].as_str()),
        (Some(status.into()), Some(path.as_str()))
    );
    (
        status,
        document["code"].as_str().unwrap().to_owned(),
        document,
    )
}

/// Status and JSON.
pub async fn json_of(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}
