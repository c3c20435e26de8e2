//! Which partitions are ours (K2).
use crate::log::message::unreachable;
use runtime::ports::PortError;
use runtime::ports::log::{Lease, PublishError};
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The leases of a member. Its lock is the one of K2: under it a publication is begun and the group's metadata
/// taken, and under it leases end.
#[derive(Default)]
pub(super) struct Leases {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    held: BTreeMap<i32, Lease>,
    assignments: u64,
    publishing: bool,
}

/// A publication that has begun: no lease ends before it is dropped, or its time is over.
pub(super) struct Publishing<'a>(&'a Leases);

impl Drop for Publishing<'_> {
    fn drop(&mut self) {
        self.0.lock().publishing = false;
        self.0.ended.notify_all();
    }
}

impl Leases {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A partition is ours from now on.
    pub fn grant(&self, partition: i32) -> Lease {
        let mut state = self.lock();
        state.assignments += 1;
        let assignment = state.assignments;
        let lease = Lease {
            partition,
            assignment,
        };
        state.held.insert(partition, lease);
        lease
    }

    /// Partitions are no longer ours. Waits for a publication that has begun, but no longer than `patience`: what it
    /// has sent to the broker by then was sent as the member that still owned them, and whoever owns them next waits
    /// for its outcome before reading the checkpoints.
    pub fn end(&self, partitions: &[i32], patience: Duration) -> Vec<Lease> {
        let state = self.lock();
        let waited = self
            .ended
            .wait_timeout_while(state, patience, |state| state.publishing);
        let (mut state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            tracing::warn!(?partitions, "leases end while a commit is under way");
        }
        let ended = partitions.iter().filter_map(|p| state.held.remove(p));
        ended.collect()
    }

    /// Which of them are over.
    pub fn over(&self, leases: impl Iterator<Item = Lease>) -> Vec<Lease> {
        let state = self.lock();
        over(&state, leases)
    }

    /// Begins a publication, if all its leases are held and the group knows us: `membership` is asked under the lock.
    pub fn publish<M>(
        &self,
        leases: impl Iterator<Item = Lease>,
        membership: impl FnOnce() -> Option<M>,
    ) -> Result<(Publishing<'_>, M), PublishError> {
        let mut state = self.lock();
        let over = over(&state, leases);
        if !over.is_empty() {
            return Err(PublishError::Fenced(over));
        }
        let membership = membership().ok_or_else(not_a_member)?;
        state.publishing = true;
        Ok((Publishing(self), membership))
    }
}

fn over(state: &State, leases: impl Iterator<Item = Lease>) -> Vec<Lease> {
    let over = leases.filter(|lease| state.held.get(&lease.partition) != Some(lease));
    over.collect()
}

/// K2: such metadata would pass unchecked.
fn not_a_member() -> PortError {
    unreachable("the group does not know this member now")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn begin(leases: &Leases, of: &[Lease]) -> Result<(), PublishError> {
        leases.publish(of.iter().copied(), || Some(())).map(drop)
    }

    #[test]
    fn a_batch_frozen_before_a_revoke_is_fenced() {
        let leases = Leases::default();
        let (one, other) = (leases.grant(1), leases.grant(2));
        assert_eq!(begin(&leases, &[one, other]), Ok(()));
        assert_eq!(leases.end(&[1], PATIENCE), [one]);
        let fenced = Err(PublishError::Fenced(vec![one]));
        assert_eq!(begin(&leases, &[one, other]), fenced);
        assert_eq!(begin(&leases, &[other]), Ok(()), "what is held may go on");
        let again = leases.grant(1);
        assert_eq!(begin(&leases, &[one]), fenced, "also when it is ours again");
        assert_eq!(begin(&leases, &[again, other]), Ok(()));
    }

    #[test]
    fn whom_the_group_does_not_know_publishes_nothing() {
        let leases = Leases::default();
        let one = leases.grant(1);
        let nobody = leases.publish(std::iter::once(one), || None::<()>);
        assert!(matches!(nobody, Err(PublishError::Port(_))));
        let ended = leases.end(&[1], Duration::ZERO);
        assert_eq!(ended, [one], "and nobody waits for it");
    }

    #[test]
    fn a_revoke_waits_for_the_commit_that_runs() {
        let leases = Leases::default();
        let one = leases.grant(1);
        let (publishing, ()) = leases.publish(std::iter::once(one), || Some(())).unwrap();
        let (told, hearing) = mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let ended = leases.end(&[1], PATIENCE);
                told.send(("revoked", ended)).unwrap();
            });
            told.send(("committed", vec![])).unwrap();
            drop(publishing);
        });
        let order: Vec<_> = hearing.try_iter().collect();
        assert_eq!(order, [("committed", vec![]), ("revoked", vec![one])]);
    }

    #[test]
    fn a_revoke_waits_no_longer_than_a_transaction_may_take() {
        let leases = Leases::default();
        let one = leases.grant(1);
        let publishing = leases.publish(std::iter::once(one), || Some(()));
        assert_eq!(leases.end(&[1], Duration::from_millis(20)), [one]);
        drop(publishing);
        assert_eq!(begin(&leases, &[one]), Err(PublishError::Fenced(vec![one])));
    }
}
