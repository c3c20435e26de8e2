//! The engine: runs consumers so that every message takes effect exactly once (docs/PROTOCOL.md).
//!
//! [`start`] gives each consumer a task of its own (`actor`), which fetches, spreads messages over lanes by
//! key, runs their steps (`step`), and commits what is ready (`commit`).

mod actor;
mod backoff;
mod checkpoint;
mod checks;
mod commit;
mod dead;
mod entity_step;
mod freeze;
mod handle;
mod lane;
mod lanes;
mod outside;
mod parking;
mod sabotage;
mod schedule;
mod spec;
mod stats;
mod step;
mod takeover;
#[cfg(test)]
mod tests;
mod view_step;
mod wakes;

pub use checkpoint::given_back;
pub use dead::{HELD, PARKED, header};
#[cfg(any(test, feature = "testkit"))]
pub use sabotage::Sabotage;
pub use spec::{Spec, WiringError};
pub use stats::Stats;

use crate::{Consumer, Ports};
use actor::Actor;
use events::map::TopicMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How the engine is run.
#[derive(Clone)]
pub struct Options {
    /// Every topic and consumer.
    pub map: Arc<TopicMap>,
    /// Results in one commit, at most; at least 1. Where rows may have to be saved no more than 8,000. What a commit costs beside its messages is some ten milliseconds on
    /// Kafka, in which a fast stage handles thousands: many share it.
    pub results: usize,
    /// Breaks one rule on purpose.
    #[cfg(any(test, feature = "testkit"))]
    pub sabotage: Option<Sabotage>,
}

impl Options {
    /// With every rule kept.
    pub fn new(map: Arc<TopicMap>) -> Self {
        Self {
            map,
            results: 24_000,
            #[cfg(any(test, feature = "testkit"))]
            sabotage: None,
        }
    }
    /// With one rule broken, if any.
    #[cfg(any(test, feature = "testkit"))]
    pub fn breaking(self, sabotage: Option<Sabotage>) -> Self {
        Self { sabotage, ..self }
    }
}

/// Consumers that run until they are stopped.
pub struct Running {
    consumers: Vec<RunningConsumer>,
}

/// One of them.
struct RunningConsumer {
    name: Arc<str>,
    stats: Arc<Stats>,
    /// One for each: those who wait on one channel are woken in an order that no seed repeats.
    stop: watch::Sender<Stopping>,
    task: JoinHandle<()>,
}

/// What a consumer is told about stopping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stopping {
    /// Go on.
    No,
    /// Fetch nothing more, finish what runs, commit, hand over.
    Drain,
}

/// Starts consumers; each joins its group and runs until [`Running::stop`].
///
/// # Errors
/// [`WiringError`] before anything runs.
pub fn start(
    ports: &Ports,
    consumers: Vec<Consumer>,
    options: &Options,
) -> Result<Running, WiringError> {
    let specs: Result<Vec<Spec>, WiringError> = consumers
        .into_iter()
        .map(|c| Spec::new(c, options))
        .collect();
    let consumers = specs?.into_iter().map(|spec| {
        let (stop, stopping) = watch::channel(Stopping::No);
        let (name, stats) = (spec.name.clone(), Arc::new(Stats::default()));
        let actor = Actor::new(Arc::new(spec), ports.clone(), stats.clone(), stopping);
        RunningConsumer {
            name,
            stats,
            stop,
            task: tokio::spawn(actor.run()),
        }
    });
    Ok(Running {
        consumers: consumers.collect(),
    })
}

impl Running {
    /// What each consumer has done.
    pub fn stats(&self) -> Vec<(Arc<str>, Arc<Stats>)> {
        self.consumers
            .iter()
            .map(|c| (c.name.clone(), c.stats.clone()))
            .collect()
    }
    /// The consumers whose task has ended: nothing ends one but a stop, so each is a fault.
    pub fn ended(&self) -> Vec<Arc<str>> {
        let ended = self.consumers.iter().filter(|c| c.task.is_finished());
        ended.map(|c| c.name.clone()).collect()
    }
    /// Stops fetching, finishes what runs, commits it, and hands the partitions over. What is not finished
    /// at the deadline is abandoned: it will be done again by whoever takes over. Says which consumers were
    /// not finished.
    pub async fn stop(self, deadline: Duration) -> Vec<Arc<str>> {
        for consumer in &self.consumers {
            consumer.stop.send_replace(Stopping::Drain);
        }
        let over = tokio::time::Instant::now() + deadline;
        let mut unfinished = vec![];
        for consumer in self.consumers {
            let mut task = consumer.task;
            if tokio::time::timeout_at(over, &mut task).await.is_err() {
                task.abort();
                unfinished.push(consumer.name);
            }
        }
        unfinished
    }
    /// Ends everything at once, as a crash would.
    pub fn abort(self) {
        for consumer in self.consumers {
            consumer.task.abort();
        }
    }
}
