//! Reading what is there already.
use super::super::message::{message_of, unreachable};
use super::super::options::Options;
use super::tail::{Place, ReaderContext};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};
use runtime::ports::PortError;
use runtime::ports::log::Message;
use std::time::{Duration, Instant};

/// A client for one question at a time.
pub(super) struct Cold {
    consumer: BaseConsumer<ReaderContext>,
    patience: Duration,
    /// Whether it sees committed messages only.
    pub committed: bool,
}

impl Cold {
    pub fn open(options: &Options, committed: bool) -> Result<Self, PortError> {
        let config = options.reader(committed);
        let consumer = config
            .create_with_context(ReaderContext)
            .map_err(unreachable)?;
        Ok(Self {
            consumer,
            patience: options.bounds.call,
            committed,
        })
    }

    /// The offsets of the first message and after the last one.
    pub fn ends(&self, place: &Place) -> Result<(i64, i64), PortError> {
        self.consumer
            .fetch_watermarks(&place.topic, place.partition, self.patience)
            .map_err(unreachable)
    }

    /// Up to `limit` messages that are there now.
    pub fn read(
        &self,
        place: &Place,
        offset: i64,
        limit: usize,
    ) -> Result<Vec<Message>, PortError> {
        let (first, end) = self.ends(place)?;
        if offset >= end || limit == 0 {
            return Ok(vec![]);
        }
        let mut from = TopicPartitionList::new();
        from.add_partition_offset(
            &place.topic,
            place.partition,
            Offset::Offset(offset.max(first)),
        )
        .and_then(|()| self.consumer.assign(&from))
        .map_err(unreachable)?;
        let messages = self.until(place, end, limit);
        self.consumer.unassign().map_err(unreachable)?;
        messages
    }

    fn until(&self, place: &Place, end: i64, limit: usize) -> Result<Vec<Message>, PortError> {
        let until = Instant::now() + self.patience;
        let mut messages: Vec<Message> = vec![];
        while messages.len() < limit {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(unreachable("the broker sends nothing"));
            }
            match self.consumer.poll(left) {
                Some(Ok(message)) => {
                    messages.push(message_of(&message, &place.topic));
                    if messages
                        .last()
                        .is_some_and(|last| last.at.offset + 1 >= end)
                    {
                        break;
                    }
                }
                // Markers of transactions stand at the end, not messages.
                Some(Err(KafkaError::PartitionEOF(_))) => break,
                Some(Err(e)) => return Err(unreachable(e)),
                None => {}
            }
        }
        Ok(messages)
    }
}
