//! The watchdog: how each consumer fares, and which has stalled.
use super::Store;
use runtime::breaker::{Breakers, Outage, Recovering};
use runtime::engine::{Running, Stats};
use runtime::ports::clock::Clock;
use runtime::{PortError, Ports};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A consumer that has done nothing for so long has stalled, in milliseconds: one with nothing to do looks at its
/// clock more often than that.
const STALLED_MS: i64 = 10_000;

/// Watches over the consumers of this process.
pub struct Watch {
    running: Mutex<Option<Running>>,
    store: Store,
    clock: Arc<dyn Clock>,
    breakers: Breakers,
    started_ms: i64,
    stopping: AtomicBool,
    lags: Mutex<BTreeMap<String, i64>>,
}

/// What keeps the process from being ready.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Trouble {
    /// The consumer, or `process`.
    pub consumer: String,
    /// What is wrong with it.
    pub what: String,
}

/// What one consumer has done since the process started.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[allow(missing_docs)] // as in `runtime::engine::Stats`
pub struct Figures {
    pub consumer: String,
    pub fetched: u64,
    pub done: u64,
    pub refused: u64,
    pub repeated: u64,
    pub dead_lettered: u64,
    pub parked: u64,
    pub retried: u64,
    pub commits: u64,
    pub waiting: u64,
    /// The age of the oldest message that is not done, in seconds.
    pub oldest_s: u64,
    pub partitions: u64,
}

impl Watch {
    pub(super) fn new(running: Running, ports: &Ports, store: Store) -> Self {
        Self {
            running: Mutex::new(Some(running)),
            store,
            clock: ports.clock.clone(),
            breakers: ports.breakers.clone(),
            started_ms: ports.clock.now_ms(),
            stopping: AtomicBool::new(false),
            lags: Mutex::default(),
        }
    }
    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn stats(&self) -> Vec<(Arc<str>, Arc<Stats>)> {
        self.running()
            .as_ref()
            .map(Running::stats)
            .unwrap_or_default()
    }
    /// From now on the process is not ready.
    pub(super) fn stopping(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }
    /// To be stopped, once.
    pub(super) fn take(&self) -> Option<Running> {
        self.running().take()
    }

    /// What is wrong now; empty: ready.
    pub fn troubles(&self) -> Vec<Trouble> {
        if self.stopping.load(Ordering::Relaxed) {
            return vec![Trouble {
                consumer: "process".into(),
                what: "it is stopping".into(),
            }];
        }
        let ended = self
            .running()
            .as_ref()
            .map(Running::ended)
            .unwrap_or_default();
        let now = self.clock.now_ms();
        let look = |(name, stats): &(Arc<str>, Arc<Stats>)| {
            let what = if ended.contains(name) {
                Some("its task has ended".to_owned())
            } else {
                stalled(stats, self.started_ms, now)
            };
            what.map(|what| Trouble {
                consumer: name.to_string(),
                what,
            })
        };
        let after = Duration::from_millis(STALLED_MS.unsigned_abs());
        let of_log = self.store.troubles(after).into_iter();
        let of_log = of_log.map(|(consumer, what)| Trouble { consumer, what });
        self.stats().iter().filter_map(look).chain(of_log).collect()
    }

    /// What every consumer has done.
    pub fn figures(&self) -> Vec<Figures> {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let now = self.clock.now_ms();
        let of = |(name, stats): (Arc<str>, Arc<Stats>)| Figures {
            consumer: name.to_string(),
            fetched: read(&stats.fetched),
            done: read(&stats.done),
            refused: read(&stats.refused),
            repeated: read(&stats.repeated),
            dead_lettered: read(&stats.dead_lettered),
            parked: read(&stats.parked),
            retried: read(&stats.retried),
            commits: read(&stats.commits),
            waiting: read(&stats.waiting),
            oldest_s: age_s(stats.oldest_ms.load(Ordering::Relaxed), now),
            partitions: read(&stats.partitions),
        };
        self.stats().into_iter().map(of).collect()
    }

    /// How many offsets lie between what each consumer has committed and the end of its topic, a few seconds ago.
    pub fn lags(&self) -> BTreeMap<String, i64> {
        self.lags
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
    /// Measures [`Self::lags`] again.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn measure(&self) -> Result<(), PortError> {
        let lags = self.store.lags().await?;
        *self.lags.lock().unwrap_or_else(PoisonError::into_inner) = lags;
        Ok(())
    }

    /// Dependencies that are down. They do not make the process unready: what needs them waits, the rest goes on.
    pub fn outages(&self) -> Vec<Outage> {
        self.breakers.outages()
    }
    /// Dependencies that are back, and are let in little by little.
    pub fn recovering(&self) -> Vec<Recovering> {
        self.breakers.recovering()
    }
}

/// Of what was appended then; 0 if nothing was.
fn age_s(appended_ms: i64, now: i64) -> u64 {
    let age = if appended_ms > 0 {
        now - appended_ms
    } else {
        0
    };
    u64::try_from(age / 1_000).unwrap_or(0)
}

fn stalled(stats: &Stats, started_ms: i64, now: i64) -> Option<String> {
    let read = |at: &AtomicI64| at.load(Ordering::Relaxed);
    let committing = read(&stats.committing_since_ms);
    if committing > 0 && now - committing > STALLED_MS {
        return Some(format!(
            "a commit has been under way for {} s",
            (now - committing) / 1_000
        ));
    }
    let idle = now - read(&stats.last_active_ms).max(started_ms);
    (idle > STALLED_MS).then(|| format!("it has done nothing for {} s", idle / 1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(active_ms: i64, committing_ms: i64) -> Stats {
        let stats = Stats::default();
        stats.last_active_ms.store(active_ms, Ordering::Relaxed);
        stats
            .committing_since_ms
            .store(committing_ms, Ordering::Relaxed);
        stats
    }
    #[test]
    fn the_age_of_nothing_is_nothing() {
        assert_eq!((age_s(0, 90_000), age_s(30_000, 90_000)), (0, 60));
        assert_eq!(age_s(90_001, 90_000), 0, "a clock that is ahead");
    }
    #[test]
    fn a_consumer_that_does_nothing_or_cannot_commit_has_stalled() {
        assert_eq!(stalled(&at(50_000, 0), 0, 51_000), None);
        assert_eq!(
            stalled(&at(0, 0), 50_000, 51_000),
            None,
            "it has only just started"
        );
        let said = stalled(&at(30_000, 0), 0, 51_000).expect("stalled");
        assert!(said.contains("21 s"), "{said}");
        let said = stalled(&at(50_999, 35_000), 0, 51_000).expect("stalled");
        assert!(said.contains("16 s"), "{said}");
    }
}
