//! Looking at the log from outside: how far a group has got, and which cluster it is. Nobody joins a group for it.
use super::message::unreachable;
use super::{KafkaLog, native};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, TopicPartitionList};
use runtime::ports::PortError;
use std::collections::BTreeMap;
use std::time::Duration;

impl KafkaLog {
    /// Of each partition of `topic` in which the group has a checkpoint: the offset below which all is done.
    ///
    /// # Errors
    /// [`PortError::Unreachable`]; also while a transaction that is open holds the answer back.
    pub async fn watermarks(
        &self,
        group: &str,
        topic: &str,
    ) -> Result<BTreeMap<i32, i64>, PortError> {
        let partitions = self.topics.of(topic).map_or(0, |topic| topic.partitions);
        let (group, topic) = (group.to_owned(), topic.to_owned());
        self.asking(move |mut config, patience| {
            let consumer: Result<BaseConsumer, _> = config.set("group.id", &group).create();
            let consumer = consumer.map_err(unreachable)?;
            let mut asked = TopicPartitionList::new();
            asked.add_partition_range(&topic, 0, partitions - 1);
            let found = consumer.committed_offsets(asked, patience);
            let found = native::found(&found.map_err(unreachable)?);
            if let Some(error) = found.iter().find_map(|found| found.error) {
                return Err(unreachable(format!("checkpoints of {group}: {error}")));
            }
            let there = found.into_iter();
            Ok(there
                .filter_map(|found| Some((found.partition, found.offset?)))
                .collect())
        })
        .await
    }

    /// The id of the cluster.
    ///
    /// # Errors
    /// [`PortError::Unreachable`].
    pub async fn cluster_id(&self) -> Result<String, PortError> {
        self.asking(|config, patience| {
            let consumer: BaseConsumer = config.create().map_err(unreachable)?;
            let found = consumer.client().fetch_cluster_id(patience);
            found.ok_or_else(|| unreachable("the brokers do not say which cluster they are"))
        })
        .await
    }

    /// Asks with a client of its own, on a thread that may block.
    async fn asking<T: Send + 'static>(
        &self,
        ask: impl FnOnce(ClientConfig, Duration) -> Result<T, PortError> + Send + 'static,
    ) -> Result<T, PortError> {
        let (config, patience) = (self.options.reader(true), self.options.bounds.call);
        let asked = tokio::task::spawn_blocking(move || ask(config, patience));
        asked.await.map_err(unreachable)?
    }
}
