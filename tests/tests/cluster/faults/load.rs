//! What clients do while servers and workers die: they upload and ask, come again with the same `Idempotency-Key` until they
//! are answered, and note what they were told.
use super::PATIENCE;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// Before a client comes again.
const PAUSE: Duration = Duration::from_millis(60);
/// An operation that has not ended by then never will.
const LONGEST: Duration = Duration::from_secs(120);

/// One tenant's client.
#[derive(Clone)]
pub(super) struct Caller {
    http: Client,
    base: String,
    key: String,
    pub(super) tenant: String,
}

/// What came back.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Caller {
    pub(super) fn new(base: &str, key: &str, tenant: &str) -> Self {
        let http = Client::builder().no_proxy().tls_certs_only([]);
        Self {
            http: http.timeout(PATIENCE).build().expect("a client"),
            base: base.to_owned(),
            key: key.to_owned(),
            tenant: tenant.to_owned(),
        }
    }
    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        request.bearer_auth(&self.key)
    }
    /// Until there is an answer that is not "later".
    pub(super) async fn insist(&self, request: impl Fn() -> RequestBuilder) -> Reply {
        let over = Instant::now() + LONGEST;
        loop {
            let why = match request().send().await {
                Ok(response) => {
                    let status = response.status().as_u16();
                    match response.bytes().await {
                        Ok(bytes) if !matches!(status, 429 | 503) => {
                            let body = serde_json::from_slice(&bytes).unwrap_or_default();
                            return Reply { status, body };
                        }
                        Ok(bytes) => format!("{status} {}", String::from_utf8_lossy(&bytes)),
                        Err(error) => error.to_string(),
                    }
                }
                Err(error) => error.to_string(),
            };
            assert!(
                Instant::now() < over,
                "{}: never answered: {why}",
                self.tenant
            );
            sleep(PAUSE).await;
        }
    }
    pub(super) async fn get(&self, path: &str) -> Reply {
        self.insist(|| self.request(Method::GET, path)).await
    }
    /// Begins something once, however often it is sent; the operation's id.
    async fn begin(&self, once: &str, request: impl Fn() -> RequestBuilder) -> String {
        let request = || {
            let request = request().header("idempotency-key", once);
            request.header("prefer", "respond-async")
        };
        let reply = self.insist(request).await;
        assert!(matches!(reply.status, 200..=202), "{once}: {reply:?}");
        let operation = reply.body["operation"]
            .as_str()
            .or(reply.body["id"].as_str());
        operation.expect("an operation").to_owned()
    }
    /// How an operation ends.
    pub(super) async fn outcome(&self, operation: &str) -> Value {
        let path = format!("/v1/operations/{operation}");
        let over = Instant::now() + LONGEST;
        loop {
            let reply = self.get(&path).await;
            assert_eq!(reply.status, 200, "{}", reply.body);
            if reply.body["status"] != "running" {
                return reply.body;
            }
            assert!(
                Instant::now() < over,
                "{}: never ends: {}",
                self.tenant,
                reply.body
            );
            sleep(PAUSE).await;
        }
    }
    async fn done(&self, operation: &str) -> Value {
        let ended = self.outcome(operation).await;
        assert_eq!(ended["status"], "done", "{}: {ended}", self.tenant);
        ended
    }

    pub(super) async fn create_chatbot(&self) {
        let wanted = json!({ "id": "bot", "name": "Observatory" });
        let create = || self.request(Method::POST, "/v1/chatbots").json(&wanted);
        let operation = self.begin("bot", create).await;
        self.done(&operation).await;
    }
    /// The document's id, which is its operation's too.
    pub(super) async fn upload(&self, name: &str) -> String {
        self.upload_once(name, name).await
    }
    /// The same, with an `Idempotency-Key` that is not its name.
    pub(super) async fn upload_once(&self, once: &str, name: &str) -> String {
        let content = format!(
            "# {name}\n\nThe lamp of the lighthouse is cleaned by the keeper, who writes down when. This is {name}.\n"
        );
        let path = format!("/v1/chatbots/bot/documents?name={name}");
        let uploading = || self.request(Method::POST, &path).body(content.clone());
        self.begin(once, uploading).await
    }
    async fn ask(&self, conversation: &str, number: u32) -> Asked {
        let text = format!("Question {number}: who cleans the lamp of the lighthouse?");
        let body = json!({ "text": text, "conversation": conversation, "visitor": conversation });
        let path = "/v1/chatbots/bot/questions";
        let asking = || self.request(Method::POST, path).json(&body);
        let question = self
            .begin(&format!("{conversation}-{number}"), asking)
            .await;
        let ended = self.done(&question).await;
        let answer = ended["result"]["answer"]
            .as_str()
            .expect("an answer")
            .to_owned();
        Asked {
            question,
            text,
            answer,
        }
    }
}

