//! The thread of a member that publishes: one transactional producer (K3).
use super::checkpoints::committed;
use super::context::Context;
use super::shared::Shared;
use crate::log::deliveries::{Counting, Deliveries};
use crate::log::message::{check, corrupt, headers_of, partition_of, unreachable};
use crate::log::native::{self, GroupMetadata};
use crate::log::options::Options;
use crate::log::topics::Topics;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use rdkafka::util::Timeout;
use rdkafka::{Offset, TopicPartitionList};
use runtime::engine::given_back;
use runtime::ports::PortError;
use runtime::ports::log::{Checkpoint, Lease, Outgoing, Publication, PublishError};
use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Between two looks at deliveries, should a callback ever be lost.
const LOOK: Duration = Duration::from_millis(100);
/// Between two looks at a queue that is full.
const QUEUE_LOOK: Duration = Duration::from_millis(1);

/// What the thread is told.
pub(super) enum Command {
    Publish(Publication, oneshot::Sender<Result<(), PublishError>>),
    Committed(
        Lease,
        oneshot::Sender<Result<Option<Checkpoint>, PublishError>>,
    ),
    /// These leases are over, and their partitions are about to be given back by `member`: their checkpoints shall say
    /// so (C5).
    GiveBack {
        leases: Vec<Lease>,
        /// As it was while it held them.
        member: GroupMetadata,
        /// Hears whether they do.
        done: mpsc::Sender<bool>,
    },
}

/// Why a transaction did not take place, or may have.
enum Ended {
    /// It has failed and can be aborted: then it leaves nothing. `asked`: its commit had been asked for, so that it may
    /// have taken place all the same if aborting fails.
    Failed { e: PortError, asked: bool },
    /// It did not take place; the producer is of no use any more.
    Broken(PublishError),
    /// It may have taken place.
    InDoubt(String),
}

/// A producer whose transactions are initialised.
struct Live {
    producer: ThreadedProducer<Counting>,
    deliveries: Arc<Deliveries>,
    sent: usize,
}

pub(super) struct Publishing {
    pub consumer: Arc<BaseConsumer<Context>>,
    pub shared: Arc<Shared>,
    pub topic: Arc<str>,
    pub topics: Arc<Topics>,
    pub options: Options,
    /// The same from the process's start to its end: initialising it again settles what is in doubt.
    pub transactional_id: String,
    live: Option<Live>,
    /// By partition, the last lease under which something was published: under another one, the checkpoint is still that
    /// of somebody else.
    said: BTreeMap<i32, Lease>,
}

impl Publishing {
    pub fn new(
        consumer: Arc<BaseConsumer<Context>>,
        shared: Arc<Shared>,
        topic: Arc<str>,
        topics: Arc<Topics>,
        options: Options,
        transactional_id: String,
    ) -> Self {
        Self {
            consumer,
            shared,
            topic,
            topics,
            options,
            transactional_id,
            live: None,
            said: BTreeMap::new(),
        }
    }

    /// Until nobody can command any more.
    pub fn run(mut self, commands: &mpsc::Receiver<Command>) {
        // The first publication need not wait for it.
        if let Err(e) = self.live() {
            tracing::warn!(id = self.transactional_id, error = %e, "no producer yet");
        }
        while let Ok(command) = commands.recv() {
            match command {
                Command::Publish(publication, done) => {
                    let published = self.publish(&publication);
                    if matches!(published, Ok(()) | Err(PublishError::Unknown(_))) {
                        let leases = publication.checkpoints.iter().map(|(lease, _)| *lease);
                        self.said
                            .extend(leases.map(|lease| (lease.partition, lease)));
                    }
                    let in_doubt = matches!(published, Err(PublishError::Unknown(_)));
                    let _ = done.send(published);
                    if in_doubt {
                        // Settles it, also if nobody asks any more; whoever asks tries again.
                        let _ = self.live();
                    }
                }
                Command::Committed(lease, done) => {
                    let _ = done.send(self.committed(lease));
                }
                Command::GiveBack {
                    leases,
                    member,
                    done,
                } => {
                    let said = self.give_back(&leases, &member);
                    if let Err(e) = &said {
                        let id = &self.transactional_id;
                        tracing::warn!(id, error = %e, "partitions are given back, and that cannot be said");
                    }
                    let _ = done.send(said.is_ok());
                }
            }
        }
    }

