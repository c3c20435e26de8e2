//! The log: topics in partitions; consumers that commit what they emit together with how far they got.
use super::state::Save;
use super::{BoxFuture, PortError};
use bytes::Bytes;
use events::Headers;
use std::sync::Arc;

/// A message as it is on the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where it stands.
    pub at: Position,
    /// When it was appended, in milliseconds since 1970.
    pub timestamp_ms: i64,
    /// Empty if it has none. Shared, as the payload is: to copy it costs nothing.
    pub key: Bytes,
    /// As they were written.
    pub headers: Headers,
    /// Confluent framing: a zero byte, the schema id in 4 bytes big-endian, the Avro datum.
    pub payload: Bytes,
}

impl Message {
    /// Bytes of key, headers and payload.
    pub fn size(&self) -> usize {
        self.key.len() + self.headers.size() + self.payload.len()
    }
}

/// A place on the log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The topic's name.
    pub topic: Arc<str>,
    /// Of the topic.
    pub partition: i32,
    /// Of the partition; rising, with gaps.
    pub offset: i64,
}

/// A message to be appended.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Outgoing {
    /// Must exist.
    pub topic: Arc<str>,
    /// By the key (murmur2, I5) if absent.
    pub partition: Option<i32>,
    /// May be empty only where the partition is given.
    #[serde(with = "crate::base64_bytes")]
    pub key: Bytes,
    /// Names may repeat.
    pub headers: Headers,
    /// Framed.
    #[serde(with = "crate::base64_bytes")]
    pub payload: Bytes,
}

/// A right to one partition: it ends when the partition is revoked, and nothing can be committed under it
/// afterwards (K2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lease {
    /// Of the consumer's topic.
    pub partition: i32,
    /// Counts the assignments of this partition to this member; never repeats within a member.
    pub assignment: u64,
}

/// How far a consumer has got in a partition (C1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The offset below which all is done; where fetching starts.
    pub watermark: i64,
    /// The runtime's own text: the open offsets beyond the watermark. At most 4,096 bytes.
    pub text: String,
}

/// What a member is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    /// A partition is ours from now on; messages follow from the checkpoint's watermark.
    Assigned {
        /// Our right to it.
        lease: Lease,
        /// What the last owner committed; `None` if nobody ever did and the consumer begins at `first`.
        checkpoint: Option<Checkpoint>,
        /// Names the topic's present life, which ends when it is deleted (E2).
        topic_id: Arc<str>,
    },
    /// A partition is no longer ours: its messages and results must be dropped.
    Revoked(Lease),
    /// Messages of one partition, in order, none left out.
    Fetched(Lease, Vec<Message>),
}

/// What moves together: outputs and checkpoints.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Publication {
    /// In this order within each partition. Shared, since it may have to be published again.
    pub outgoing: Vec<Arc<Outgoing>>,
    /// At most one a partition.
    pub checkpoints: Vec<(Lease, Checkpoint)>,
}

/// Why a publication did not take place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// Leases that are over; nothing of the publication took place.
    #[error("leases are over: {0:?}")]
    Fenced(Vec<Lease>),
    /// One output can never be appended (its topic is gone, or takes no message of its size any more): nothing of the
    /// publication took place, and the same again would end the same (K4).
    #[error("output {index} is refused: {why}")]
    Refused {
        /// Of [`Publication::outgoing`].
        index: usize,
        /// What the log said.
        why: String,
    },
    /// Whether it took place is not known: read the checkpoints back.
    #[error("the outcome of a commit is unknown: {0}")]
    Unknown(String),
    /// It did not take place.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// What became of saves and publication in one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Together {
    /// All of it is durable.
    Done,
    /// Nothing took place: the saves at these indexes have another version.
    Lost(Vec<usize>),
}

/// What a consumer asks of the log when it joins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joining {
    /// The consumer's name, which is its group's.
    pub consumer: Arc<str>,
    /// Its one input.
    pub topic: Arc<str>,
    /// Where it begins if it has no checkpoint: the first message, or those after now.
    pub from_first: bool,
}

/// One process's membership in a consumer's group.
pub trait Member: Send + Sync {
    /// The next thing to know. Cancel-safe: what is not returned is not lost. Pends while there is nothing.
    fn next(&self) -> BoxFuture<'_, Result<Happening, PortError>>;

    /// Stops (or goes on with) fetching a partition: its lanes are full. What was fetched stays valid.
    fn pause(&self, lease: Lease, paused: bool);

    /// How many messages of one partition may be fetched and not done: as many as a commit must hold to be worth its
    /// price. What they take in memory is bounded besides.
    fn room(&self) -> usize {
        128
    }

    /// Commits outputs and checkpoints together, or not at all. Outputs have been checked (K4).
    fn publish(&self, publication: Publication) -> BoxFuture<'_, Result<(), PublishError>>;

    /// Where state and log are one store (embedded): saves and publication in one transaction (E5). `None`
    /// where they are two: the runtime then saves first and publishes what was not lost.
    ///
    /// [`Together::Lost`] says which saves have another version; nothing at all took place then.
    fn together(
        &self,
        _saves: &[Save],
        _publication: &Publication,
    ) -> Option<BoxFuture<'_, Result<Together, PublishError>>> {
        None
    }

    /// The committed checkpoint of a partition, after a publication whose outcome is unknown (K3). When
    /// it returns, that publication has either taken place or never will.
    fn committed(&self, lease: Lease) -> BoxFuture<'_, Result<Option<Checkpoint>, PublishError>>;

    /// Gives all partitions back at once.
    fn leave(&self) -> BoxFuture<'_, ()>;
}

/// The log.
pub trait Log: Send + Sync {
    /// How many partitions a topic has; `None` if it does not exist.
    fn partitions(&self, topic: &str) -> Option<i32>;

    /// The largest message, in bytes of key, headers and payload, that `topic` takes.
    fn max_message_bytes(&self, topic: &str) -> usize;

    /// Appends outside any consumer: the edge's commands, deltas. Durable when it returns.
    fn append(&self, messages: Vec<Outgoing>) -> BoxFuture<'_, Result<Vec<Position>, PortError>>;

    /// Joins a consumer's group.
    fn join(&self, joining: Joining) -> BoxFuture<'_, Result<Arc<dyn Member>, PortError>>;

    /// Up to `limit` messages of one partition from `offset` on, without a group: replies, deltas, `trace`.
    /// Empty if there are none yet.
    fn read<'a>(
        &'a self,
        topic: &'a str,
        partition: i32,
        offset: i64,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Message>, PortError>>;

    /// The offset after the last message of a partition.
    fn end<'a>(&'a self, topic: &'a str, partition: i32) -> BoxFuture<'a, Result<i64, PortError>>;

    /// Returns when a partition holds a message at or after `offset`. Cancel-safe.
    fn grown<'a>(
        &'a self,
        topic: &'a str,
        partition: i32,
        offset: i64,
    ) -> BoxFuture<'a, Result<(), PortError>>;
}
