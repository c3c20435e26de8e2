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
mod store;
pub mod topics;
mod watch;

pub use collections::Collections;
pub use consumers::{Roles, Selection};
pub use error::StartError;
pub(crate) use store::connect;
pub use store::{Store, Where};
pub use watch::{Figures, Trouble, Watch};

use crate::Config;
use crate::clock::SystemClock;
use door::{Door, DoorKey};
use embedded::Embedded;
use events::map::TopicMap;
use housekeeping::Housekeeping;
use http::Http;
use runtime::Ports;
use runtime::breaker::Breakers;
use runtime::engine;
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
    /// Opens the database and starts what `roles` names; everything is ready when it returns.
    ///
    /// # Errors
    /// [`StartError`]; nothing runs then.
    pub async fn start(config: &Config, roles: &Roles) -> Result<Self, StartError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let map = Arc::new(TopicMap::embedded().clone());
        // What can be wrong without the database is found before it is opened.
        let breakers = Breakers::new(clock.clone());
        let chosen = consumers::chosen(config, &breakers, roles)?;
        let listener = match roles.edge {
            true => Some(http::bind(config.http.listen).await?),
            false => None,
        };
        let store = Store::open(config, roles.at, &map, &clock).await?;
        let ports = store.ports(clock, breakers).await?;
        let options = engine::Options::new(map.clone());
        let running = engine::start(&ports, chosen, &options)?;
        let watch = Arc::new(Watch::new(running, &ports, store.clone()));
        let housekeeping = Housekeeping::start(&store, &ports, &map, &config.process, &watch);
        let key = DoorKey::new();
        let http = match listener {
            Some(listener) => {
                let local = key.operator();
                Some(Http::start(listener, config, local, &ports, &watch)?)
            }
            None => None,
        };
        // On a cluster nobody owns anything: what changes something is done by whoever is told to.
        let address = http.as_ref().map(Http::address);
        let address = address.filter(|_| roles.at == Where::File);
        let door = address.and_then(|address| key.open(&config.data.path, address));
        Ok(Self {
            ports,
            store,
            watch,
            housekeeping,
            http,
            door,
        })
    }

    /// Shows health and metrics of a process without an edge, at an address; returns where that is.
    ///
    /// # Errors
    /// [`StartError`] if it cannot listen there.
    pub async fn show_health(
        &mut self,
        config: &Config,
        address: SocketAddr,
    ) -> Result<SocketAddr, StartError> {
        let listener = http::bind(address).await?;
        let http = Http::start_open(listener, config, &self.ports, &self.watch)?;
        let address = http.address();
        self.http = Some(http);
        Ok(address)
    }

    /// Where the edge listens, if it does.
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
