//! What the stores of the cluster keep, by name: made before workers run, never by them.
use super::{StartError, models};
use crate::Config;
use crate::clock::SystemClock;
use cluster::settings::Process;
use cluster::{MongoState, QdrantSearch};
use events::map::TopicMap;
use runtime::PortError;
use runtime::rows;
use std::sync::Arc;

/// The stores of the cluster, to be prepared.
pub struct Collections {
    state: MongoState,
    search: QdrantSearch,
    rows: Vec<String>,
}

impl Collections {
    /// As the configuration names them.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn open(config: &Config) -> Result<Self, StartError> {
        let wrong = |e: cluster::settings::SettingsError| StartError::Cluster(e.into());
        let model = models::model(&config.models)?;
        let state = config.cluster.state(&Process).map_err(wrong)?;
        let search = config
            .cluster
            .search(&Process, &model.name, model.dimensions)
            .map_err(wrong)?;
        Ok(Self {
            state: MongoState::open(&state).await?,
            search: QdrantSearch::open(search, Arc::new(SystemClock))?,
            rows: rows::collections(TopicMap::embedded()),
        })
    }
    /// What is not there: `store: what`.
    ///
    /// # Errors
    /// If a store cannot be asked.
    pub async fn missing(&self) -> Result<Vec<String>, PortError> {
        let rows = self.state.unprepared(&self.rows).await?.into_iter();
        let index = self.search.unprepared().await?.into_iter();
        let rows = rows.map(|what| format!("mongodb: {what}"));
        Ok(rows
            .chain(index.map(|what| format!("qdrant: {what}")))
            .collect())
    }
    /// Makes it. What is there stays as it is.
    ///
    /// # Errors
    /// If a store could not; it can be called again.
    pub async fn prepare(&self) -> Result<(), PortError> {
        self.state.prepare(&self.rows).await?;
        self.search.prepare().await
    }
}
