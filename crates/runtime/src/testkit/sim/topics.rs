//! Partitions as a broker keeps them: slots, some of which are gaps or belong to a transaction that is still open.
use super::SimTopic;
use crate::ports::log::{Message, Outgoing, Position};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::Notify;

/// One offset of a partition.
#[derive(Debug)]
pub(super) enum Slot {
    /// Anybody may read it.
    Message(Arc<Message>),
    /// A control record, or what an aborted transaction left: nobody sees it.
    Gap,
    /// Of a transaction that is not decided; nobody reads at or behind it (K6).
    Open(Arc<Message>),
}

/// What stands in a partition, and where open transactions have left something.
#[derive(Debug, Default)]
pub(super) struct Partition {
    slots: Vec<Slot>,
    open: BTreeSet<i64>,
}

/// A topic.
pub(super) struct Topic {
    pub options: SimTopic,
    /// Takes nothing any more, though nobody was told: another's change, a right that was taken away.
    pub refuses: bool,
    pub name: Arc<str>,
    pub partitions: Vec<Partition>,
    /// The consumers of its groups.
    pub groups: BTreeSet<Arc<str>>,
    /// How many messages stand here, in all partitions, for anybody to read.
    pub standing: usize,
    /// Told whenever something may have become visible.
    pub grown: Arc<Notify>,
}

impl Topic {
    pub fn new(options: SimTopic) -> Self {
        let partitions = (0..options.partitions.max(1))
            .map(|_| Partition::default())
            .collect();
        Self {
            name: options.name.as_str().into(),
            partitions,
            grown: Arc::default(),
            refuses: false,
            standing: 0,
            groups: BTreeSet::new(),
            options,
        }
    }

    /// Where a message goes: its partition, or the one of its key (I5).
    pub fn partition_for(&self, message: &Outgoing) -> Result<i32, String> {
        let count = self.partitions.len() as i32;
        match message.partition {
            Some(partition) if (0..count).contains(&partition) => Ok(partition),
            Some(partition) => Err(format!("{} has no partition {partition}", self.name)),
            None if message.key.is_empty() => {
                Err(format!("neither key nor partition for {}", self.name))
            }
            None => Ok(events::id::partition_of(&message.key, count)),
        }
    }

    /// Whether the message may be appended here.
    pub fn check(&self, message: &Outgoing) -> Result<i32, String> {
        let size = message.key.len() + message.headers.size() + message.payload.len();
        if size > self.options.max_message_bytes {
            return Err(format!("{size} bytes are too many for {}", self.name));
        }
        if self.refuses {
            return Err(format!("{} takes nothing", self.name));
        }
        self.partition_for(message)
    }

    /// Appends; gives the message as it stands now.
    pub fn append(
        &mut self,
        partition: i32,
        message: Outgoing,
        now_ms: i64,
        open: bool,
    ) -> Arc<Message> {
        let part = &mut self.partitions[partition as usize];
        let at = Position {
            topic: self.name.clone(),
            partition,
            offset: part.slots.len() as i64,
        };
        let Outgoing {
            key,
            headers,
            payload,
            ..
        } = message;
        let message = Arc::new(Message {
            at,
            timestamp_ms: now_ms,
            key,
            headers,
            payload,
        });
        if open {
            part.open.insert(message.at.offset);
            part.slots.push(Slot::Open(message.clone()));
        } else {
            part.slots.push(Slot::Message(message.clone()));
            self.standing += 1;
        }
        message
    }

    /// Ends a transaction in a partition: what is open at `offsets` becomes messages or gaps, and a control
    /// record follows, as at a broker.
    pub fn end_transaction(&mut self, partition: i32, offsets: &[i64], committed: bool) {
        let part = &mut self.partitions[partition as usize];
        for offset in offsets {
            part.open.remove(offset);
            let slot = &mut part.slots[*offset as usize];
            if let Slot::Open(message) = std::mem::replace(slot, Slot::Gap)
                && committed
            {
                *slot = Slot::Message(message);
                self.standing += 1;
            }
        }
        part.slots.push(Slot::Gap);
    }

    /// The first offset that nobody may read yet.
    pub fn visible_end(&self, partition: i32) -> i64 {
        let part = &self.partitions[partition as usize];
        part.open
            .first()
            .copied()
            .unwrap_or(part.slots.len() as i64)
    }

    /// The messages from `offset` on that may be read, at most `limit`.
    pub fn read(&self, partition: i32, offset: i64, limit: usize) -> Vec<Message> {
        let end = self.visible_end(partition);
        let slots =
            &self.partitions[partition as usize].slots[offset.clamp(0, end) as usize..end as usize];
        let messages = slots.iter().filter_map(|slot| match slot {
            Slot::Message(message) => Some((**message).clone()),
            Slot::Gap | Slot::Open(_) => None,
        });
        messages.take(limit).collect()
    }

    /// Whether there is a message to read at or after `offset`.
    pub fn holds(&self, partition: i32, offset: i64) -> bool {
        let end = self.visible_end(partition);
        let slots =
            &self.partitions[partition as usize].slots[offset.clamp(0, end) as usize..end as usize];
        slots.iter().any(|slot| matches!(slot, Slot::Message(_)))
    }
}
