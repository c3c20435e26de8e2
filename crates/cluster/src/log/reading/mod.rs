//! Reading by hand, without a group: replies, deltas, `trace` (H1, H3).
//!
//! Whoever waits for a partition to grow has it tailed: one consumer fetches what comes and keeps the last of it in
//! memory, so that however many wait, each message is fetched once and read without asking a broker. What lies
//! further back is read by another.
mod cold;
mod tail;

use super::message::{corrupt, unreachable};
use super::options::Options;
use super::topics::Topics;
use cold::Cold;
use runtime::ports::PortError;
use runtime::ports::log::Message;
use std::sync::{Arc, Mutex, PoisonError};
use tail::{Place, Tails};

/// Clients that are kept for the next reader.
const IDLE: usize = 4;
/// Whoever asks from further back is answered from the log itself.
const NEAR: i64 = 500;

pub(super) struct Reading {
    options: Options,
    topics: Arc<Topics>,
    committed: Mutex<Option<Arc<Tails>>>,
    uncommitted: Mutex<Option<Arc<Tails>>>,
    idle: Mutex<Vec<Cold>>,
}

impl Reading {
    pub fn new(options: Options, topics: Arc<Topics>) -> Self {
        Self {
            options,
            topics,
            committed: Mutex::default(),
            uncommitted: Mutex::default(),
            idle: Mutex::default(),
        }
    }

    fn is_committed(&self, topic: &str) -> bool {
        !self.options.read_uncommitted.contains(topic)
    }

    fn check(&self, topic: &str, partition: i32) -> Result<(), PortError> {
        let partitions = self.topics.of(topic).map_or(0, |topic| topic.partitions);
        if (0..partitions).contains(&partition) {
            Ok(())
        } else {
            Err(corrupt(format!("{topic} has no partition {partition}")))
        }
    }

    /// Up to `limit` messages from `offset` on; what is there now.
    pub async fn read(
        self: &Arc<Self>,
        topic: &str,
        partition: i32,
        offset: i64,
        limit: usize,
    ) -> Result<Vec<Message>, PortError> {
        self.check(topic, partition)?;
        let place = Place::new(topic, partition);
        if let Some(tail) = self.running(topic).and_then(|tails| tails.get(&place)) {
            let kept = tail.read(offset, limit);
            if !kept.is_empty() {
                return Ok(kept);
            }
        }
        self.with_cold(topic, move |cold| cold.read(&place, offset, limit))
            .await
    }

    /// The offset after the last message (for committed readers: the last stable one), and that of the first.
    pub async fn ends(
        self: &Arc<Self>,
        topic: &str,
        partition: i32,
    ) -> Result<(i64, i64), PortError> {
        self.check(topic, partition)?;
        let place = Place::new(topic, partition);
        self.with_cold(topic, move |cold| cold.ends(&place)).await
    }

    /// Returns when there is a message at or after `offset`.
    pub async fn grown(
        self: &Arc<Self>,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<(), PortError> {
        let place = Place::new(topic, partition);
        loop {
            let running = self.running(topic).and_then(|tails| tails.get(&place));
            let tail = match running {
                Some(tail) => tail,
                None => {
                    let (first, end) = self.ends(topic, partition).await?;
                    let far = end - offset > NEAR;
                    if far && !self.read(topic, partition, offset, 1).await?.is_empty() {
                        return Ok(());
                    }
                    self.tails(topic)?.follow(&place, offset.clamp(first, end))
                }
            };
            if tail.begins_after(offset)
                && !self.read(topic, partition, offset, 1).await?.is_empty()
            {
                return Ok(());
            }
            if tail.reaches(offset).await {
                return Ok(());
            }
            // It was given up: another one is begun.
        }
    }

    fn slot(&self, topic: &str) -> &Mutex<Option<Arc<Tails>>> {
        if self.is_committed(topic) {
            &self.committed
        } else {
            &self.uncommitted
        }
    }

    fn running(&self, topic: &str) -> Option<Arc<Tails>> {
        let slot = self.slot(topic);
        slot.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn tails(&self, topic: &str) -> Result<Arc<Tails>, PortError> {
        let mut slot = self
            .slot(topic)
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(tails) = &*slot {
            return Ok(tails.clone());
        }
        let tails = Tails::start(&self.options, self.is_committed(topic))?;
        Ok(slot.insert(tails).clone())
    }

    /// Runs a question on a thread that may block, with a client that is free.
    async fn with_cold<T: Send + 'static>(
        self: &Arc<Self>,
        topic: &str,
        ask: impl FnOnce(&Cold) -> Result<T, PortError> + Send + 'static,
    ) -> Result<T, PortError> {
        let (reading, committed) = (self.clone(), self.is_committed(topic));
        let asked = tokio::task::spawn_blocking(move || {
            let free = {
                let mut idle = reading.idle.lock().unwrap_or_else(PoisonError::into_inner);
                let fits = idle.iter().position(|cold| cold.committed == committed);
                fits.map(|index| idle.swap_remove(index))
            };
            let cold = match free {
                Some(cold) => cold,
                None => Cold::open(&reading.options, committed)?,
            };
            let answer = ask(&cold)?;
            // One that failed is not kept.
            let mut idle = reading.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < IDLE {
                idle.push(cold);
            }
            Ok(answer)
        });
        asked.await.map_err(unreachable)?
    }
}
