//! One consumer's task: the loop, in which lanes run. What it hears of its partitions, and fetches of them, is in
//! `partitions`; what is done at once, without a lane, in `passing`; what becomes of steps that ended, up to the commit that settles them, in `settle`.
mod partitions;
mod passing;
mod settle;

use super::Stopping;
use super::checkpoint::Tracker;
use super::commit::Committed;
use super::freeze::Frozen;
use super::lane::{Lane, Queued};
use super::lanes::{LaneId, Lanes};
use super::parking::{Parked, Returned};
use super::schedule::Turns;
use super::spec::Spec;
use super::stats::Stats;
use super::step::{self, Again, Begun, Finished, HoldState, Job, run};
use super::takeover::Care;
use super::wakes::Wakes;
use crate::ports::log::{Happening, Lease, Member, Publication};
use crate::{BoxFuture, Ports};
use futures::FutureExt;
use passing::Passed;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The pause after a port that did not answer.
pub(super) const PAUSE: Duration = Duration::from_millis(200);
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
    /// Of the messages fetched and not done.
    pub waiting_bytes: usize,
    pub care: Care,
    pub parked: Parked,
    /// What was done at once and waits for its commit, and what is in the one under way.
    pub passed: Passed,
}

pub(super) struct Actor {
    pub spec: Arc<Spec>,
    pub ports: Arc<Ports>,
    pub stats: Arc<Stats>,
    stopping: watch::Receiver<Stopping>,
    /// Whether state and log are one store (E5).
    pub atomic: bool,
    /// A partition with so many messages fetched and not done is paused.
    pub room: usize,
    pub partitions: BTreeMap<i32, Partition>,
    pub lanes: Lanes,
    turns: Turns,
    /// Lanes that wait for a retry.
    pub timers: BTreeSet<(i64, LaneId)>,
    pub wakes: Wakes,
    /// Holds of what is parked (C2).
    pub parked: Wakes,
    /// When it was last looked how old the oldest message is.
    pub aged_at_ms: i64,
    steps: JoinSet<(LaneId, Lease, Finished)>,
    running: usize,
    /// Lanes with results, each once (`Lane::to_commit`).
    pub to_commit: VecDeque<LaneId>,
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
    Returned(Returned),
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
            ports: Arc::new(ports),
            stats,
            stopping,
            atomic: false,
            room: 0,
            partitions: BTreeMap::new(),
            lanes: Lanes::default(),
            turns: Turns::default(),
            timers: BTreeSet::new(),
            wakes: Wakes::default(),
            parked: Wakes::default(),
            aged_at_ms: 0,
            steps: JoinSet::new(),
            running: 0,
            to_commit: VecDeque::new(),
            dirty: BTreeSet::new(),
        }
    }

    /// Runs until it is told to stop.
    pub async fn run(mut self) {
        let Some(member) = self.join().await else {
            return;
        };
        self.room = member.room();
        self.atomic = member.together(&[], &Publication::default()).is_some();
        let mut committing: Option<(BoxFuture<'static, Committed>, Frozen)> = None;
        let mut returning: Option<BoxFuture<'static, Returned>> = None;
        let (mut draining, mut given_back) = (false, false);
        loop {
            if !draining {
                self.run_lanes();
                returning = returning.or_else(|| self.begin_returning());
            }
            if committing.is_none() {
                committing = self.begin_commit(&member).await;
                if committing.is_some() {
                    // What is frozen makes room: the next batch is handled while this one is committed.
                    self.resume_fetching(&*member);
                }
            }
            if draining && committing.is_none() && self.running == 0 && !self.has_results() {
                if !given_back && self.give_back() {
                    given_back = true;
                    continue;
                }
                member.leave().await;
                return;
            }
            let sleep = self.until_next(returning.is_some());
            let clock = self.ports.clock.clone();
            let more_to_run = !draining && self.running < self.spec.limit && !self.turns.is_empty();
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
                returned = async {
                    match &mut returning {
                        Some(future) => future.await,
                        None => std::future::pending().await,
                    }
                }, if !draining => Turn::Returned(returned),
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
                Turn::Returned(returned) => {
                    returning = None;
                    self.returned(returned).await;
                }
                Turn::Happened(Ok(happening)) => self.happened(happening, &*member).await,
                Turn::Happened(Err(e)) => {
                    tracing::warn!(consumer = %self.spec.name, error = %e, "the log does not answer");
                    self.ports.clock.sleep(PAUSE).await;
                }
            }
            if committing.is_some() {
                // It is on its way by now, and need not wait for this.
                let partitions = self.partitions.values_mut();
                partitions.for_each(|partition| partition.passed.forget_committed());
            }
            self.expire_timers();
            self.tell_age();
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

    fn until_next(&self, returning: bool) -> Duration {
        let timer = self.timers.first().map(|(at_ms, _)| *at_ms);
        let parked = self.parked.next_ms().filter(|_| !returning);
        let due = [timer, self.wakes.next_ms(), parked];
        let next = due.into_iter().flatten().min();
        let Some(next) = next else {
            return self.ports.clock.look_again();
        };
        let wait = next.saturating_sub(self.ports.clock.now_ms()).max(1);
        let wait = Duration::from_millis(u64::try_from(wait).unwrap_or(1));
        wait.min(self.ports.clock.look_again())
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
            if let Some(lane) = self.lanes.get_mut(id) {
                lane.not_before_ms = None;
            }
            self.list(id);
        }
    }

    /// Puts a lane among those that can run, if it can.
    pub(super) fn list(&mut self, id: LaneId) {
        let can_run = |lane: &Lane| lane.can_run() && !lane.listed;
        if !self.lanes.get(id).is_some_and(can_run) || !self.may_run(id) {
            return;
        }
        if let Some(lane) = self.lanes.get_mut(id) {
            lane.listed = true;
            self.turns.push(id, &lane.key);
        }
    }

    fn run_lanes(&mut self) {
        for _ in 0..STEPS_IN_A_ROW {
            if self.running >= self.spec.limit {
                return;
            }
            let Some(id) = self.turns.pop() else { return };
            let Some(lane) = self.lanes.get_mut(id) else {
                continue;
            };
            lane.listed = false;
            if !lane.can_run() || !self.may_run(id) {
                continue;
            }
            let (Some(partition), Some(lane)) =
                (self.partitions.get(&id.partition), self.lanes.get_mut(id))
            else {
                continue;
            };
            lane.forget_covered();
            let Some(queued) = lane.queue.pop_front() else {
                continue;
            };
            let lease = partition.lease;
            match step::begin(&self.spec, &queued) {
                Begun::Done(ready) => self.done_at_once(id, queued, ready),
                begun => self.step(id, lease, queued, begun),
            }
        }
    }

    /// Runs a lane's message, in a task of its own if it must wait for something.
    fn step(&mut self, id: LaneId, lease: Lease, queued: Queued, begun: Begun) {
        let (Some(partition), Some(lane)) =
            (self.partitions.get(&id.partition), self.lanes.get_mut(id))
        else {
            return;
        };
        let job = Job {
            spec: self.spec.clone(),
            ports: self.ports.clone(),
            message: queued.message.clone(),
            topic_id: partition.topic_id.clone(),
            attempts: queued.attempts,
            delayed: queued.delayed.as_deref().cloned().unwrap_or_default(),
            assigned_at_ms: partition.assigned_at_ms,
            row: lane.row.clone(),
            found: None,
            hold: lane.hold.clone(),
            lane_key: lane.key.clone(),
        };
        lane.running = Some(queued);
        self.running += 1;
        let mut running: BoxFuture<'static, Finished> = match begun {
            Begun::Not => Box::pin(guarded(job)),
            Begun::Done(ready) => Box::pin(step::begun(job, Ok(ready))),
            Begun::Stopped(stop) => Box::pin(step::begun(job, Err(stop))),
            Begun::Waits(waits) => Box::pin(async move { step::begun(job, waits.await).await }),
        };
        // What needs not wait is done here and now, without a task of its own.
        match running.as_mut().now_or_never() {
            Some(finished) => self.finished(id, lease, finished),
            None => {
                let task = self.steps.spawn(async move { (id, lease, running.await) });
                if let Some(lane) = self.lanes.get_mut(id) {
                    lane.step = Some(task);
                }
            }
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
            let again = Again {
                at_ms,
                burned: true,
                why,
                waits_for: None,
            };
            Finished {
                outcome: again.into(),
                row: None,
                hold: HoldState::Unknown,
            }
        })
}
