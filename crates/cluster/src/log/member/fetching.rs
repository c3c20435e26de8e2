//! The thread of a member that talks to the group and fetches.
use super::checkpoints::committed;
use super::context::{Change, Context};
use super::publishing::Command;
use super::shared::Shared;
use crate::log::message::{Slab, unreachable};
use crate::log::native::{self, GroupMetadata};
use crate::log::options::{Bounds, FirstCheckpoints};
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message as _;
use rdkafka::{Offset, TopicPartitionList};
use runtime::ports::log::{Checkpoint, Happening, Joining, Lease};
use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The longest sleep. Callbacks wake the thread; this is for the one that rdkafka forgets (the watchdog's own dog).
const NAP: Duration = Duration::from_millis(500);
/// Messages taken from one partition before the next has its turn.
const TURN: usize = 512;
/// Looks at the group's queue that must be in vain before it counts as empty: one that served a log line looks the
/// same as one that found nothing.
const LOOKS: usize = 8;
/// How often a partition that cannot be read is tried again.
const AGAIN: Duration = Duration::from_secs(2);
/// After so long without a checkpoint's answer it is said.
const SAID_AFTER: Duration = Duration::from_secs(10);

/// A partition that is ours.
struct Reading {
    lease: Lease,
    queue: PartitionQueue<Context>,
}

/// A partition that the group gave us and that cannot be read.
struct Stopped {
    why: String,
    tried_at: Instant,
    /// The offset that is not there any more.
    at: Option<i64>,
}

pub(super) struct Fetching {
    pub consumer: Arc<BaseConsumer<Context>>,
    pub shared: Arc<Shared>,
    pub joining: Joining,
    pub first_checkpoints: FirstCheckpoints,
    pub bounds: Bounds,
    pub publisher: Option<JoinHandle<()>>,
    slab: Slab,
    reading: BTreeMap<i32, Reading>,
    stopped: BTreeMap<i32, Stopped>,
    looked_at: Instant,
    told_at: Instant,
}

impl Fetching {
    pub fn new(
        consumer: Arc<BaseConsumer<Context>>,
        shared: Arc<Shared>,
        joining: Joining,
        first_checkpoints: FirstCheckpoints,
        bounds: Bounds,
    ) -> Self {
        Self {
            consumer,
            shared,
            joining,
            first_checkpoints,
            bounds,
            publisher: None,
            slab: Slab::default(),
            reading: BTreeMap::new(),
            stopped: BTreeMap::new(),
            looked_at: Instant::now(),
            told_at: Instant::now(),
        }
    }

    /// Until the member leaves.
    pub fn run(mut self) {
        while !self.shared.is_stopping() {
            self.serve_group();
            let fetched = self.fetch();
            self.try_again();
            self.tell();
            if !fetched {
                std::thread::park_timeout(NAP);
            }
        }
        self.close();
    }

    fn serve_group(&mut self) {
        // Told of before it is looked at: what comes later wakes the thread again.
        let looks = if self.shared.take_group_event() || self.looked_at.elapsed() > NAP {
            self.looked_at = Instant::now();
            LOOKS
        } else {
            1
        };
        let mut in_vain = 0;
        while in_vain < looks {
            match self.consumer.poll(Duration::ZERO) {
                // Partitions have queues of their own before they are fetched.
                Some(Ok(message)) => {
                    tracing::error!(
                        partition = message.partition(),
                        "a message in the group's queue"
                    );
                }
                Some(Err(e)) => self.trouble(&e),
                None => in_vain += 1,
            }
            self.shared.polled();
            while let Some(change) = self.consumer.context().next_change() {
                match change {
                    Change::Assigned(partitions) => self.assigned(&partitions),
                    Change::Revoked { partitions, lost } => self.revoked(&partitions, lost),
                }
                in_vain = 0;
            }
        }
    }

    fn trouble(&self, e: &KafkaError) {
        let consumer = &self.joining.consumer;
        let fatal = matches!(e, KafkaError::MessageConsumptionFatal(_));
        let refused = matches!(
            e.rdkafka_error_code(),
            Some(
                RDKafkaErrorCode::GroupAuthorizationFailed
                    | RDKafkaErrorCode::TopicAuthorizationFailed
                    | RDKafkaErrorCode::Authentication
                    | RDKafkaErrorCode::SaslAuthenticationFailed
                    | RDKafkaErrorCode::UnknownTopicOrPartition
            )
        );
        tracing::warn!(%consumer, error = %e, fatal, "the group");
        self.shared.last_trouble(e.to_string());
        if fatal || refused {
            self.shared.inbox.failed(unreachable(e));
        }
    }

    /// K1: offsets and checkpoints in one answer, then absolute offsets.
    fn assigned(&mut self, partitions: &[i32]) {
        tracing::debug!(consumer = %self.joining.consumer, ?partitions, "assigned");
        let mut offsets = TopicPartitionList::new();
        for (partition, start) in self.starts(partitions) {
            match start {
                Ok((at, checkpoint, topic_id)) => {
                    if let Err(why) = self.begin(partition, at, checkpoint, topic_id, &mut offsets)
                    {
                        self.stop(partition, why, None);
                    }
                }
                Err(why) => self.stop(partition, why, None),
            }
        }
        // Also if it is empty: the group waits for the answer.
        if let Err(e) = self.consumer.incremental_assign(&offsets) {
            let consumer = &self.joining.consumer;
            tracing::error!(%consumer, error = %e, "partitions could not be taken");
            self.shared.inbox.failed(unreachable(e));
        }
    }

    /// Where each of the partitions starts: its offset, its checkpoint, the id of the topic. Waits for the
    /// coordinator as long as it takes, since nothing can be read without.
    #[allow(clippy::type_complexity)] // a private tuple, taken apart by its one caller
    fn starts(
        &self,
        partitions: &[i32],
    ) -> Vec<(i32, Result<(i64, Option<Checkpoint>, Arc<str>), String>)> {
        let shared = self.shared.clone();
        let mut said = false;
        let go_on = |since: Duration, why: &str| {
            if since > SAID_AFTER && !said {
                said = true;
                tracing::warn!(why, "the checkpoints of new partitions cannot be read yet");
                shared.last_trouble(format!("checkpoints cannot be read: {why}"));
            }
            shared.polled();
            !shared.is_stopping()
        };
        let found = committed(&self.consumer, &self.joining.topic, partitions, go_on);
        let topic_id = self.topic_id();
        let each = partitions.iter().map(|partition| {
            let found = found.as_ref().map_err(Clone::clone);
            let start = found.and_then(|found| {
                let topic_id = topic_id.clone()?;
                let checkpoint = found.get(partition).cloned().flatten();
                let (at, checkpoint) = self.start(*partition, checkpoint)?;
                Ok((at, checkpoint, topic_id))
            });
            (*partition, start)
        });
        each.collect()
    }

    /// Asked at each assignment: a topic that was deleted and made anew has another.
    fn topic_id(&self) -> Result<Arc<str>, String> {
        let (client, topic) = (self.consumer.client(), &self.joining.topic);
        native::topic_id(client, topic, self.bounds.call)
            .map(Into::into)
            .map_err(|why| format!("the id of the topic is not known: {why}"))
    }

    fn start(
        &self,
        partition: i32,
        checkpoint: Option<Checkpoint>,
    ) -> Result<(i64, Option<Checkpoint>), String> {
        if let Some(checkpoint) = checkpoint {
            return Ok((checkpoint.watermark, Some(checkpoint)));
        }
        if self.first_checkpoints == FirstCheckpoints::Applied {
            return Err("no checkpoint: `troupe topics apply` commits the first one".to_owned());
        }
        let topic = &self.joining.topic;
        let (first, end) = self
            .consumer
            .fetch_watermarks(topic, partition, self.bounds.call)
            .map_err(|e| e.to_string())?;
        if self.joining.from_first {
            return Ok((first, None));
        }
        // Committed at once, so that what comes before the first commit of work is not skipped later.
        let mut offsets = TopicPartitionList::new();
        offsets
            .add_partition_offset(topic, partition, Offset::Offset(end))
            .and_then(|()| self.consumer.commit(&offsets, CommitMode::Sync))
            .map_err(|e| format!("the first checkpoint could not be committed: {e}"))?;
        let text = String::new();
        let watermark = end;
        Ok((end, Some(Checkpoint { watermark, text })))
    }

    fn begin(
        &mut self,
        partition: i32,
        at: i64,
        checkpoint: Option<Checkpoint>,
        topic_id: Arc<str>,
        offsets: &mut TopicPartitionList,
    ) -> Result<(), String> {
        let topic = &self.joining.topic;
        offsets
            .add_partition_offset(topic, partition, Offset::Offset(at))
            .map_err(|e| format!("offset {at}: {e}"))?;
        let queue = self.consumer.split_partition_queue(topic, partition);
        let mut queue = queue.ok_or("no such partition")?;
        let shared = self.shared.clone();
        queue.set_nonempty_callback(move || shared.wake());
        let lease = self.shared.leases.grant(partition);
        self.shared.started(partition, at);
        self.stopped.remove(&partition);
        self.reading.insert(partition, Reading { lease, queue });
        let happening = Happening::Assigned {
            lease,
            checkpoint,
            topic_id,
        };
        self.shared.inbox.assigned(lease, happening);
        Ok(())
    }

    /// A partition of ours that cannot be read: nothing is skipped, health says so, and it is tried again.
    fn stop(&mut self, partition: i32, why: String, at: Option<i64>) {
        let (consumer, topic) = (&self.joining.consumer, &self.joining.topic);
        if self.stopped.get(&partition).is_none_or(|s| s.why != why) {
            tracing::error!(%consumer, %topic, partition, why, "a partition is not read");
        }
        self.shared.stopped(partition, &why);
        let tried_at = Instant::now();
        let stopped = Stopped { why, tried_at, at };
        self.stopped.insert(partition, stopped);
    }

    fn try_again(&mut self) {
        let due = self
            .stopped
            .iter()
            .filter(|(_, s)| s.tried_at.elapsed() > AGAIN);
        let due: Vec<i32> = due.map(|(partition, _)| *partition).collect();
        if due.is_empty() {
            return;
        }
        let mut offsets = TopicPartitionList::new();
        for (partition, start) in self.starts(&due) {
            let Some(stopped) = self.stopped.get_mut(&partition) else {
                continue;
            };
            stopped.tried_at = Instant::now();
            match start {
                // Where it stopped before.
                Ok((at, ..)) if stopped.at == Some(at) => {}
                Ok((at, checkpoint, topic_id)) => {
                    self.give_back(&[partition], false);
                    if let Err(why) = self.begin(partition, at, checkpoint, topic_id, &mut offsets)
                    {
                        self.stop(partition, why, None);
                    }
                }
                Err(why) => {
                    let at = stopped.at;
                    self.stop(partition, why, at);
                }
            }
        }
        if offsets.count() > 0
            && let Err(e) = self.consumer.incremental_assign(&offsets)
        {
            self.trouble(&e);
        }
    }

    /// K2: waits for the commit that runs, ends the leases, drops what is theirs, then gives them back.
    fn revoked(&mut self, partitions: &[i32], lost: bool) {
        tracing::debug!(consumer = %self.joining.consumer, ?partitions, lost, "revoked");
        partitions.iter().for_each(|partition| {
            self.stopped.remove(partition);
        });
        let given_back = self.give_back(partitions, lost);
        if given_back.is_empty() {
            // The group waits for an answer all the same.
            let nothing = TopicPartitionList::new();
            if let Err(e) = self.consumer.incremental_unassign(&nothing) {
                self.trouble(&e);
            }
        }
    }

    /// Those that were read.
    fn give_back(&mut self, partitions: &[i32], lost: bool) -> Vec<i32> {
        let read: Vec<i32> = partitions
            .iter()
            .copied()
            .filter(|partition| self.reading.contains_key(partition))
            .collect();
        if read.is_empty() {
            return read;
        }
        self.end(&read, lost);
        let mut list = TopicPartitionList::new();
        for partition in &read {
            self.reading.remove(partition);
            self.shared.ended(*partition);
            list.add_partition(&self.joining.topic, *partition);
        }
        if let Err(e) = self.consumer.incremental_unassign(&list) {
            self.trouble(&e);
        }
        read
    }

    /// Ends leases, and has it said that the partitions were given back in order (C5), unless they are lost.
    fn end(&self, partitions: &[i32], lost: bool) {
        let patience = self.bounds.transaction * 2;
        let until = Instant::now() + patience;
        let ended = self.shared.leases.end(partitions, patience);
        for lease in &ended {
            self.shared.inbox.revoked(*lease);
        }
        if lost || ended.is_empty() {
            return;
        }
        // In vain: whoever gets them counts a death too many (C5), which fifty in a row must be to matter.
        let until = until.min(Instant::now() + self.bounds.transaction);
        while !self.said_back(&ended, until) && Instant::now() < until {
            std::thread::park_timeout(NAP / 10);
        }
    }

    /// Whether it was said, or never can be. Until we answer the group, nobody else is given the partitions, whatever
    /// its generation; and a commit of an earlier generation, or of whom the group has given up, is not taken. So the
    /// metadata is taken here, and not by whoever may be late.
    fn said_back(&self, leases: &[Lease], until: Instant) -> bool {
        let member = GroupMetadata::of(self.consumer.client());
        let Some(member) = member.filter(GroupMetadata::is_membership) else {
            return true;
        };
        let (done, hearing) = mpsc::channel();
        let command = Command::GiveBack {
            leases: leases.to_vec(),
            member,
            done,
        };
        if self.shared.command(command).is_err() {
            return true;
        }
        let patience = until.saturating_duration_since(Instant::now());
        hearing.recv_timeout(patience).unwrap_or(true)
    }

    /// Takes what has been prefetched, as far as there is room. Whether there was anything.
    fn fetch(&mut self) -> bool {
        let mut fetched = false;
        let (mut gone, mut at_end) = (vec![], vec![]);
        for (partition, reading) in &self.reading {
            let room = self.shared.inbox.room(reading.lease).min(TURN);
            let mut messages = Vec::new();
            while messages.len() < room {
                match reading.queue.poll(Duration::ZERO) {
                    Some(Ok(message)) => {
                        messages.push(self.slab.message_of(&message, &self.joining.topic));
                    }
                    // All is fetched up to the end, markers of transactions included.
                    Some(Err(KafkaError::PartitionEOF(_))) => at_end.push(*partition),
                    Some(Err(e)) => match e.rdkafka_error_code() {
                        Some(
                            RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange,
                        ) => gone.push(*partition),
                        _ => self.trouble(&e),
                    },
                    None => break,
                }
            }
            if let Some(last) = messages.last() {
                fetched = true;
                self.shared.fetched(*partition, last.at.offset + 1);
                self.shared.inbox.fetched(reading.lease, messages);
            }
        }
        for partition in at_end {
            let (client, topic) = (self.consumer.client(), &self.joining.topic);
            if let Some(end) = native::known_end(client, topic, partition) {
                self.shared.fetched(partition, end);
            }
        }
        for partition in gone {
            let at = self.shared.position(partition);
            let why = format!("offset {at} is not in the log (any more)");
            self.stop(partition, why, Some(at));
        }
        fetched
    }

    /// What health asks for, now and then.
    fn tell(&mut self) {
        if self.told_at.elapsed() < NAP / 2 {
            return;
        }
        self.told_at = Instant::now();
        let client = self.consumer.client();
        for (partition, reading) in &self.reading {
            let end = native::known_end(client, &self.joining.topic, *partition);
            let full = self.shared.inbox.room(reading.lease) == 0;
            self.shared.ends_at(*partition, end, full);
        }
    }

    /// Gives everything back and leaves the group.
    fn close(mut self) {
        let all: Vec<i32> = self.reading.keys().copied().collect();
        self.end(&all, false);
        self.shared.close_publisher();
        if let Some(publisher) = self.publisher.take()
            && publisher.join().is_err()
        {
            tracing::error!(consumer = %self.joining.consumer, "the publishing thread panicked");
        }
        self.consumer.context().close();
        self.reading.clear();
        // The last handle: dropping it leaves the group, and waits for that.
        let shared = self.shared.clone();
        drop(self);
        shared.left();
    }
}
