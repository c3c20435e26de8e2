//! `/metrics`: what the edge counts, and what the rest of the process adds.
use crate::app::App;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::sync::Arc;
use std::time::Instant;

/// What the rest of the process counts.
pub trait Metrics: Send + Sync {
    /// Metric families in the OpenMetrics text format, each line ended, without the closing `# EOF`.
    fn text(&self) -> String;
}

/// From 1 ms to 60 s.
const SECONDS: [f64; 13] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0,
];

type Labels = Vec<(&'static str, String)>;

/// What the edge counts.
pub struct Observed {
    registry: Registry,
    requests: Family<Labels, Counter>,
    seconds: Family<Labels, Histogram, fn() -> Histogram>,
    waiting: Gauge,
    pub(crate) streams: Gauge,
}

impl Default for Observed {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("troupe_edge");
        let requests = Family::default();
        let seconds: Family<Labels, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(SECONDS));
        let (waiting, streams) = (Gauge::default(), Gauge::default());
        registry.register("requests", "Requests by route and status", requests.clone());
        registry.register_with_unit(
            "request",
            "Time to the head of the response, by route",
            Unit::Seconds,
            seconds.clone(),
        );
        registry.register(
            "waiting_operations",
            "Operations that requests or streams wait for",
            waiting.clone(),
        );
        registry.register(
            "streams",
            "Streams of server-sent events that are open",
            streams.clone(),
        );
        Self {
            registry,
            requests,
            seconds,
            waiting,
            streams,
        }
    }
}

/// Counts every request.
pub async fn observe(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let matched = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned());
    let route = matched.unwrap_or_else(|| "none".to_owned());
    let method = request.method().to_string();
    let began = Instant::now();
    let response = next.run(request).await;
    let (status, took) = (response.status().as_u16(), began.elapsed());
    tracing::debug!(%method, route, status, ?took, "request");
    let labels = vec![("method", method), ("route", route)];
    app.observed
        .seconds
        .get_or_create(&labels)
        .observe(took.as_secs_f64());
    let labels = [labels, vec![("status", status.to_string())]].concat();
    app.observed.requests.get_or_create(&labels).inc();
    response
}

/// `/metrics`.
pub async fn metrics(State(app): State<Arc<App>>) -> Response {
    app.observed
        .waiting
        .set(i64::try_from(app.operations.waiting()).unwrap_or(i64::MAX));
    let mut text: String = app.more_metrics.iter().map(|more| more.text()).collect();
    let written =
        encode_registry(&mut text, &app.observed.registry).and_then(|()| encode_eof(&mut text));
    if let Err(error) = written {
        tracing::error!(%error, "metrics cannot be written");
    }
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], text).into_response()
}
