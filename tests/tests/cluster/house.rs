//! Troupe's processes on the servers that the environment names.
use super::servers::{Settings, id_of, keys, prepare, shared};
use crate::cli::binary::{Place, Serving};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// The groups of workers, each a process.
const GROUPS: &[(&str, &[&str])] = &[
    ("documents", &["documents"]),
    ("knowledge", &["knowledge"]),
    ("chatbots", &["chatbots"]),
    ("talk", &["answers", "conversations"]),
    ("edge-side", &["operations", "sagas"]),
];
/// Whoever waits longer waits in vain.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct House {
    place: Place,
    workers: BTreeMap<&'static str, Serving>,
    edge: Option<Serving>,
    client: Client,
    base: String,
    key: String,
    pub(super) kafka: String,
}

pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl House {
    /// Prepares the servers as an operator does, then starts everything.
    pub(super) async fn build() -> Self {
        let place = Place::new();
        let kafka = shared("TROUPE_TEST_KAFKA");
        let database = format!("house{}", std::process::id());
        let configure = |id: &str| {
            let text = Settings::of(&kafka, id, &database).text();
            place.write(
                "troupe.toml",
                &(text + "kafka_groups_of_others = [\"*\"]\n"),
            );
        };
        configure("");
        configure(&id_of(&place).await);
        prepare(&place).await;
        let mut house = Self {
            place,
            workers: BTreeMap::new(),
            edge: None,
            client: Client::new(),
            base: String::new(),
            key: String::new(),
            kafka,
        };
        for (group, _) in GROUPS {
            house.start(group).await;
        }
        let up = [
            "up",
            "--cluster",
            "--no-workers",
            "--dev",
            "--listen",
            "127.0.0.1:0",
        ];
        let edge = house.place.start_with(&up, &keys()).await;
        (house.base, house.key) = (
            edge.ready.clone(),
            edge.key.clone().expect("--dev prints it"),
        );
        house.edge = Some(edge);
        house
    }

    pub(super) async fn start(&mut self, group: &str) {
        let (name, workers) = GROUPS
            .iter()
            .find(|(name, _)| *name == group)
            .expect("a group");
        let mut arguments = vec!["run", "--cluster", "--worker"];
        arguments.extend_from_slice(workers);
        let worker = self.place.start_with(&arguments, &keys()).await;
        self.workers.insert(name, worker);
    }
    /// SIGKILL.
    pub(super) async fn kill(&mut self, group: &str) {
        self.workers.remove(group).expect("it runs").kill().await;
    }
    /// SIGTERM to everybody: each ends with 0.
    pub(super) async fn stop(&mut self) {
        let all = std::mem::take(&mut self.workers)
            .into_values()
            .chain(self.edge.take());
        for serving in all {
            serving.stop().await;
        }
    }

    fn request(&self, request: RequestBuilder) -> RequestBuilder {
        request
            .bearer_auth(&self.key)
            .header("prefer", "wait=30")
            .timeout(PATIENCE)
    }
    async fn send(&self, request: RequestBuilder) -> Reply {
        let reply = request.send().await.expect("the edge answers");
        let status = reply.status().as_u16();
        let body = reply.json().await.unwrap_or_default();
        Reply { status, body }
    }
    fn url(&self, path: &str) -> String {
        format!("{}/v1/{path}", self.base)
    }

    pub(super) async fn create(&self, id: &str) {
        let body = json!({ "id": id, "name": "Observatory" });
        let request = self.client.post(self.url("chatbots")).json(&body);
        let reply = self.send(self.request(request)).await;
        assert_eq!(reply.status, 201, "{}", reply.body);
    }
    pub(super) async fn delete(&self, id: &str) -> u16 {
        let request = self.client.delete(self.url(&format!("chatbots/{id}")));
        self.send(self.request(request)).await.status
    }

    fn uploading(&self, bot: &str, name: &str, bytes: Vec<u8>) -> RequestBuilder {
        let path = format!("chatbots/{bot}/documents?name={name}");
        self.client.post(self.url(&path)).body(bytes)
    }
    fn example(name: &str) -> Vec<u8> {
        let documents = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/documents");
        std::fs::read(format!("{documents}/{name}")).expect("an example")
    }
    /// Waits until it can be found.
    pub(super) async fn upload(&self, bot: &str, name: &str) {
        let reply = self.upload_bytes(bot, name, Self::example(name)).await;
        assert_eq!(reply.status, 201, "{name}: {}", reply.body);
    }
    pub(super) async fn upload_bytes(&self, bot: &str, name: &str, bytes: Vec<u8>) -> Reply {
        self.send(self.request(self.uploading(bot, name, bytes)))
            .await
    }
    /// What `troupe topics plan` says now.
    pub(super) async fn planned(&self) -> String {
        let ran = self.place.run(&["topics", "plan"]).await;
        ran.succeeds().to_owned()
    }
    /// Puts a blob, for those who name it.
    pub(super) async fn put(&self, text: &str) -> Value {
        let request = self.client.post(self.url("blobs")).body(text.to_owned());
        let reply = self.send(self.request(request)).await;
        assert_eq!(reply.status, 201, "{}", reply.body);
        reply.body
    }
    /// Does not wait; the operation's address.
    pub(super) async fn upload_later(&self, bot: &str, name: &str) -> String {
        let request = self
            .uploading(bot, name, Self::example(name))
            .bearer_auth(&self.key);
        let request = request.header("prefer", "respond-async").timeout(PATIENCE);
        let reply = request.send().await.expect("the edge answers");
        assert_eq!(reply.status().as_u16(), 202);
        let location = reply.headers().get("location").expect("where to ask");
        location.to_str().expect("text").to_owned()
    }
    /// Waits until an operation has succeeded.
    pub(super) async fn done(&self, location: &str) {
        let asking = async {
            loop {
                let request = self.client.get(format!("{}{location}", self.base));
                let reply = self.send(self.request(request)).await;
                match reply.body["status"].as_str() {
                    Some("running") | None => {
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                    Some("done") => return,
                    Some(_) => panic!("{}", reply.body),
                }
            }
        };
        tokio::time::timeout(PATIENCE, asking)
            .await
            .expect("done in time");
    }

    pub(super) async fn asked(&self, bot: &str, text: &str) -> Reply {
        let request = self
            .client
            .post(self.url(&format!("chatbots/{bot}/questions")));
        self.send(self.request(request.json(&json!({ "text": text }))))
            .await
    }
    pub(super) async fn ask(&self, bot: &str, text: &str) -> Value {
        let reply = self.asked(bot, text).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body
    }
}
