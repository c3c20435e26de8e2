//! Whose turn it is: tenants take turns, and within a tenant the lanes do (C3).
use super::lanes::LaneId;
use rustc_hash::FxBuildHasher;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Tenants none of whose lanes can run are remembered up to this number, with the room that they have taken.
const REMEMBERED: usize = 256;

/// Lanes that can run.
#[derive(Default)]
pub(super) struct Turns {
    /// Tenants with a lane that can run, the next one first.
    order: VecDeque<Arc<[u8]>>,
    tenants: HashMap<Arc<[u8]>, Tenant, FxBuildHasher>,
}

struct Tenant {
    name: Arc<[u8]>,
    lanes: VecDeque<LaneId>,
}

impl Turns {
    /// A lane of this key can run; it is listed once (`Lane::listed`). A key that names no tenant is nobody's.
    pub fn push(&mut self, lane: LaneId, key: &[u8]) {
        let end = key.iter().position(|byte| *byte == b'/');
        let tenant = &key[..end.unwrap_or(0)];
        if !self.tenants.contains_key(tenant) {
            if self.tenants.len() >= REMEMBERED {
                self.tenants.retain(|_, tenant| !tenant.lanes.is_empty());
            }
            let (name, lanes): (Arc<[u8]>, _) = (tenant.into(), VecDeque::new());
            self.tenants.insert(name.clone(), Tenant { name, lanes });
        }
        if let Some(tenant) = self.tenants.get_mut(tenant) {
            if tenant.lanes.is_empty() {
                self.order.push_back(tenant.name.clone());
            }
            tenant.lanes.push_back(lane);
        }
    }
    /// Whether no lane can run.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
    /// The next lane of the next tenant.
    pub fn pop(&mut self) -> Option<LaneId> {
        let name = self.order.pop_front()?;
        let tenant = self.tenants.get_mut(&name)?;
        let lane = tenant.lanes.pop_front();
        if !tenant.lanes.is_empty() {
            self.order.push_back(name);
        }
        lane
    }
}

#[cfg(test)]
mod tests {
    use super::super::lanes::Lanes;
    use super::*;

    #[test]
    fn a_tenant_with_a_thousand_lanes_does_not_starve_another() {
        let (mut turns, mut lanes) = (Turns::default(), Lanes::default());
        let mut push = |key: &str| turns.push(lanes.of(0, key.as_bytes()), key.as_bytes());
        (0..1_000).for_each(|i| push(&format!("big/{i}")));
        push("small/1");
        push("small/2");
        let order: Vec<_> = std::iter::from_fn(|| turns.pop())
            .take(5)
            .map(|lane| lanes.get(lane).expect("it is there").key.clone())
            .collect();
        let wanted = ["big/0", "small/1", "big/1", "small/2", "big/2"];
        assert!(
            order
                .iter()
                .zip(wanted)
                .all(|(got, wanted)| **got == *wanted.as_bytes())
        );
    }

    #[test]
    fn tenants_come_and_go_without_being_kept() {
        let (mut turns, mut lanes) = (Turns::default(), Lanes::default());
        for i in 0..10 * REMEMBERED {
            let key = format!("tenant-{i}/1");
            turns.push(lanes.of(0, key.as_bytes()), key.as_bytes());
            assert!(turns.pop().is_some() && turns.is_empty());
        }
        assert!(turns.tenants.len() <= REMEMBERED, "{}", turns.tenants.len());
    }
}
