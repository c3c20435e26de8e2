//! How the log on Kafka is set up.
use crate::settings::Kafka;
use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use std::collections::BTreeSet;
use std::time::Duration;

/// Where the cluster is, and how it is talked to.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it is, and how we prove who we are.
    pub kafka: Kafka,
    /// The installation's name: transactional ids begin with it, so that two on one cluster do not fence each other.
    pub cluster: String,
    /// Told to the brokers, for their logs and quotas.
    pub client_id: String,
    /// Topics that are read uncommitted, because they are outside transactions and must not wait for one (H3).
    pub read_uncommitted: BTreeSet<String>,
    /// Who commits the first checkpoint of a new consumer (K1).
    pub first_checkpoints: FirstCheckpoints,
    /// Times.
    pub bounds: Bounds,
    /// What each partition may take in memory.
    pub room: Room,
}

impl Options {
    /// All but the names as it should be.
    pub fn new(kafka: Kafka, cluster: impl Into<String>) -> Self {
        Self {
            kafka,
            cluster: cluster.into(),
            client_id: "troupe".to_owned(),
            read_uncommitted: BTreeSet::new(),
            first_checkpoints: FirstCheckpoints::Applied,
            bounds: Bounds::default(),
            room: Room::default(),
        }
    }
}

/// Who commits the first checkpoint of a new consumer (K1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstCheckpoints {
    /// `troupe topics apply`. A partition without one is not read, and health says so: its checkpoint was lost
    /// (offset retention), or nobody said where the consumer begins.
    Applied,
    /// The member that is given the partition: at its first message, or, for one that begins now, at its end.
    /// For tests and for one's own machine: a checkpoint that was lost would begin anew without a word.
    Made,
}

/// Times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// A member that has not been heard of for so long has left (K5).
    pub session: Duration,
    /// How often a member is heard of (K5).
    pub heartbeat: Duration,
    /// The broker aborts what takes longer (K3).
    pub transaction: Duration,
    /// One question to a broker.
    pub call: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            session: Duration::from_secs(6),
            heartbeat: Duration::from_secs(1),
            transaction: Duration::from_secs(5),
            call: Duration::from_secs(5),
        }
    }
}

/// What is fetched ahead; it bounds what a backlog takes in memory, however long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// KiB that librdkafka keeps for a partition.
    pub prefetched_kib: u32,
    /// Messages that a member keeps for a partition until they are asked for.
    pub messages: usize,
    /// Bytes of them (but one message always fits).
    pub bytes: usize,
    /// Bytes of one batch of a partition on its way to a broker: no more than the smallest `max.message.bytes` of
    /// the topics that are written, since librdkafka does not split a batch that a broker refuses.
    pub batch: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            prefetched_kib: 1_024,
            messages: 1_024,
            bytes: 1 << 20,
            batch: 256 << 10,
        }
    }
}

/// The largest message that any client of ours builds: above what any topic takes.
const LARGEST: usize = 64 << 20;

impl Options {
    /// What every client has in common.
    fn client(&self) -> ClientConfig {
        let mut config = self.kafka.client();
        config
            .set("client.id", &self.client_id)
            // A connection that nobody needs is not kept busy; one that broke is tried again soon.
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            .set("socket.nagle.disable", "true")
            .set("socket.keepalive.enable", "true")
            // A line that is silent, not closed, is found out in this time, not in librdkafka's minute.
            .set("socket.timeout.ms", millis(self.bounds.call * 2))
            .set("topic.metadata.refresh.interval.ms", "30000")
            .set("allow.auto.create.topics", "false")
            .set_log_level(RDKafkaLogLevel::Warning);
        config
    }

    /// A client that asks about topics.
    pub(super) fn admin(&self) -> ClientConfig {
        self.client()
    }

    fn fetching(&self) -> ClientConfig {
        let mut config = self.client();
        config
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            // K1: an offset that is not there stops the partition; it never begins somewhere else.
            .set("auto.offset.reset", "error")
            // K6: the default of a second is the latency of whoever reads faster than it is written.
            .set("fetch.queue.backoff.ms", "5")
            .set("fetch.wait.max.ms", "100")
            .set("fetch.error.backoff.ms", "100")
            .set("fetch.message.max.bytes", "262144")
            .set("fetch.max.bytes", "4194304")
            .set("queued.min.messages", "2000")
            .set(
                "queued.max.messages.kbytes",
                self.room.prefetched_kib.to_string(),
            );
        config
    }

