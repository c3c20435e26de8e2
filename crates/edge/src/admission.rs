//! How many requests are under way: of everybody, and of each tenant, so that one cannot crowd out the others.
use crate::problem::{Code, Problem};
use events::TenantId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The door.
pub struct Admission {
    in_all: usize,
    per_tenant: usize,
    inside: Mutex<BTreeMap<TenantId, usize>>,
}

/// A request under way; a stream keeps it until it ends.
#[derive(Clone)]
pub struct Place(#[allow(dead_code)] Arc<Inside>); // held for its Drop

struct Inside {
    door: Arc<Admission>,
    tenant: TenantId,
}
impl Drop for Inside {
    fn drop(&mut self) {
        let mut inside = self.door.inside();
        if let Some(count) = inside.get_mut(&self.tenant) {
            *count -= 1;
            if *count == 0 {
                inside.remove(&self.tenant);
            }
        }
    }
}

impl Admission {
    /// With bounds on requests at once.
    pub fn new(in_all: usize, per_tenant: usize) -> Arc<Self> {
        Arc::new(Self {
            in_all,
            per_tenant,
            inside: Mutex::default(),
        })
    }
    fn inside(&self) -> MutexGuard<'_, BTreeMap<TenantId, usize>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// # Errors
    /// 503 if everybody together, 429 if this tenant has too many under way.
    pub fn enter(self: &Arc<Self>, tenant: &TenantId) -> Result<Place, Problem> {
        let mut inside = self.inside();
        if inside.values().sum::<usize>() >= self.in_all {
            return Err(Problem::new(
                Code::Busy,
                format!("{} requests are under way already", self.in_all),
            ));
        }
        let count = inside.entry(tenant.clone()).or_default();
        if *count >= self.per_tenant {
            let detail = format!("{} of your requests are under way already", self.per_tenant);
            return Err(Problem::new(Code::TooManyRequests, detail));
        }
        *count += 1;
        drop(inside);
        Ok(Place(Arc::new(Inside {
            door: self.clone(),
            tenant: tenant.clone(),
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_that_fills_its_share_leaves_room_for_others() {
        let door = Admission::new(3, 2);
        let tenant = |name| TenantId::new(name).expect("a tenant");
        let first = door.enter(&tenant("acme")).ok();
        let second = door.enter(&tenant("acme")).ok();
        assert!(first.is_some() && second.is_some());
        assert_eq!(
            door.enter(&tenant("acme")).err().expect("too many").code,
            "edge.too_many_requests"
        );
        let other = door.enter(&tenant("globex")).ok();
        assert!(other.is_some());
        assert_eq!(
            door.enter(&tenant("initech")).err().expect("full").code,
            "edge.busy"
        );
        drop(first);
        assert!(door.enter(&tenant("initech")).is_ok());
        drop((second, other));
        assert!(door.inside().is_empty());
    }
}
