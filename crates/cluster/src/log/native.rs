//! What rdkafka does not offer, read straight from librdkafka. The only place with `unsafe`.
//!
//! - Commit metadata as bytes: rdkafka's `metadata()` panics on what is not UTF-8 (C1).
//! - Generation and member id of a group's metadata, which rdkafka keeps to itself (K2).
//! - The id of a topic's present life (E2): rdkafka has no `DescribeTopics`.
//! - Header names as they are: rdkafka panics on one that is not UTF-8, and outsiders write headers.
//! - A flush that waits for nothing but its messages.
//! - The offsets that the client has heard of last, without asking the broker: lag.
#![allow(unsafe_code)]

use rdkafka::bindings as sys;
use rdkafka::client::{Client, ClientContext};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::BorrowedMessage;
use rdkafka::{Offset, TopicPartitionList};
use std::ffi::{CStr, CString, c_char};
use std::time::Duration;

/// One partition of an answer about committed offsets.
#[derive(Debug)]
pub(super) struct Found {
    pub partition: i32,
    /// `None` if nobody committed any.
    pub offset: Option<i64>,
    /// As it was written, by whomever.
    pub metadata: Vec<u8>,
    /// Why there is no answer for this partition.
    pub error: Option<RDKafkaErrorCode>,
}

/// What a broker said of committed offsets.
pub(super) fn found(list: &TopicPartitionList) -> Vec<Found> {
    let count = list.count();
    if count == 0 {
        return vec![];
    }
    // SAFETY: the list is alive while it is borrowed, and holds `count` elements, none of which is written
    // meanwhile: whoever could write borrows the list mutably.
    let elements = unsafe { std::slice::from_raw_parts((*list.ptr()).elems, count) };
    let found = elements.iter().map(|element| {
        let metadata = if element.metadata.is_null() || element.metadata_size == 0 {
            vec![]
        } else {
            let (start, size) = (element.metadata.cast::<u8>(), element.metadata_size);
            // SAFETY: librdkafka says that so many bytes stand there; they are copied at once.
            unsafe { std::slice::from_raw_parts(start, size) }.to_vec()
        };
        let error = RDKafkaErrorCode::from(element.err);
        Found {
            partition: element.partition,
            offset: match Offset::from_raw(element.offset) {
                Offset::Offset(offset) => Some(offset),
                _ => None,
            },
            metadata,
            error: Some(error).filter(|error| *error != RDKafkaErrorCode::NoError),
        }
    });
    found.collect()
}

/// A message's headers in their order. What is not UTF-8 in a name is replaced.
pub(super) fn headers(message: &BorrowedMessage<'_>) -> Vec<(String, Vec<u8>)> {
    let mut headers = std::ptr::null_mut();
    // SAFETY: the message is alive; the headers, if there are any, belong to it.
    let error = unsafe { sys::rd_kafka_message_headers(message.ptr(), &raw mut headers) };
    if RDKafkaErrorCode::from(error) != RDKafkaErrorCode::NoError || headers.is_null() {
        return vec![];
    }
    // SAFETY: as above.
    let count = unsafe { sys::rd_kafka_header_cnt(headers) };
    let mut all = Vec::with_capacity(count);
    for index in 0..count {
        let (mut name, mut value, mut size) = (std::ptr::null(), std::ptr::null(), 0);
        // SAFETY: as above; name and value belong to the message and are copied at once.
        unsafe {
            let error = sys::rd_kafka_header_get_all(
                headers,
                index,
                &raw mut name,
                &raw mut value,
                &raw mut size,
            );
            if RDKafkaErrorCode::from(error) != RDKafkaErrorCode::NoError {
                continue;
            }
            let value = if value.is_null() || size == 0 {
                vec![]
            } else {
                std::slice::from_raw_parts(value.cast::<u8>(), size).to_vec()
            };
            all.push((text(name), value));
        }
    }
    all
}

/// A consumer's place in its group at one moment.
pub(super) struct GroupMetadata(*mut sys::rd_kafka_consumer_group_metadata_t);

// SAFETY: librdkafka never changes it once it is made, and knows of no thread that owns it.
unsafe impl Send for GroupMetadata {}

