//! The lanes of a consumer: found by key when a message comes, by a small id ever after.
use super::lane::Lane;
use rustc_hash::FxBuildHasher;
use slotmap::{DefaultKey, SlotMap};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Lanes without work that are kept for the next keys, with the room that they have taken.
const KEPT: usize = 256;

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
    spare: Vec<Lane>,
}

impl Lanes {
    /// The lane of a key; a new one if it has none.
    pub fn of(&mut self, partition: i32, key: &[u8]) -> LaneId {
        let by_key = self.by_key.entry(partition).or_default();
        let place = match by_key.get(key) {
            Some(place) => *place,
            None => {
                let mut lane = self.spare.pop().unwrap_or_default();
                lane.key = key.into();
                let key = lane.key.clone();
                let place = self.lanes.insert(lane);
                by_key.insert(key, place);
                place
            }
        };
        LaneId { partition, place }
    }
    /// `None` if it has had no work since.
    pub fn get(&self, id: LaneId) -> Option<&Lane> {
        self.lanes.get(id.place)
    }
    /// `None` if it has had no work since.
    pub fn get_mut(&mut self, id: LaneId) -> Option<&mut Lane> {
        self.lanes.get_mut(id.place)
    }
    /// It has no work left.
    pub fn remove(&mut self, id: LaneId) {
        let Some(mut lane) = self.lanes.remove(id.place) else {
            return;
        };
        if let Some(by_key) = self.by_key.get_mut(&id.partition) {
            by_key.remove(&lane.key);
        }
        if self.spare.len() < KEPT {
            lane.empty();
            self.spare.push(lane);
        }
    }
    /// All lanes of a partition end: it is no longer ours.
    pub fn forget(&mut self, partition: i32) -> Vec<Lane> {
        let places = self.by_key.remove(&partition).unwrap_or_default();
        let mut places: Vec<DefaultKey> = places.into_values().collect();
        places.sort();
        let ended = places.into_iter();
        ended.filter_map(|place| self.lanes.remove(place)).collect()
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