    /// The producer; a new one under the same id if the last one broke: then all that it left open is settled.
    fn live(&mut self) -> Result<&mut Live, PortError> {
        if self.live.is_none() {
            let deliveries = Arc::new(Deliveries::new());
            let batch = self.options.room.batch.min(self.topics.smallest_batch());
            let config = self.options.transactional(&self.transactional_id, batch);
            let producer: ThreadedProducer<Counting> = config
                .create_with_context(Counting(deliveries.clone()))
                .map_err(unreachable)?;
            producer
                .init_transactions(self.options.bounds.call)
                .map_err(unreachable)?;
            self.live = Some(Live {
                producer,
                deliveries,
                sent: 0,
            });
        }
        self.live.as_mut().ok_or_else(|| unreachable("no producer"))
    }

    fn publish(&mut self, publication: &Publication) -> Result<(), PublishError> {
        let partitions = self.partitions(&publication.outgoing)?;
        self.live()?;
        // K2: from here on no lease ends until this has.
        let leases = publication.checkpoints.iter().map(|(lease, _)| *lease);
        let (client, shared) = (self.consumer.client(), self.shared.clone());
        let (_publishing, member) = shared.leases.publish(leases, || {
            // K2: without, the broker would check nothing.
            GroupMetadata::of(client).filter(GroupMetadata::is_membership)
        })?;
        let offsets = offsets(&self.topic, &publication.checkpoints)?;
        self.transact(&publication.outgoing, &partitions, &offsets, &member)
    }

    /// One transaction, as that member; when it returns, nothing of it is open that could be closed.
    fn transact(
        &mut self,
        outgoing: &[Arc<Outgoing>],
        partitions: &[i32],
        offsets: &TopicPartitionList,
        member: &GroupMetadata,
    ) -> Result<(), PublishError> {
        let bounds = self.options.bounds;
        let Some(live) = self.live.as_mut() else {
            return Err(unreachable("no producer").into());
        };
        let ended = live.transact(outgoing, partitions, offsets, member, bounds.transaction);
        let Err(ended) = ended else {
            return Ok(());
        };
        match ended {
            Ended::Failed { e, asked } => match live.abort(bounds.transaction) {
                Ok(()) => Err(e.into()),
                Err(why) => {
                    tracing::warn!(why, "a transaction could not be aborted");
                    self.live = None;
                    Err(if asked {
                        PublishError::Unknown(why)
                    } else {
                        e.into()
                    })
                }
            },
            Ended::Broken(e) => {
                self.live = None;
                Err(e)
            }
            Ended::InDoubt(why) => {
                self.live = None;
                Err(PublishError::Unknown(why))
            }
        }
    }

    /// Where each message goes; nothing is begun before all are known.
    fn partitions(&self, outgoing: &[Arc<Outgoing>]) -> Result<Vec<i32>, PublishError> {
        // Many go to the topic that the one before went to.
        let mut last: Option<(&str, i32)> = None;
        let mut each = Vec::with_capacity(outgoing.len());
        for (index, outgoing) in outgoing.iter().enumerate() {
            let known = last.filter(|(topic, _)| *topic == &*outgoing.topic);
            let place = || {
                check(outgoing)?;
                let partitions = match known {
                    Some((_, partitions)) => partitions,
                    None => {
                        let topic = self.topics.of(&outgoing.topic);
                        let missing = || corrupt(format!("no topic {}", outgoing.topic));
                        topic.ok_or_else(missing)?.partitions
                    }
                };
                Ok((partitions, partition_of(outgoing, partitions)?))
            };
            let (partitions, partition) = place().map_err(|e: PortError| match e {
                PortError::Corrupt { why, .. } => PublishError::Refused { index, why },
                e => e.into(),
            })?;
            last = Some((&outgoing.topic, partitions));
            each.push(partition);
        }
        Ok(each)
    }

