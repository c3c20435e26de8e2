//! Whether the process lives, and whether it should be sent requests.
use crate::app::App;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use runtime::BoxFuture;
use runtime::time::rfc3339;
use serde_json::{Value, json};
use std::sync::Arc;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// As it should be.
    Up,
    /// Something is wrong, and requests can be served all the same.
    Degraded,
    /// Requests should go elsewhere.
    Down,
}
impl Condition {
    fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Degraded => "degraded",
            Self::Down => "down",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was looked at: `log`, `consumer documents.effects`, ….
    pub name: String,
    /// How it is.
    pub condition: Condition,
    /// Why it is not up; empty if it is.
    pub reason: String,
}
impl Check {
    /// It is as it should be.
    pub fn up(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            condition: Condition::Up,
            reason: String::new(),
        }
    }
    /// It is not.
    pub fn not_up(
        name: impl Into<String>,
        condition: Condition,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            condition,
            reason: reason.into(),
        }
    }
}

/// What the rest of the process knows of its health.
pub trait Health: Send + Sync {
    /// Looks. It should answer within a second.
    fn checks(&self) -> BoxFuture<'_, Vec<Check>>;
}

/// Nothing to look at.
pub struct AlwaysUp;
impl Health for AlwaysUp {
    fn checks(&self) -> BoxFuture<'_, Vec<Check>> {
        Box::pin(async { vec![] })
    }
}

/// Without these nothing can be asked.
const NEEDED: [&str; 2] = ["log", "state"];

/// `/health/live`: the process answers.
pub async fn live() -> Json<Value> {
    Json(json!({"status": "up"}))
}

/// `/health/ready`: 200 if requests can be served, 503 if not, with every check either way.
pub async fn ready(State(app): State<Arc<App>>) -> Response {
    let mut checks = app.health.checks().await;
    for outage in app.ports.breakers.outages() {
        let needed = NEEDED.contains(&outage.dependency.as_str());
        let condition = if needed {
            Condition::Down
        } else {
            Condition::Degraded
        };
        let mut reason = format!("since {}: {}", rfc3339(outage.since_ms), outage.why);
        if !outage.waiting.is_empty() {
            reason.push_str(&format!("; {} wait for it", outage.waiting.join(", ")));
        }
        checks.push(Check::not_up(outage.dependency, condition, reason));
    }
    if app.is_stopping() {
        checks.push(Check::not_up("edge", Condition::Down, "it is stopping"));
    }
    told(&checks)
}

/// What was found, and the worst of it as a status.
pub(crate) fn told(checks: &[Check]) -> Response {
    let worst = if checks
        .iter()
        .any(|check| check.condition == Condition::Down)
    {
        Condition::Down
    } else if checks
        .iter()
        .any(|check| check.condition == Condition::Degraded)
    {
        Condition::Degraded
    } else {
        Condition::Up
    };
    let status = if worst == Condition::Down {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::OK
    };
    let checks: Vec<Value> = checks
        .iter()
        .map(|check| json!({"name": check.name, "status": check.condition.as_str(), "reason": check.reason}))
        .collect();
    (
        status,
        Json(json!({"status": worst.as_str(), "checks": checks})),
    )
        .into_response()
}
