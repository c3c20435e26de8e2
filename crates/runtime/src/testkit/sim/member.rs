//! A process's membership in a group, as its runtime sees it.
use super::faults::{Call, Course, Fault};
use super::groups::{Holding, MemberState, Session};
use super::history::What;
use super::publish;
use super::wire::{Wire, unreachable};
use super::world::World;
use crate::ports::log::{Checkpoint, Happening, Joining, Lease, Member, Publication, PublishError};
use crate::ports::{BoxFuture, PortError};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// What it is called in the table of faults.
const NEXT: Call = "member.next";

pub(super) struct SimMember {
    wire: Wire,
    id: u64,
    news: Arc<Notify>,
}

/// Joins a group, and makes it if nobody ever did.
pub(super) fn join(
    world: &mut World,
    wire: Wire,
    joining: &Joining,
) -> Result<SimMember, PortError> {
    let Some(topic) = world.topics.get(&*joining.topic) else {
        return Err(unreachable(
            "log",
            &format!("there is no topic {}", joining.topic),
        ));
    };
    let partitions = topic.options.partitions;
    let begin = |partition: i32| {
        (!joining.from_first).then(|| Checkpoint {
            watermark: topic.visible_end(partition),
            text: String::new(),
        })
    };
    let checkpoints = (0..partitions).map(begin).collect();
    let name = topic.name.clone();
    let id = world.members.keys().last().map_or(1, |last| last + 1);
    let news: Arc<Notify> = Arc::default();
    let group = world
        .groups
        .entry(joining.consumer.to_string())
        .or_insert_with(|| super::groups::Group {
            topic: name,
            members: Default::default(),
            owners: vec![None; partitions as usize],
            checkpoints,
            assigning: false,
        });
    group.members.insert(id);
    if let Some(topic) = world.topics.get_mut(&*joining.topic) {
        topic.groups.insert(joining.consumer.clone());
    }
    let state = MemberState {
        consumer: joining.consumer.clone(),
        process: wire.process.clone(),
        start: wire.start,
        session: Session::Active,
        news: news.clone(),
        holdings: BTreeMap::new(),
        assignments: BTreeMap::new(),
        queue: Default::default(),
        fetched_at: None,
        fetching: None,
        unsettled: None,
    };
    world.members.insert(id, state);
    world.rebalance(&joining.consumer);
    Ok(SimMember { wire, id, news })
}

/// What a member finds when it looks.
enum Look {
    Now(Happening),
    At(Instant),
    /// Something befell the fetch or its process.
    Failed(PortError),
    Again,
    Nothing,
}

impl SimMember {
    fn look(&self) -> Look {
        let mut world = self.wire.world.lock();
        let world = &mut *world;
        if self.is_idle(world) {
            return Look::Nothing;
        }
        let delay = world.delay_ms(&self.wire.process).min(1_000);
        let batch = world.options.batch;
        let size = world.random.between(1, batch) as usize;
        if self.begins_to_fetch(world) && self.strikes_fetch(world) {
            return Look::Again;
        }
        let Some(state) = world.members.get_mut(&self.id) else {
            return Look::Nothing;
        };
        if let Some(happening) = state.queue.pop_front() {
            return Look::Now(happening);
        }
        if state.session == Session::Expired && state.fetched_at.is_none() {
            return match state.holdings.pop_first() {
                Some((_, holding)) => Look::Now(Happening::Revoked(holding.lease)),
                None => {
                    rejoin(world, self.id);
                    Look::Nothing
                }
            };
        }
        let Some(topic) = world
            .groups
            .get(&*state.consumer)
            .and_then(|group| world.topics.get(&*group.topic))
        else {
            return Look::Nothing;
        };
        let ready = |holding: &&mut Holding| {
            !holding.paused && topic.holds(holding.lease.partition, holding.position)
        };
        let mut holdings: Vec<&mut Holding> = state.holdings.values_mut().filter(ready).collect();
        if holdings.is_empty() {
            state.fetched_at = None;
            if state.session == Session::Expired {
                self.news.notify_one(); // look again: there are partitions to give up
            }
            return Look::Nothing;
        }
        let now = Instant::now();
        let at = *state
            .fetched_at
            .get_or_insert(now + Duration::from_millis(delay));
        if at > now {
            return Look::At(at);
        }
        state.fetched_at = None;
        let fault = state.fetching.take();
        if let Some(Fault::Fails | Fault::Hangs) = fault {
            return Look::Failed(unreachable(NEXT, "a fetch failed"));
        }
        let chosen = world.random.index(holdings.len());
        let holding = holdings.swap_remove(chosen);
        let messages = topic.read(holding.lease.partition, holding.position, size);
        if let Some(last) = messages.last() {
            holding.position = last.at.offset + 1;
        }
        let fetched = Happening::Fetched(holding.lease, messages);
        // What a stopped process was given it has: it hears of it, and whatever it calls then waits.
        let course = Course {
            fault,
            ..Course::default()
        };
        self.wire.done(world, NEXT, &course);
        Look::Now(fetched)
    }

    /// Whether there is nothing to hear, to give up or to fetch.
    fn is_idle(&self, world: &World) -> bool {
        let Some(state) = world.members.get(&self.id) else {
            return true;
        };
        let quiet = state.queue.is_empty()
            && state.fetched_at.is_none()
            && state.session != Session::Expired;
        quiet && !self.has_more(world, state)
    }

