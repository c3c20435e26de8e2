//! How something is asked, besides what: whether to wait, under which idempotency key, as part of which trace.
use crate::admission::Place;
use crate::app::App;
use crate::problem::{Code, Problem};
use crate::tenant::Tenant;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use std::sync::Arc;
use std::time::Duration;
use uuid::Builder;

/// The longest `Idempotency-Key`, in characters.
const MAX_IDEMPOTENCY_KEY: usize = 255;

/// How something is asked.
#[derive(Clone)]
pub struct Asked {
    /// `POST /v1/chatbots/one/pause`.
    pub endpoint: String,
    /// `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// How long to wait for the answer before it becomes a 202.
    pub wait: Duration,
    /// `traceparent`, if it is one.
    pub traceparent: Option<String>,
    /// Whether the answer is wanted as server-sent events.
    pub events: bool,
    /// `Last-Event-ID`.
    pub last_event: Option<String>,
    /// Held by a stream until it ends.
    pub place: Option<Place>,
}

impl Asked {
    /// The id of the operation that this request begins: the same for the same tenant, principal, endpoint and
    /// `Idempotency-Key` (H2); without a key a new one (UUIDv7).
    pub fn operation_id(&self, app: &App, tenant: &Tenant) -> String {
        match &self.idempotency_key {
            Some(key) => {
                let parts = [
                    "edge",
                    tenant.id().as_str(),
                    tenant.principal(),
                    &self.endpoint,
                    key,
                ];
                events::id::derived(&parts).to_string()
            }
            None => {
                let clock = &app.ports.clock;
                let random = clock.random();
                let chance: [u8; 10] = std::array::from_fn(|i| random[i]);
                let now = u64::try_from(clock.now_ms()).unwrap_or_default();
                Builder::from_unix_timestamp_millis(now, &chance)
                    .into_uuid()
                    .to_string()
            }
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// `Prefer: respond-async`, `Prefer: wait=5`, or both, in one header or several (RFC 7240).
fn prefer(headers: &HeaderMap) -> Result<Option<Duration>, Problem> {
    let mut wait = None;
    let values = headers
        .get_all("prefer")
        .iter()
        .filter_map(|value| value.to_str().ok());
    for preference in values
        .flat_map(|value| value.split([',', ';']))
        .map(str::trim)
    {
        if preference.eq_ignore_ascii_case("respond-async") {
            wait = wait.or(Some(Duration::ZERO));
        } else if let Some((name, seconds)) = preference.split_once('=')
            && name.trim().eq_ignore_ascii_case("wait")
        {
            let seconds = seconds.trim().trim_matches('"').parse();
            let seconds = seconds.map_err(|_| {
                Problem::new(Code::Malformed, "`Prefer: wait=` takes whole seconds")
            })?;
            wait = Some(Duration::from_secs(seconds));
        }
    }
    Ok(wait)
}

impl FromRequestParts<Arc<App>> for Asked {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let (headers, limits) = (&parts.headers, &app.config.limits);
        let idempotency_key = match headers.get("idempotency-key") {
            None => None,
            Some(value) => {
                let key = value
                    .to_str()
                    .ok()
                    .map(str::trim)
                    .filter(|key| (1..=MAX_IDEMPOTENCY_KEY).contains(&key.len()));
                let detail = format!(
                    "an Idempotency-Key has 1 to {MAX_IDEMPOTENCY_KEY} visible ASCII characters"
                );
                Some(
                    key.ok_or_else(|| Problem::new(Code::Malformed, detail))?
                        .to_owned(),
                )
            }
        };
        let accept = text(headers, header::ACCEPT.as_str()).unwrap_or_default();
        Ok(Self {
            endpoint: format!("{} {}", parts.method, parts.uri.path()),
            idempotency_key,
            wait: prefer(headers)?
                .unwrap_or(limits.default_wait())
                .min(limits.max_wait()),
            traceparent: text(headers, "traceparent")
                .filter(|text| runtime::trace::is_traceparent(text))
                .map(str::to_owned),
            events: accept.contains("text/event-stream"),
            last_event: text(headers, "last-event-id").map(str::to_owned),
            place: parts.extensions.get::<Place>().cloned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let prefer = axum::http::HeaderName::from_static("prefer");
        values
            .iter()
            .map(|value| (prefer.clone(), value.parse().expect("a value")))
            .collect()
    }
    #[test]
    fn preferences_say_how_long_to_wait() {
        let seconds = |values: &[&str]| {
            prefer(&headers(values))
                .expect("readable")
                .map(|wait| wait.as_secs())
        };
        assert_eq!(seconds(&[]), None);
        assert_eq!(seconds(&["wait=5"]), Some(5));
        assert_eq!(seconds(&["respond-async"]), Some(0));
        assert_eq!(seconds(&["respond-async, wait=3"]), Some(3));
        assert_eq!(seconds(&["return=minimal", "Wait = 4"]), Some(4));
        assert!(prefer(&headers(&["wait=soon"])).is_err());
    }
}
