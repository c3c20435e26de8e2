//! Speaks HTTP with a Troupe, as any client would.
use super::{WAIT_S, until};
use crate::cli::binary::PATIENCE;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

/// Who calls: one tenant.
#[derive(Clone)]
pub(super) struct Caller {
    http: Client,
    base: String,
    key: String,
}

/// What came back.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// Null if it is no JSON.
    pub(super) body: Value,
}

impl Reply {
    /// Status and code of a problem document.
    pub(super) fn problem(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }
    /// A text of the body.
    #[track_caller]
    pub(super) fn text(&self, name: &str) -> &str {
        let text = self.body[name].as_str();
        text.unwrap_or_else(|| panic!("a {name}: {self:?}"))
    }
    #[track_caller]
    pub(super) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }
}

/// A client for this machine: no proxy, no certificates.
pub(super) fn client() -> Client {
    let builder = Client::builder().no_proxy().tls_certs_only([]);
    builder.timeout(PATIENCE).build().expect("a client")
}

impl Caller {
    pub(super) fn new(http: &Client, base: &str, key: &str) -> Self {
        Self {
            http: http.clone(),
            base: base.to_owned(),
            key: key.to_owned(),
        }
    }
    /// A request that waits for its answer, unless it is told otherwise.
    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        request.bearer_auth(&self.key)
    }
    pub(super) async fn get(&self, path: &str) -> Reply {
        send(self.request(Method::GET, path)).await
    }
    pub(super) async fn post(&self, path: &str, body: &Value) -> Reply {
        send(waiting(self.request(Method::POST, path)).json(body)).await
    }
    /// Uploads a file, and waits until it is ready or is not taken.
    pub(super) async fn upload(&self, chatbot: &str, name: &str, bytes: Vec<u8>) -> Reply {
        send(waiting(self.uploading(chatbot, name, bytes))).await
    }
    pub(super) fn uploading(&self, chatbot: &str, name: &str, bytes: Vec<u8>) -> RequestBuilder {
        let path = format!("/v1/chatbots/{chatbot}/documents?name={name}");
        self.request(Method::POST, &path).body(bytes)
    }
    pub(super) async fn put_blob(&self, bytes: Vec<u8>) -> Reply {
        send(self.request(Method::POST, "/v1/blobs").body(bytes)).await
    }
    pub(super) async fn ask(&self, chatbot: &str, text: &str) -> Reply {
        let path = format!("/v1/chatbots/{chatbot}/questions");
        self.post(&path, &json!({"text": text})).await
    }
    pub(super) async fn create(&self, chatbot: &str) {
        let wanted = json!({"id": chatbot, "name": "A chatbot"});
        self.post("/v1/chatbots", &wanted).await.expect(201);
    }
    pub(super) async fn document(&self, chatbot: &str, id: &str) -> Reply {
        self.get(&format!("/v1/chatbots/{chatbot}/documents/{id}"))
            .await
    }
    /// The document, once it is listed so: what is listed follows a moment later.
    pub(super) async fn listed(&self, chatbot: &str, id: &str, state: &str) -> Reply {
        until(&format!("document {id} is {state}"), || async {
            let reply = self.document(chatbot, id).await;
            (reply.body["state"] == state).then_some(reply)
        })
        .await
    }
    /// The conversation, once it is listed with so many turns.
    pub(super) async fn conversation(&self, id: &str, turns: usize) -> Value {
        until(&format!("conversation {id} has {turns} turns"), || async {
            let body = self.get(&format!("/v1/conversations/{id}")).await.body;
            (body["turns"].as_array().map(Vec::len) == Some(turns)).then_some(body)
        })
        .await
    }
    /// All documents of a chatbot, page by page.
    pub(super) async fn documents(&self, chatbot: &str) -> Vec<Value> {
        let (mut all, mut after) = (vec![], String::new());
        loop {
            let path = format!("/v1/chatbots/{chatbot}/documents?limit=200&after={after}");
            let page = self.get(&path).await.expect(200).body;
            all.extend(page["items"].as_array().expect("items").iter().cloned());
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut after),
                None => return all,
            }
        }
    }
}

/// The request waits for its answer.
fn waiting(request: RequestBuilder) -> RequestBuilder {
    request.header("prefer", format!("wait={WAIT_S}"))
}

pub(super) async fn send(request: RequestBuilder) -> Reply {
    try_send(request).await.expect("an answer")
}
/// The same, of a process that may die meanwhile.
pub(super) async fn try_send(request: RequestBuilder) -> reqwest::Result<Reply> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let bytes = response.bytes().await?;
    let body = serde_json::from_slice(&bytes).unwrap_or_default();
    Ok(Reply { status, body })
}
