//! The schemas and their ids: a table in place of a registry.
use crate::embedded::Inner;
use runtime::ports::schemas::SchemaRegistry;
use runtime::{BoxFuture, PortError};
use rusqlite::{OptionalExtension, params};
use std::sync::Arc;

/// The port.
pub(crate) struct EmbeddedSchemas(pub Arc<Inner>);

impl SchemaRegistry for EmbeddedSchemas {
    fn id_of<'a>(
        &'a self,
        record: &'a str,
        text: &'a str,
    ) -> BoxFuture<'a, Result<u32, PortError>> {
        Box::pin(async move {
            let (wanted, body) = (record.to_owned(), text.to_owned());
            let known = self.0.readers.run_short(move |sql| {
                let mut find =
                    sql.prepare_cached("SELECT id FROM schemas WHERE record = ?1 AND text = ?2")?;
                Ok(find
                    .query_row(params![wanted, body], |row| row.get(0))
                    .optional()?)
            });
            if let Some(id) = known.await.map_err(|fault| fault.of("schemas"))? {
                return Ok(id);
            }
            let (record, text) = (record.to_owned(), text.to_owned());
            let given = self.0.writer.run(move |batch| {
                batch
                    .sql
                    .prepare_cached(
                        "INSERT INTO schemas(record, text) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                    )?
                    .execute(params![record, text])?;
                let mut find = batch
                    .sql
                    .prepare_cached("SELECT id FROM schemas WHERE record = ?1 AND text = ?2")?;
                Ok(find.query_row(params![record, text], |row| row.get(0))?)
            });
            given.await.map_err(|fault| fault.of("schemas"))
        })
    }

    fn text_of(&self, id: u32) -> BoxFuture<'_, Result<Option<String>, PortError>> {
        let found = self.0.readers.run_short(move |sql| {
            let mut find = sql.prepare_cached("SELECT text FROM schemas WHERE id = ?1")?;
            Ok(find.query_row([id], |row| row.get(0)).optional()?)
        });
        Box::pin(async move { found.await.map_err(|fault| fault.of("schemas")) })
    }
}
