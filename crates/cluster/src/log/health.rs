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

    /// What is wrong with it, for whoever looks after it: one line each; empty if all is well. `after` as in
    /// [`Self::stalls`].
    pub fn troubles(&self, after: Duration) -> Vec<String> {
        let stopped = self.partitions.iter().filter_map(|(partition, of)| {
            let why = of.stopped.as_ref()?;
            Some(format!("partition {partition} is not read: {why}"))
        });
        let stalls = self.stalls(after).then(|| {
            let trouble = self.trouble.as_deref().unwrap_or("nothing was said");
            format!("it fetches nothing and is behind, or does not poll; last: {trouble}")
        });
        let stopped: Vec<String> = stopped.collect();
        if stopped.is_empty() {
            stalls.into_iter().collect()
        } else {
            stopped
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AFTER: Duration = Duration::from_secs(10);
    const LONG: Duration = Duration::from_secs(11);

    fn at(position: i64, end: i64) -> PartitionHealth {
        PartitionHealth {
            position,
            end: Some(end),
            full: false,
            stopped: None,
        }
    }
    fn member(partition: PartitionHealth) -> MemberHealth {
        MemberHealth {
            consumer: "c".into(),
            since_polled: Duration::ZERO,
            since_fetched: Some(LONG),
            partitions: BTreeMap::from([(3, partition)]),
            trouble: Some("a broker is away".to_owned()),
        }
    }

    #[test]
    fn who_is_behind_and_fetches_nothing_or_does_not_poll_has_stalled() {
        assert_eq!(
            member(at(7, 7)).troubles(AFTER),
            [""; 0],
            "nothing to fetch"
        );
        let behind = member(at(7, 9));
        assert_eq!(behind.partitions[&3].lag(), Some(2));
        let said = behind.troubles(AFTER);
        assert!(
            said.len() == 1 && said[0].contains("a broker is away"),
            "{said:?}"
        );
        let fetches = MemberHealth {
            since_fetched: Some(Duration::ZERO),
            ..behind.clone()
        };
        assert_eq!(fetches.troubles(AFTER), [""; 0]);
        let full = PartitionHealth {
            full: true,
            ..at(7, 9)
        };
        assert_eq!(member(full).troubles(AFTER), [""; 0], "others are slow");
        let silent = MemberHealth {
            since_polled: LONG,
            ..member(at(7, 7))
        };
        assert_eq!(silent.troubles(AFTER).len(), 1);
    }

    #[test]
    fn a_partition_that_is_not_read_is_named_with_the_reason() {
        let stopped = PartitionHealth {
            stopped: Some("no checkpoint".to_owned()),
            ..at(0, 9)
        };
        let said = member(stopped).troubles(AFTER);
        assert_eq!(said, ["partition 3 is not read: no checkpoint"]);
    }
}
