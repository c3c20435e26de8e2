//! All ports of one process on the cluster, put together.
use crate::log::MemberHealth;
use crate::settings::{Environment, SettingsError};
use crate::{KafkaLog, MongoState, QdrantSearch, Registry, S3Blobs, Settings};
use events::map::TopicMap;
use runtime::ports::clock::Clock;
use runtime::{PortError, Stores};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The embedding model whose index this process searches and fills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Its name, as the embedder says it.
    pub name: String,
    /// Numbers in one of its vectors.
    pub dimensions: usize,
}

/// Why there are no ports.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A setting is missing or wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A server did not answer, or refused.
    #[error("{server}: {source}")]
    Port {
        /// Which one.
        server: &'static str,
        /// What it said.
        source: PortError,
    },
}

impl ConnectError {
    /// The port that does not answer, if that is all: it may answer a moment later.
    pub fn not_there(&self) -> Option<&'static str> {
        match self {
            Self::Port {
                server: KAFKA,
                source: PortError::Unreachable { port, .. },
            } => Some(port),
            // Of the others nothing was asked yet: what is wrong with them is their address.
            Self::Port { .. } | Self::Settings(_) => None,
        }
    }
}

/// How [`ConnectError`] calls the only server that is asked at once.
const KAFKA: &str = "kafka";

/// The ports of one process. Cloning is cheap; connections are shared.
#[derive(Clone)]
pub struct Cluster {
    /// Kafka.
    pub log: Arc<KafkaLog>,
    /// MongoDB.
    pub state: Arc<MongoState>,
    /// Qdrant.
    pub search: Arc<QdrantSearch>,
    /// The object store.
    pub blobs: Arc<S3Blobs>,
    /// The schema registry.
    pub schemas: Arc<Registry>,
}

impl Cluster {
    /// Opens every port. Only Kafka must answer now; each of the others is asked when it is needed first, and what needs
    /// it waits.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn connect(
        settings: &Settings,
        env: &dyn Environment,
        map: &TopicMap,
        model: &Model,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConnectError> {
        let of = |server| move |source| ConnectError::Port { server, source };
        // What can be wrong without a server is found before any is asked.
        let log = settings.log(env, map)?;
        let state = settings.state(env)?;
        let search = settings.search(env, &model.name, model.dimensions)?;
        let blobs = settings.blobs(env)?;
        let registry = settings.registry(env)?;
        Ok(Self {
            search: Arc::new(QdrantSearch::open(search, clock).map_err(of("qdrant"))?),
            blobs: Arc::new(S3Blobs::open(&blobs).map_err(of("the object store"))?),
            schemas: Arc::new(Registry::new(&registry, map).map_err(of("the schema registry"))?),
            state: Arc::new(MongoState::open(&state).await.map_err(of("mongodb"))?),
            log: Arc::new(KafkaLog::open(log).await.map_err(of(KAFKA))?),
        })
    }

    /// What it keeps, as the runtime's ports take it.
    pub fn stores(&self) -> Stores {
        Stores {
            log: self.log.clone(),
            state: self.state.clone(),
            search: self.search.clone(),
            blobs: self.blobs.clone(),
        }
    }

    /// What is wrong with the consumers of this process, each by its name: partitions that are not read, and members that
    /// have stalled for longer than `after`.
    pub fn troubles(&self, after: Duration) -> Vec<(String, String)> {
        let members = self.log.health().into_iter();
        let each = members.flat_map(|member| {
            let consumer = member.consumer.to_string();
            let troubles = member.troubles(after).into_iter();
            troubles.map(move |what| (consumer.clone(), what))
        });
        each.collect()
    }

    /// How far each consumer of this process is behind in fetching, in offsets.
    pub fn lags(&self) -> BTreeMap<String, i64> {
        let members = self.log.health().into_iter();
        members
            .map(|member| (member.consumer.to_string(), behind(&member)))
            .collect()
    }
}

fn behind(member: &MemberHealth) -> i64 {
    let lags = member
        .partitions
        .values()
        .filter_map(|partition| partition.lag());
    lags.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_was_asked_can_be_away() {
        let away = |server| ConnectError::Port {
            server,
            source: PortError::Unreachable {
                port: "log",
                why: "nobody listens".into(),
            },
        };
        assert_eq!(away(KAFKA).not_there(), Some("log"));
        assert_eq!(away("qdrant").not_there(), None, "its address is wrong");
    }
}
