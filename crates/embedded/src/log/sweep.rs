//! Retention.
use crate::embedded::Embedded;
use crate::fault::Fault;
use crate::log::checkpoints;
use crate::log::topics::Topic;
use crate::writer::Batch;
use runtime::PortError;
use rusqlite::params;
use std::sync::Arc;

/// So many messages are deleted in one transaction at most.
const ROUND: i64 = 500;

impl Embedded {
    /// Deletes messages that are older than their topic's retention at `now_ms`, in short transactions; says how
    /// many. What a consumer of the topic has not done yet stays, however old it is.
    ///
    /// # Errors
    /// If the file cannot be written; what was deleted before stays deleted.
    pub async fn sweep_log(&self, now_ms: i64) -> Result<usize, PortError> {
        let mut total = 0;
        for topic in self.0.shared.topics.all() {
            let Some(retention) = topic.retention else {
                continue;
            };
            let kept_ms = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
            let before_ms = now_ms.saturating_sub(kept_ms);
            for partition in 0..topic.partitions {
                loop {
                    let topic = Arc::clone(topic);
                    let swept = self
                        .0
                        .writer
                        .run(move |batch| sweep(batch, &topic, partition, before_ms));
                    let swept = swept.await.map_err(|fault| fault.of("log"))?;
                    total += swept;
                    if swept < ROUND as usize {
                        break;
                    }
                }
            }
        }
        Ok(total)
    }
}

fn sweep(
    batch: &mut Batch<'_>,
    topic: &Topic,
    partition: i32,
    before_ms: i64,
) -> Result<usize, Fault> {
    let needed = checkpoints::lowest(batch.sql, topic.no, partition)?.unwrap_or(i64::MAX);
    let mut oldest = batch.sql.prepare_cached(
        "SELECT offset, timestamp_ms FROM log WHERE topic = ?1 AND partition = ?2 ORDER BY offset LIMIT ?3",
    )?;
    let mut rows = oldest.query(params![topic.no, partition, ROUND])?;
    let mut floor = None;
    while let Some(row) = rows.next()? {
        let (offset, timestamp_ms): (i64, i64) = (row.get(0)?, row.get(1)?);
        if timestamp_ms >= before_ms || offset >= needed {
            break;
        }
        floor = Some(offset + 1);
    }
    let (Some(floor), Some(slot)) = (floor, topic.slot(partition)) else {
        return Ok(0);
    };
    let swept = batch
        .sql
        .prepare_cached("DELETE FROM log WHERE topic = ?1 AND partition = ?2 AND offset < ?3")?
        .execute(params![topic.no, partition, floor])?;
    batch
        .sql
        .prepare_cached(
            "INSERT INTO log_floors(topic, partition, floor) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET floor = excluded.floor",
        )?
        .execute(params![topic.no, partition, floor])?;
    batch
        .after
        .push(Box::new(move |shared| shared.tail.swept(slot, floor)));
    Ok(swept)
}
