//! What a client reads when something did not go: problem documents (RFC 9457).
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use runtime::PortError;
use runtime::emission::EmissionError;
use runtime::ports::blobs::BlobError;
use serde_json::{Value, json};

/// What the edge itself may answer. Each has a page under docs/errors/.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// No key, or none that is known.
    Unauthorized,
    /// Nothing here for this tenant.
    NotFound,
    /// The path is there, for other methods.
    MethodNotAllowed,
    /// The body is not of a type that is taken here.
    UnsupportedMediaType,
    /// The request cannot be read: broken JSON, broken multipart, a header that is none.
    Malformed,
    /// The request can be read, and is not what is taken here.
    Invalid,
    /// Something else has that name already, or does not allow it now.
    Conflict,
    /// The body is larger than what is taken here.
    TooLarge,
    /// The `Idempotency-Key` was used with another request.
    IdempotencyKeyReused,
    /// The tenant has too many requests under way.
    TooManyRequests,
    /// The edge has too many requests under way.
    Busy,
    /// Something that is needed does not answer.
    Unavailable,
    /// There is no room.
    Full,
    /// A fault of ours.
    Internal,
}
impl Code {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Unauthorized,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::UnsupportedMediaType,
        Self::Malformed,
        Self::Invalid,
        Self::Conflict,
        Self::TooLarge,
        Self::IdempotencyKeyReused,
        Self::TooManyRequests,
        Self::Busy,
        Self::Unavailable,
        Self::Full,
        Self::Internal,
    ];
    /// Status, code, title.
    pub fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "edge.unauthorized",
                "an API key is needed",
            ),
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "edge.not_found",
                "there is no such thing",
            ),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "edge.method_not_allowed",
                "not with this method",
            ),
            Self::UnsupportedMediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "edge.unsupported_media_type",
                "not with this content type",
            ),
            Self::Malformed => (
                StatusCode::BAD_REQUEST,
                "edge.malformed",
                "the request cannot be read",
            ),
            Self::Invalid => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "edge.invalid",
                "the request is not what is taken here",
            ),
            Self::Conflict => (StatusCode::CONFLICT, "edge.conflict", "not as things are"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "edge.too_large", "too large"),
            Self::IdempotencyKeyReused => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "edge.idempotency_key_reused",
                "the idempotency key was used for another request",
            ),
            Self::TooManyRequests => (
                StatusCode::TOO_MANY_REQUESTS,
                "edge.too_many_requests",
                "too many requests at once",
            ),
            Self::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "edge.busy",
                "too much to do",
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "edge.unavailable",
                "not available now",
            ),
            Self::Full => (StatusCode::INSUFFICIENT_STORAGE, "edge.full", "no room"),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "edge.internal",
                "a fault of ours",
            ),
        }
    }
}

/// A problem document. Its `instance` is filled in on its way out.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The response's status.
    pub status: StatusCode,
    /// Stable; a page each under docs/errors/.
    pub code: String,
    title: String,
    detail: String,
    more: Vec<(String, Value)>,
}

/// In the response's extensions until it is written.
#[derive(Clone)]
struct Unwritten(Problem);

impl Problem {
    /// One of the edge's own, with a sentence for a person.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let (status, code, title) = code.parts();
        Self {
            status,
            code: code.into(),
            title: title.into(),
            detail: detail.into(),
            more: vec![],
        }
    }
    /// What a worker answered.
    pub fn told(status: StatusCode, code: &str, title: &str, detail: &str) -> Self {
        let (code, title, detail) = (code.to_owned(), title.to_owned(), detail.to_owned());
        Self {
            status,
            code,
            title,
            detail,
            more: vec![],
        }
    }
    /// There is no such thing for this tenant: the same words whether it is somebody else's or nobody's.
    pub fn nothing(what: &str) -> Self {
        Self::new(Code::NotFound, format!("there is no such {what}"))
    }
    /// With one more member.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.push((name.to_owned(), value.into()));
        self
    }
    /// As JSON.
    pub fn to_json(&self, instance: Option<&str>) -> Value {
        let mut document = json!({
            "type": format!("/errors/{}", self.code),
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code,
        });
        if let Some(object) = document.as_object_mut() {
            object.extend(instance.map(|path| ("instance".to_owned(), path.into())));
            object.extend(self.more.clone());
        }
        document
    }
    fn write(&self, instance: Option<&str>) -> Response {
        let body = self.to_json(instance).to_string();
        let mut response = (
            self.status,
            [(header::CONTENT_TYPE, "application/problem+json")],
            body,
        )
            .into_response();
        let headers = response.headers_mut();
        match self.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.write(None);
        response.extensions_mut().insert(Unwritten(self));
        response
    }
}

/// Makes a problem document of every error that leaves the edge, the framework's own included, and says in it
/// which request it is about.
pub async fn write_problems(
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> Response {
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    if let Some(Unwritten(problem)) = response.extensions().get::<Unwritten>() {
        return problem.write(Some(&path));
    }
    let code = match response.status() {
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => Code::TooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::UnsupportedMediaType,
        status
            if status.is_server_error()
                && response.headers().get(header::CONTENT_TYPE).is_none() =>
        {
            Code::Internal
        }
        status if status.is_client_error() => Code::Malformed,
        _ => return response,
    };
    let detail = match code {
        Code::NotFound => format!("nothing is at {path}"),
        Code::MethodNotAllowed => format!("{path} is not used with this method"),
        _ => "see the title".to_owned(),
    };
    let mut written = Problem::new(code, detail).write(Some(&path));
    if let Some(allow) = response.headers().get(header::ALLOW) {
        written.headers_mut().insert(header::ALLOW, allow.clone());
    }
    written
}

/// What a port said goes to the server's log; a client is told which one, and whether to come again.
impl From<PortError> for Problem {
    fn from(error: PortError) -> Self {
        tracing::warn!(%error, "a request met a port that could not");
        match error {
            PortError::Full { port, .. } => {
                Self::new(Code::Full, format!("there is no room ({port})"))
            }
            PortError::Unreachable { port, .. } => Self::new(
                Code::Unavailable,
                format!("the {port} does not answer; try again, with the same Idempotency-Key"),
            ),
            PortError::Corrupt { port, .. } => Self::new(
                Code::Internal,
                format!("something in the {port} cannot be read; the log of the server says what"),
            ),
        }
    }
}
impl From<BlobError> for Problem {
    fn from(error: BlobError) -> Self {
        let code = match error {
            BlobError::Port(port) => return port.into(),
            BlobError::Missing(_) => Code::Invalid,
            BlobError::TooLarge { .. } => Code::TooLarge,
            BlobError::BrokeOff(_) => Code::Malformed,
            BlobError::Exists(_) => Code::IdempotencyKeyReused,
        };
        Self::new(code, error.to_string())
    }
}
impl From<EmissionError> for Problem {
    fn from(error: EmissionError) -> Self {
        match error {
            EmissionError::Port(port) => port.into(),
            EmissionError::Invalid { why, .. } => {
                Self::new(Code::TooLarge, format!("it cannot be sent on: {why}"))
            }
            EmissionError::NotDeclared { .. } => {
                tracing::error!(%error, "a command cannot be said");
                Self::new(Code::Internal, "the command cannot be said")
            }
        }
    }
}
