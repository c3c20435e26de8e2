//! The lanes of a consumer: found by key when a message comes, by a small id ever after.
use super::lane::Lane;
use rustc_hash::FxBuildHasher;
use slotmap::{DefaultKey, SlotMap};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Lanes without work that are kept for the next message of their key.
const KEPT: usize = 2_048;

/// Names a lane as long as it has work: its partition, and its place among the lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct LaneId {
    pub partition: i32,
    place: DefaultKey,
}

/// Hashes alike in every process, so that a simulation repeats. Keys come from outside, but a partition never has more
/// of them here than it has messages fetched and not done, which is bounded.
type ByKey = HashMap<Arc<[u8]>, DefaultKey, FxBuildHasher>;

/// The lanes that have work.
#[derive(Default)]
pub(super) struct Lanes {
    lanes: SlotMap<DefaultKey, Lane>,
    by_key: BTreeMap<i32, ByKey>,
    /// Those without work.
    resting: usize,
}

impl Lanes {
    /// The lane of a key; a new one if it has none.
    pub fn of(&mut self, partition: i32, key: &[u8]) -> LaneId {
        let by_key = self.by_key.entry(partition).or_default();
        if let Some(place) = by_key.get(key).copied() {
            if let Some(lane) = self.lanes.get_mut(place)
                && std::mem::take(&mut lane.rests)
            {
                self.resting -= 1;
            }
            return LaneId { partition, place };
        }
        let key: Arc<[u8]> = key.into();
        let place = self.lanes.insert(Lane {
            key: key.clone(),
            ..Lane::default()
        });
        by_key.insert(key, place);
        LaneId { partition, place }
    }
    /// Whether a key has work. At once if none has.
    pub fn has_work(&self, partition: i32, key: &[u8]) -> bool {
        if self.lanes.len() == self.resting {
            return false;
        }
        let place = self.by_key.get(&partition).and_then(|keys| keys.get(key));
        let lane = place.and_then(|place| self.lanes.get(*place));
        lane.is_some_and(|lane| !lane.rests)
    }
    /// `None` if it has had no work for long.
    pub fn get(&self, id: LaneId) -> Option<&Lane> {
        self.lanes.get(id.place)
    }
    /// `None` if it has had no work for long.
    pub fn get_mut(&mut self, id: LaneId) -> Option<&mut Lane> {
        self.lanes.get_mut(id.place)
    }
    /// It has no work left.
    pub fn rest(&mut self, id: LaneId) {
        if let Some(lane) = self.lanes.get_mut(id.place) {
            lane.rest();
            self.resting += 1;
        }
        if self.resting > KEPT {
            self.drop_resting();
        }
    }
    /// Once for so many lanes that rest: a key that has work again soon has found its lane by then.
    fn drop_resting(&mut self) {
        let lanes = &mut self.lanes;
        for by_key in self.by_key.values_mut() {
            by_key.retain(|_, place| {
                let rests = lanes.get(*place).is_none_or(|lane| lane.rests);
                if rests {
                    lanes.remove(*place);
                }
                !rests
            });
        }
        self.resting = 0;
    }
    /// All lanes of a partition end: it is no longer ours.
    pub fn forget(&mut self, partition: i32) -> Vec<Lane> {
        let places = self.by_key.remove(&partition).unwrap_or_default();
        let mut places: Vec<DefaultKey> = places.into_values().collect();
        places.sort();
        let ended = places.into_iter();
        let ended: Vec<Lane> = ended.filter_map(|p| self.lanes.remove(p)).collect();
        self.resting -= ended.iter().filter(|lane| lane.rests).count();
        ended
    }
    /// The ids of a partition's lanes.
    pub fn ids(&self, partition: i32) -> Vec<LaneId> {
        let places = self.by_key.get(&partition).into_iter();
        let ids = places.flat_map(|by_key| by_key.values());
        let mut ids: Vec<LaneId> = ids
            .map(|place| LaneId {
                partition,
                place: *place,
            })
            .collect();
        ids.sort();
        ids
    }
}
