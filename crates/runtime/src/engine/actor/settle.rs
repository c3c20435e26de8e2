//! What becomes of steps that ended: results wait in their lanes for the commit that settles them.
use super::super::commit::{Committed, commit};
use super::super::dead::hold_id;
use super::super::freeze::{Frozen, Origin, ready_of};
use super::super::lanes::LaneId;
use super::super::sabotage::Sabotage;
use super::super::stats::Stats;
use super::super::step::{Again, Ended, Finished, HoldState, Outcome, Ready};
use super::Actor;
use crate::BoxFuture;
use crate::ports::log::{Lease, Member};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::task::JoinError;

/// When not even a dead letter is taken, it is tried again after so long, in milliseconds.
const REFUSED_AGAIN_MS: i64 = 30_000;

impl Actor {
    pub(super) fn joined(&mut self, joined: Option<Result<(LaneId, Lease, Finished), JoinError>>) {
        match joined {
            Some(Ok((id, lease, finished))) => self.finished(id, lease, finished),
            Some(Err(e)) => {
                self.running -= 1;
                if !e.is_cancelled() {
                    tracing::error!(consumer = %self.spec.name, error = %e, "a step was lost");
                }
            }
            None => {}
        }
    }

    pub(super) fn finished(&mut self, id: LaneId, lease: Lease, finished: Finished) {
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
            if self.is_trying(id) {
                self.tried(id.partition);
            }
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
                lane.add_result(queued, finished);
                if lane.wants_commit() {
                    self.to_commit.push_back(id);
                }
            }
            Outcome::Again(again) => {
                let Again {
                    at_ms,
                    burned,
                    why,
                    waits_for,
                } = &**again;
                queued.delayed().waited_for.clone_from(waits_for);
                let at = &queued.message.at;
                tracing::debug!(consumer = %self.spec.name, %at.topic, at.partition, at.offset, why, "again later");
                if *burned {
                    queued.attempts += 1;
                    let now = self.ports.clock.now_ms();
                    queued.delayed().first_failed_at_ms.get_or_insert(now);
                    if !self.spec.breaks(Sabotage::C4AttemptsForgotten) {
                        partition.tracker.attempted(queued.offset, queued.attempts);
                        self.dirty.insert(id.partition);
                    }
                    Stats::add(&self.stats.retried, 1);
                }
                lane.not_before_ms = Some(*at_ms);
                self.timers.insert((*at_ms, id));
                if self.spec.breaks(Sabotage::D1RetryAtTheEnd) {
                    lane.queue.push_back(queued);
                } else {
                    lane.queue.push_front(queued);
                }
            }
        }
        if self.is_trying(id) {
            self.tried(id.partition);
        }
        self.waits(id);
        self.list(id);
    }

    pub(super) async fn begin_commit(
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
        let now = self.ports.clock.now_ms();
        self.stats.committing_since_ms.store(now, Ordering::Relaxed);
        Some((
            Box::pin(commit(
                batch,
                self.spec.clone(),
                member.clone(),
                self.ports.clone(),
            )),
            frozen,
        ))
    }

    pub(super) fn committed(&mut self, done: Committed, frozen: Frozen, member: &dyn Member) {
        self.stats.committing_since_ms.store(0, Ordering::Relaxed);
        match done {
            Committed::Done => self.all_done(&frozen),
            Committed::Lost { lost, saved } => {
                let lost: BTreeSet<LaneId> = lost
                    .iter()
                    .filter_map(|i| frozen.saving.get(*i))
                    .copied()
                    .collect();
                let saving: BTreeSet<LaneId> = frozen.saving.iter().copied().collect();
                let anew = if saved { saving } else { lost };
                self.not_done(&frozen, &anew);
            }
            Committed::Refused { index, why } => {
                let mut anew: BTreeSet<LaneId> = frozen.saving.iter().copied().collect();
                let culprit = frozen.origins.get(index).copied();
                if let Some(Origin::Lane(id, _)) = culprit {
                    anew.insert(id);
                }
                self.not_done(&frozen, &anew);
                self.condemn(culprit, &why);
            }
            Committed::Unsure => self.not_done(&frozen, &frozen.saving.iter().copied().collect()),
            Committed::Fenced(leases) => {
                self.not_done(&frozen, &frozen.saving.iter().copied().collect());
                for lease in leases {
                    self.revoked(lease);
                }
            }
        }
        self.resume_fetching(member);
    }

    /// What this message says can never be published: it becomes a dead letter, and those beside it go on (K4).
    fn condemn(&mut self, culprit: Option<Origin>, why: &str) {
        tracing::error!(consumer = %self.spec.name, why, "the log refuses an output");
        let (id, offset) = match culprit {
            None => return, // a wake, which is due again
            Some(Origin::Lane(id, offset)) => (Some(id), offset),
            Some(Origin::Passed(partition, offset)) => {
                (self.back_to_lane(partition, offset), offset)
            }
        };
        let lane = id.and_then(|id| Some((id, self.lanes.get_mut(id)?)));
        let Some((id, lane)) = lane else { return };
        let mut waiting = lane.queue.iter_mut();
        let Some(queued) = waiting.find(|queued| queued.offset == offset) else {
            return;
        };
        let said = queued.delayed().unpublishable.replace(why.to_owned());
        if said.is_some() {
            // Not even its dead letter is taken. It is not lost: it waits, and its partition's watermark with it, until
            // the topic of dead letters takes it.
            let at_ms = self.ports.clock.now_ms().saturating_add(REFUSED_AGAIN_MS);
            lane.not_before_ms = Some(at_ms);
            self.timers.insert((at_ms, id));
        }
        self.list(id);
    }

    fn all_done(&mut self, frozen: &Frozen) {
        let (mut holds, mut done) = (vec![], 0);
        for number in &frozen.partitions {
            if let Some(partition) = self.partitions.get_mut(number) {
                partition.tracker.committed();
                let (passed, bytes) = partition.passed.take_committed();
                partition.waiting_bytes = partition.waiting_bytes.saturating_sub(bytes);
                done += passed;
            }
            self.said(*number);
        }
        for &id in &frozen.lanes {
            let Some(lane) = self.lanes.get_mut(id) else {
                continue;
            };
            let results = lane.take_committed();
            if let Some(partition) = self.partitions.get_mut(&id.partition) {
                let sizes = results.iter().map(|(queued, _)| queued.size);
                partition.waiting_bytes = partition.waiting_bytes.saturating_sub(sizes.sum());
            }
            let last_offset = results.last().map(|(queued, _)| queued.offset);
            lane.covered = lane.covered.max(last_offset);
            let changed = |what: fn(&Ready) -> bool| {
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
                let returns_at_ms = hold.row.returns_at_ms(self.spec.ordered);
                holds.extend(
                    hold_id(&self.spec, id.partition, &lane.key)
                        .map(|hold| (id.partition, hold, returns_at_ms)),
                );
            }
            for (_, finished) in &results {
                let Some(ready) = ready_of(finished) else {
                    continue;
                };
                done += 1;
                match ready.ended {
                    Ended::Done => {}
                    Ended::Refused => Stats::add(&self.stats.refused, 1),
                    Ended::Repeated => Stats::add(&self.stats.repeated, 1),
                    Ended::DeadLettered => Stats::add(&self.stats.dead_lettered, 1),
                    Ended::Parked => Stats::add(&self.stats.parked, 1),
                }
            }
            if lane.is_idle() {
                self.lanes.rest(id);
            } else {
                self.list(id);
            }
        }
        for (partition, hold, returns_at_ms) in holds {
            self.hold_saved(partition, &hold, returns_at_ms);
        }
        Stats::add(&self.stats.done, done);
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
        for number in &frozen.partitions {
            if let Some(partition) = self.partitions.get_mut(number) {
                partition.tracker.thaw_all();
                partition.passed.put_back();
            }
        }
        for &id in &frozen.lanes {
            let Some(lane) = self.lanes.get_mut(id) else {
                continue;
            };
            if anew.contains(&id) && !self.spec.breaks(Sabotage::C3LaterResultsKept) {
                lane.begin_anew();
            } else {
                lane.put_back();
                if lane.wants_commit() {
                    self.to_commit.push_front(id);
                }
            }
            self.list(id);
        }
    }
}
