//! Messages as rdkafka has them, and as the runtime has them.
use super::native;
use bytes::{Bytes, BytesMut};
use events::Headers;
use rdkafka::message::{BorrowedMessage, Header, Message as _, OwnedHeaders};
use runtime::ports::PortError;
use runtime::ports::log::{Message, Outgoing, Position};
use std::sync::Arc;

/// The port that errors name.
const PORT: &str = "log";

/// It did not answer, or not in time.
pub(super) fn unreachable(why: impl ToString) -> PortError {
    PortError::Unreachable {
        port: PORT,
        why: why.to_string(),
    }
}
/// What was asked cannot be done with what is there.
pub(super) fn corrupt(why: impl ToString) -> PortError {
    PortError::Corrupt {
        port: PORT,
        why: why.to_string(),
    }
}
/// There is no room now.
pub(super) fn full(why: impl ToString) -> PortError {
    PortError::Full {
        port: PORT,
        why: why.to_string(),
    }
}

/// Bytes of one piece of memory that keys and payloads of several messages share: each keeps all of it as long as it is
/// kept.
const SHARED: usize = 8 << 10;

/// Where keys and payloads are copied to, side by side.
#[derive(Default)]
pub(super) struct Slab(BytesMut);

impl Slab {
    fn copy(&mut self, bytes: &[u8]) -> Bytes {
        if bytes.is_empty() {
            return Bytes::new();
        }
        if self.0.capacity() < bytes.len() {
            self.0 = BytesMut::with_capacity(SHARED.max(bytes.len()));
        }
        self.0.extend_from_slice(bytes);
        self.0.split().freeze()
    }

    /// Copies a message out of the client.
    pub fn message_of(&mut self, message: &BorrowedMessage<'_>, topic: &Arc<str>) -> Message {
        Message {
            at: Position {
                topic: topic.clone(),
                partition: message.partition(),
                offset: message.offset(),
            },
            timestamp_ms: message.timestamp().to_millis().unwrap_or(0),
            key: self.copy(message.key().unwrap_or_default()),
            headers: Headers(native::headers(message)),
            payload: self.copy(message.payload().unwrap_or_default()),
        }
    }
}

/// Copies a message out of the client, to memory of its own.
pub(super) fn message_of(message: &BorrowedMessage<'_>, topic: &Arc<str>) -> Message {
    let bytes = message.key_len() + message.payload_len();
    Slab(BytesMut::with_capacity(bytes)).message_of(message, topic)
}

/// The bytes that a message takes in memory, nearly.
pub(super) fn weight(message: &Message) -> usize {
    message.key.len() + message.headers.size() + message.payload.len() + 128
}

/// Headers as rdkafka wants them; none if there are none.
pub(super) fn headers_of(outgoing: &Outgoing) -> Option<OwnedHeaders> {
    let headers = &outgoing.headers.0;
    if headers.is_empty() {
        return None;
    }
    let all = OwnedHeaders::new_with_capacity(headers.len());
    Some(headers.iter().fold(all, |all, (name, value)| {
        all.insert(Header {
            key: name,
            value: Some(value),
        })
    }))
}

/// What rdkafka itself would panic on.
pub(super) fn check(outgoing: &Outgoing) -> Result<(), PortError> {
    let bad = |name: &str| name.contains('\0');
    if bad(&outgoing.topic) || outgoing.headers.0.iter().any(|(name, _)| bad(name)) {
        return Err(corrupt(format!(
            "a name in a message for {:?} holds a zero byte",
            outgoing.topic
        )));
    }
    Ok(())
}

/// The partition where it belongs (I5), named by us: librdkafka's own partitioner is another.
pub(super) fn partition_of(outgoing: &Outgoing, partitions: i32) -> Result<i32, PortError> {
    match outgoing.partition {
        Some(partition) if (0..partitions).contains(&partition) => Ok(partition),
        Some(partition) => Err(corrupt(format!(
            "{} has no partition {partition}",
            outgoing.topic
        ))),
        None if outgoing.key.is_empty() => Err(corrupt(format!(
            "a message for {} has neither key nor partition",
            outgoing.topic
        ))),
        None => Ok(events::id::partition_of(&outgoing.key, partitions)),
    }
}
