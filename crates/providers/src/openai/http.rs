//! Calling an endpoint: one client each, no redirects, every failure told apart, every size bounded.
use super::{Endpoint, InvalidEndpoint};
use crate::ProviderError;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url, redirect};
use serde_json::Value;
use std::time::Duration;

/// What is kept of an error's body, in bytes, for a person to read.
const SAID: usize = 500;
/// The longest that an endpoint may ask us to wait.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// One path of an endpoint.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub endpoint: Endpoint,
    client: Client,
    url: Url,
}

impl Caller {
    pub fn new(endpoint: Endpoint, path: &str) -> Result<Self, InvalidEndpoint> {
        let name = endpoint.name.clone();
        events::id::check_part(&name).map_err(|_| InvalidEndpoint::Name(name.clone()))?;
        let whole = format!("{}/{path}", endpoint.base_url.trim_end_matches('/'));
        let url = Url::parse(&whole).map_err(|e| InvalidEndpoint::Url {
            name: name.clone(),
            why: e.to_string(),
        })?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(InvalidEndpoint::Url {
                name,
                why: format!("{} is neither http nor https", url.scheme()),
            });
        }
        let mut headers = HeaderMap::new();
        if let Some(key) = &endpoint.api_key {
            let value = HeaderValue::from_str(&format!("Bearer {}", key.expose()));
            let mut value = value.map_err(|_| InvalidEndpoint::Key(name.clone()))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let client = Client::builder()
            .connect_timeout(Duration::from_millis(endpoint.connect_ms))
            // A redirect would carry the key and the question elsewhere.
            .redirect(redirect::Policy::none())
            .default_headers(headers)
            .user_agent(concat!("troupe/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| InvalidEndpoint::Client {
                name,
                why: chain(&e),
            })?;
        Ok(Self {
            endpoint,
            client,
            url,
        })
    }

    /// The response, if it is a success.
    pub async fn post(&self, body: &Value) -> Result<Response, ProviderError> {
        let sent = self.client.post(self.url.clone()).json(body).send().await;
        let response = sent.map_err(|e| self.failure(&e, 0))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let wait = retry_after(response.headers());
        let said = self.beginning(response).await;
        Err(match status {
            StatusCode::TOO_MANY_REQUESTS => ProviderError::Busy { wait },
            StatusCode::REQUEST_TIMEOUT => ProviderError::Broken {
                status: status.as_u16(),
                said,
            },
            _ if status.is_server_error() => ProviderError::Broken {
                status: status.as_u16(),
                said,
            },
            _ => ProviderError::Refused {
                status: status.as_u16(),
                said,
            },
        })
    }

    /// The next bytes of a body of which `read` bytes have come.
    pub async fn chunk(
        &self,
        response: &mut Response,
        read: usize,
    ) -> Result<Option<Vec<u8>>, ProviderError> {
        let chunk = response.chunk().await.map_err(|e| self.failure(&e, read))?;
        Ok(chunk.map(|bytes| bytes.to_vec()))
    }

    /// The whole body, which may have `limit` bytes.
    pub async fn whole(
        &self,
        mut response: Response,
        limit: usize,
    ) -> Result<Vec<u8>, ProviderError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk(&mut response, bytes.len()).await? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > limit {
                return Err(ProviderError::Nonsense(format!("more than {limit} bytes")));
            }
        }
        Ok(bytes)
    }

    async fn beginning(&self, mut response: Response) -> String {
        let mut bytes = Vec::new();
        while bytes.len() < SAID
            && let Ok(Some(chunk)) = self.chunk(&mut response, 0).await
        {
            bytes.extend_from_slice(&chunk);
        }
        bytes.truncate(SAID);
        let said = String::from_utf8_lossy(&bytes);
        // Some endpoints repeat the key that they refuse.
        let key = self
            .endpoint
            .api_key
            .as_ref()
            .map(|key| key.expose())
            .filter(|key| !key.is_empty());
        key.map_or_else(|| said.to_string(), |key| said.replace(key, "…"))
    }

    fn failure(&self, e: &reqwest::Error, read: usize) -> ProviderError {
        if e.is_timeout() {
            let limit = Duration::from_millis(self.endpoint.connect_ms);
            ProviderError::Timeout {
                while_: "connecting",
                limit,
            }
        } else if e.is_connect() {
            ProviderError::Unreachable(chain(e))
        } else if e.is_body() || e.is_decode() || read > 0 {
            ProviderError::Truncated(read)
        } else {
            ProviderError::Unreachable(chain(e))
        }
    }
}

/// An error with its causes, without the URL, which may hold a key.
fn chain(e: &dyn std::error::Error) -> String {
    let mut causes = Vec::new();
    let mut next = e.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    if causes.is_empty() {
        "the request failed".to_owned()
    } else {
        causes.join(": ")
    }
}

/// In seconds; a date is not understood, and the default holds.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

/// Waits no longer than `limit`.
pub(super) async fn within<T>(
    limit: Duration,
    while_: &'static str,
    call: impl Future<Output = Result<T, ProviderError>>,
) -> Result<T, ProviderError> {
    match tokio::time::timeout(limit, call).await {
        Ok(result) => result,
        Err(_) => Err(ProviderError::Timeout { while_, limit }),
    }
}
