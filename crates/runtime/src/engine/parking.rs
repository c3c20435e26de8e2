//! A key that waits long is parked (C2): it waits on among the dead letters, and comes back by itself, so that it takes
//! no room that others need.
use super::actor::{Actor, Partition};
use super::checkpoint::PARK_AT;
use super::lane::{Lane, Parking};
use super::lanes::LaneId;
use super::sabotage::Sabotage;
use super::takeover::Care;
use crate::BoxFuture;
use crate::dead_letters::DeadLetters;
use futures::FutureExt;
use std::sync::atomic::{AtomicU64, Ordering};

/// A message whose next attempt is further off than this is parked; what is parked to make room is so for as long, in
/// milliseconds.
const LONG_MS: i64 = 600_000;
/// What has waited for less, in milliseconds, is not parked to make room: most outages are shorter, and what is parked
/// comes back minutes later. The time that what it waits for has been down counts too.
const WAITED_MS: i64 = 10_000;
/// Between two looks at the letters of a consumer, in milliseconds: each reads all of a partition.
const BETWEEN_LOOKS_MS: i64 = 1_000;
/// What could not be brought back is looked at again after so long, in milliseconds.
const LOOK_AGAIN_MS: i64 = 60_000;
/// Between two searches of a partition's lanes for one that may make room, in milliseconds.
const BETWEEN_SEARCHES_MS: i64 = 100;
/// Between two looks for the oldest message, in milliseconds.
const BETWEEN_AGES_MS: i64 = 5_000;
/// Holds looked at in one go.
const AT_ONCE: usize = 1_000;
/// Bytes of a partition's messages that are fetched and not done; then it is paused.
pub(super) const FULL_BYTES: usize = 8 << 20;

/// What was parked of a partition to make room, since something went well last.
#[derive(Default)]
pub(super) struct Parked {
    /// What had gone well.
    well: Option<u64>,
    count: usize,
    /// If nothing goes well before so many are parked, no more are.
    most: usize,
    /// When it was last looked for in vain.
    looked_at_ms: i64,
}

/// What a look at parked keys found: the hold's partition and id, and when to look again, if it is still there.
pub(super) type Returned = Vec<(i32, String, Option<i64>)>;

impl Partition {
    /// How much of a room may be taken before what waits longest makes room: four fifths; and once fetching has
    /// stopped, half: it goes on before that.
    fn enough_of(&self, room: usize) -> usize {
        if self.paused {
            room.div_ceil(2)
        } else {
            room / 5 * 4
        }
    }
    /// Whether what is fetched and not done takes so much.
    fn is_crowded(&self, room: usize) -> bool {
        self.tracker.open() >= self.enough_of(room)
            || self.waiting_bytes >= self.enough_of(FULL_BYTES)
    }
}

impl Lane {
    /// When its oldest message that is not done was appended.
    fn oldest_ms(&self) -> Option<i64> {
        let ended = self.frozen.iter().chain(&self.results).map(|(q, _)| q);
        let mut all = ended.chain(&self.running).chain(&self.queue);
        Some(all.next()?.message.timestamp_ms)
    }
    /// The message that waits for its next attempt, if it may be parked: its offset, what it waits for, and since when.
    fn waits_at(&self) -> Option<(i64, Option<&String>, i64)> {
        let front = self.queue.front()?;
        let delayed = front.delayed.as_ref()?;
        let waits = self.not_before_ms.is_some() && delayed.parking == Parking::No;
        let (offset, waited_for) = (front.offset, delayed.waited_for.as_ref());
        waits.then_some((offset, waited_for, delayed.waits_since_ms?))
    }
}

impl Actor {
    /// A step of this lane has ended. If its message waits for a time that is far off, it is parked.
    pub(super) fn waits(&mut self, id: LaneId) {
        let Some(lane) = self.lanes.get_mut(id) else {
            return;
        };
        let not_before = lane.not_before_ms;
        let Some(front) = lane.queue.front_mut() else {
            return;
        };
        if not_before.is_none() && front.delayed.is_none() {
            return;
        }
        let now = self.ports.clock.now_ms();
        if matches!(front.parking(), Parking::Until { .. }) {
            // It was tried, and is here again.
            front.delayed().parking = Parking::Never;
        }
        if not_before.is_some() {
            front.delayed().waits_since_ms.get_or_insert(now);
        }
        if let Some(at_ms) = not_before.filter(|at_ms| at_ms.saturating_sub(now) > LONG_MS) {
            self.park(id, at_ms);
        } else if not_before.is_some() {
            self.make_room(id.partition);
        }
    }

