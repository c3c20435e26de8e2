//! Starting, in this order: what can be wrong by itself is found, the port is opened, whatever the process needs is reached,
//! which on a cluster may take a while, and then everything runs.
use super::consumers::{self, Roles};
use super::door::DoorKey;
use super::housekeeping::Housekeeping;
use super::http::{self, Http};
use super::waiting::Waiting;
use super::{App, StartError, Store, Watch, Where};
use crate::Config;
use crate::clock::SystemClock;
use events::map::TopicMap;
use runtime::breaker::Breakers;
use runtime::ports::clock::Clock;
use runtime::{Consumer, engine};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;

/// A process whose configuration can be used and whose port is open.
pub struct Starting {
    config: Config,
    roles: Roles,
    breakers: Breakers,
    chosen: Vec<Consumer>,
    listener: Option<TcpListener>,
}

impl Starting {
    /// Looks at the configuration and opens the port.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn begin(config: &Config, roles: &Roles) -> Result<Self, StartError> {
        let breakers = Breakers::new(Arc::new(SystemClock));
        let chosen = consumers::chosen(config, &breakers, roles)?;
        let address = match roles.edge {
            true => Some(config.http.listen),
            false => roles.health,
        };
        let listener = match address {
            Some(address) => Some(http::bind(address).await?),
            None => None,
        };
        Ok(Self {
            config: config.clone(),
            roles: roles.clone(),
            breakers,
            chosen,
            listener,
        })
    }

    /// Where it listens, if it does.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.as_ref()?.local_addr().ok()
    }

    /// Opens what everything is kept in and starts; everything is ready when it returns. On a cluster it waits for servers
    /// that are not there yet, and its health says so meanwhile. Whoever waits no longer drops it: nothing runs then.
    ///
    /// # Errors
    /// [`StartError`]; nothing runs then.
    pub async fn finish(self) -> Result<App, StartError> {
        let Self {
            config,
            roles,
            breakers,
            chosen,
            listener,
        } = self;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let map = Arc::new(TopicMap::embedded().clone());
        let waiting = match roles.at {
            Where::File => Waiting::for_nobody(),
            Where::Cluster => Waiting::for_servers(listener.as_ref())?,
        };
        let store = waiting
            .until(|| Store::open(&config, roles.at, &map, &clock))
            .await?;
        let ports = waiting
            .until(|| store.ports(clock.clone(), breakers.clone()))
            .await?;
        waiting.until(|| store.reached()).await?;
        waiting.over().await;

        let options = engine::Options::new(map.clone());
        let running = engine::start(&ports, chosen, &options)?;
        let watch = Arc::new(Watch::new(running, &ports, store.clone()));
        let housekeeping = Housekeeping::start(&store, &ports, &map, &config.process, &watch);
        let key = DoorKey::new();
        let http = match listener {
            None => None,
            Some(listener) if roles.edge => {
                let local = key.operator();
                Some(Http::start(listener, &config, local, &ports, &watch)?)
            }
            Some(listener) => Some(Http::start_open(listener, &config, &ports, &watch)?),
        };
        // On a cluster nobody owns anything: what changes something is done by whoever is told to.
        let address = http.as_ref().map(Http::address);
        let address = address.filter(|_| roles.edge && roles.at == Where::File);
        let door = address.and_then(|address| key.open(&config.data.path, address));
        Ok(App {
            ports,
            store,
            watch,
            housekeeping,
            http,
            door,
        })
    }
}
