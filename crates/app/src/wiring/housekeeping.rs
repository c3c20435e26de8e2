//! Housekeeping: what has expired is removed, a little at a time, while everything else goes on; and how far consumers
//! are behind is measured.
use super::{Store, Watch};
use crate::config::Process;
use events::map::TopicMap;
use runtime::ports::state::State;
use runtime::{PortError, Ports, rows};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// Rows removed from one collection in one round, at most.
const ROWS: usize = 5_000;
/// Passages that nobody finds any more removed in one round, at most.
const PASSAGES: usize = 5_000;
/// How old a passage that was staged and never published must be to be removed, in milliseconds: a day, longer than
/// any document takes to be indexed.
const STAGED_MS: i64 = 86_400_000;
/// Pieces of content on their way into the blobs that are looked at in one round, at most.
const CONTENTS: usize = 1_000;
/// How old one must be that belongs to no blob to be removed, in milliseconds: a day, longer than any upload takes.
const LEFT_MS: i64 = 86_400_000;
/// How often it is measured how far each consumer is behind.
const LAGS: Duration = Duration::from_secs(5);
/// How long after the start the first round begins.
const FIRST: Duration = Duration::from_secs(30);

/// The task that keeps house.
pub(super) struct Housekeeping(JoinHandle<()>);

impl Housekeeping {
    /// Starts it.
    pub(super) fn start(
        store: &Store,
        ports: &Ports,
        map: &TopicMap,
        process: &Process,
        watch: &Arc<Watch>,
    ) -> Self {
        let keeper = Keeper {
            store: store.clone(),
            ports: ports.clone(),
            collections: rows::expiring(map),
            watch: watch.clone(),
        };
        let rows = Duration::from_secs(process.sweep_rows_s.max(1));
        let log = Duration::from_secs(process.sweep_log_s.max(1));
        Self(tokio::spawn(keeper.run(rows, log)))
    }
    /// Ends it; what it removes, it removes in transactions of their own.
    pub(super) fn stop(self) {
        self.0.abort();
    }
}

struct Keeper {
    store: Store,
    ports: Ports,
    collections: Vec<String>,
    watch: Arc<Watch>,
}

impl Keeper {
    async fn run(self, rows: Duration, log: Duration) {
        let every = |period: Duration| {
            let mut ticks = interval_at(Instant::now() + FIRST.min(period), period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        };
        let (mut rows, mut log, mut lags) = (every(rows), every(log), every(LAGS));
        loop {
            tokio::select! {
                biased;
                _ = lags.tick() => {
                    if let Err(error) = self.watch.measure().await {
                        tracing::debug!(%error, "how far consumers are behind cannot be read");
                    }
                }
                _ = rows.tick() => told("expired rows", self.sweep_rows().await),
                _ = log.tick() => {
                    told("messages beyond their retention", self.store.sweep_log(self.ports.clock.now_ms()).await);
                    told("passages that nobody finds", self.sweep_passages().await);
                    told("content that belongs to no blob", self.sweep_blobs().await);
                }
            }
        }
    }

    async fn sweep_rows(&self) -> Result<usize, PortError> {
        let (state, now): (&Arc<dyn State>, _) = (&self.ports.state, self.ports.clock.now_ms());
        let mut removed = 0;
        for collection in &self.collections {
            removed += state.sweep(collection, now, ROWS).await?;
        }
        Ok(removed)
    }

    async fn sweep_passages(&self) -> Result<usize, PortError> {
        let before = self.ports.clock.now_ms() - STAGED_MS;
        self.ports.search.sweep(before, PASSAGES).await
    }

    async fn sweep_blobs(&self) -> Result<usize, PortError> {
        let before = self.ports.clock.now_ms() - LEFT_MS;
        self.ports.blobs.sweep(before, CONTENTS).await
    }
}

fn told(what: &str, removed: Result<usize, PortError>) {
    match removed {
        Ok(0) => tracing::debug!(what, "nothing to remove"),
        Ok(removed) => tracing::info!(removed, what, "removed"),
        Err(error) => tracing::warn!(%error, what, "cannot remove; trying again later"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::rows::IDENTITIES;

    #[test]
    fn everything_that_expires_is_swept() {
        let all = rows::expiring(TopicMap::embedded());
        for collection in [
            IDENTITIES,
            "operations",
            "documents.directory",
            "conversations.conversation",
        ] {
            assert!(all.iter().any(|name| name == collection), "{collection}");
        }
        assert!(!all.iter().any(|name| name == "documents.effects"));
    }
}
