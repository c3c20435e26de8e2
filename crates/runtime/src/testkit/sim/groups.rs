//! Consumer groups: who owns which partition, and since when. The broker's truth; a member may believe otherwise.
use super::faults::Fault;
use super::history::What;
use super::world::{Status, World};
use crate::engine::given_back;
use crate::ports::log::{Checkpoint, Happening, Lease};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// A consumer's group.
pub(super) struct Group {
    pub topic: Arc<str>,
    /// In the order in which they joined.
    pub members: BTreeSet<u64>,
    /// By partition: the member and the number of its assignment.
    pub owners: Vec<Option<(u64, u64)>>,
    /// By partition.
    pub checkpoints: Vec<Option<Checkpoint>>,
    /// Free partitions will be given away in a moment.
    pub assigning: bool,
}

/// Whether the group still counts on a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Session {
    Active,
    /// It was silent for too long, and does not know yet.
    Expired,
    /// It is gone for good.
    Over,
}

/// A member, as it sees itself.
pub(super) struct MemberState {
    pub consumer: Arc<str>,
    pub process: Arc<str>,
    pub start: u32,
    pub session: Session,
    /// Told when there may be something to take.
    pub news: Arc<Notify>,
    /// By partition, what it believes to hold.
    pub holdings: BTreeMap<i32, Holding>,
    /// By partition, the number of the last assignment.
    pub assignments: BTreeMap<i32, u64>,
    pub queue: VecDeque<Happening>,
    /// When the fetch under way returns.
    pub fetched_at: Option<Instant>,
    /// What is to befall it.
    pub fetching: Option<Fault>,
    /// A publication whose outcome it does not know.
    pub unsettled: Option<u64>,
}

/// A partition that a member believes to hold.
pub(super) struct Holding {
    pub lease: Lease,
    /// The next offset to fetch.
    pub position: i64,
    pub paused: bool,
}

/// A publication that is neither committed nor aborted: its messages stand on the log, and nobody reads them or
/// what is behind them; nobody is given the partitions whose checkpoints it holds (K1).
pub(super) struct Transaction {
    pub process: Arc<str>,
    pub consumer: Arc<str>,
    /// Topic, partition, offsets.
    pub messages: BTreeMap<(Arc<str>, i32), Vec<i64>>,
    pub checkpoints: Vec<(Lease, Checkpoint)>,
}

/// While somebody's transaction is open on a free partition, the group looks again so often.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

impl World {
    /// Whether a member owns what it says it does.
    pub fn owns(&self, member: u64, lease: Lease) -> bool {
        let group = self
            .members
            .get(&member)
            .and_then(|state| self.groups.get(&*state.consumer));
        let owner = group.and_then(|group| {
            group
                .owners
                .get(usize::try_from(lease.partition).ok()?)
                .copied()
                .flatten()
        });
        owner == Some((member, lease.assignment))
    }

    fn alive(&self, member: u64) -> bool {
        self.members.get(&member).is_some_and(|state| {
            let process = self.processes.get(&state.process);
            state.session == Session::Active
                && process.is_some_and(|process| {
                    process.start == state.start && process.status == Status::Running
                })
        })
    }

    fn member_name(&self, member: u64) -> Arc<str> {
        self.members
            .get(&member)
            .map_or_else(Arc::default, |state| {
                super::history::process_name(&state.process, state.start)
            })
    }

    fn owned(&self, group: &Group, member: u64) -> Vec<i32> {
        let owners = group.owners.iter().enumerate();
        owners
            .filter(|(_, owner)| owner.is_some_and(|(id, _)| id == member))
            .map(|(partition, _)| partition as i32)
            .collect()
    }

    /// Shares a group's partitions out anew: those who have too many lose some at once, and what is free is
    /// given away in a moment (cooperative: nobody else stops).
    pub fn rebalance(&mut self, consumer: &str) {
        let Some(group) = self.groups.get(consumer) else {
            return;
        };
        let mut loads: Vec<(usize, u64, Vec<i32>)> = group
            .members
            .iter()
            .filter(|member| self.alive(**member))
            .map(|member| (*member, self.owned(group, *member)))
            .map(|(member, owned)| (owned.len(), member, owned))
            .collect();
        if loads.is_empty() {
            return;
        }
        loads.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let held_elsewhere = group
            .owners
            .iter()
            .flatten()
            .filter(|(id, _)| !loads.iter().any(|load| load.1 == *id))
            .count();
        let shared = group.owners.len() - held_elsewhere;
        let (each, more) = (shared / loads.len(), shared % loads.len());
        let mut surplus = Vec::new();
        for (rank, (_, member, owned)) in loads.into_iter().enumerate() {
            let quota = each + usize::from(rank < more);
            surplus.extend(
                owned
                    .into_iter()
                    .skip(quota)
                    .map(|partition| (member, partition)),
            );
        }
        for (member, partition) in surplus {
            self.revoke(consumer, member, partition);
        }
        self.assign_soon(consumer);
    }

    /// Takes every partition of a group from whoever runs, to be given away at random: any rebalance at all.
    pub fn shake(&mut self, consumer: &str) {
        let Some(group) = self.groups.get(consumer) else {
            return;
        };
        let owners: Vec<(u64, i32)> = group
            .owners
            .iter()
            .enumerate()
            .filter_map(|(partition, owner)| owner.map(|(member, _)| (member, partition as i32)))
            .collect();
        for (member, partition) in owners {
            if self.alive(member) && self.random.chance(600) {
                self.revoke(consumer, member, partition);
            }
        }
        self.assign_soon(consumer);
    }