    /// C5: writes the checkpoints of partitions that are given back as they are, but for the mark that says whose they
    /// are. What is in doubt is settled first (K3), so what is read is what holds; and the broker takes the commit only
    /// as long as the group's generation is the one in which they were ours (K2): nobody else has written since.
    fn give_back(&mut self, leases: &[Lease], member: &GroupMetadata) -> Result<(), PublishError> {
        let ours = |lease: &&Lease| self.said.get(&lease.partition) == Some(*lease);
        let said: Vec<Lease> = leases.iter().filter(ours).copied().collect();
        if said.is_empty() {
            return Ok(());
        }
        self.live()?;
        let patience = self.options.bounds.transaction;
        let partitions: Vec<i32> = said.iter().map(|lease| lease.partition).collect();
        let found = committed(&self.consumer, &self.topic, &partitions, |since, _| {
            since < patience
        });
        let found = found.map_err(unreachable)?;
        let back = said.into_iter().filter_map(|lease| {
            let checkpoint = found.get(&lease.partition)?.as_ref()?;
            let back = given_back(checkpoint);
            (back != *checkpoint).then_some((lease, back))
        });
        let back: Vec<(Lease, Checkpoint)> = back.collect();
        if back.is_empty() {
            return Ok(());
        }
        self.transact(&[], &[], &offsets(&self.topic, &back)?, member)
    }

    /// K3: settles what is in doubt, then reads back.
    fn committed(&mut self, lease: Lease) -> Result<Option<Checkpoint>, PublishError> {
        let fenced = |shared: &Shared| {
            let over = shared.leases.over(std::iter::once(lease));
            if over.is_empty() {
                Ok(())
            } else {
                Err(PublishError::Fenced(over))
            }
        };
        fenced(&self.shared)?;
        self.live()?;
        let patience = self.options.bounds.transaction * 2;
        let found = committed(
            &self.consumer,
            &self.topic,
            &[lease.partition],
            |since, _| since < patience && !self.shared.is_stopping(),
        );
        // What was read may be the next owner's.
        fenced(&self.shared)?;
        let mut found = found.map_err(unreachable)?;
        Ok(found.remove(&lease.partition).flatten())
    }
}

fn offsets(
    topic: &str,
    checkpoints: &[(Lease, Checkpoint)],
) -> Result<TopicPartitionList, PortError> {
    let mut offsets = TopicPartitionList::with_capacity(checkpoints.len());
    for (lease, checkpoint) in checkpoints {
        let mut offset = offsets.add_partition(topic, lease.partition);
        offset
            .set_offset(Offset::Offset(checkpoint.watermark))
            .map_err(|e| corrupt(format!("watermark {}: {e}", checkpoint.watermark)))?;
        offset.set_metadata(&checkpoint.text);
    }
    Ok(offsets)
}

impl Live {
    /// The order of calls that is fast: all deliveries, nothing in flight, offsets, commit.
    fn transact(
        &mut self,
        outgoing: &[Arc<Outgoing>],
        partitions: &[i32],
        offsets: &TopicPartitionList,
        member: &GroupMetadata,
        bound: Duration,
    ) -> Result<(), Ended> {
        self.producer.begin_transaction().map_err(ended)?;
        let until = Instant::now() + bound * 2;
        for (index, message) in outgoing.iter().enumerate() {
            self.send(message, partitions[index], index, until)?;
        }
        self.settle(until)?;
        if let Some(refused) = culprit(&self.deliveries.take_refused(), outgoing) {
            // librdkafka purges what is in its queues a little later, with whatever the next transaction has put there
            // by then: a new producer has none of that, and its beginning aborts this one's.
            return Err(Ended::Broken(refused));
        }
        if offsets.count() > 0 {
            native::send_offsets(self.producer.client(), offsets, member, bound).map_err(|e| {
                if e.fatal {
                    Ended::Broken(unreachable(e.why).into())
                } else {
                    failed(unreachable(e.why))
                }
            })?;
        }
        self.producer
            .commit_transaction(Timeout::Never)
            .map_err(|e| match e {
                KafkaError::Transaction(e) if e.txn_requires_abort() && !e.is_fatal() => {
                    Ended::Failed {
                        e: unreachable(e),
                        asked: true,
                    }
                }
                e => Ended::InDoubt(e.to_string()),
            })
    }

