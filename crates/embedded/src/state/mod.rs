//! The state: one table of rows.
pub(crate) mod save;

use crate::embedded::Inner;
use crate::fault::Fault;
use runtime::ports::state::{Due, Row, Save, Saved, State};
use runtime::{BoxFuture, PortError};
use rusqlite::{Connection, OptionalExtension, params};
use std::sync::Arc;

/// So many rows are read where they are asked for; more go to a blocking thread.
const SHORT: usize = 64;

/// So many rows are swept in one transaction at most.
const ROUND: usize = 500;

/// The port.
pub(crate) struct EmbeddedState(pub Arc<Inner>);

fn of_state(fault: Fault) -> PortError {
    fault.of("state")
}

/// A row from the columns version, partition, wake_at_ms, expires_at_ms, body.
fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        version: row.get::<_, i64>(0)?.unsigned_abs(),
        partition: row.get(1)?,
        wake_at_ms: row.get(2)?,
        expires_at_ms: row.get(3)?,
        body: row.get(4)?,
    })
}

fn load(sql: &Connection, collection: &str, ids: &[String]) -> Result<Vec<Option<Row>>, Fault> {
    let mut found = sql.prepare_cached(
        "SELECT version, partition, wake_at_ms, expires_at_ms, body FROM state WHERE collection = ?1 AND id = ?2",
    )?;
    let rows = ids.iter().map(|id| {
        found
            .query_row(params![collection, id], from_row)
            .optional()
    });
    Ok(rows.collect::<Result<_, _>>()?)
}

impl State for EmbeddedState {
    fn load<'a>(
        &'a self,
        collection: &'a str,
        ids: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Option<Row>>, PortError>> {
        Box::pin(async move {
            let (owned_collection, owned_ids) = (collection.to_owned(), ids.to_vec());
            let read = move |sql: &_| load(sql, &owned_collection, &owned_ids);
            let rows = if ids.len() <= SHORT {
                self.0.readers.run_short(read).await
            } else {
                self.0.readers.run(read).await
            };
            rows.map_err(of_state)
        })
    }

    fn save(&self, saves: Vec<Save>) -> BoxFuture<'_, Result<Vec<Saved>, PortError>> {
        let saved = save::check(&saves).map(|()| {
            self.0.writer.run(move |batch| {
                let mut all = Vec::with_capacity(saves.len());
                for change in &saves {
                    batch.bytes += save::weight(change);
                    let done = save::write(batch.sql, change)?;
                    all.push(if done { Saved::Done } else { Saved::Lost });
                }
                Ok(all)
            })
        });
        Box::pin(async move { saved?.await.map_err(of_state) })
    }

    fn scan<'a>(
        &'a self,
        collection: &'a str,
        prefix: &'a str,
        after: &'a str,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(String, Row)>, PortError>> {
        let (collection, prefix, after) =
            (collection.to_owned(), prefix.to_owned(), after.to_owned());
        let scan = self.0.readers.run(move |sql| {
            let end = format!("{prefix}{}", char::MAX);
            let mut found = sql.prepare_cached(
                "SELECT version, partition, wake_at_ms, expires_at_ms, body, id FROM state
                 WHERE collection = ?1 AND id >= ?2 AND id < ?3 AND id > ?4 ORDER BY id LIMIT ?5",
            )?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = found.query_map(params![collection, prefix, end, after, limit], |row| {
                Ok((row.get(5)?, from_row(row)?))
            })?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        });
        Box::pin(async move { scan.await.map_err(of_state) })
    }

    fn due<'a>(
        &'a self,
        collection: &'a str,
        partition: i32,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Due>, PortError>> {
        let collection = collection.to_owned();
        let due = self.0.readers.run_short(move |sql| {
            let mut found = sql.prepare_cached(
                "SELECT id, wake_at_ms FROM state
                 WHERE collection = ?1 AND partition = ?2 AND wake_at_ms IS NOT NULL
                 ORDER BY wake_at_ms LIMIT ?3",
            )?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = found.query_map(params![collection, partition, limit], |row| {
                Ok(Due {
                    id: row.get(0)?,
                    at_ms: row.get(1)?,
                })
            })?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        });
        Box::pin(async move { due.await.map_err(of_state) })
    }

    fn sweep<'a>(
        &'a self,
        collection: &'a str,
        now_ms: i64,
        limit: usize,
    ) -> BoxFuture<'a, Result<usize, PortError>> {
        Box::pin(async move {
            let mut total = 0;
            while total < limit {
                let (collection, round) = (collection.to_owned(), ROUND.min(limit - total));
                let swept = self.0.writer.run(move |batch| {
                    let mut delete = batch.sql.prepare_cached(
                        "DELETE FROM state WHERE (collection, id) IN (
                           SELECT collection, id FROM state
                           WHERE collection = ?1 AND expires_at_ms IS NOT NULL AND expires_at_ms < ?2
                           ORDER BY expires_at_ms LIMIT ?3)",
                    )?;
                    Ok(delete.execute(params![collection, now_ms, round as i64])?)
                });
                let swept = swept.await.map_err(of_state)?;
                total += swept;
                if swept < round {
                    break;
                }
            }
            Ok(total)
        })
    }
}
