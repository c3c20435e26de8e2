//! Chunks of blobs that are not whole, or not wanted any more.
use super::{CHUNKS_MAX, chunk_place};
use crate::embedded::Inner;
use crate::fault::Fault;
use crate::writer::Batch;
use rusqlite::{Connection, params};
use std::sync::Arc;

/// So many chunks are deleted in one transaction.
const ROUND: i64 = 16;

/// Notes that the chunks of a blob are rests.
pub(crate) fn add(sql: &Connection, blob: i64) -> rusqlite::Result<()> {
    sql.prepare_cached("INSERT INTO blob_rests(blob) VALUES (?1)")?
        .execute([blob])?;
    Ok(())
}

/// Notes that they are not, or not there any more.
pub(crate) fn clear(sql: &Connection, blob: i64) -> rusqlite::Result<()> {
    sql.prepare_cached("DELETE FROM blob_rests WHERE blob = ?1")?
        .execute([blob])?;
    Ok(())
}

/// Deletes some of them; says whether that was all.
fn round(batch: &mut Batch<'_>, blob: i64) -> Result<bool, Fault> {
    // An upload that had lost its answer may have become whole.
    let still: bool = batch
        .sql
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM blob_rests WHERE blob = ?1)")?
        .query_row([blob], |row| row.get(0))?;
    if !still {
        return Ok(true);
    }
    let deleted = batch
        .sql
        .prepare_cached(
            "DELETE FROM blob_chunks WHERE place IN (
               SELECT place FROM blob_chunks WHERE place >= ?1 AND place < ?2 LIMIT ?3)",
        )?
        .execute(params![
            chunk_place(blob, 0),
            chunk_place(blob, CHUNKS_MAX),
            ROUND
        ])?;
    let all = (deleted as i64) < ROUND;
    if all {
        clear(batch.sql, blob)?;
    }
    Ok(all)
}

/// Deletes the chunks of a blob, in short transactions.
pub(crate) async fn remove(inner: &Inner, blob: i64) -> Result<(), Fault> {
    while !inner.writer.run(move |batch| round(batch, blob)).await? {}
    Ok(())
}

/// The same without waiting: what cannot be done now is done at the next open.
pub(crate) fn remove_later(inner: &Arc<Inner>, blob: i64) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        return;
    };
    let inner = Arc::clone(inner);
    runtime.spawn(async move {
        if let Err(fault) = remove(&inner, blob).await {
            tracing::warn!(
                ?fault,
                "chunks of a broken upload stay until the next start"
            );
        }
    });
}

/// At open nobody writes: all rests are removed.
pub(crate) fn sweep(sql: &Connection) -> rusqlite::Result<()> {
    let mut find = sql.prepare("SELECT blob FROM blob_rests")?;
    let blobs: Vec<i64> = find
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for blob in blobs {
        loop {
            let deleted = sql
                .prepare_cached(
                    "DELETE FROM blob_chunks WHERE place IN (
                       SELECT place FROM blob_chunks WHERE place >= ?1 AND place < ?2 LIMIT ?3)",
                )?
                .execute(params![
                    chunk_place(blob, 0),
                    chunk_place(blob, CHUNKS_MAX),
                    ROUND
                ])?;
            if (deleted as i64) < ROUND {
                break;
            }
        }
        clear(sql, blob)?;
    }
    Ok(())
}
