//! JSON bodies and queries: of bounded size, known fields only, and errors that say where.
use crate::app::App;
use crate::config::Limits;
use crate::problem::{Code, Problem};
use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use futures::StreamExt;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;

/// How much of a refused body is read on, in bytes, so that whoever sends it reads the answer and not a broken pipe.
const DRAINED: usize = 16 << 20;
/// For how long at most.
const DRAINED_FOR: Duration = Duration::from_secs(5);

/// A request that comes as JSON. Its type refuses unknown fields.
pub trait JsonRequest: DeserializeOwned {
    /// The largest body, in bytes.
    fn limit(limits: &Limits) -> usize {
        limits.body_bytes
    }
}

/// A JSON body.
pub struct JsonBody<T>(pub T);

impl<T: JsonRequest> FromRequest<Arc<App>> for JsonBody<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        if !is_json(&parts.headers) {
            drain(body).await;
            return Err(Problem::new(
                Code::UnsupportedMediaType,
                "send application/json",
            ));
        }
        let bytes = read(body, T::limit(&app.config.limits)).await?;
        parse(&bytes).map(Self)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let text = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media_type = text
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    media_type == "application/json"
        || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

async fn read(body: Body, limit: usize) -> Result<Vec<u8>, Problem> {
    let too_large = || {
        Problem::new(
            Code::TooLarge,
            format!("at most {limit} bytes are taken here"),
        )
        .with("limit", limit)
    };
    if body.size_hint().lower() > limit as u64 {
        drain(body).await;
        return Err(too_large());
    }
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk =
            chunk.map_err(|e| Problem::new(Code::Malformed, format!("the body broke off: {e}")))?;
        bytes.extend_from_slice(&chunk);
        if bytes.len() > limit {
            drain(Body::from_stream(stream)).await;
            return Err(too_large());
        }
    }
    Ok(bytes)
}

/// Reads on what nobody wants, within bounds.
pub async fn drain(body: Body) {
    drain_up_to(body, DRAINED).await;
}

/// The same with a bound of one's own, in bytes.
pub async fn drain_up_to(body: Body, most: usize) {
    let mut stream = body.into_data_stream();
    let reading = async {
        let mut read = 0;
        while let Some(Ok(chunk)) = stream.next().await {
            read += chunk.len();
            if read > most {
                break;
            }
        }
    };
    // Whoever is slower than that reads a broken pipe.
    let _ = tokio::time::timeout(DRAINED_FOR, reading).await;
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize(&mut reader).map_err(|e| {
        let at = e.path().to_string();
        let code = if e.inner().is_data() {
            Code::Invalid
        } else {
            Code::Malformed
        };
        Problem::new(code, e.inner().to_string()).with("where", at)
    })?;
    reader
        .end()
        .map_err(|e| Problem::new(Code::Malformed, e.to_string()))?;
    Ok(parsed)
}

/// A query string. Its type refuses unknown parameters.
pub struct QueryOf<T>(pub T);
impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for QueryOf<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Problem> {
        let Query(query) = Query::try_from_uri(&parts.uri)
            .map_err(|e| Problem::new(Code::Invalid, e.body_text()).with("where", "query"))?;
        Ok(Self(query))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        inner: Vec<Inner>,
    }
    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        n: u8,
    }

    #[test]
    fn what_is_wrong_with_json_is_said_with_its_place() {
        let wrong = |text: &str| {
            let problem = parse::<Outer>(text.as_bytes()).expect_err("wrong");
            (
                problem.status.as_u16(),
                problem.to_json(None)["where"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
            )
        };
        assert_eq!(
            wrong(r#"{"inner": [{"n": 1}, {"n": "two"}]}"#),
            (422, "inner[1].n".into())
        );
        assert_eq!(
            wrong(r#"{"inner": [{"n": 1, "m": 2}]}"#),
            (422, "inner[0].m".into())
        );
        assert_eq!(wrong(r#"{"inner": ["#).0, 400);
        assert_eq!(wrong(r#"{"inner": []} and more"#).0, 400);
        assert_eq!(wrong("").0, 400);
        assert_eq!(
            parse::<Outer>(br#"{"inner": [{"n": 1}]}"#)
                .expect("right")
                .inner,
            [Inner { n: 1 }]
        );
    }
}
