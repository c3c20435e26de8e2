//! The servers of a cluster, for whoever looks at what is there or puts something right. No worker runs here, and no group is
//! joined.
use crate::Config;
use crate::clock::SystemClock;
use crate::wiring::{self, StartError};
use cluster::Cluster;
use events::all_records;
use events::map::TopicMap;
use runtime::Ports;
use runtime::codec::Schemas;
use std::sync::Arc;

/// The servers, and the ports on them.
pub struct Servers {
    /// What only servers can do.
    pub cluster: Cluster,
    /// What any store can do.
    pub ports: Ports,
}

impl Servers {
    /// For whoever only looks: every message names the schema that wrote it.
    ///
    /// # Errors
    /// [`StartError`]; also if it is not the cluster that the configuration names.
    pub async fn open(config: &Config) -> Result<Self, StartError> {
        let cluster = connect(config).await?;
        let schemas = Schemas::start(cluster.schemas.clone(), &[]).await?;
        Ok(Self::with(cluster, schemas))
    }
    /// For whoever says something, too: the registry must know our schemas.
    ///
    /// # Errors
    /// [`StartError`]; also if it is not the cluster that the configuration names.
    pub async fn open_to_write(config: &Config) -> Result<Self, StartError> {
        let cluster = connect(config).await?;
        let schemas = Schemas::start(cluster.schemas.clone(), &all_records()).await?;
        Ok(Self::with(cluster, schemas))
    }
    fn with(cluster: Cluster, schemas: Schemas) -> Self {
        let ports = Ports::new(cluster.stores(), schemas, Arc::new(SystemClock));
        Self { cluster, ports }
    }
}

async fn connect(config: &Config) -> Result<Cluster, StartError> {
    wiring::connect(config, TopicMap::embedded(), Arc::new(SystemClock)).await
}
