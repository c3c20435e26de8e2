//! Appending: what is checked before, and where messages get their offsets.
use crate::crash::CrashPoint;
use crate::fault::Fault;
use crate::log::rows;
use crate::log::topics::{Topic, Topics};
use crate::writer::Batch;
use events::id::partition_of;
use runtime::PortError;
use runtime::ports::log::{Message, Outgoing, Position};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The next offset of each slot. Known in memory, since one thread writes.
pub(crate) struct Heads {
    next: Vec<i64>,
    /// What the slots touched by the open transaction had before it.
    before: BTreeMap<usize, i64>,
    /// The topics touched by it.
    topics: BTreeSet<i64>,
}

impl Heads {
    pub(crate) fn new(next: Vec<i64>) -> Self {
        Self {
            next,
            before: BTreeMap::new(),
            topics: BTreeSet::new(),
        }
    }
    /// The next offset of a slot.
    pub(crate) fn next(&self, slot: usize) -> i64 {
        self.next[slot]
    }
    fn take(&mut self, topic: i64, slot: usize) -> i64 {
        let next = self.next[slot];
        self.before.entry(slot).or_insert(next);
        self.topics.insert(topic);
        self.next[slot] = next + 1;
        next
    }
    /// What was taken is taken; says of which topics.
    pub(crate) fn commit(&mut self) -> BTreeSet<i64> {
        self.before.clear();
        std::mem::take(&mut self.topics)
    }
    /// What was taken is free again.
    pub(crate) fn roll_back(&mut self) {
        self.topics.clear();
        for (slot, next) in std::mem::take(&mut self.before) {
            self.next[slot] = next;
        }
    }
}

/// A message that can be appended.
pub(crate) struct Checked {
    topic: Arc<Topic>,
    slot: usize,
    partition: i32,
    outgoing: Arc<Outgoing>,
}

/// Finds where each message goes, before it can harm anybody else's transaction; or which goes nowhere, and why.
pub(crate) fn check(
    topics: &Topics,
    messages: Vec<Arc<Outgoing>>,
) -> Result<Vec<Checked>, (usize, PortError)> {
    let each = messages.into_iter().enumerate();
    each.map(|(index, outgoing)| check_one(topics, outgoing).map_err(|error| (index, error)))
        .collect()
}

fn check_one(topics: &Topics, outgoing: Arc<Outgoing>) -> Result<Checked, PortError> {
    let refuse = |why: String| Err(PortError::Unreachable { port: "log", why });
    let Some(topic) = topics.get(&outgoing.topic) else {
        return refuse(format!("there is no topic {}", outgoing.topic));
    };
    let size = outgoing.key.len() + outgoing.headers.size() + outgoing.payload.len();
    if size > topic.max_message_bytes {
        let (name, most) = (&topic.name, topic.max_message_bytes);
        return refuse(format!(
            "a message of {size} bytes is more than the {most} of {name}"
        ));
    }
    let partition = match outgoing.partition {
        Some(partition) => partition,
        None if outgoing.key.is_empty() => {
            return refuse(format!(
                "a message for {} has neither key nor partition",
                topic.name
            ));
        }
        None => partition_of(&outgoing.key, topic.partitions),
    };
    match topic.slot(partition) {
        Some(slot) => Ok(Checked {
            topic: Arc::clone(topic),
            slot,
            partition,
            outgoing,
        }),
        None => refuse(format!("{} has no partition {partition}", topic.name)),
    }
}

impl Batch<'_> {
    /// Appends messages in their order.
    pub(crate) fn append(&mut self, messages: Vec<Checked>) -> Result<Vec<Position>, Fault> {
        if !messages.is_empty() {
            self.shared.crash.pass(CrashPoint::BeforeAppend);
        }
        self.appended.reserve(messages.len());
        let mut places = Vec::with_capacity(messages.len());
        for Checked {
            topic,
            slot,
            partition,
            outgoing,
        } in messages
        {
            let offset = self.heads.take(topic.no, slot);
            let at = Position {
                topic: Arc::clone(&topic.name),
                partition,
                offset,
            };
            places.push(at.clone());
            let Outgoing {
                key,
                headers,
                payload,
                ..
            } = Arc::unwrap_or_clone(outgoing);
            let message = Message {
                at,
                timestamp_ms: self.now_ms,
                key,
                headers,
                payload,
            };
            rows::insert(self.sql, topic.no, &message)?;
            self.bytes += rows::weight(&message);
            self.appended.push((slot, Arc::new(message)));
        }
        Ok(places)
    }
}