impl GroupMetadata {
    /// Asks the consumer's own thread; `None` if it has no group.
    pub fn of<C: ClientContext>(consumer: &Client<C>) -> Option<Self> {
        // SAFETY: the client is alive.
        let metadata = unsafe { sys::rd_kafka_consumer_group_metadata(consumer.native_ptr()) };
        (!metadata.is_null()).then_some(Self(metadata))
    }

    /// Whether it names a member of a generation. Without, the broker checks nothing (K2).
    pub fn is_membership(&self) -> bool {
        // SAFETY: both read fields of a structure that is ours until it is dropped.
        let (generation, member) = unsafe {
            (
                sys::rd_kafka_consumer_group_metadata_generation_id(self.0),
                sys::rd_kafka_consumer_group_metadata_member_id(self.0),
            )
        };
        // SAFETY: a C string of that structure.
        let named = !member.is_null() && !unsafe { CStr::from_ptr(member) }.is_empty();
        generation >= 0 && named
    }
}

impl Drop for GroupMetadata {
    fn drop(&mut self) {
        // SAFETY: it is ours, and nobody has it any more.
        unsafe { sys::rd_kafka_consumer_group_metadata_destroy(self.0) };
    }
}

/// Why a step of a transaction failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The producer is of no use any more.
    pub fatal: bool,
    /// The transaction did not take place and must be aborted.
    pub must_abort: bool,
    /// What librdkafka says.
    pub why: String,
}

/// Adds offsets to the producer's transaction, as that member of the group.
pub(super) fn send_offsets<C: ClientContext>(
    producer: &Client<C>,
    offsets: &TopicPartitionList,
    member: &GroupMetadata,
    within: Duration,
) -> Result<(), Refusal> {
    // SAFETY: all three are alive; librdkafka copies what it needs before it returns.
    let error = unsafe {
        sys::rd_kafka_send_offsets_to_transaction(
            producer.native_ptr(),
            offsets.ptr(),
            member.0,
            milliseconds(within),
        )
    };
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: an error that is ours: read, then destroyed, once.
    unsafe {
        let refusal = Refusal {
            fatal: sys::rd_kafka_error_is_fatal(error) != 0,
            must_abort: sys::rd_kafka_error_txn_requires_abort(error) != 0,
            why: text(sys::rd_kafka_error_string(error)),
        };
        sys::rd_kafka_error_destroy(error);
        Err(refusal)
    }
}

/// Sends what is queued at once, however long it might linger, and waits until all is delivered or refused, or the time is
/// up: whoever must know asks afterwards. Somebody else serves the producer's events meanwhile. rdkafka's own `flush` waits
/// for them itself, up to 100 ms longer.
pub(super) fn flush<C: ClientContext>(producer: &Client<C>, within: Duration) {
    // SAFETY: the client is alive.
    unsafe { sys::rd_kafka_flush(producer.native_ptr(), milliseconds(within)) };
}

/// The id of the topic's present life, as Kafka's own tools print it; an error if it does not exist.
pub(super) fn topic_id<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    within: Duration,
) -> Result<String, String> {
    let name = CString::new(topic).map_err(|e| e.to_string())?;
    let client = client.native_ptr();
    // SAFETY: the client is alive. Queue, collection and event are made here and destroyed here, the event last
    // of what is read; the name outlives the call that copies it.
    unsafe {
        let queue = sys::rd_kafka_queue_new(client);
        let options = sys::rd_kafka_AdminOptions_new(
            client,
            sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS,
        );
        let mut why = [0 as c_char; 128];
        sys::rd_kafka_AdminOptions_set_request_timeout(
            options,
            milliseconds(within),
            why.as_mut_ptr(),
            why.len(),
        );
        let mut names = [name.as_ptr()];
        let topics = sys::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), 1);
        sys::rd_kafka_DescribeTopics(client, topics, options, queue);
        // The request has its own end; the second more is for its answer to come through the queue.
        let event = sys::rd_kafka_queue_poll(queue, milliseconds(within) + 1_000);
        let id = if event.is_null() {
            Err("no answer".to_owned())
        } else {
            described(event)
        };
        if !event.is_null() {
            sys::rd_kafka_event_destroy(event);
        }
        sys::rd_kafka_TopicCollection_destroy(topics);
        sys::rd_kafka_AdminOptions_destroy(options);
        sys::rd_kafka_queue_destroy(queue);
        id
    }
}

