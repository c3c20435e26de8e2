//! What a consumer has done and how it fares, for health and metrics.
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Counters of one consumer in one process; they begin at 0 with the process.
#[derive(Debug, Default)]
pub struct Stats {
    /// Messages fetched.
    pub fetched: AtomicU64,
    /// Messages whose result was committed.
    pub done: AtomicU64,
    /// Of those: refused.
    pub refused: AtomicU64,
    /// Of those: repeats and duplicates.
    pub repeated: AtomicU64,
    /// Of those: dead letters.
    pub dead_lettered: AtomicU64,
    /// Of those: parked; they come back by themselves.
    pub parked: AtomicU64,
    /// Attempts that failed.
    pub retried: AtomicU64,
    /// Commits that took place.
    pub commits: AtomicU64,
    /// Messages fetched and not committed, now.
    pub waiting: AtomicU64,
    /// Partitions that are ours, now.
    pub partitions: AtomicU64,
    /// When the oldest message that is not done was appended, a few seconds ago, in milliseconds since 1970; 0 if none
    /// waits. Near the end of its topic's retention it would be lost (C2).
    pub oldest_ms: AtomicI64,
    /// When the consumer last did anything, in milliseconds since 1970.
    pub last_active_ms: AtomicI64,
    /// When the commit that is under way began, in milliseconds since 1970; 0 if there is none.
    pub committing_since_ms: AtomicI64,
}

impl Stats {
    pub(super) fn add(counter: &AtomicU64, n: usize) {
        counter.fetch_add(n as u64, Ordering::Relaxed);
    }
    pub(super) fn set(counter: &AtomicU64, n: usize) {
        counter.store(n as u64, Ordering::Relaxed);
    }
}
