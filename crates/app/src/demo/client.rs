//! Speaks HTTP with the working process, as any client would.
use super::trouble::Trouble;
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;

/// The longest that one request may take.
const LIMIT: Duration = Duration::from_secs(45);
/// How much of an unexpected answer is shown, in characters.
const SHOWN: usize = 300;
/// Items of a page.
const PAGE: usize = 200;

/// A client of one working process.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    key: String,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    what: String,
    /// The status.
    pub status: StatusCode,
    /// The body; null if it is no JSON.
    pub body: Value,
    /// The address of an operation, if it was not waited for.
    pub location: Option<String>,
}

impl Reply {
    /// This, if `fits` says that it is what was expected.
    ///
    /// # Errors
    /// [`Trouble::Unexpected`] otherwise.
    pub fn expect(
        self,
        expected: &'static str,
        fits: impl Fn(&Self) -> bool,
    ) -> Result<Self, Trouble> {
        if fits(&self) {
            return Ok(self);
        }
        let body = self.body.to_string().chars().take(SHOWN).collect();
        Err(Trouble::Unexpected {
            what: self.what,
            expected,
            status: self.status.as_u16(),
            body,
        })
    }
    /// The body as what it should be.
    ///
    /// # Errors
    /// [`Trouble::Unexpected`] if it is not.
    pub fn read<T: DeserializeOwned>(&self, expected: &'static str) -> Result<T, Trouble> {
        let unexpected = |e: serde_json::Error| Trouble::Unexpected {
            what: self.what.clone(),
            expected,
            status: self.status.as_u16(),
            body: e.to_string(),
        };
        serde_json::from_value(self.body.clone()).map_err(unexpected)
    }
    /// A text of the body; empty if there is none.
    pub fn text(&self, name: &str) -> String {
        self.body[name].as_str().unwrap_or_default().to_owned()
    }
}

impl Client {
    /// For the process that listens at `base` (`http://127.0.0.1:7070`).
    ///
    /// # Errors
    /// [`Trouble::Http`] if no client can be made.
    pub fn new(base: &str, key: &str) -> Result<Self, Trouble> {
        // It only ever speaks to this machine, in clear text: neither a proxy nor certificates are needed.
        let builder = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .timeout(LIMIT);
        let http = builder.build().map_err(|source| Trouble::Http {
            what: "a client".into(),
            source,
        })?;
        Ok(Self {
            http,
            base: base.to_owned(),
            key: key.to_owned(),
        })
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        with: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Result<Reply, Trouble> {
        let what = format!("{method} {path}");
        let failed = |source| Trouble::Http {
            what: what.clone(),
            source,
        };
        let request = self
            .http
            .request(method.clone(), format!("{}{path}", self.base))
            .bearer_auth(&self.key);
        let response = with(request).send().await.map_err(failed)?;
        let status = response.status();
        let location = response
            .headers()
            .get("location")
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let bytes = response.bytes().await.map_err(failed)?;
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Reply {
            what,
            status,
            body,
            location,
        })
    }

    /// # Errors
    /// [`Trouble::Http`].
    pub async fn get(&self, path: &str) -> Result<Reply, Trouble> {
        self.send(Method::GET, path, |request| request).await
    }
    /// Posts JSON, and waits up to `wait` for the answer.
    ///
    /// # Errors
    /// [`Trouble::Http`].
    pub async fn post(&self, path: &str, body: &Value, wait: Duration) -> Result<Reply, Trouble> {
        let prefer = match wait.as_secs() {
            0 => "respond-async".to_owned(),
            seconds => format!("wait={seconds}"),
        };
        self.send(Method::POST, path, |request| {
            request.header("prefer", prefer).json(body)
        })
        .await
    }
    /// Puts a file, and gives the reference to it.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn put_blob(&self, bytes: Vec<u8>) -> Result<Value, Trouble> {
        let reply = self
            .send(Method::POST, "/v1/blobs", |request| request.body(bytes))
            .await?;
        Ok(reply
            .expect("201 and a reference", |reply| {
                reply.status == StatusCode::CREATED
            })?
            .body)
    }
    /// All items of a list; none if it is not there (yet).
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn list<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, Trouble> {
        #[derive(serde::Deserialize)]
        struct Page<T> {
            items: Vec<T>,
            next: Option<String>,
        }
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let reply = self
                .get(&format!("{path}?limit={PAGE}&after={after}"))
                .await?;
            if reply.status == StatusCode::NOT_FOUND {
                return Ok(all);
            }
            let page: Page<T> = reply
                .expect("a page", |reply| reply.status == StatusCode::OK)?
                .read("a page")?;
            all.extend(page.items);
            match page.next {
                Some(next) => after = next,
                None => return Ok(all),
            }
        }
    }
}
