//! Passages of revisions that nobody will find again.
use super::{ORDINALS, of_search};
use crate::embedded::Inner;
use crate::fault::Fault;
use crate::writer::Batch;
use runtime::PortError;
use rusqlite::{Connection, OptionalExtension, params};

/// So many passages are removed in one transaction.
const ROUND: usize = 100;

/// Gives a revision up: its passages are removed later, and its number is not used again before.
pub(super) fn give_up(sql: &Connection, revision: i64) -> Result<(), Fault> {
    sql.prepare_cached("INSERT INTO search_rests(revision) VALUES (?1) ON CONFLICT DO NOTHING")?
        .execute([revision])?;
    sql.prepare_cached("DELETE FROM search_revisions WHERE no = ?1")?
        .execute([revision])?;
    Ok(())
}

/// All revisions of a document.
pub(super) fn give_up_all(sql: &Connection, tenant: &str, document: &str) -> Result<(), Fault> {
    let mut find =
        sql.prepare_cached("SELECT no FROM search_revisions WHERE tenant = ?1 AND document = ?2")?;
    let found = find.query_map(params![tenant, document], |row| row.get(0))?;
    let revisions: Vec<i64> = found.collect::<Result<_, _>>()?;
    revisions
        .into_iter()
        .try_for_each(|revision| give_up(sql, revision))
}

/// Removes passages of revisions that were given up, at most `limit`; says how many.
pub(super) async fn remove(inner: &Inner, limit: usize) -> Result<usize, Fault> {
    let mut total = 0;
    while total < limit {
        let most = ROUND.min(limit - total);
        match inner.writer.run(move |batch| round(batch, most)).await? {
            Some(removed) => total += removed,
            None => break,
        }
    }
    Ok(total)
}

/// One transaction; `None` if nothing is left.
fn round(batch: &mut Batch<'_>, most: usize) -> Result<Option<usize>, Fault> {
    let revision: Option<i64> = batch
        .sql
        .prepare_cached("SELECT revision FROM search_rests LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    let Some(revision) = revision else {
        return Ok(None);
    };
    let ids: Vec<i64> = batch
        .sql
        .prepare_cached("SELECT id FROM search_passages WHERE id >= ?1 AND id < ?2 LIMIT ?3")?
        .query_map(
            params![revision * ORDINALS, (revision + 1) * ORDINALS, most as i64],
            |row| row.get(0),
        )?
        .collect::<Result<_, _>>()?;
    let mut row = batch
        .sql
        .prepare_cached("DELETE FROM search_passages WHERE id = ?1")?;
    let mut text = batch
        .sql
        .prepare_cached("DELETE FROM search_text WHERE rowid = ?1")?;
    for id in &ids {
        row.execute([id])?;
        text.execute([id])?;
    }
    if ids.len() < most {
        batch
            .sql
            .prepare_cached("DELETE FROM search_rests WHERE revision = ?1")?
            .execute([revision])?;
    }
    Ok(Some(ids.len()))
}

/// Gives up what was staged long ago and never published, then removes up to `limit` passages.
pub(super) async fn sweep(inner: &Inner, before_ms: i64, limit: usize) -> Result<usize, PortError> {
    let given_up = inner.writer.run(move |batch| {
        let mut find = batch.sql.prepare_cached(
            "SELECT no FROM search_revisions r WHERE staged_at_ms < ?1 AND NOT EXISTS (
               SELECT 1 FROM search_documents d
               WHERE d.tenant = r.tenant AND d.document = r.document AND d.published = r.no) LIMIT ?2",
        )?;
        let most = i64::try_from(limit.clamp(1, 1_000)).unwrap_or(1_000);
        let found = find.query_map(params![before_ms, most], |row| row.get(0))?;
        let orphans: Vec<i64> = found.collect::<Result<_, _>>()?;
        orphans.into_iter().try_for_each(|revision| give_up(batch.sql, revision))
    });
    given_up.await.map_err(of_search)?;
    remove(inner, limit).await.map_err(of_search)
}
