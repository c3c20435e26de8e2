//! Who waits for which operation in this process.
use super::told::Told;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// All who wait.
#[derive(Default)]
pub struct Waiters(Mutex<BTreeMap<String, watch::Sender<Told>>>);

/// One who waits; it leaves when it is dropped.
pub struct Waiter {
    waiters: Arc<Waiters>,
    key: String,
    heard: Option<watch::Receiver<Told>>,
}

impl Waiters {
    fn all(&self) -> MutexGuard<'_, BTreeMap<String, watch::Sender<Told>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Hears from now on what is answered to the operation with this key, `<tenant>/<operation>`.
    pub fn join(self: &Arc<Self>, key: &str) -> Waiter {
        let mut all = self.all();
        let sender = all
            .entry(key.to_owned())
            .or_insert_with(|| watch::Sender::new(Told::default()));
        Waiter {
            waiters: self.clone(),
            key: key.to_owned(),
            heard: Some(sender.subscribe()),
        }
    }
    /// Whether anybody waits for it.
    pub fn wait_for(&self, key: &str) -> bool {
        self.all().contains_key(key)
    }
    /// Tells who waits for it.
    pub fn tell(&self, key: &str, change: impl FnOnce(&mut Told)) {
        if let Some(sender) = self.all().get(key) {
            sender.send_modify(change);
        }
    }
    /// Operations that are waited for.
    pub fn count(&self) -> usize {
        self.all().len()
    }
}

impl Waiter {
    /// Returns when something new was heard. Cancel-safe.
    pub async fn changed(&mut self) {
        if let Some(heard) = &mut self.heard
            && heard.changed().await.is_ok()
        {
            return;
        }
        // The sender lives as long as there is a waiter.
        std::future::pending().await
    }
    /// What was heard since it joined.
    pub fn heard(&mut self) -> Told {
        self.heard
            .as_mut()
            .map(|heard| heard.borrow_and_update().clone())
            .unwrap_or_default()
    }
}
impl Drop for Waiter {
    fn drop(&mut self) {
        let mut all = self.waiters.all();
        // Under the lock, so that of two who leave at once the second sees that it is the last.
        self.heard = None;
        if all
            .get(&self.key)
            .is_some_and(|sender| sender.receiver_count() == 0)
        {
            all.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everybody_who_waits_hears_it_and_nothing_is_kept_for_those_who_left() {
        let waiters = Arc::new(Waiters::default());
        let (mut first, mut second) = (waiters.join("acme/1"), waiters.join("acme/1"));
        waiters.tell("acme/1", |told| told.at_ms = 7);
        waiters.tell("acme/2", |told| told.at_ms = 8);
        first.changed().await;
        second.changed().await;
        assert_eq!((first.heard().at_ms, second.heard().at_ms), (7, 7));
        drop(first);
        assert_eq!(waiters.count(), 1);
        drop(second);
        assert_eq!(waiters.count(), 0);
    }
}
