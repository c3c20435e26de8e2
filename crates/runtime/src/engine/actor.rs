//! One consumer's task: it fetches, lets lanes run, commits what is ready, and hears of its partitions.
use super::Stopping;
use super::checkpoint::{PAUSE_AT, Tracker};
use super::commit::{Committed, commit};
use super::freeze::{Frozen, ready_of};
use super::lane::{Lane, LaneId, Queued};
use super::sabotage::Sabotage;
use super::schedule::Turns;
use super::spec::Spec;
use super::stats::Stats;
use super::step::{Ended, Finished, HoldState, Job, Outcome, run};
use super::wakes::Wakes;
use crate::consumer::Behaviour;
use crate::inbox::{Incoming, Opening};
use crate::ports::log::{Checkpoint, Happening, Lease, Member, Message, Publication};
use crate::{BoxFuture, Moment, Ports};
use events::Envelope;
use futures::FutureExt;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

/// A partition with so many messages fetched and not done is paused: what a backlog takes in memory.
const FULL: usize = 128;
/// Below this it goes on.
const ROOMY: usize = 64;
/// The pause after a port that did not answer.
const PAUSE: Duration = Duration::from_millis(200);
/// The longest that the task sleeps without looking at the clock, which may have been set.
const LOOK_AT_CLOCK: Duration = Duration::from_secs(1);
/// Steps run one after the other before the task looks up again.
const STEPS_IN_A_ROW: usize = 256;

/// A partition that is ours.
pub(super) struct Partition {
    pub lease: Lease,
    pub topic_id: Arc<str>,
    pub tracker: Tracker,
    pub assigned_at_ms: i64,
    pub paused: bool,
    pub checkpoint_bytes: usize,
}

pub(super) struct Actor {
    pub spec: Arc<Spec>,
    pub ports: Ports,
    stats: Arc<Stats>,
    stopping: watch::Receiver<Stopping>,
    /// Whether state and log are one store (E5).
    pub atomic: bool,
    pub partitions: BTreeMap<i32, Partition>,
    pub lanes: BTreeMap<LaneId, Lane>,
    turns: Turns,
    /// Lanes that wait for a retry.
    timers: BTreeSet<(i64, LaneId)>,
    pub wakes: Wakes,
    steps: JoinSet<(LaneId, Lease, Finished)>,
    running: usize,
    pub to_commit: BTreeSet<LaneId>,
    /// Partitions with something to say in their checkpoint though nothing is done (attempts).
    pub dirty: BTreeSet<i32>,
}

/// What the task turns to next.
#[allow(clippy::large_enum_variant)] // it lives for one turn of the loop, never in a collection
enum Turn {
    Stop,
    Committed(Committed),
    Finished(Option<Result<(LaneId, Lease, Finished), tokio::task::JoinError>>),
    Happened(Result<Happening, crate::PortError>),
    Time,
}

impl Actor {
    pub fn new(
        spec: Arc<Spec>,
        ports: Ports,
        stats: Arc<Stats>,
        stopping: watch::Receiver<Stopping>,
    ) -> Self {
        Self {
            spec,
            ports,
            stats,
            stopping,
            atomic: false,
            partitions: BTreeMap::new(),
            lanes: BTreeMap::new(),
            turns: Turns::default(),
            timers: BTreeSet::new(),
            wakes: Wakes::default(),
            steps: JoinSet::new(),
            running: 0,
            to_commit: BTreeSet::new(),
            dirty: BTreeSet::new(),
        }
    }

