//! Who reads which partition. Only the writer changes it, in transactions of their own, so that a checkpoint
//! that a new owner is given has every publication of the old one in it, and will never have another (K2).
use crate::fault::Fault;
use crate::log::checkpoints;
use crate::log::seat::Seat;
use crate::log::topics::Topic;
use crate::writer::Batch;
use runtime::ports::log::{Checkpoint, Happening, Joining, Lease};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// All groups of the process.
#[derive(Default)]
pub(crate) struct Groups {
    by_consumer: Mutex<BTreeMap<Arc<str>, Group>>,
    orphans: AtomicBool,
}

struct Group {
    topic: Arc<Topic>,
    from_first: bool,
    /// In the order in which they joined.
    members: Vec<Arc<Seat>>,
    /// The owner of each partition.
    owners: Vec<Option<Owner>>,
    /// Counts assignments, over all members.
    assignments: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Owner {
    member: u64,
    lease: Lease,
}

/// A partition on its way to a member.
struct Move {
    from: Option<Owner>,
    to: Arc<Seat>,
    lease: Lease,
    checkpoint: Option<Checkpoint>,
}

impl Groups {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Group>> {
        self.by_consumer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether partitions wait for an owner though there are members.
    pub(crate) fn has_orphans(&self) -> bool {
        self.orphans.load(Ordering::Acquire)
    }

    /// Which of these leases are over.
    pub(crate) fn stale(&self, seat: &Seat, leases: impl Iterator<Item = Lease>) -> Vec<Lease> {
        let groups = self.lock();
        let owners = groups
            .get(&seat.consumer)
            .map(|group| group.owners.as_slice())
            .unwrap_or_default();
        let held = |lease: &Lease| {
            let owner = usize::try_from(lease.partition)
                .ok()
                .and_then(|index| owners.get(index)?.as_ref());
            owner
                == Some(&Owner {
                    member: seat.no,
                    lease: *lease,
                })
        };
        leases.filter(|lease| !held(lease)).collect()
    }

    /// Takes in a member and gives it its share. The error is one of words, not of the file.
    pub(crate) fn join(
        batch: &mut Batch<'_>,
        joining: &Joining,
        seat: &Arc<Seat>,
    ) -> Result<Result<(), String>, Fault> {
        let groups = &batch.shared.groups;
        let mut by_consumer = groups.lock();
        let group = by_consumer
            .entry(Arc::clone(&joining.consumer))
            .or_insert_with(|| Group {
                topic: Arc::clone(&seat.topic),
                from_first: joining.from_first,
                members: vec![],
                owners: vec![None; usize::try_from(seat.topic.partitions).unwrap_or_default()],
                assignments: 0,
            });
        if group.topic.no != seat.topic.no {
            return Ok(Err(format!(
                "{} reads {}, not {}",
                joining.consumer, group.topic.name, seat.topic.name
            )));
        }
        group.from_first = joining.from_first;
        let mut members = group.members.clone();
        members.push(Arc::clone(seat));
        let moves = group.plan(&members, batch)?;
        drop(by_consumer);
        let consumer = Arc::clone(&joining.consumer);
        batch.after.push(Box::new(move |shared| {
            shared.groups.settle(&consumer, Some(members), moves)
        }));
        Ok(Ok(()))
    }

    /// Takes out a member, whatever the file says; its leases are over.
    pub(crate) fn leave(&self, seat: &Seat) {
        let mut by_consumer = self.lock();
        let Some(group) = by_consumer.get_mut(&seat.consumer) else {
            return;
        };
        group.members.retain(|member| member.no != seat.no);
        for owner in &mut group.owners {
            if owner.is_some_and(|owner| owner.member == seat.no) {
                *owner = None;
            }
        }
        seat.close();
        match group.members.is_empty() {
            true => drop(by_consumer.remove(&seat.consumer)),
            false => self.orphans.store(true, Ordering::Release),
        }
    }