/// # Safety
/// `event` is one that `DescribeTopics` of one topic answered with, and is alive.
unsafe fn described(event: *mut sys::rd_kafka_event_t) -> Result<String, String> {
    // SAFETY: all that is read belongs to the event.
    unsafe {
        let error = RDKafkaErrorCode::from(sys::rd_kafka_event_error(event));
        if error != RDKafkaErrorCode::NoError {
            return Err(text(sys::rd_kafka_event_error_string(event)));
        }
        let result = sys::rd_kafka_event_DescribeTopics_result(event);
        if result.is_null() {
            return Err("an answer to another question".to_owned());
        }
        let mut count = 0;
        let topics = sys::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        if topics.is_null() || count == 0 {
            return Err("an empty answer".to_owned());
        }
        let topic = *topics;
        let error = sys::rd_kafka_TopicDescription_error(topic);
        if !error.is_null()
            && RDKafkaErrorCode::from(sys::rd_kafka_error_code(error)) != RDKafkaErrorCode::NoError
        {
            return Err(text(sys::rd_kafka_error_string(error)));
        }
        let id = sys::rd_kafka_TopicDescription_topic_id(topic);
        if id.is_null() {
            return Err("the broker tells no topic ids".to_owned());
        }
        Ok(text(sys::rd_kafka_Uuid_base64str(id)))
    }
}

/// The offset after the last message (for committed readers: the last stable offset) that the client has heard
/// of; `None` before it has fetched.
pub(super) fn known_end<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    partition: i32,
) -> Option<i64> {
    let topic = CString::new(topic).ok()?;
    let (mut low, mut high) = (-1, -1);
    // SAFETY: the client is alive; the two numbers are written before the call returns.
    let error = unsafe {
        sys::rd_kafka_get_watermark_offsets(
            client.native_ptr(),
            topic.as_ptr(),
            partition,
            &raw mut low,
            &raw mut high,
        )
    };
    let known = RDKafkaErrorCode::from(error) == RDKafkaErrorCode::NoError && high >= 0;
    known.then_some(high)
}

fn milliseconds(time: Duration) -> i32 {
    i32::try_from(time.as_millis()).unwrap_or(i32::MAX)
}

/// # Safety
/// Null, or a C string that is alive.
unsafe fn text(string: *const c_char) -> String {
    if string.is_null() {
        return String::new();
    }
    // SAFETY: as above.
    unsafe { CStr::from_ptr(string) }
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::ClientConfig;
    use rdkafka::consumer::{BaseConsumer, Consumer};

    #[test]
    fn metadata_that_is_not_utf_8_is_bytes() {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset("t", 3, Offset::Offset(7))
            .unwrap();
        list.add_partition("t", 4).set_metadata("\u{1}\u{2}");
        // SAFETY: the second element of the list, whose metadata is two bytes; librdkafka frees them.
        unsafe {
            let element = (*list.ptr()).elems.add(1);
            std::slice::from_raw_parts_mut((*element).metadata.cast::<u8>(), 2)
                .copy_from_slice(&[0xff, 0xfe]);
        }
        let found = found(&list);
        assert_eq!((found[0].partition, found[0].offset), (3, Some(7)));
        assert_eq!(found[0].metadata, b"");
        assert_eq!((found[1].partition, found[1].offset), (4, None));
        assert_eq!(found[1].metadata, [0xff, 0xfe]);
        assert!(found.iter().all(|found| found.error.is_none()));
    }

    #[test]
    fn whoever_has_not_joined_is_no_member() {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", "127.0.0.1:1")
            .set("group.id", "g")
            .create()
            .unwrap();
        let metadata = GroupMetadata::of(consumer.client()).unwrap();
        assert!(
            !metadata.is_membership(),
            "generation -1 is never used (K2)"
        );
    }
}
