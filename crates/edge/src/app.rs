//! What every request handler shares.
use crate::admission::Admission;
use crate::config::EdgeConfig;
use crate::health::Health;
use crate::metrics::{Metrics, Observed};
use crate::operations::Operations;
use events::map::TopicMap;
use runtime::Ports;
use std::sync::Arc;
use tokio::sync::watch;

/// What every request handler shares.
pub struct App {
    pub(crate) ports: Ports,
    pub(crate) map: Arc<TopicMap>,
    pub(crate) config: EdgeConfig,
    pub(crate) health: Arc<dyn Health>,
    pub(crate) more_metrics: Vec<Arc<dyn Metrics>>,
    pub(crate) observed: Observed,
    pub(crate) admission: Arc<Admission>,
    pub(crate) operations: Operations,
    /// Becomes true when the edge is to stop: waits end, streams say goodbye.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl App {
    /// Whether the edge is stopping.
    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }
    /// Milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        self.ports.clock.now_ms()
    }
}

/// Returns when the edge is to stop. Cancel-safe.
pub async fn stopped(stopping: &watch::Receiver<bool>) {
    // Whoever could say so has gone: it has stopped.
    let _ = stopping.clone().wait_for(|stopping| *stopping).await;
}
