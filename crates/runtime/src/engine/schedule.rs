//! Whose turn it is: tenants take turns, and within a tenant the lanes do (C3).
use super::lane::LaneId;
use std::collections::{BTreeMap, VecDeque};

/// Lanes that can run.
#[derive(Default)]
pub(super) struct Turns {
    tenants: VecDeque<Vec<u8>>,
    lanes: BTreeMap<Vec<u8>, VecDeque<LaneId>>,
}

impl Turns {
    /// A lane can run; it is listed once (`Lane::listed`).
    pub fn push(&mut self, lane: LaneId) {
        let tenant = lane.key.split(|b| *b == b'/').next().unwrap_or_default();
        match self.lanes.get_mut(tenant) {
            Some(lanes) => lanes.push_back(lane),
            None => {
                let tenant = tenant.to_vec();
                self.tenants.push_back(tenant.clone());
                self.lanes.insert(tenant, VecDeque::from([lane]));
            }
        }
    }
    /// Whether no lane can run.
    pub fn is_empty(&self) -> bool {
        self.tenants.is_empty()
    }
    /// The next lane of the next tenant.
    pub fn pop(&mut self) -> Option<LaneId> {
        let tenant = self.tenants.pop_front()?;
        let lanes = self.lanes.get_mut(&tenant)?;
        let lane = lanes.pop_front();
        if lanes.is_empty() {
            self.lanes.remove(&tenant);
        } else {
            self.tenants.push_back(tenant);
        }
        lane
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_with_a_thousand_lanes_does_not_starve_another() {
        let lane = |key: &str| LaneId {
            partition: 0,
            key: key.as_bytes().into(),
        };
        let mut turns = Turns::default();
        (0..1_000).for_each(|i| turns.push(lane(&format!("big/{i}"))));
        turns.push(lane("small/1"));
        turns.push(lane("small/2"));
        let order: Vec<_> = std::iter::from_fn(|| turns.pop())
            .take(5)
            .map(|lane| lane.key)
            .collect();
        let wanted = ["big/0", "small/1", "big/1", "small/2", "big/2"];
        assert!(
            order
                .iter()
                .zip(wanted)
                .all(|(got, wanted)| **got == *wanted.as_bytes())
        );
    }
}