    /// Gives every partition without an owner to a member, where there is one.
    pub(crate) fn adopt(batch: &mut Batch<'_>) -> Result<(), Fault> {
        let by_consumer = batch.shared.groups.lock();
        let orphaned = by_consumer
            .iter()
            .filter(|(_, group)| group.owners.contains(&None));
        let names: Vec<_> = orphaned.map(|(name, _)| Arc::clone(name)).collect();
        let mut all = vec![];
        for name in names {
            if let Some(group) = by_consumer.get(&name) {
                all.push((name, group.plan(&group.members, batch)?));
            }
        }
        drop(by_consumer);
        batch.after.push(Box::new(move |shared| {
            shared.groups.orphans.store(false, Ordering::Release);
            for (consumer, moves) in all {
                shared.groups.settle(&consumer, None, moves);
            }
        }));
        Ok(())
    }

    /// Makes a plan true, once its transaction is committed.
    fn settle(&self, consumer: &Arc<str>, members: Option<Vec<Arc<Seat>>>, moves: Vec<Move>) {
        let mut by_consumer = self.lock();
        let Some(group) = by_consumer.get_mut(consumer) else {
            return;
        };
        if let Some(members) = members {
            group.members = members;
        }
        for Move {
            from,
            to,
            lease,
            checkpoint,
        } in moves
        {
            group.assignments = group.assignments.max(lease.assignment);
            if let Some(owner) = from
                && let Some(seat) = group
                    .members
                    .iter()
                    .find(|member| member.no == owner.member)
            {
                seat.revoke(owner.lease);
            }
            if let Ok(index) = usize::try_from(lease.partition) {
                group.owners[index] = Some(Owner {
                    member: to.no,
                    lease,
                });
            }
            let topic_id = Arc::clone(&group.topic.id);
            to.assign(
                Happening::Assigned {
                    lease,
                    checkpoint: checkpoint.clone(),
                    topic_id,
                },
                lease,
                checkpoint,
            );
        }
        group.topic.changed.notify_waiters();
    }
}

impl Group {
    /// Who gets what, so that everybody has about the same and as little as possible moves.
    fn plan(&self, members: &[Arc<Seat>], batch: &Batch<'_>) -> Result<Vec<Move>, Fault> {
        let (mut moves, mut assignment) = (vec![], self.assignments);
        for (partition, to) in shares(&self.owners, members) {
            let from = self.owners[partition];
            let partition = i32::try_from(partition).unwrap_or(i32::MAX);
            assignment += 1;
            let lease = Lease {
                partition,
                assignment,
            };
            let checkpoint = self.checkpoint(batch, &to.consumer, partition)?;
            moves.push(Move {
                from,
                to,
                lease,
                checkpoint,
            });
        }
        Ok(moves)
    }

    /// What the last owner committed; where nobody did and the consumer begins with what comes, that is
    /// committed now, so that a crash before its first publication skips nothing.
    fn checkpoint(
        &self,
        batch: &Batch<'_>,
        consumer: &str,
        partition: i32,
    ) -> Result<Option<Checkpoint>, Fault> {
        let found = checkpoints::load(batch.sql, consumer, self.topic.no, partition)?;
        if found.is_some() || self.from_first {
            return Ok(found);
        }
        let Some(slot) = self.topic.slot(partition) else {
            return Ok(None);
        };
        let now = Checkpoint {
            watermark: batch.heads.next(slot),
            text: String::new(),
        };
        checkpoints::save(batch.sql, consumer, self.topic.no, partition, &now)?;
        Ok(Some(now))
    }
}

/// The partitions that change hands, and to whom.
fn shares(owners: &[Option<Owner>], members: &[Arc<Seat>]) -> Vec<(usize, Arc<Seat>)> {
    if members.is_empty() {
        return vec![];
    }
    let (least, more) = (owners.len() / members.len(), owners.len() % members.len());
    let share = |index: usize| least + usize::from(index < more);
    let mut counts = vec![0; members.len()];
    let mut free = vec![];
    for (partition, owner) in owners.iter().enumerate() {
        let keeps =
            owner.and_then(|owner| members.iter().position(|member| member.no == owner.member));
        match keeps {
            Some(index) if counts[index] < share(index) => counts[index] += 1,
            _ => free.push(partition),
        }
    }
    let mut moves = vec![];
    for (index, member) in members.iter().enumerate() {
        while counts[index] < share(index) {
            let Some(partition) = free.pop() else { break };
            counts[index] += 1;
            moves.push((partition, Arc::clone(member)));
        }
    }
    moves.sort_by_key(|(partition, _)| *partition);
    moves
}
