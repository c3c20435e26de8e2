//! What goes into one commit: results in order, the rows that they leave, the checkpoints (C1, E3, E5).
use super::actor::{Actor, Partition};
use super::checkpoint::MAX_TEXT;
use super::commit::Batch;
use super::dead::hold_id;
use super::lane::Lane;
use super::lanes::LaneId;
use super::step::{Finished, HoldState, LaneRow, Outcome, Ready, Stop};
use crate::consumer::Behaviour;
use crate::emission::Emitter;
use crate::moment::Moment;
use crate::ports::log::{Checkpoint, Lease, Outgoing};
use crate::ports::state::{Row, Save};
use crate::rows::{EntityRow, ViewRow};
use events::envelope::name;
use events::system::Woke;
use events::{Key, MessageId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Bytes of outputs in one commit, at most (but one result always fits).
const MAX_BYTES: usize = 16 << 20;
/// Wakes in one commit, at most.
const MAX_WAKES: usize = 1_000;

/// A commit under way.
pub(super) struct Frozen {
    pub lanes: Vec<LaneId>,
    /// The lane of each save.
    pub saving: Vec<LaneId>,
    pub partitions: BTreeSet<i32>,
    /// Of each output but the wakes, which come last: what it came of.
    pub origins: Vec<Origin>,
    /// Wakes that it appends, to be due again if it fails.
    pub wakes: Vec<(i64, i32, String)>,
}

/// The message that an output came of, by its offset.
#[derive(Clone, Copy, Debug)]
pub(super) enum Origin {
    /// One that was handled in its lane.
    Lane(LaneId, i64),
    /// One that passed, of this partition.
    Passed(i32, i64),
}

pub(super) fn ready_of(finished: &Finished) -> Option<&Ready> {
    match &finished.outcome {
        Outcome::Ready(ready) => Some(ready),
        Outcome::Again(_) => None,
    }
}

impl Actor {
    /// Gathers what is ready; `None` if nothing is.
    pub(super) async fn freeze(&mut self) -> Option<(Batch, Frozen)> {
        let wakes = self.due_wakes().await;
        let mut partitions: BTreeSet<i32> = std::mem::take(&mut self.dirty);
        partitions.extend(wakes.iter().map(|((_, partition, _), _)| *partition));
        let lanes = self.freeze_results(&mut partitions);
        partitions.retain(|partition| self.partitions.contains_key(partition));
        if partitions.is_empty() {
            return None;
        }
        let checkpoints = self.fit_checkpoints(&partitions);
        let lanes: Vec<LaneId> = lanes
            .into_iter()
            .filter(|id| self.lanes.get(*id).is_some_and(|l| !l.frozen.is_empty()))
            .collect();

        let (mut saves, mut saving) = (vec![], vec![]);
        let (mut outgoing, mut origins) = (vec![], vec![]);
        // What passed first: results of lanes wait for what came before them in their key.
        for (number, partition) in &self.partitions {
            for (offset, said) in partition.passed.says() {
                outgoing.push(said.clone());
                origins.push(Origin::Passed(*number, offset));
            }
        }
        for &id in &lanes {
            let Some(lane) = self.lanes.get(id) else {
                continue;
            };
            let Some(partition) = self.partitions.get(&id.partition) else {
                continue;
            };
            for (queued, finished) in &lane.frozen {
                let Some(ready) = ready_of(finished) else {
                    continue;
                };
                outgoing.extend(ready.outgoing.iter().cloned());
                origins.resize(outgoing.len(), Origin::Lane(id, queued.offset));
                saves.extend(ready.identity.as_deref().cloned());
            }
            saves.extend(self.row_save(id, lane, partition));
            saves.extend(self.hold_save(id, lane));
            saving.resize(saves.len(), id);
        }
        let (wakes, woke): (Vec<_>, Vec<_>) = wakes.into_iter().unzip();
        outgoing.extend(woke.into_iter().map(Arc::new));
        Some((
            Batch {
                saves,
                outgoing,
                checkpoints,
            },
            Frozen {
                lanes,
                saving,
                origins,
                partitions,
                wakes,
            },
        ))
    }

    fn freeze_results(&mut self, partitions: &mut BTreeSet<i32>) -> Vec<LaneId> {
        let (mut lanes, mut bytes, mut last) = (vec![], 0, None);
        let mut results = self.freeze_passed(partitions);
        // By partition, what passed and is left: what came later in a key must not be said before it.
        let left = self.partitions.iter();
        let left = left.filter_map(|(n, partition)| Some((*n, partition.passed.first_waiting()?)));
        let left: BTreeMap<i32, i64> = left.collect();
        let mut behind = vec![];
        while results < self.spec.results && bytes < MAX_BYTES {
            let Some(id) = self.to_commit.pop_front() else {
                break;
            };
            let Some(lane) = self.lanes.get_mut(id) else {
                continue;
            };
            let Some((first, _)) = lane.results.front() else {
                lane.to_commit = false;
                continue;
            };
            if left
                .get(&id.partition)
                .is_some_and(|left| *left < first.offset)
            {
                behind.push(id);
                continue;
            }
            lane.to_commit = false;
            let Some(partition) = self.partitions.get_mut(&id.partition) else {
                continue;
            };
            bytes += std::mem::take(&mut lane.result_bytes);
            results += lane.results.len();
            for (queued, finished) in lane.results.drain(..) {
                partition.tracker.freeze(queued.offset);
                lane.frozen.push((queued, finished));
            }
            if last.replace(id.partition) != Some(id.partition) {
                partitions.insert(id.partition);
            }
            lanes.push(id);
        }
        self.to_commit.extend(behind);
        lanes
    }

    /// What passed, some of each partition, which leaves room for what did not. How many messages it is.
    fn freeze_passed(&mut self, partitions: &mut BTreeSet<i32>) -> usize {
        let passed = |(_, partition): &(&i32, &mut Partition)| !partition.passed.is_empty();
        let passing = self.partitions.iter_mut().filter(passed);
        let passing: Vec<(&i32, &mut Partition)> = passing.collect();
        let (of, mut results) = (passing.len(), 0);
        let most = self.spec.results - self.spec.results / 4;
        for (number, partition) in passing {
            partitions.insert(*number);
            results += partition.freeze_passed(most.div_ceil(of), MAX_BYTES / of);
        }
        results
    }

    /// The checkpoints of a commit. One that would not fit leaves results for the next, the latest first (C1).
    fn fit_checkpoints(&mut self, partitions: &BTreeSet<i32>) -> Vec<(Lease, Checkpoint)> {
        let mut checkpoints = Vec::with_capacity(partitions.len());
        for number in partitions {
            let Some(partition) = self.partitions.get_mut(number) else {
                continue;
            };
            let mut checkpoint = partition.tracker.checkpoint();
            while checkpoint.text.len() > MAX_TEXT {
                let latest = |id: LaneId| {
                    let frozen = &self.lanes.get(id)?.frozen;
                    Some((frozen.last()?.0.offset, id))
                };
                let last = self.lanes.ids(*number).into_iter().filter_map(latest).max();
                let passed = partition.passed.last_frozen();
                if passed > last.map(|(offset, _)| offset) {
                    partition.thaw_last_passed();
                    checkpoint = partition.tracker.checkpoint();
                    continue;
                }
                let Some((offset, id)) = last else {
                    break;
                };
                if let Some(lane) = self.lanes.get_mut(id) {
                    lane.thaw_last();
                    if lane.wants_commit() {
                        self.to_commit.push_back(id);
                    }
                }
                partition.tracker.thaw(offset);
                checkpoint = partition.tracker.checkpoint();
            }
            partition.checkpoint_bytes = checkpoint.text.len();
            checkpoints.push((partition.lease, checkpoint));
        }
        checkpoints
    }

    fn row_save(&self, id: LaneId, lane: &Lane, partition: &Partition) -> Option<Save> {
        let changed =
            |(_, finished): &(_, Finished)| ready_of(finished).is_some_and(|r| r.row_changed);
        if !lane.frozen.iter().any(changed) {
            return None;
        }
        let row = lane.frozen.last()?.1.row.as_ref()?;
        let body = match self.row_body(row, partition) {
            Ok(body) => body,
            Err(e) => unreachable!("a state that was written once is written again: {e}"),
        };
        let expected = lane.row_version;
        Some(Save {
            collection: self.spec.name.to_string(),
            id: row.id.clone(),
            expected,
            row: Some(Row {
                version: expected + 1,
                partition: id.partition,
                wake_at_ms: row.wake_at_ms,
                expires_at_ms: row.expires_at_ms,
                body,
            }),
        })
    }

    fn row_body(&self, row: &LaneRow, partition: &Partition) -> Result<Vec<u8>, String> {
        match &self.spec.behaviour {
            Behaviour::Entity(step) => {
                let mut pending = row.pending.clone();
                // In one store the outputs are committed with the row (E5).
                pending.retain(|p| !self.atomic && !partition.tracker.is_committed(p.offset));
                let body = EntityRow {
                    applied: row.applied.clone(),
                    pending,
                    answered: row.answered.clone(),
                    last_wake_at_ms: row.last_wake_at_ms,
                    state: Some(step.store(&row.state)?),
                };
                serde_json::to_vec(&body).map_err(|e| e.to_string())
            }
            Behaviour::View(step) => {
                let (stored, _) = step.store(&row.state)?;
                let body = ViewRow {
                    applied: row.applied.clone(),
                    row: stored,
                };
                serde_json::to_vec(&body).map_err(|e| e.to_string())
            }
            Behaviour::Handlers(_) | Behaviour::Route(_) | Behaviour::Bytes(_) => {
                Err("it has no rows".into())
            }
        }
    }

    fn hold_save(&self, id: LaneId, lane: &Lane) -> Option<Save> {
        let changed =
            |(_, finished): &(_, Finished)| ready_of(finished).is_some_and(|r| r.hold_changed);
        if !lane.frozen.iter().any(changed) {
            return None;
        }
        let (_, last) = lane.frozen.last()?;
        let HoldState::Held(hold) = &last.hold else {
            return None;
        };
        let partition = self.partitions.get(&id.partition)?;
        let mut body = hold.row.clone();
        body.pending
            .retain(|p| !self.atomic && !partition.tracker.is_committed(p.offset));
        let expected = lane.hold_version;
        if body.held.is_empty() && expected == 0 {
            return None;
        }
        let body = serde_json::to_vec(&body)
            .ok()
            .filter(|_| !hold.row.held.is_empty());
        let row = body.map(|body| Row {
            version: expected + 1,
            partition: id.partition,
            wake_at_ms: hold.row.returns_at_ms(self.spec.ordered),
            body,
            ..Row::default()
        });
        let id = hold_id(&self.spec, id.partition, &lane.key)?;
        Some(Save {
            collection: self.spec.holds(),
            id,
            expected,
            row,
        })
    }

    /// The wakes that are due, each as a message to the entity's own input.
    async fn due_wakes(&mut self) -> Vec<((i64, i32, String), Outgoing)> {
        let due = self.wakes.take_due(self.ports.clock.now_ms(), MAX_WAKES);
        let mut messages = Vec::with_capacity(due.len());
        for wake in due {
            match self.woke(&wake).await {
                Ok(Some(outgoing)) => messages.push((wake, outgoing)),
                Ok(None) => {
                    tracing::error!(row = wake.2, "a row that cannot be woken: its id is no key")
                }
                // Not now: it stays due.
                Err(_) => self.wakes.set(wake.1, &wake.2, Some(wake.0)),
            }
        }
        messages
    }

    async fn woke(
        &self,
        (at_ms, partition, row): &(i64, i32, String),
    ) -> Result<Option<Outgoing>, Stop> {
        let Ok(key) = Key::parse(row) else {
            return Ok(None);
        };
        let tenant = key.tenant();
        let at = Moment {
            tenant: tenant.as_str().into(),
            id: key.id().into(),
            now_ms: self.ports.clock.now_ms(),
            consumer: self.spec.name.clone(),
            correlation: format!("woke-{row}-{at_ms}").into(),
            message: MessageId {
                tenant: tenant.as_str().to_owned(),
                source: format!("troupe/{}", self.spec.name),
                id: format!("woke/{row}/{at_ms}"),
            },
            ..Moment::blank()
        };
        let emitter = Emitter::new(&self.ports);
        let mut outgoing = emitter
            .own(&at, &self.spec.topic, &Woke { at_ms: *at_ms }, "woke")
            .await?;
        outgoing.partition = Some(*partition);
        outgoing.headers.0.retain(|(n, _)| n != name::CAUSATION);
        Ok(Some(outgoing))
    }
}