    /// Runs until it is told to stop.
    pub async fn run(mut self) {
        let Some(member) = self.join().await else {
            return;
        };
        self.atomic = member.together(&[], &Publication::default()).is_some();
        let mut committing: Option<(BoxFuture<'static, Committed>, Frozen)> = None;
        let mut draining = false;
        loop {
            if !draining {
                self.run_lanes();
            }
            if committing.is_none() {
                committing = self.begin_commit(&member).await;
            }
            if draining && committing.is_none() && self.running == 0 && self.to_commit.is_empty() {
                member.leave().await;
                return;
            }
            let sleep = self.until_next();
            let clock = self.ports.clock.clone();
            let more_to_run = !draining && self.running < self.spec.limit && self.turns_waiting();
            let turn = tokio::select! {
                biased;
                stop = self.stopping.changed(), if !draining => { let _ = stop; Turn::Stop }
                done = async {
                    match &mut committing {
                        Some((future, _)) => future.await,
                        None => std::future::pending().await,
                    }
                } => Turn::Committed(done),
                joined = self.steps.join_next(), if !self.steps.is_empty() => Turn::Finished(joined),
                () = std::future::ready(()), if more_to_run => Turn::Time,
                happened = member.next(), if !draining => Turn::Happened(happened),
                () = clock.sleep(sleep) => Turn::Time,
            };
            match turn {
                Turn::Stop => draining = true,
                Turn::Time => {}
                Turn::Committed(done) => {
                    if let Some((_, frozen)) = committing.take() {
                        self.committed(done, frozen, &*member);
                    }
                }
                Turn::Finished(joined) => {
                    self.joined(joined);
                    while let Some(joined) = self.steps.try_join_next() {
                        self.joined(Some(joined));
                    }
                }
                Turn::Happened(Ok(happening)) => self.happened(happening, &*member).await,
                Turn::Happened(Err(e)) => {
                    tracing::warn!(consumer = %self.spec.name, error = %e, "the log does not answer");
                    self.ports.clock.sleep(PAUSE).await;
                }
            }
            self.expire_timers();
            self.stats
                .last_active_ms
                .store(self.ports.clock.now_ms(), Ordering::Relaxed);
        }
    }

    async fn join(&mut self) -> Option<Arc<dyn Member>> {
        loop {
            match self.ports.log.join(self.spec.joining()).await {
                Ok(member) => return Some(member),
                Err(e) => tracing::warn!(consumer = %self.spec.name, error = %e, "cannot join yet"),
            }
            tokio::select! {
                biased;
                _ = self.stopping.changed() => return None,
                () = self.ports.clock.sleep(PAUSE) => {}
            }
        }
    }

    fn turns_waiting(&self) -> bool {
        !self.turns.is_empty()
    }

    fn until_next(&self) -> Duration {
        let timer = self.timers.first().map(|(at_ms, _)| *at_ms);
        let next = [timer, self.wakes.next_ms()].into_iter().flatten().min();
        let Some(next) = next else {
            return LOOK_AT_CLOCK;
        };
        let wait = next.saturating_sub(self.ports.clock.now_ms()).max(1);
        Duration::from_millis(u64::try_from(wait).unwrap_or(1)).min(LOOK_AT_CLOCK)
    }

    fn expire_timers(&mut self) {
        let now = self.ports.clock.now_ms();
        while let Some((at_ms, _)) = self.timers.first() {
            if *at_ms > now {
                return;
            }
            let Some((_, id)) = self.timers.pop_first() else {
                return;
            };
            if let Some(lane) = self.lanes.get_mut(&id) {
                lane.not_before_ms = None;
            }
            self.list(&id);
        }
    }

    /// Puts a lane among those that can run, if it can.
    fn list(&mut self, id: &LaneId) {
        let Some(lane) = self.lanes.get_mut(id) else {
            return;
        };
        if lane.can_run() && !lane.listed {
            lane.listed = true;
            self.turns.push(id.clone());
        }
    }

    fn run_lanes(&mut self) {
        for _ in 0..STEPS_IN_A_ROW {
            if self.running >= self.spec.limit {
                return;
            }
            let Some(id) = self.turns.pop() else { return };
            let Some(lane) = self.lanes.get_mut(&id) else {
                continue;
            };
            lane.listed = false;
            let Some(partition) = self.partitions.get(&id.partition) else {
                continue;
            };
            if !lane.can_run() {
                continue;
            }
            lane.forget_covered();
            let Some(queued) = lane.queue.pop_front() else {
                continue;
            };
            let lease = partition.lease;
            let job = Job {
                spec: self.spec.clone(),
                ports: self.ports.clone(),
                message: queued.message.clone(),
                topic_id: partition.topic_id.clone(),
                attempts: queued.attempts,
                first_failed_at_ms: queued.first_failed_at_ms,
                waited_for: queued.waited_for.clone(),
                assigned_at_ms: partition.assigned_at_ms,
                row: lane.row.clone(),
                hold: lane.hold.clone(),
                lane_key: id.key.clone(),
            };
            lane.running = Some(queued);
            self.running += 1;
            let mut step = Box::pin(guarded(job));
            // What needs not wait is done here and now, without a task of its own.
            match step.as_mut().now_or_never() {
                Some(finished) => self.finished(&id, lease, finished),
                None => {
                    let of = id.clone();
                    let task = self.steps.spawn(async move { (id, lease, step.await) });
                    if let Some(lane) = self.lanes.get_mut(&of) {
                        lane.step = Some(task);
                    }
                }
            }
        }
    }

    fn joined(
        &mut self,
        joined: Option<Result<(LaneId, Lease, Finished), tokio::task::JoinError>>,
    ) {
        match joined {
            Some(Ok((id, lease, finished))) => self.finished(&id, lease, finished),
            Some(Err(e)) => {
                self.running -= 1;
                if !e.is_cancelled() {
                    tracing::error!(consumer = %self.spec.name, error = %e, "a step was lost");
                }
            }
            None => {}
        }
    }

    fn finished(&mut self, id: &LaneId, lease: Lease, finished: Finished) {
        self.running -= 1;
        let current = self
            .partitions
            .get_mut(&id.partition)
            .filter(|p| p.lease == lease);
        let (Some(partition), Some(lane)) = (current, self.lanes.get_mut(id)) else {
            return;
        };
        lane.step = None;
        let Some(mut queued) = lane.running.take() else {
            return;
        };
        if std::mem::take(&mut lane.void) {
            lane.requeue(queued);
            return self.list(id);
        }
        if lane.row.is_none()
            && let Some(row) = &finished.row
        {
            lane.row_version = row.version;
        }
        if lane.hold == HoldState::Unknown {
            lane.hold_version = match &finished.hold {
                HoldState::Held(hold) => hold.version,
                HoldState::Free | HoldState::Unknown => 0,
            };
        }
        match &finished.outcome {
            Outcome::Ready(_) => {
                (lane.row, lane.hold) = (finished.row.clone(), finished.hold.clone());
                lane.results.push_back((queued, finished));
                self.to_commit.insert(id.clone());
            }
            Outcome::Again {
                at_ms,
                burned,
                why,
                waits_for,
            } => {
                queued.waited_for.clone_from(waits_for);
                let at = &queued.message.at;
                tracing::debug!(consumer = %self.spec.name, %at.topic, at.partition, at.offset, why, "again later");
                if *burned {
                    queued.attempts += 1;
                    queued
                        .first_failed_at_ms
                        .get_or_insert(self.ports.clock.now_ms());
                    if !self.spec.breaks(Sabotage::C4AttemptsForgotten) {
                        partition
                            .tracker
                            .attempted(queued.message.at.offset, queued.attempts);
                        self.dirty.insert(id.partition);
                    }
                    Stats::add(&self.stats.retried, 1);
                }
                lane.not_before_ms = Some(*at_ms);
                self.timers.insert((*at_ms, id.clone()));
                if self.spec.breaks(Sabotage::D1RetryAtTheEnd) {
                    lane.queue.push_back(queued);
                } else {
                    lane.queue.push_front(queued);
                }
            }
        }
        self.list(id);
    }

    async fn begin_commit(
        &mut self,
        member: &Arc<dyn Member>,
    ) -> Option<(BoxFuture<'static, Committed>, Frozen)> {
        if let Some(partition) = self.wakes.to_reload() {
            let loaded = self
                .wakes
                .load(&*self.ports.state, &self.spec.name, partition)
                .await;
            if let Err(e) = loaded {
                tracing::warn!(consumer = %self.spec.name, error = %e, "wakes cannot be read yet");
            }
        }
        let (batch, frozen) = self.freeze().await?;
        let sabotage = self.spec.sabotage;
        let now = self.ports.clock.now_ms();
        self.stats.committing_since_ms.store(now, Ordering::Relaxed);
        Some((
            Box::pin(commit(batch, sabotage, member.clone(), self.ports.clone())),
            frozen,
        ))
    }

    fn committed(&mut self, done: Committed, frozen: Frozen, member: &dyn Member) {
        self.stats.committing_since_ms.store(0, Ordering::Relaxed);
        match done {
            Committed::Done => self.all_done(&frozen),
            Committed::Lost { lost, saved } => {
                let lost: BTreeSet<LaneId> = lost
                    .iter()
                    .filter_map(|i| frozen.saving.get(*i))
                    .cloned()
                    .collect();
                let saving: BTreeSet<LaneId> = frozen.saving.iter().cloned().collect();
                let anew = if saved { saving } else { lost };
                self.not_done(&frozen, &anew);
            }
            Committed::Unsure => self.not_done(&frozen, &frozen.saving.iter().cloned().collect()),
            Committed::Fenced(leases) => {
                self.not_done(&frozen, &frozen.saving.iter().cloned().collect());
                for lease in leases {
                    self.revoked(lease);
                }
            }
        }
        self.resume_fetching(member);
    }

    fn all_done(&mut self, frozen: &Frozen) {
        for number in &frozen.partitions {
            if let Some(partition) = self.partitions.get_mut(number) {
                partition.tracker.committed();
            }
        }
        for id in &frozen.lanes {
            let Some(lane) = self.lanes.get_mut(id) else {
                continue;
            };
            let results = std::mem::take(&mut lane.frozen);
            let last_offset = results.last().map(|(queued, _)| queued.message.at.offset);
            lane.covered = lane.covered.max(last_offset);
            let changed = |what: fn(&super::step::Ready) -> bool| {
                results
                    .iter()
                    .any(|(_, finished)| ready_of(finished).is_some_and(what))
            };
            let last = results.last().map(|(_, finished)| finished);
            if changed(|ready| ready.row_changed) {
                lane.row_version += 1;
                if let Some(row) = last.and_then(|finished| finished.row.as_ref())
                    && self.spec.wakes()
                {
                    self.wakes.set(id.partition, &row.id, row.wake_at_ms);
                }
            }
            if changed(|ready| ready.hold_changed)
                && let Some(HoldState::Held(hold)) = last.map(|finished| &finished.hold)
            {
                lane.hold_version = if hold.row.held.is_empty() {
                    0
                } else {
                    lane.hold_version + 1
                };
            }
            for (_, finished) in &results {
                let Some(ready) = ready_of(finished) else {
                    continue;
                };
                Stats::add(&self.stats.done, 1);
                match ready.ended {
                    Ended::Done => {}
                    Ended::Refused => Stats::add(&self.stats.refused, 1),
                    Ended::Repeated => Stats::add(&self.stats.repeated, 1),
                    Ended::DeadLettered => Stats::add(&self.stats.dead_lettered, 1),
                }
            }
            if lane.is_idle() {
                self.lanes.remove(id);
            } else {
                self.list(id);
            }
        }
        Stats::add(&self.stats.commits, 1);
    }

    /// The commit did not take place: these lanes begin anew from the store, the others' results wait.
    fn not_done(&mut self, frozen: &Frozen, anew: &BTreeSet<LaneId>) {
        for wake in &frozen.wakes {
            if self.partitions.contains_key(&wake.1) {
                self.wakes.set(wake.1, &wake.2, Some(wake.0));
            }
        }
        self.dirty.extend(&frozen.partitions);
        for id in &frozen.lanes {
            let Some(lane) = self.lanes.get_mut(id) else {
                continue;
            };
            if let Some(partition) = self.partitions.get_mut(&id.partition) {
                lane.frozen
                    .iter()
                    .for_each(|(queued, _)| partition.tracker.thaw(queued.message.at.offset));
            }
            if anew.contains(id) && !self.spec.breaks(Sabotage::C3LaterResultsKept) {
                self.to_commit.remove(id);
                lane.begin_anew();
            } else {
                lane.put_back();
                self.to_commit.insert(id.clone());
            }
            self.list(id);
        }
    }

    async fn happened(&mut self, happening: Happening, member: &dyn Member) {
        match happening {
            Happening::Assigned {
                lease,
                checkpoint,
                topic_id,
            } => {
                self.assigned(lease, checkpoint, topic_id).await;
            }
            Happening::Revoked(lease) => self.revoked(lease),
            Happening::Fetched(lease, messages) => self.fetched(lease, messages, member).await,
        }
        Stats::set(&self.stats.partitions, self.partitions.len());
    }

    async fn assigned(&mut self, lease: Lease, checkpoint: Option<Checkpoint>, topic_id: Arc<str>) {
        let broken = self.spec.breaks(Sabotage::C1DoneAgainAfterRestart);
        let checkpoint = checkpoint.map(|c| {
            if broken {
                Checkpoint {
                    text: String::new(),
                    ..c
                }
            } else {
                c
            }
        });
        self.forget(lease.partition);
        let partition = Partition {
            lease,
            topic_id,
            tracker: Tracker::begin(checkpoint.as_ref()),
            assigned_at_ms: self.ports.clock.now_ms(),
            paused: false,
            checkpoint_bytes: 0,
        };
        self.partitions.insert(lease.partition, partition);
        while self.spec.wakes() {
            match self
                .wakes
                .load(&*self.ports.state, &self.spec.name, lease.partition)
                .await
            {
                Ok(()) => break,
                Err(e) => {
                    tracing::warn!(consumer = %self.spec.name, error = %e, "wakes cannot be read yet");
                    self.ports.clock.sleep(PAUSE).await;
                }
            }
        }
    }

    fn revoked(&mut self, lease: Lease) {
        let ours = self
            .partitions
            .get(&lease.partition)
            .is_some_and(|p| p.lease == lease);
        if ours {
            self.forget(lease.partition);
        }
    }

    fn forget(&mut self, partition: i32) {
        self.partitions.remove(&partition);
        // A step that goes on would meet the same message of the next lease, should it be ours again.
        let steps = self
            .lanes
            .iter()
            .filter(|(id, _)| id.partition == partition);
        steps
            .filter_map(|(_, lane)| lane.step.as_ref())
            .for_each(AbortHandle::abort);
        self.lanes.retain(|id, _| id.partition != partition);
        self.to_commit.retain(|id| id.partition != partition);
        self.timers.retain(|(_, id)| id.partition != partition);
        self.dirty.remove(&partition);
        self.wakes.forget(partition);
    }

    async fn fetched(&mut self, lease: Lease, messages: Vec<Message>, member: &dyn Member) {
        for message in messages {
            let key = self.lane_key(&message).await;
            let Some(partition) = self.partitions.get_mut(&lease.partition) else {
                return;
            };
            if partition.lease != lease {
                return;
            }
            let Some(attempts) = partition.tracker.fetched(message.at.offset) else {
                continue;
            };
            Stats::add(&self.stats.fetched, 1);
            let first_failed_at_ms = None;
            let queued = Queued {
                message: Arc::new(message),
                attempts,
                first_failed_at_ms,
                waited_for: None,
            };
            let id = LaneId {
                partition: lease.partition,
                key,
            };
            self.lanes
                .entry(id.clone())
                .or_default()
                .queue
                .push_back(queued);
            self.list(&id);
        }
        let Some(partition) = self.partitions.get_mut(&lease.partition) else {
            return;
        };
        let crowded = partition.checkpoint_bytes > PAUSE_AT;
        if !partition.paused && (crowded || partition.tracker.waiting() >= FULL) {
            partition.paused = true;
            member.pause(lease, true);
        }
        self.count_waiting();
    }

    fn resume_fetching(&mut self, member: &dyn Member) {
        for partition in self.partitions.values_mut() {
            let crowded = partition.checkpoint_bytes > PAUSE_AT;
            if partition.paused && !crowded && partition.tracker.waiting() < ROOMY {
                partition.paused = false;
                member.pause(partition.lease, false);
            }
        }
        self.count_waiting();
    }
    fn count_waiting(&self) {
        let waiting = self.partitions.values().map(|p| p.tracker.waiting());
        Stats::set(&self.stats.waiting, waiting.sum());
    }

    /// A lane is a key; a view's lane is a view key, since its rows are (V1).
    async fn lane_key(&self, message: &Message) -> Arc<[u8]> {
        if self.spec.breaks(Sabotage::C3TwoAtATime) {
            return [&message.key[..], b"/", &message.at.offset.to_be_bytes()]
                .concat()
                .into();
        }
        let Behaviour::View(step) = &self.spec.behaviour else {
            return message.key.as_slice().into();
        };
        let Ok(datum) = self.ports.schemas.datum(&message.payload).await else {
            return message.key.as_slice().into();
        };
        let key = String::from_utf8_lossy(&message.key).into_owned();
        let (tenant, id) = key.split_once('/').unwrap_or((&key, ""));
        let envelope = Envelope::read(&message.headers);
        let incoming = Incoming {
            datum,
            envelope: &envelope,
            tenant,
            opening: &Opening::Shut,
        };
        let at = Moment {
            tenant: tenant.into(),
            id: id.into(),
            reply_status: envelope.reply_status,
            request: envelope.request.clone(),
            ..Moment::blank()
        };
        match step.key(&incoming, &at) {
            Ok(view_key) => format!("{tenant}/{view_key}").into_bytes().into(),
            Err(_) => message.key.as_slice().into(),
        }
    }
}

/// A step whose own fault is caught: it counts as an attempt.
async fn guarded(job: Job) -> Finished {
    let clock = job.ports.clock.clone();
    AssertUnwindSafe(run(job))
        .catch_unwind()
        .await
        .unwrap_or_else(|panic| {
            let why = crate::context::panic_text(&*panic);
            tracing::error!(why, "the runtime itself panicked on a message");
            let at_ms = clock.now_ms() + 1_000;
            let outcome = Outcome::Again {
                at_ms,
                burned: true,
                why,
                waits_for: None,
            };
            Finished {
                outcome,
                row: None,
                hold: HoldState::Unknown,
            }
        })
}
