//! What the group says to a member.
use crate::log::client;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, TopicPartitionList};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Partitions that come or go.
pub(super) enum Change {
    Assigned(Vec<i32>),
    /// They are to be given back, or (`lost`) are no longer ours: the session ran out.
    Revoked {
        partitions: Vec<i32>,
        lost: bool,
    },
}

/// Keeps what the group says for the thread that polls: it answers as soon as the poll returns, where it may use
/// all of the consumer. Until then the group waits (K1, K2).
#[derive(Default)]
pub(super) struct Context {
    changes: Mutex<VecDeque<Change>>,
    closing: AtomicBool,
}

impl Context {
    pub fn next_change(&self) -> Option<Change> {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        changes.pop_front()
    }
    /// From now on partitions are given back at once: nothing of theirs is left to keep.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        client::line(level, facility, text);
    }
    fn error(&self, error: KafkaError, why: &str) {
        client::trouble(&error, why);
    }
}

impl ConsumerContext for Context {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        what: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let revoked = what == RDKafkaRespErr::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS;
        if self.closing.load(Ordering::Acquire) {
            let done = if revoked {
                consumer.unassign()
            } else {
                // Whoever closes takes nothing any more; the group hears of it by our leaving.
                consumer.incremental_assign(&TopicPartitionList::new())
            };
            if let Err(e) = done {
                tracing::warn!(error = %e, "a member that leaves could not give its partitions back");
            }
            return;
        }
        let numbers = partitions
            .elements()
            .iter()
            .map(|p| p.partition())
            .collect();
        let change = if revoked {
            Change::Revoked {
                partitions: numbers,
                lost: consumer.assignment_lost(),
            }
        } else {
            Change::Assigned(numbers)
        };
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        changes.push_back(change);
    }
}
