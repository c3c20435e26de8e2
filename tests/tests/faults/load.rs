//! What clients do while the process dies under them: they upload, and replace, and ask, and come again with the same
//! `Idempotency-Key` until they are answered.
use super::caller::{Caller, Reply, try_send};
use super::lives::{Lives, UPLOADERS};
use super::note;
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Before a client comes again.
const PAUSE: Duration = Duration::from_millis(3);
/// Questions of one conversation.
const QUESTIONS: u64 = 15;

/// An upload that was acknowledged.
#[derive(Clone, Debug)]
pub(super) struct Uploaded {
    pub(super) name: String,
    pub(super) number: u64,
    pub(super) editions: u32,
    pub(super) passages: usize,
}
/// A question that was acknowledged, and how it was answered.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) question: String,
    pub(super) text: String,
    pub(super) answer: String,
}

/// What the clients were told.
#[derive(Debug, Default)]
pub(super) struct Acknowledged {
    /// By the documents' ids.
    pub(super) documents: BTreeMap<String, Uploaded>,
    /// By the conversations' ids, in order.
    pub(super) conversations: BTreeMap<String, Vec<Asked>>,
}

/// How much there is to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Amount {
    pub(super) askers: u64,
    /// Every so many uploads one is large: more than one chunk of a blob, more than one round of passages.
    pub(super) large_every: u64,
}

struct Client {
    serving: watch::Receiver<Option<Caller>>,
    answered: watch::Sender<u64>,
    uploaded: watch::Sender<BTreeMap<u64, u64>>,
    ended: watch::Receiver<bool>,
    amount: Amount,
}

/// Clients at work.
pub(super) struct Load {
    clients: JoinSet<Acknowledged>,
    ended: watch::Sender<bool>,
}

impl Load {
    pub(super) fn start(lives: &Lives, amount: Amount) -> Self {
        let (ended, mut clients) = (watch::Sender::new(false), JoinSet::new());
        let client = Arc::new(Client {
            serving: lives.serving(),
            answered: lives.answered.clone(),
            uploaded: lives.uploaded.clone(),
            ended: ended.subscribe(),
            amount,
        });
        for uploader in 0..UPLOADERS as u64 {
            let client = client.clone();
            clients.spawn(async move { client.upload(uploader).await });
        }
        for asker in 0..amount.askers {
            let client = client.clone();
            clients.spawn(async move { client.ask(asker).await });
        }
        Self { clients, ended }
    }
    /// Lets the clients finish what they have begun.
    pub(super) async fn finish(mut self) -> Acknowledged {
        self.ended.send_replace(true);
        let mut all = Acknowledged::default();
        while let Some(ended) = self.clients.join_next().await {
            let of = ended.expect("a client saw something that should not be");
            all.documents.extend(of.documents);
            all.conversations.extend(of.conversations);
        }
        all
    }
}

impl Client {
    /// Until there is an answer that is not "later".
    async fn insist(&self, request: impl Fn(&Caller) -> RequestBuilder) -> Reply {
        let mut serving = self.serving.clone();
        loop {
            let caller = serving
                .wait_for(Option::is_some)
                .await
                .map(|caller| caller.clone());
            let caller = caller.expect("there will be more").expect("it serves");
            if let Ok(reply) = try_send(request(&caller)).await {
                self.answered.send_modify(|count| *count += 1);
                if !matches!(reply.status, 429 | 503) {
                    return reply;
                }
            }
            sleep(PAUSE).await;
        }
    }
    /// How an operation ends.
    async fn outcome(&self, operation: &str) -> Reply {
        let path = format!("/v1/operations/{operation}");
        loop {
            let reply = self
                .insist(|caller| caller.request(Method::GET, &path))
                .await
                .expect(200);
            match reply.text("status") {
                "running" => sleep(PAUSE).await,
                "done" => return reply,
                status => panic!("{status}: {}", reply.body),
            }
        }
    }
    fn is_over(&self) -> bool {
        *self.ended.borrow()
    }

    /// Uploads one document after the other; every third is replaced when it is ready.
    async fn upload(&self, uploader: u64) -> Acknowledged {
        let mut done = Acknowledged::default();
        for n in 0.. {
            if self.is_over() {
                break;
            }
            let number = n * UPLOADERS as u64 + uploader;
            let (passages, bytes) = match number % self.amount.large_every {
                0 => (150, 600_000),
                _ => (4, 0),
            };
            let name = format!("note-{number}.md");
            let content = note(number, 1, passages, bytes);
            let reply =
                self.insist(|caller| once(caller.uploading("bot", &name, content.clone()), &name));
            let reply = reply.await;
            assert!(matches!(reply.status, 201 | 202), "{}", reply.body);
            let id = reply.text("id").to_owned();
            self.outcome(&id).await;
            self.uploaded
                .send_modify(|count| *count.entry(uploader).or_default() += 1);
            let mut editions = 1;
            if n % 3 == 0 {
                editions = 2;
                let path = format!("/v1/chatbots/bot/documents/{id}?name={name}");
                let content = note(number, 2, passages, bytes);
                let replace = |caller: &Caller| {
                    once(
                        caller.request(Method::PUT, &path).body(content.clone()),
                        &name,
                    )
                };
                let reply = self.insist(replace).await;
                assert!(matches!(reply.status, 200 | 202), "{}", reply.body);
                let operation = reply.body["operation"]
                    .as_str()
                    .or(reply.body["id"].as_str());
                self.outcome(operation.expect("an operation")).await;
            }
            done.documents.insert(
                id,
                Uploaded {
                    name,
                    number,
                    editions,
                    passages,
                },
            );
        }
        done
    }

    /// Asks one question after the other.
    async fn ask(&self, asker: u64) -> Acknowledged {
        let mut done = Acknowledged::default();
        for n in 0.. {
            if self.is_over() {
                break;
            }
            let conversation = format!("talk-{asker}-{}", n / QUESTIONS);
            let text =
                format!("Question {n} of visitor {asker}: who cleans the lamp of the lighthouse?");
            let body = json!({"text": text, "conversation": conversation, "visitor": format!("visitor-{asker}")});
            let key = format!("question-{asker}-{n}");
            let ask = |caller: &Caller| {
                once(
                    caller
                        .request(Method::POST, "/v1/chatbots/bot/questions")
                        .json(&body),
                    &key,
                )
            };
            let reply = self.insist(ask).await;
            assert!(matches!(reply.status, 200 | 202), "{}", reply.body);
            let operation = reply.body["operation"]
                .as_str()
                .or(reply.body["id"].as_str());
            let question = operation.expect("an operation").to_owned();
            let reply = self.outcome(&question).await;
            let answer = reply.body["result"]["answer"]
                .as_str()
                .expect("an answer")
                .to_owned();
            done.conversations
                .entry(conversation)
                .or_default()
                .push(Asked {
                    question,
                    text,
                    answer,
                });
        }
        done
    }
}

/// The same request, however often it is sent; nobody waits for its answer.
fn once(request: RequestBuilder, key: &str) -> RequestBuilder {
    request
        .header("idempotency-key", key)
        .header("prefer", "respond-async")
}
