//! How members fare, for health, metrics and the watchdog.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How a member fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberHealth {
    /// Its consumer.
    pub consumer: Arc<str>,
    /// Since its thread last asked the group for news: more than a few seconds is a stall.
    pub since_polled: Duration,
    /// Since it last fetched a message; `None` if it never did.
    pub since_fetched: Option<Duration>,
    /// Its partitions.
    pub partitions: BTreeMap<i32, PartitionHealth>,
    /// What went wrong last; it may be long over.
    pub trouble: Option<String>,
}

/// How a partition fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionHealth {
    /// The offset after the last message that was fetched.
    pub position: i64,
    /// The end that a reader of committed messages sees, as the broker said last.
    pub end: Option<i64>,
    /// Whether what was fetched waits to be asked for: the lanes are full.
    pub full: bool,
    /// Why it is not read, if it is not.
    pub stopped: Option<String>,
}

impl PartitionHealth {
    /// How far fetching is behind, in offsets (transactions take one each besides the messages).
    pub fn lag(&self) -> Option<i64> {
        self.end.map(|end| (end - self.position).max(0))
    }
}

impl MemberHealth {
    /// Whether the thread does not poll, or a partition has more to fetch and none comes: rdkafka's consumers are
    /// known to stall silently.
    pub fn stalls(&self, after: Duration) -> bool {
        let behind = self
            .partitions
            .values()
            .any(|p| !p.full && p.lag() > Some(0));
        let idle = self.since_fetched.is_none_or(|since| since > after);
        self.since_polled > after || (behind && idle)
    }
}
