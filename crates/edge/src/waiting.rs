//! A process that waits for what it needs before it can serve: it lives, is not ready, and says why.
use crate::health::{self, Health};
use crate::problem::{Code, Problem, write_problems};
use crate::server::EdgeError;
use axum::Router;
use axum::extract::State;
use axum::middleware::from_fn;
use axum::response::Response;
use axum::routing::get;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Serves `/health/live` and `/health/ready` until `shutdown` returns. All else is told to come again.
///
/// # Errors
/// If the listener fails.
pub async fn serve_waiting(
    listener: TcpListener,
    health: Arc<dyn Health>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), EdgeError> {
    let router = Router::new()
        .route("/health/live", get(health::live))
        .route("/health/ready", get(ready))
        .fallback(later)
        .layer(from_fn(write_problems))
        .with_state(health);
    Ok(axum::serve(listener, router)
        .with_graceful_shutdown(shutdown)
        .await?)
}

async fn ready(State(watched): State<Arc<dyn Health>>) -> Response {
    health::told(&watched.checks().await)
}

async fn later() -> Problem {
    Problem::new(
        Code::Unavailable,
        "this process is starting; /health/ready says what it waits for",
    )
}
