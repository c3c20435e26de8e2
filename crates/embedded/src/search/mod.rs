//! The index of passages: full text by FTS5, vectors by looking at all of them.
mod query;
mod rests;
mod stage;
mod switch;
mod vectors;
mod words;

use crate::embedded::Inner;
use crate::fault::Fault;
use events::TenantId;
use runtime::ports::search::{Counts, Hit, IndexedPassage, Query, Revision, Search};
use runtime::{BoxFuture, PortError};
use rusqlite::{Connection, OptionalExtension, params};
pub(crate) use stage::index_again;
use std::sync::Arc;
pub(crate) use vectors::VectorCache;

/// A passage's id is its revision times this, plus its ordinal.
const ORDINALS: i64 = 1 << 20;

/// The port.
pub(crate) struct EmbeddedSearch(pub Arc<Inner>);

fn of_search(fault: Fault) -> PortError {
    fault.of("search")
}

fn scope_of(sql: &Connection, tenant: &str, chatbot: &str) -> rusqlite::Result<Option<i64>> {
    sql.prepare_cached("SELECT no FROM search_scopes WHERE tenant = ?1 AND chatbot = ?2")?
        .query_row(params![tenant, chatbot], |row| row.get(0))
        .optional()
}

/// How many passages of a revision a search can find: they must be in both tables.
fn findable(sql: &Connection, revision: i64) -> rusqlite::Result<u64> {
    let (first, end) = (revision * ORDINALS, (revision + 1) * ORDINALS);
    sql.prepare_cached(
        "SELECT count(*) FROM search_passages JOIN search_text_docsize USING (id)
         WHERE id >= ?1 AND id < ?2",
    )?
    .query_row(params![first, end], |row| row.get::<_, i64>(0))
    .map(i64::unsigned_abs)
}

fn count(sql: &Connection, tenant: &str, document: &str, revision: &str) -> Result<Counts, Fault> {
    let of_revision: Option<i64> = sql
        .prepare_cached(
            "SELECT no FROM search_revisions WHERE tenant = ?1 AND document = ?2 AND revision = ?3",
        )?
        .query_row(params![tenant, document, revision], |row| row.get(0))
        .optional()?;
    let published: Option<i64> = sql
        .prepare_cached(
            "SELECT published FROM search_documents WHERE tenant = ?1 AND document = ?2",
        )?
        .query_row(params![tenant, document], |row| row.get(0))
        .optional()?
        .flatten();
    let stored = match of_revision {
        Some(no) => sql
            .prepare_cached("SELECT count(*) FROM search_passages WHERE id >= ?1 AND id < ?2")?
            .query_row(params![no * ORDINALS, (no + 1) * ORDINALS], |row| {
                row.get::<_, i64>(0)
            })?,
        None => 0,
    };
    let retrievable = published.map_or(Ok(0), |no| findable(sql, no))?;
    Ok(Counts {
        stored: stored.unsigned_abs(),
        retrievable,
    })
}

impl Search for EmbeddedSearch {
    fn stage<'a>(
        &'a self,
        tenant: &'a TenantId,
        revision: &'a Revision,
        passages: Vec<IndexedPassage>,
    ) -> BoxFuture<'a, Result<(), PortError>> {
        Box::pin(stage::stage(&self.0, tenant, revision, passages))
    }

    fn publish<'a>(
        &'a self,
        tenant: &'a TenantId,
        revision: &'a Revision,
        version: i64,
    ) -> BoxFuture<'a, Result<bool, PortError>> {
        Box::pin(switch::publish(&self.0, tenant, revision, version))
    }

    fn retire<'a>(
        &'a self,
        tenant: &'a TenantId,
        document: &'a str,
        version: i64,
    ) -> BoxFuture<'a, Result<bool, PortError>> {
        Box::pin(switch::retire(&self.0, tenant, document, version))
    }

    fn count<'a>(
        &'a self,
        tenant: &'a TenantId,
        document: &'a str,
        revision: &'a str,
    ) -> BoxFuture<'a, Result<Counts, PortError>> {
        let (tenant, document, revision) = (
            tenant.as_str().to_owned(),
            document.to_owned(),
            revision.to_owned(),
        );
        let counted = self
            .0
            .readers
            .run(move |sql| count(sql, &tenant, &document, &revision));
        Box::pin(async move { counted.await.map_err(of_search) })
    }

    fn count_chatbot<'a>(
        &'a self,
        tenant: &'a TenantId,
        chatbot: &'a str,
    ) -> BoxFuture<'a, Result<u64, PortError>> {
        let (tenant, chatbot) = (tenant.as_str().to_owned(), chatbot.to_owned());
        let counted = self.0.readers.run(move |sql| {
            let Some(scope) = scope_of(sql, &tenant, &chatbot)? else {
                return Ok(0);
            };
            let mut total = 0;
            for revision in vectors::published(sql, scope)? {
                total += findable(sql, revision)?;
            }
            Ok(total)
        });
        Box::pin(async move { counted.await.map_err(of_search) })
    }

    fn query<'a>(
        &'a self,
        tenant: &'a TenantId,
        query: &'a Query,
    ) -> BoxFuture<'a, Result<Vec<Hit>, PortError>> {
        let (cache, tenant, query) = (
            Arc::clone(&self.0.vectors),
            tenant.as_str().to_owned(),
            query.clone(),
        );
        let found = self
            .0
            .readers
            .run(move |sql| query::query(sql, &cache, &tenant, &query));
        Box::pin(async move { found.await.map_err(of_search) })
    }

    fn sweep(&self, before_ms: i64, limit: usize) -> BoxFuture<'_, Result<usize, PortError>> {
        Box::pin(rests::sweep(&self.0, before_ms, limit))
    }
}
