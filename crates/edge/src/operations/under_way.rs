//! How many documents of each tenant are under way at once. More wait at the door: one tenant's thousands shall be no queue
//! in which another's one has to stand.
use super::Operations;
use super::begin::Begun;
use crate::problem::{Code, Problem};
use crate::tenant::Tenant;
use events::TenantId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// What has been under way for so long waits for something else than its turn, and makes room.
const LONGEST: Duration = Duration::from_secs(60);
/// How often it is looked whether something has been under way for too long, while somebody waits.
const LOOK: Duration = Duration::from_secs(1);
/// Tenants remembered before those that have nothing under way are forgotten.
const REMEMBERED: usize = 1_000;

/// Documents under way, by tenant.
pub(crate) struct UnderWay {
    per_tenant: usize,
    tenants: Mutex<BTreeMap<TenantId, Arc<Semaphore>>>,
    /// By the operation's key: since when.
    begun: Mutex<BTreeMap<String, (Instant, OwnedSemaphorePermit)>>,
}

/// Room for a document that is about to be begun.
pub(crate) struct Berth {
    room: Arc<Semaphore>,
    first: OwnedSemaphorePermit,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl UnderWay {
    /// So many of each tenant.
    pub fn new(per_tenant: usize) -> Self {
        Self {
            per_tenant,
            tenants: Mutex::default(),
            begun: Mutex::default(),
        }
    }

    /// Returns when the tenant has room for one more; those who wait are let in as they came.
    ///
    /// # Errors
    /// 429 if there is none until then.
    pub async fn enter(&self, tenant: &TenantId, until: Instant) -> Result<Berth, Problem> {
        let room = self.room(tenant);
        let mut entering = std::pin::pin!(room.clone().acquire_owned());
        loop {
            let look = until.min(Instant::now() + LOOK);
            match tokio::time::timeout_at(look, &mut entering).await {
                Ok(Ok(first)) => return Ok(Berth { room, first }),
                Err(_) if Instant::now() < until => {
                    lock(&self.begun).retain(|_, (since, _)| since.elapsed() < LONGEST);
                }
                Ok(Err(_)) | Err(_) => {
                    let most = self.per_tenant;
                    let detail = format!("{most} of your documents are under way already");
                    return Err(Problem::new(Code::TooManyRequests, detail));
                }
            }
        }
    }

    fn room(&self, tenant: &TenantId) -> Arc<Semaphore> {
        let mut tenants = lock(&self.tenants);
        if tenants.len() >= REMEMBERED {
            tenants.retain(|_, room| Arc::strong_count(room) > 1);
        }
        let room = tenants.entry(tenant.clone());
        let new = || Arc::new(Semaphore::new(self.per_tenant));
        room.or_insert_with(new).clone()
    }

    /// These operations are about to be begun. Those for which there is no room pass: they came with the first.
    fn begin(&self, berth: Berth, keys: impl Iterator<Item = String>) {
        let Berth { room, first } = berth;
        let (mut first, now) = (Some(first), Instant::now());
        let mut begun = lock(&self.begun);
        for key in keys {
            let permit = first.take();
            if let Some(permit) = permit.or_else(|| room.clone().try_acquire_owned().ok()) {
                begun.insert(key, (now, permit));
            }
        }
    }

    /// Whether the operation with this key, `<tenant>/<operation>`, is counted.
    pub fn counts(&self, key: &str) -> bool {
        lock(&self.begun).contains_key(key)
    }
    /// It has its final answer, or was never begun.
    pub fn end(&self, key: &str) {
        lock(&self.begun).remove(key);
    }
}

impl Operations {
    /// Room for a document of this tenant, unless the request is a repeat.
    ///
    /// # Errors
    /// 429 if there is none until then.
    pub(crate) async fn berth(
        &self,
        tenant: &Tenant,
        repeat: bool,
        until: Instant,
    ) -> Result<Option<Berth>, Problem> {
        if repeat {
            return Ok(None);
        }
        self.under_way.enter(tenant.id(), until).await.map(Some)
    }

    /// Begins documents, which are under way until they have their final answers.
    ///
    /// # Errors
    /// What `begin` says.
    pub(crate) async fn under_way<T>(
        &self,
        tenant: &Tenant,
        berth: Option<Berth>,
        ids: Vec<String>,
        begin: impl Future<Output = Result<T, Problem>>,
        begun: impl Fn(&T) -> &[Begun],
    ) -> Result<T, Problem> {
        let Some(berth) = berth else {
            return begin.await;
        };
        let key = |id: &String| format!("{}/{id}", tenant.id());
        // Before it is begun, so that its end is not missed.
        self.under_way.begin(berth, ids.iter().map(key));
        let done = begin.await;
        match &done {
            Ok(done) => {
                let repeated = begun(done).iter().filter(|begun| begun.repeated);
                repeated.for_each(|begun| self.under_way.end(&key(&begun.operation.id)));
            }
            Err(_) => ids.iter().for_each(|id| self.under_way.end(&key(id))),
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(name: &str) -> TenantId {
        TenantId::new(name).expect("a tenant")
    }
    fn keys(keys: &[&str]) -> std::vec::IntoIter<String> {
        keys.iter()
            .map(|&key| key.to_owned())
            .collect::<Vec<_>>()
            .into_iter()
    }

    #[tokio::test(start_paused = true)]
    async fn a_tenants_third_waits_until_one_of_two_has_ended_and_another_tenants_does_not() {
        let door = UnderWay::new(2);
        let soon = || Instant::now() + Duration::from_secs(5);
        for key in ["acme/1", "acme/2"] {
            let berth = door.enter(&tenant("acme"), soon()).await.ok();
            door.begin(berth.expect("there is room"), keys(&[key]));
        }
        let late = door.enter(&tenant("acme"), soon()).await.err();
        assert_eq!(late.expect("no room").code, "edge.too_many_requests");
        assert!(door.enter(&tenant("globex"), Instant::now()).await.is_ok());
        let acme = tenant("acme");
        let (third, ()) = tokio::join!(door.enter(&acme, soon()), async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            door.end("acme/1");
        });
        drop(third.expect("there is room again"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_never_ends_makes_room_and_files_that_come_together_pass() {
        let door = UnderWay::new(2);
        let soon = || Instant::now() + LONGEST + LOOK;
        let berth = door.enter(&tenant("acme"), soon()).await.ok();
        let together = keys(&["acme/1", "acme/2", "acme/3"]);
        door.begin(berth.expect("there is room"), together);
        assert!(door.counts("acme/2") && !door.counts("acme/3"));
        let begun = Instant::now();
        assert!(door.enter(&tenant("acme"), soon()).await.is_ok());
        assert!(begun.elapsed() >= LONGEST);
    }
}
