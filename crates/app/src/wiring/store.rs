//! Where everything is kept: one file, or the servers of a cluster. Whoever uses the ports does not know which.
use super::{StartError, topics};
use crate::Config;
use cluster::Cluster;
use cluster::admin::AdminError;
use embedded::Embedded;
use events::all_records;
use events::map::TopicMap;
use runtime::breaker::Breakers;
use runtime::codec::Schemas;
use runtime::ports::clock::Clock;
use runtime::ports::state::State;
use runtime::{PortError, Ports, rows};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Which of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Where {
    /// One file, which this process owns.
    #[default]
    File,
    /// The servers that the configuration names under `[cluster]`.
    Cluster,
}

impl From<bool> for Where {
    /// From `--cluster`.
    fn from(cluster: bool) -> Self {
        match cluster {
            true => Self::Cluster,
            false => Self::File,
        }
    }
}

/// It, opened. Cloning is cheap.
#[derive(Clone)]
pub enum Store {
    /// One file.
    Embedded(Embedded),
    /// Servers.
    Cluster(Cluster),
}

impl Store {
    /// Opens it.
    ///
    /// # Errors
    /// [`StartError`].
    pub(super) async fn open(
        config: &Config,
        at: Where,
        map: &TopicMap,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        match at {
            Where::File => {
                let options = embedded::Options {
                    crash_at: config.data.crash_at,
                    max_pages: config.data.max_pages,
                    ..embedded::Options::new(clock.clone(), topics::specs(map))
                };
                let opened = super::open_with(&config.data.path, options).await?;
                Ok(Self::Embedded(opened))
            }
            Where::Cluster => {
                let connected = connect(config, map, clock.clone()).await?;
                Ok(Self::Cluster(connected))
            }
        }
    }

    /// All ports, with the schemas of every record.
    ///
    /// # Errors
    /// [`StartError::Port`] if it cannot be read or written, or the registry does not know a schema of ours.
    pub async fn ports(
        &self,
        clock: Arc<dyn Clock>,
        breakers: Breakers,
    ) -> Result<Ports, StartError> {
        let (stores, registry) = match self {
            Self::Embedded(embedded) => (embedded.stores(), embedded.schemas()),
            Self::Cluster(cluster) => (cluster.stores(), cluster.schemas.clone() as _),
        };
        let schemas = Schemas::start(registry, &all_records()).await?;
        Ok(Ports {
            breakers,
            ..Ports::new(stores, schemas, clock)
        })
    }

    /// Whether the state answers, without which no worker can begin.
    ///
    /// # Errors
    /// If it does not.
    pub(super) async fn reached(&self) -> Result<(), StartError> {
        match self {
            Self::Embedded(_) => Ok(()), // it is open
            Self::Cluster(cluster) => {
                let nobody = [String::new()];
                cluster.state.load(rows::IDENTITIES, &nobody).await?;
                Ok(())
            }
        }
    }

    /// How many offsets lie between what each consumer has done and the end of its topic. On a cluster: of the consumers
    /// of this process, in its partitions.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) async fn lags(&self) -> Result<BTreeMap<String, i64>, PortError> {
        match self {
            Self::Embedded(embedded) => lags(embedded).await,
            Self::Cluster(cluster) => Ok(cluster.lags()),
        }
    }

    /// What is wrong with consumers, each by its name, as far as the log sees it.
    pub(super) fn troubles(&self, after: Duration) -> Vec<(String, String)> {
        match self {
            Self::Embedded(_) => vec![], // it has no partitions that could not be read
            Self::Cluster(cluster) => cluster.troubles(after),
        }
    }

    /// Removes messages beyond their retention, where nobody else does; says how many.
    ///
    /// # Errors
    /// If they cannot be removed.
    pub(super) async fn sweep_log(&self, now_ms: i64) -> Result<usize, PortError> {
        match self {
            Self::Embedded(embedded) => embedded.sweep_log(now_ms).await,
            Self::Cluster(_) => Ok(0), // the brokers do
        }
    }

    /// Returns when nobody holds it any more.
    pub(super) async fn closed(self) {
        match self {
            Self::Embedded(embedded) => embedded.closed().await,
            Self::Cluster(_) => {}
        }
    }
}

/// All servers that the configuration names. Nothing is looked at, put right or done on another cluster than the one that is
/// meant.
///
/// # Errors
/// [`StartError`]; also if it is another cluster, or nobody said which is meant.
pub(crate) async fn connect(
    config: &Config,
    map: &TopicMap,
    clock: Arc<dyn Clock>,
) -> Result<Cluster, StartError> {
    let (model, env) = (
        super::models::model(&config.models)?,
        cluster::settings::Process,
    );
    let cluster = Cluster::connect(&config.cluster, &env, map, &model, clock).await?;
    let (found, configured) = (cluster.log.cluster_id().await?, &config.cluster.kafka_id);
    if configured.is_empty() {
        return Err(AdminError::NoId { found }.into());
    }
    if *configured != found {
        let configured = configured.clone();
        return Err(AdminError::OtherCluster { found, configured }.into());
    }
    Ok(cluster)
}

async fn lags(embedded: &Embedded) -> Result<BTreeMap<String, i64>, PortError> {
    let topics = embedded.topics().await?;
    let ends: BTreeMap<_, _> = topics
        .iter()
        .map(|topic| (&topic.name, &topic.partitions))
        .collect();
    let mut lags: BTreeMap<String, i64> = BTreeMap::new();
    for committed in embedded.checkpoints().await? {
        let partition = usize::try_from(committed.partition).ok();
        let bounds = ends
            .get(&committed.topic)
            .and_then(|partitions| partitions.get(partition?));
        let behind = bounds.map_or(0, |bounds| bounds.end - committed.checkpoint.watermark);
        *lags.entry(committed.consumer).or_default() += behind.max(0);
    }
    Ok(lags)
}
