//! Checkpoints as the group's coordinator keeps them (K1).
use super::context::Context;
use crate::log::native::{self, Found};
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};
use runtime::ports::log::Checkpoint;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// One question to the coordinator.
const QUESTION: Duration = Duration::from_secs(2);
/// Between two questions, while a transaction that is open holds the answer back.
const PAUSE: Duration = Duration::from_millis(50);

/// What is committed for each of the partitions: all of them in one answer, or why not. A checkpoint in a transaction
/// that is open is waited for (UNSTABLE_OFFSET_COMMIT), as long as `go_on` says.
pub(super) fn committed(
    consumer: &BaseConsumer<Context>,
    topic: &str,
    partitions: &[i32],
    mut go_on: impl FnMut(Duration, &str) -> bool,
) -> Result<BTreeMap<i32, Option<Checkpoint>>, String> {
    let since = Instant::now();
    loop {
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for partition in partitions {
            list.add_partition(topic, *partition);
        }
        let why = match consumer.committed_offsets(list, QUESTION) {
            Err(e) => e.to_string(),
            Ok(list) => {
                let found = native::found(&list);
                let errors: Vec<_> = found
                    .iter()
                    .filter_map(|f| Some((f.partition, f.error?)))
                    .collect();
                if errors.is_empty() && found.len() == partitions.len() {
                    let checkpoints = found.into_iter().map(|f| (f.partition, checkpoint(f)));
                    return Ok(checkpoints.collect());
                }
                format!("{errors:?}")
            }
        };
        if !go_on(since.elapsed(), &why) {
            return Err(why);
        }
        std::thread::park_timeout(PAUSE);
    }
}

/// A text that is not ours is no text: whoever committed it (a tool that sets offsets) says that all below is done.
/// The runtime does the same with a text that it cannot read.
fn checkpoint(found: Found) -> Option<Checkpoint> {
    let watermark = found.offset?;
    let text = String::from_utf8(found.metadata).unwrap_or_else(|_| {
        let partition = found.partition;
        tracing::warn!(
            partition,
            watermark,
            "a checkpoint that is not ours: only its offset counts"
        );
        String::new()
    });
    Some(Checkpoint { watermark, text })
}