    /// Ends a member's right to a partition and tells it. It hears of it in time to give the partition back (C5).
    fn revoke(&mut self, consumer: &str, member: u64, partition: i32) {
        if let Some(owner) = self
            .groups
            .get_mut(consumer)
            .and_then(|group| group.owners.get_mut(partition as usize))
        {
            *owner = None;
        }
        let checkpoint = self
            .groups
            .get_mut(consumer)
            .and_then(|group| group.checkpoints.get_mut(partition as usize)?.as_mut());
        if let Some(checkpoint) = checkpoint {
            *checkpoint = given_back(checkpoint);
        }
        let name = self.member_name(member);
        if let Some(state) = self.members.get_mut(&member) {
            if let Some(holding) = state.holdings.remove(&partition) {
                state.queue.push_back(Happening::Revoked(holding.lease));
            }
            state.news.notify_one();
        }
        self.note(
            name,
            What::Revoked {
                consumer: consumer.to_owned(),
                partition,
            },
        );
    }

    /// Ends all sessions of a process's start: its partitions are free, and it does not know.
    pub fn expire(&mut self, process: &Arc<str>, start: u32) {
        let members: Vec<u64> = self
            .members
            .iter()
            .filter(|(_, state)| {
                state.process == *process
                    && state.start == start
                    && state.session == Session::Active
            })
            .map(|(id, _)| *id)
            .collect();
        for member in members {
            self.end_session(member, Session::Expired);
        }
    }

    /// Frees what a member owns.
    pub fn end_session(&mut self, member: u64, session: Session) {
        let name = self.member_name(member);
        let Some(state) = self.members.get_mut(&member) else {
            return;
        };
        state.session = session;
        state.news.notify_one();
        let consumer = state.consumer.clone();
        let Some(group) = self.groups.get_mut(&*consumer) else {
            return;
        };
        group.members.remove(&member);
        let mut freed = Vec::new();
        for (partition, owner) in group.owners.iter_mut().enumerate() {
            if owner.is_some_and(|(id, _)| id == member) {
                *owner = None;
                freed.push(partition as i32);
            }
        }
        for partition in freed {
            self.note(
                name.clone(),
                What::Revoked {
                    consumer: consumer.to_string(),
                    partition,
                },
            );
        }
        self.rebalance(&consumer);
    }

    fn assign_soon(&mut self, consumer: &str) {
        let wait = Duration::from_millis(self.random.between(1, self.options.rebalance_ms.max(1)));
        self.assign_after(consumer, wait);
    }

    fn assign_after(&mut self, consumer: &str, wait: Duration) {
        let Some(group) = self.groups.get_mut(consumer) else {
            return;
        };
        if group.assigning || group.owners.iter().all(Option::is_some) {
            return;
        }
        group.assigning = true;
        let consumer = consumer.to_owned();
        self.later(wait, move |world| {
            if let Some(group) = world.groups.get_mut(&consumer) {
                group.assigning = false;
            }
            world.assign(&consumer);
        });
    }

    /// Gives free partitions to those who have the fewest, except where a transaction is still open.
    fn assign(&mut self, consumer: &str) {
        let Some(group) = self.groups.get(consumer) else {
            return;
        };
        let free: Vec<i32> = (0..group.owners.len() as i32)
            .filter(|partition| group.owners[*partition as usize].is_none())
            .collect();
        for partition in free {
            if self.transactions.values().any(|open| {
                *open.consumer == *consumer
                    && open
                        .checkpoints
                        .iter()
                        .any(|(lease, _)| lease.partition == partition)
            }) {
                continue;
            }
            let Some(group) = self.groups.get(consumer) else {
                return;
            };
            let loads: Vec<(usize, u64)> = group
                .members
                .iter()
                .filter(|member| self.alive(**member))
                .map(|member| (self.owned(group, *member).len(), *member))
                .collect();
            let Some(fewest) = loads.iter().map(|(load, _)| *load).min() else {
                return;
            };
            let candidates: Vec<u64> = loads
                .into_iter()
                .filter(|(load, _)| *load == fewest)
                .map(|(_, member)| member)
                .collect();
            let member = candidates[self.random.index(candidates.len())];
            self.give(consumer, member, partition);
        }
        self.assign_after(consumer, LOOK_AGAIN);
    }

    fn give(&mut self, consumer: &str, member: u64, partition: i32) {
        let name = self.member_name(member);
        let Some(group) = self.groups.get_mut(consumer) else {
            return;
        };
        let Some(state) = self.members.get_mut(&member) else {
            return;
        };
        let assignment = state.assignments.entry(partition).or_default();
        *assignment += 1;
        let lease = Lease {
            partition,
            assignment: *assignment,
        };
        group.owners[partition as usize] = Some((member, lease.assignment));
        let checkpoint = group.checkpoints[partition as usize].clone();
        let watermark = checkpoint
            .as_ref()
            .map_or(0, |checkpoint| checkpoint.watermark);
        let topic_id = format!("{}#1", group.topic).into();
        state.holdings.insert(
            partition,
            Holding {
                lease,
                position: watermark,
                paused: false,
            },
        );
        state.queue.push_back(Happening::Assigned {
            lease,
            checkpoint,
            topic_id,
        });
        state.news.notify_one();
        self.note(
            name,
            What::Assigned {
                consumer: consumer.to_owned(),
                partition,
                watermark,
            },
        );
    }
}