    /// K5, K6: a member of a consumer's group.
    pub(super) fn member(&self, consumer: &str) -> ClientConfig {
        let mut config = self.fetching();
        config
            .set("group.id", consumer)
            .set("group.protocol", "classic")
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("isolation.level", "read_committed")
            .set("session.timeout.ms", millis(self.bounds.session))
            .set("heartbeat.interval.ms", millis(self.bounds.heartbeat))
            .set("enable.partition.eof", "true")
            // A thread of its own polls: one that does not for so long is dead.
            .set("max.poll.interval.ms", "60000");
        config
    }

    /// A reader by hand. It names a group, since librdkafka wants one for that, but never joins it.
    pub(super) fn reader(&self, committed: bool) -> ClientConfig {
        let mut config = self.fetching();
        let level = if committed {
            "read_committed"
        } else {
            "read_uncommitted"
        };
        config
            .set("group.id", format!("{}.readers", self.cluster))
            .set("isolation.level", level)
            .set("enable.partition.eof", "true")
            .set("fetch.wait.max.ms", "20");
        config
    }

    fn producing(&self, batch: usize) -> ClientConfig {
        let mut config = self.client();
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "0")
            .set("message.max.bytes", LARGEST.to_string())
            .set("batch.size", batch.to_string())
            .set("queue.buffering.max.kbytes", "65536")
            .set("retry.backoff.ms", "20");
        config
    }

    /// The producer of what is appended outside any consumer.
    pub(super) fn appender(&self, batch: usize) -> ClientConfig {
        let mut config = self.producing(batch);
        config.set("message.timeout.ms", millis(self.bounds.call * 2));
        config
    }

    /// K3: a consumer's producer, in this process, from this start on.
    pub(super) fn transactional(&self, id: &str, batch: usize) -> ClientConfig {
        let mut config = self.producing(batch);
        config
            .set("transactional.id", id)
            // What is queued goes out when it is flushed, at the end of a transaction: in few batches, and at once.
            .set("linger.ms", "20")
            .set("transaction.timeout.ms", millis(self.bounds.transaction))
            .set("message.timeout.ms", millis(self.bounds.transaction))
            // A commit is asked for again, on another connection, until it is answered.
            .set("socket.timeout.ms", millis(self.bounds.transaction));
        config
    }
}

fn millis(time: Duration) -> String {
    time.as_millis().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(config: &ClientConfig, keys: &[&str]) -> Vec<String> {
        let value = |key: &&str| config.get(key).unwrap_or("(absent)").to_owned();
        keys.iter().map(value).collect()
    }

    fn options() -> Options {
        Options::new(Kafka::plaintext("127.0.0.1:1"), "c")
    }

    #[test]
    fn members_speak_the_classic_protocol_cooperatively_and_are_missed_soon() {
        let keys = [
            "group.protocol",
            "partition.assignment.strategy",
            "session.timeout.ms",
            "heartbeat.interval.ms",
        ];
        let wanted = ["classic", "cooperative-sticky", "6000", "1000"];
        assert_eq!(of(&options().member("g"), &keys), wanted);
    }

    #[test]
    fn members_read_what_is_committed_from_where_we_say_and_commit_nothing_themselves() {
        let keys = [
            "isolation.level",
            "auto.offset.reset",
            "enable.auto.commit",
            "fetch.queue.backoff.ms",
        ];
        let wanted = ["read_committed", "error", "false", "5"];
        assert_eq!(of(&options().member("g"), &keys), wanted);
    }

    #[test]
    fn a_transaction_takes_no_longer_than_five_seconds() {
        let keys = [
            "transactional.id",
            "transaction.timeout.ms",
            "message.timeout.ms",
            "acks",
            "enable.idempotence",
            "linger.ms",
        ];
        let wanted = ["c.g.1", "5000", "5000", "all", "true", "20"];
        assert_eq!(of(&options().transactional("c.g.1", 1_000), &keys), wanted);
    }

    #[test]
    fn librdkafka_accepts_all_of_it() {
        let options = options();
        let all = [
            options.admin(),
            options.member("g"),
            options.reader(true),
            options.reader(false),
            options.appender(1_000),
            options.transactional("t", 1_000),
        ];
        for config in all {
            config
                .create_native_config()
                .expect("every setting is known");
        }
    }
}