    /// The key that has waited longest makes room, if what waits takes nearly all there is.
    pub(super) fn make_room(&mut self, number: i32) {
        let well = self.went_well();
        let Some(partition) = self.partitions.get_mut(&number) else {
            return;
        };
        let half = self.room / 2;
        if partition.parked.well != Some(well) {
            // More may be fetched than there is room for; all of that has to make room.
            let most = half.max(partition.tracker.waiting().saturating_sub(half));
            partition.parked = Parked {
                well: Some(well),
                count: 0,
                most,
                ..partition.parked
            };
        }
        let by_text = partition.checkpoint_bytes >= PARK_AT;
        // So many in a row, and nobody got on: all need what is down. More would win nothing.
        let in_vain = partition.parked.count > partition.parked.most;
        if in_vain || (!by_text && !partition.is_crowded(self.room)) {
            return;
        }
        // A backlog fills the room too, and is none of this: it shall not be looked through at every commit.
        let now = self.ports.clock.now_ms();
        if now.saturating_sub(partition.parked.looked_at_ms).abs() < BETWEEN_SEARCHES_MS {
            return;
        }
        partition.parked.looked_at_ms = now;
        let (room, full) = (
            partition.enough_of(self.room),
            partition.enough_of(FULL_BYTES),
        );
        let down = self.ports.breakers.outages();
        let (mut oldest, mut messages, mut bytes) = (None, 0, 0);
        for id in self.lanes.ids(number) {
            let Some(lane) = self.lanes.get(id) else {
                continue;
            };
            let Some((offset, waited_for, since_ms)) = lane.waits_at() else {
                continue;
            };
            let outage = down
                .iter()
                .find(|outage| Some(&outage.dependency) == waited_for);
            let since_ms = outage.map_or(since_ms, |outage| outage.since_ms.min(since_ms));
            if now.saturating_sub(since_ms) >= WAITED_MS {
                oldest = oldest.into_iter().chain([(offset, id)]).min();
            }
            messages += lane.queue.len();
            let sizes = lane.queue.iter().map(|queued| queued.message.size());
            bytes += sizes.sum::<usize>();
        }
        let crowded = by_text || messages >= room || bytes >= full;
        if let Some((_, id)) = oldest.filter(|_| crowded)
            && self.park(id, now.saturating_add(LONG_MS))
        {
            if let Some(partition) = self.partitions.get_mut(&number) {
                partition.parked.count += 1;
                partition.parked.looked_at_ms = 0;
            }
            self.list(id);
        }
    }

    /// Messages of this consumer that were done and not put aside.
    fn went_well(&self) -> u64 {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let aside = read(&self.stats.dead_lettered) + read(&self.stats.parked);
        read(&self.stats.done).saturating_sub(aside)
    }

    /// The lane's first message goes to the dead letters as soon as it runs, and comes back at `until_ms`, if it may.
    fn park(&mut self, id: LaneId, until_ms: i64) -> bool {
        let partition = self.partitions.get(&id.partition);
        let free = partition.is_some_and(|partition| partition.care == Care::Free);
        if !free || !self.spec.parks || self.spec.breaks(Sabotage::C2NeverParked) {
            return false;
        }
        let Some(lane) = self.lanes.get_mut(id) else {
            return false;
        };
        let (Some(front), Some(retry_at_ms)) = (lane.queue.front_mut(), lane.not_before_ms) else {
            return false;
        };
        if front.parking() != Parking::No {
            return false;
        }
        front.delayed().parking = Parking::Until {
            until_ms: until_ms.max(retry_at_ms),
            retry_at_ms,
        };
        lane.not_before_ms = None;
        self.timers.remove(&(retry_at_ms, id));
        true
    }

    /// Something parked may come back: what is due is appended once more, beside all else.
    pub(super) fn begin_returning(&mut self) -> Option<BoxFuture<'static, Returned>> {
        let due = self
            .parked
            .take_due(self.ports.clock.now_ms(), AT_ONCE)
            .into_iter();
        let due: Vec<(i32, String)> = due.map(|(_, partition, id)| (partition, id)).collect();
        if due.is_empty() || self.spec.breaks(Sabotage::C2ParkedForEver) {
            return None;
        }
        let letters = DeadLetters::new(&self.ports, self.spec.map.clone());
        let (consumer, clock) = (self.spec.name.clone(), self.ports.clock.clone());
        Some(
            async move {
                let returned = letters.bring_back(&consumer, &due).await;
                returned.unwrap_or_else(|e| {
                    tracing::warn!(%consumer, error = %e, "what is parked cannot be brought back yet");
                    let again = clock.now_ms() + LOOK_AGAIN_MS;
                    let same = due.into_iter();
                    same.map(|(partition, id)| (partition, id, Some(again)))
                        .collect()
                })
            }
            .boxed(),
        )
    }

    /// What is still held is looked at again.
    pub(super) async fn returned(&mut self, returned: Returned) {
        let soonest = self.ports.clock.now_ms() + BETWEEN_LOOKS_MS;
        for (partition, id, again) in returned {
            // What was saved meanwhile says more.
            if self.partitions.contains_key(&partition) && !self.parked.knows(partition, &id) {
                self.parked
                    .set(partition, &id, again.map(|at_ms| at_ms.max(soonest)));
            }
        }
        if let Some(partition) = self.parked.to_reload() {
            let (state, holds) = (&*self.ports.state, self.spec.holds());
            if let Err(e) = self.parked.load(state, &holds, partition).await {
                tracing::warn!(consumer = %self.spec.name, error = %e, "what is parked cannot be read yet");
            }
        }
    }

    /// Tells how old the oldest message is that is not done, now and then.
    pub(super) fn tell_age(&mut self) {
        let now = self.ports.clock.now_ms();
        if now.saturating_sub(self.aged_at_ms).abs() < BETWEEN_AGES_MS {
            return;
        }
        self.aged_at_ms = now;
        let lanes = self.partitions.keys().flat_map(|n| self.lanes.ids(*n));
        let oldest = lanes.filter_map(|id| self.lanes.get(id)?.oldest_ms());
        let passed = self.partitions.values();
        let passed = passed.filter_map(|partition| partition.passed.oldest_ms());
        let oldest_ms = oldest.chain(passed).min().unwrap_or(0);
        self.stats.oldest_ms.store(oldest_ms, Ordering::Relaxed);
    }

    /// A hold was saved.
    pub(super) fn hold_saved(&mut self, partition: i32, id: &str, returns_at_ms: Option<i64>) {
        let soonest = self.ports.clock.now_ms() + BETWEEN_LOOKS_MS;
        let at_ms = returns_at_ms.map(|at_ms| at_ms.max(soonest));
        self.parked.set(partition, id, at_ms);
    }
}