    /// Whether there is something to fetch.
    fn has_more(&self, world: &World, state: &MemberState) -> bool {
        let group = world.groups.get(&*state.consumer);
        let topic = group.and_then(|group| world.topics.get(&*group.topic));
        topic.is_some_and(|topic| {
            state.holdings.values().any(|holding| {
                !holding.paused && topic.holds(holding.lease.partition, holding.position)
            })
        })
    }

    /// Whether there is something to fetch, and no fetch under way.
    fn begins_to_fetch(&self, world: &World) -> bool {
        let Some(state) = world.members.get(&self.id) else {
            return false;
        };
        let idle = state.queue.is_empty()
            && state.session == Session::Active
            && state.fetched_at.is_none();
        idle && self.has_more(world, state)
    }

    /// A fetch begins: what is to befall it; whether it befell its process at once.
    fn strikes_fetch(&self, world: &mut World) -> bool {
        let Some(fault) = world.planned(&self.wire.process, NEXT) else {
            return false;
        };
        if world.strikes_before(&self.wire.process, NEXT, fault) {
            return true;
        }
        let wait = world.fetch_takes(NEXT, fault);
        if let Some(state) = world.members.get_mut(&self.id) {
            state.fetching = Some(fault);
            state.fetched_at = Some(Instant::now() + wait);
        }
        false
    }
}

/// An expired member that has learnt of it begins again.
fn rejoin(world: &mut World, id: u64) {
    let Some(state) = world.members.get_mut(&id) else {
        return;
    };
    state.session = Session::Active;
    let consumer = state.consumer.clone();
    if let Some(group) = world.groups.get_mut(&*consumer) {
        group.members.insert(id);
    }
    world.rebalance(&consumer);
}

impl Member for SimMember {
    fn next(&self) -> BoxFuture<'_, Result<Happening, PortError>> {
        Box::pin(async move {
            loop {
                self.wire.gate().await;
                match self.look() {
                    Look::Now(happening) => return Ok(happening),
                    Look::At(at) => tokio::select! {
                        biased;
                        () = self.news.notified() => {}
                        () = tokio::time::sleep_until(at) => {}
                    },
                    Look::Failed(error) => return Err(error),
                    Look::Again => {}
                    Look::Nothing => self.news.notified().await,
                }
            }
        })
    }

    fn pause(&self, lease: Lease, paused: bool) {
        let mut world = self.wire.world.lock();
        let holding = world
            .members
            .get_mut(&self.id)
            .and_then(|state| state.holdings.get_mut(&lease.partition));
        if let Some(holding) = holding.filter(|holding| holding.lease == lease) {
            holding.paused = paused;
            self.news.notify_one();
        }
    }

    fn publish(&self, publication: Publication) -> BoxFuture<'_, Result<(), PublishError>> {
        let (wire, id) = (self.wire.clone(), self.id);
        Box::pin(self.wire.exchange("member.publish", move |world, course| {
            publish::publish(world, &wire, id, publication, course)
        }))
    }

    fn committed(&self, lease: Lease) -> BoxFuture<'_, Result<Option<Checkpoint>, PublishError>> {
        let id = self.id;
        Box::pin(async move {
            let read = move |world: &mut World| {
                publish::settle(world, id);
                if !world.owns(id, lease) {
                    return Err(PublishError::Fenced(vec![lease]));
                }
                let group = world
                    .members
                    .get(&id)
                    .and_then(|state| world.groups.get(&*state.consumer));
                Ok(group.and_then(|group| {
                    group
                        .checkpoints
                        .get(lease.partition as usize)
                        .cloned()
                        .flatten()
                }))
            };
            self.wire.read("member.committed", read).await?
        })
    }

    fn leave(&self) -> BoxFuture<'_, ()> {
        let id = self.id;
        Box::pin(self.wire.exchange("member.leave", move |world, _| {
            publish::settle(world, id);
            if let Some(state) = world.members.get_mut(&id) {
                state.holdings.clear();
                state.queue.clear();
            }
            world.end_session(id, Session::Over);
        }))
    }
}

impl Drop for SimMember {
    /// A member that is dropped without leaving is missed when its session runs out, as a killed client is.
    fn drop(&mut self) {
        let world = self.wire.world.lock();
        let active = world
            .members
            .get(&self.id)
            .is_some_and(|state| state.session == Session::Active);
        if active && tokio::runtime::Handle::try_current().is_ok() {
            let (id, name) = (self.id, self.wire.name());
            world.later(world.options.session, move |world| {
                if world
                    .members
                    .get(&id)
                    .is_some_and(|state| state.session == Session::Active)
                {
                    world.tell(name, "a member was dropped without leaving");
                    world.end_session(id, Session::Over);
                }
            });
        }
    }
}

/// Notes a fenced publication.
pub(super) fn note_fenced(world: &mut World, process: &Arc<str>, consumer: &str, leases: &[Lease]) {
    let partitions = leases.iter().map(|lease| lease.partition).collect();
    world.note(
        process.clone(),
        What::Fenced {
            consumer: consumer.to_owned(),
            partitions,
        },
    );
}