    fn send(
        &mut self,
        message: &Outgoing,
        partition: i32,
        index: usize,
        until: Instant,
    ) -> Result<(), Ended> {
        let mut record = BaseRecord::with_opaque_to(&message.topic, index)
            .partition(partition)
            .payload(&message.payload[..]);
        if !message.key.is_empty() {
            record = record.key(&message.key[..]);
        }
        if let Some(headers) = headers_of(message) {
            record = record.headers(headers);
        }
        loop {
            let Err((e, back)) = self.producer.send::<[u8], [u8]>(record) else {
                self.sent += 1;
                return Ok(());
            };
            match e.rdkafka_error_code() {
                Some(RDKafkaErrorCode::QueueFull) if Instant::now() < until => {
                    record = back;
                    std::thread::park_timeout(QUEUE_LOOK);
                }
                Some(code) if is_its_own(code) => {
                    return Err(Ended::Broken(refusal(index, code, message)));
                }
                _ => return Err(failed(unreachable(e))),
            }
        }
    }

    /// Until every message is delivered or refused, and librdkafka has nothing in flight at all: commit would wait
    /// for it in steps of 100 ms.
    fn settle(&self, until: Instant) -> Result<(), Ended> {
        let late = || Ended::Broken(unreachable("deliveries take too long").into());
        native::flush(
            self.producer.client(),
            until.saturating_duration_since(Instant::now()),
        );
        if !self.deliveries.wait_for(self.sent, LOOK, until) {
            return Err(late());
        }
        while self.producer.in_flight_count() > 0 {
            if Instant::now() > until {
                return Err(late());
            }
            std::thread::yield_now();
        }
        Ok(())
    }

    fn abort(&self, bound: Duration) -> Result<(), String> {
        let aborted = self.producer.abort_transaction(bound);
        aborted.map_err(|e| e.to_string())?;
        let settled = self.settle(Instant::now() + bound);
        self.deliveries.take_refused();
        settled.map_err(|_| "deliveries take too long".to_owned())
    }
}

/// Before the commit was asked for, nothing can have taken place.
fn failed(e: PortError) -> Ended {
    Ended::Failed { e, asked: false }
}

fn ended(e: KafkaError) -> Ended {
    match &e {
        KafkaError::Transaction(error) if !error.is_fatal() => failed(unreachable(e)),
        _ => Ended::Broken(unreachable(e).into()),
    }
}

/// K4: the message that a delivery was refused for by its own fault, or else the trouble that all had.
fn culprit(
    refused: &[(usize, RDKafkaErrorCode)],
    outgoing: &[Arc<Outgoing>],
) -> Option<PublishError> {
    let (_, first) = refused.first()?;
    let own = refused.iter().find(|(_, code)| is_its_own(*code));
    Some(match own {
        Some((index, code)) => refusal(*index, *code, &outgoing[*index]),
        None => unreachable(first).into(),
    })
}

fn refusal(index: usize, code: RDKafkaErrorCode, message: &Outgoing) -> PublishError {
    let why = format!("{}: {code}", message.topic);
    PublishError::Refused { index, why }
}

/// Errors that come back however often the message is sent.
fn is_its_own(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::MessageSizeTooLarge
            | RDKafkaErrorCode::InvalidMessageSize
            | RDKafkaErrorCode::MessageBatchTooLarge
            | RDKafkaErrorCode::InvalidMessage
            | RDKafkaErrorCode::InvalidRecord
            | RDKafkaErrorCode::InvalidTopic
            | RDKafkaErrorCode::UnknownTopic
            | RDKafkaErrorCode::UnknownPartition
            | RDKafkaErrorCode::UnknownTopicOrPartition
            | RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::PolicyViolation
    )
}
