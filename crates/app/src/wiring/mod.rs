//! Wiring: the ports on one file, all workers, the edge, and what keeps the house clean, in one process.
//!
//! [`App::start`] is all that `troupe up`, the demo, the tests and the bench need; [`consumers`] is where each worker
//! is given what it needs from outside.
mod collections;
pub mod consumers;
pub mod door;
mod error;
mod housekeeping;
mod http;
mod models;
mod starting;
mod store;
pub mod topics;
mod waiting;
mod watch;

pub use collections::Collections;
pub use consumers::{Roles, Selection};
pub use error::StartError;
pub use starting::Starting;
pub(crate) use store::connect;
pub use store::{Store, Where};
pub use watch::{Figures, Trouble, Watch};

use crate::Config;
use door::Door;
use embedded::Embedded;
use events::map::TopicMap;
use housekeeping::Housekeeping;
use http::Http;
use runtime::Ports;
use runtime::ports::clock::Clock;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A running Troupe.
pub struct App {
    ports: Ports,
    store: Store,
    watch: Arc<Watch>,
    housekeeping: Housekeeping,
    http: Option<Http>,
    door: Option<Door>,
}

/// What was not finished when the deadline of a stop came. It is done again after the next start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unfinished {
    /// Consumers that still had work in hand.
    pub consumers: Vec<Arc<str>>,
    /// Whether requests were cut off.
    pub requests: bool,
}

impl App {
    /// Starts what `roles` names; everything is ready when it returns. See [`Starting`].
    ///
    /// # Errors
    /// [`StartError`]; nothing runs then.
    pub async fn start(config: &Config, roles: &Roles) -> Result<Self, StartError> {
        Starting::begin(config, roles).await?.finish().await
    }

    /// Where it listens, if it does.
    pub fn address(&self) -> Option<SocketAddr> {
        self.http.as_ref().map(Http::address)
    }
    /// The world of this process.
    pub fn ports(&self) -> &Ports {
        &self.ports
    }
    /// Where everything is kept.
    pub fn store(&self) -> &Store {
        &self.store
    }
    /// How everything fares.
    pub fn watch(&self) -> &Arc<Watch> {
        &self.watch
    }

    /// Stops: takes no more requests and answers those under way, then finishes and commits the messages under way.
    /// What is not finished at the deadline is abandoned, and done after the next start. The database is then free for
    /// another owner, unless somebody here still holds a port of it at the deadline.
    pub async fn stop(self, deadline: Duration) -> Unfinished {
        let over = Instant::now() + deadline;
        let Self {
            ports,
            store,
            watch,
            housekeeping,
            http,
            door,
        } = self;
        drop(door);
        watch.stopping();
        let mut unfinished = Unfinished::default();
        if let Some(http) = http {
            // The workers go on meanwhile: the requests wait for them. Some time is left for the workers' own stop.
            unfinished.requests = !http.stop(deadline * 3 / 4).await;
        }
        housekeeping.stop();
        if let Some(running) = watch.take() {
            unfinished.consumers = running
                .stop(over.saturating_duration_since(Instant::now()))
                .await;
        }
        drop((ports, watch));
        if tokio::time::timeout_at(over, store.closed()).await.is_err() {
            tracing::warn!("something still holds the database at the deadline");
        }
        unfinished
    }
}

/// Opens the database as its owner, with every topic of the map.
///
/// # Errors
/// [`StartError::Open`].
pub async fn open(
    path: &Path,
    clock: Arc<dyn Clock>,
    map: &TopicMap,
) -> Result<Embedded, StartError> {
    open_with(path, embedded::Options::new(clock, topics::specs(map))).await
}

async fn open_with(path: &Path, options: embedded::Options) -> Result<Embedded, StartError> {
    let path = path.to_owned();
    let opening = tokio::task::spawn_blocking(move || {
        if let Some(parent) = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty() && !parent.exists())
        {
            return Err(StartError::NoDirectory {
                path: parent.to_owned(),
            });
        }
        Embedded::open(&path, options).map_err(|source| StartError::Open { path, source })
    });
    opening
        .await
        .map_err(|e| StartError::Panicked(e.to_string()))?
}