/// How much there is to do.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Amount {
    /// All at once.
    pub(super) documents: u32,
    /// Each uploads one document after the other until there are [`Load::enough`].
    pub(super) uploaders: u32,
    pub(super) conversations: u32,
    /// Of each conversation, one after the other; fewer if there are [`Load::enough`].
    pub(super) questions: u32,
}

/// A question and its answer, as the client was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) question: String,
    pub(super) text: String,
    pub(super) answer: String,
}

/// What the clients were told.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Ids and names.
    pub(super) documents: BTreeMap<String, String>,
    pub(super) conversations: BTreeMap<String, Vec<Asked>>,
}

/// Clients at work.
pub(super) struct Load {
    clients: JoinSet<Told>,
    enough: Arc<AtomicBool>,
}

impl Load {
    /// `named`: documents and conversations of two loads of one tenant have different names.
    pub(super) fn start(caller: &Caller, named: &str, amount: Amount) -> Self {
        let (mut clients, enough) = (JoinSet::new(), Arc::<AtomicBool>::default());
        for number in 0..amount.documents {
            let (caller, name) = (caller.clone(), format!("{named}-{number}.md"));
            clients.spawn(async move {
                let id = caller.upload(&name).await;
                caller.done(&id).await;
                Told {
                    documents: [(id, name)].into(),
                    ..Told::default()
                }
            });
        }
        for uploader in 0..amount.uploaders {
            let (caller, enough) = (caller.clone(), enough.clone());
            let named = format!("{named}-of-{uploader}");
            clients.spawn(async move {
                let mut told = Told::default();
                for number in 0.. {
                    if enough.load(Ordering::Relaxed) {
                        break;
                    }
                    let name = format!("{named}-{number}.md");
                    let id = caller.upload(&name).await;
                    caller.done(&id).await;
                    told.documents.insert(id, name);
                }
                told
            });
        }
        for number in 0..amount.conversations {
            let (caller, conversation) = (caller.clone(), format!("{named}-{number}"));
            let enough = enough.clone();
            clients.spawn(async move {
                let mut asked = vec![];
                for number in 0..amount.questions {
                    if enough.load(Ordering::Relaxed) {
                        break;
                    }
                    asked.push(caller.ask(&conversation, number).await);
                }
                Told {
                    conversations: [(conversation, asked)].into(),
                    ..Told::default()
                }
            });
        }
        Self { clients, enough }
    }
    /// Nothing more is begun.
    pub(super) fn enough(&self) {
        self.enough.store(true, Ordering::Relaxed);
    }
    /// Until everything that was asked for has ended well.
    pub(super) async fn finish(mut self) -> Told {
        let mut all = Told::default();
        while let Some(told) = self.clients.join_next().await {
            let told = told.expect("a client saw something that should not be");
            all.documents.extend(told.documents);
            all.conversations.extend(told.conversations);
        }
        all
    }
}

impl Told {
    pub(super) fn and(mut self, other: Self) -> Self {
        self.documents.extend(other.documents);
        self.conversations.extend(other.conversations);
        self
    }
    /// Holds it against what the edge says now.
    pub(super) async fn check(&self, caller: &Caller) {
        for (id, name) in &self.documents {
            let path = format!("/v1/chatbots/bot/documents/{id}");
            let listed = soon(|| async {
                let document = caller.get(&path).await.body;
                let whole = document["state"] == "ready" && document["ledger"].is_object();
                whole.then_some(document)
            });
            let document = listed.await;
            let document = document.unwrap_or_else(|| panic!("{name} is not listed as ready"));
            assert_eq!(document["name"], name.as_str());
            for field in ["expected", "embedded", "stored", "retrievable"] {
                assert_eq!(document["ledger"][field], 1, "{field}: {document}");
            }
        }
        for (id, asked) in &self.conversations {
            let path = format!("/v1/conversations/{id}");
            let listed = soon(|| async {
                let turns = caller.get(&path).await.body["turns"].take();
                let all = turns.as_array().map(Vec::len) == Some(asked.len());
                all.then_some(turns)
            });
            let turns = listed
                .await
                .unwrap_or_else(|| panic!("{id} has not all its turns"));
            let text = |turn: &Value, name: &str| turn[name].as_str().expect(name).to_owned();
            let turns = turns.as_array().expect("turns").iter().map(|turn| Asked {
                question: text(turn, "question"),
                text: text(turn, "asked"),
                answer: text(turn, "text"),
            });
            assert_eq!(
                &turns.collect::<Vec<_>>(),
                asked,
                "{id}: each once, in order"
            );
        }
    }
}

/// Views follow a moment later.
async fn soon<T, F: Future<Output = Option<T>>>(mut look: impl FnMut() -> F) -> Option<T> {
    let over = Instant::now() + PATIENCE;
    loop {
        match look().await {
            None if Instant::now() < over => sleep(PAUSE).await,
            found => return found,
        }
    }
}
