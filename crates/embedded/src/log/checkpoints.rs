//! Checkpoints as rows (C1).
use runtime::ports::log::Checkpoint;
use rusqlite::{Connection, OptionalExtension, params};

pub(crate) fn load(
    sql: &Connection,
    consumer: &str,
    topic: i64,
    partition: i32,
) -> rusqlite::Result<Option<Checkpoint>> {
    sql.prepare_cached(
        "SELECT watermark, text FROM checkpoints WHERE consumer = ?1 AND topic = ?2 AND partition = ?3",
    )?
    .query_row(params![consumer, topic, partition], |row| {
        Ok(Checkpoint { watermark: row.get(0)?, text: row.get(1)? })
    })
    .optional()
}

pub(crate) fn save(
    sql: &Connection,
    consumer: &str,
    topic: i64,
    partition: i32,
    checkpoint: &Checkpoint,
) -> rusqlite::Result<()> {
    sql.prepare_cached(
        "INSERT INTO checkpoints(consumer, topic, partition, watermark, text) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET watermark = excluded.watermark, text = excluded.text",
    )?
    .execute(params![consumer, topic, partition, checkpoint.watermark, checkpoint.text])?;
    Ok(())
}

/// The smallest watermark of all consumers that have read of a partition.
pub(crate) fn lowest(
    sql: &Connection,
    topic: i64,
    partition: i32,
) -> rusqlite::Result<Option<i64>> {
    sql.prepare_cached(
        "SELECT min(watermark) FROM checkpoints WHERE topic = ?1 AND partition = ?2",
    )?
    .query_row(params![topic, partition], |row| row.get(0))
}
