//! The machine on Kafka: its log and, if there is a MongoDB, its rows are on servers; what else it needs is in a file of
//! its own.
use super::{Servers, Topics, fresh};
use crate::machine::{Failed, WallClock};
use cluster::log::{FirstCheckpoints, Options as LogOptions};
use cluster::settings::Kafka;
use cluster::{KafkaLog, MongoOptions, MongoState};
use embedded::{Embedded, Options as FileOptions};
use events::map::{TopicKind, TopicMap};
use runtime::codec::Schemas;
use runtime::engine::{Options, Running, Stats, start};
use runtime::ports::log::Log;
use runtime::ports::state::State;
use runtime::{Consumer, Ports, Stores};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// Reads nothing before it, and no more topics: an own name for transactional ids, and consumers that begin at the first
/// message without `troupe topics apply`.
pub fn log_options(bootstrap: &str) -> LogOptions {
    LogOptions {
        first_checkpoints: FirstCheckpoints::Made,
        ..LogOptions::new(Kafka::plaintext(bootstrap), fresh())
    }
}

/// Ports whose log is this one; rows are in MongoDB or, without, in a file in `directory`, and so is the rest.
///
/// # Errors
/// If a server does not answer, or the file cannot be made.
pub async fn ports(
    log: Arc<dyn Log>,
    mongodb: Option<&str>,
    directory: &TempDir,
) -> Result<Ports, Failed> {
    let clock = Arc::new(WallClock);
    let options = FileOptions {
        readers: 1,
        ..FileOptions::new(clock.clone(), vec![])
    };
    let file = Embedded::open(directory.path().join("bench.db"), options)?;
    let state: Arc<dyn State> = match mongodb {
        Some(url) => Arc::new(MongoState::open(&MongoOptions::new(url, &fresh())).await?),
        None => file.state(),
    };
    let stores = Stores {
        log,
        state,
        search: file.search(),
        blobs: file.blobs(),
    };
    let schemas = Schemas::start(file.schemas(), &events::all_records()).await?;
    Ok(Ports::new(stores, schemas, clock))
}

/// A machine on Kafka. Its topics are those of its map with the dead letters of its consumers; they end with it.
pub struct KafkaMachine {
    /// Its world.
    pub ports: Ports,
    /// The same log, for what the port does not offer.
    pub log: KafkaLog,
    /// Its topics and consumers.
    pub map: Arc<TopicMap>,
    running: Option<Running>,
    topics: Topics,
    _directory: TempDir,
}

impl KafkaMachine {
    /// Makes the topics of the map (`topics.yaml`'s form) and opens the ports; nothing runs yet. Names are as they stand in
    /// the map, so that two machines of one map are never there at once.
    ///
    /// # Errors
    /// What a server says.
    pub async fn start(servers: &Servers, map: &str) -> Result<Self, Failed> {
        let map = Arc::new(TopicMap::parse(map)?);
        let wanted: Vec<(&str, i32)> = map
            .topics()
            .map(|topic| (topic.name.as_str(), topic.partitions))
            .collect();
        let topics = Topics::make(servers, &wanted).await?;
        let ephemeral = map.topics().filter(|t| t.kind == TopicKind::Ephemeral);
        let log = KafkaLog::open(LogOptions {
            read_uncommitted: ephemeral.map(|topic| topic.name.clone()).collect(),
            ..log_options(&servers.kafka)
        });
        let (log, directory) = (log.await?, tempfile::tempdir()?);
        let ports = ports(
            Arc::new(log.clone()),
            servers.mongodb.as_deref(),
            &directory,
        );
        Ok(Self {
            ports: ports.await?,
            log,
            map,
            running: None,
            topics,
            _directory: directory,
        })
    }
    /// Starts consumers, beside those that run.
    ///
    /// # Errors
    /// If the map does not know them.
    pub fn run(&mut self, consumers: Vec<Consumer>) -> Result<(), Failed> {
        if self.running.is_some() {
            return Err("its consumers run already".into());
        }
        let options = Options::new(self.map.clone());
        self.running = Some(start(&self.ports, consumers, &options)?);
        Ok(())
    }
    /// What a consumer has done since it was started.
    pub fn stats(&self, consumer: &str) -> Option<Arc<Stats>> {
        let all = self.running.as_ref()?.stats();
        let of = all.into_iter().find(|(name, _)| &**name == consumer);
        of.map(|(_, stats)| stats)
    }
    /// Stops its consumers, which hand over, and deletes its topics.
    ///
    /// # Errors
    /// If a consumer did not stop in time.
    pub async fn stop(mut self) -> Result<(), Failed> {
        let unfinished = match self.running.take() {
            Some(running) => running.stop(Duration::from_secs(10)).await,
            None => vec![],
        };
        drop(self.topics);
        if unfinished.is_empty() {
            Ok(())
        } else {
            Err(format!("did not stop in time: {unfinished:?}").into())
        }
    }
}
