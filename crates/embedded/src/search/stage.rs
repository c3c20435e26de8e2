//! Storing passages that nobody finds yet.
use super::{ORDINALS, of_search, scope_of, words};
use crate::crash::CrashPoint;
use crate::embedded::Inner;
use crate::fault::Fault;
use crate::writer::Batch;
use events::TenantId;
use runtime::PortError;
use runtime::ports::search::{IndexedPassage, Revision};
use rusqlite::{Connection, OptionalExtension, params};

/// So many passages are stored in one transaction.
const ROUND: usize = 64;

pub(super) async fn stage(
    inner: &Inner,
    tenant: &TenantId,
    revision: &Revision,
    passages: Vec<IndexedPassage>,
) -> Result<(), PortError> {
    if let Some(wrong) = passages
        .iter()
        .find(|passage| i64::from(passage.ordinal) >= ORDINALS)
    {
        let why = format!(
            "passage {} is beyond the {ORDINALS} that a revision may have",
            wrong.ordinal
        );
        return Err(PortError::Corrupt {
            port: "search",
            why,
        });
    }
    let mut passages = passages.into_iter().peekable();
    loop {
        let round: Vec<_> = passages.by_ref().take(ROUND).collect();
        let (tenant, revision) = (tenant.as_str().to_owned(), revision.clone());
        let stored = inner
            .writer
            .run(move |batch| store(batch, &tenant, &revision, &round));
        stored.await.map_err(of_search)?;
        inner.shared.crash.pass(CrashPoint::MidStage);
        if passages.peek().is_none() {
            return Ok(());
        }
    }
}

fn store(
    batch: &mut Batch<'_>,
    tenant: &str,
    revision: &Revision,
    passages: &[IndexedPassage],
) -> Result<(), Fault> {
    let (no, scope) = revision_no(batch, tenant, revision)?;
    let mut row = batch.sql.prepare_cached(
        "INSERT INTO search_passages(id, text, heading, page, vector) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO NOTHING",
    )?;
    let mut text = batch.sql.prepare_cached(
        "INSERT INTO search_text(rowid, scope, heading, text) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for passage in passages {
        let id = no * ORDINALS + i64::from(passage.ordinal);
        let vector: Vec<u8> = passage
            .vector
            .iter()
            .flat_map(|x| x.to_le_bytes())
            .collect();
        batch.bytes += 2 * passage.text.len() + vector.len();
        if row.execute(params![
            id,
            passage.text,
            passage.heading,
            passage.page,
            vector
        ])? == 1
        {
            text.execute(params![
                id,
                words::scope_word(scope),
                words::scoped(scope, &passage.heading),
                words::scoped(scope, &passage.text)
            ])?;
        }
    }
    Ok(())
}

/// The numbers of the revision and its scope, given where they are new.
pub(super) fn revision_no(
    batch: &mut Batch<'_>,
    tenant: &str,
    revision: &Revision,
) -> Result<(i64, i64), Fault> {
    let Revision {
        chatbot,
        document,
        name,
        revision,
    } = revision;
    let found = batch
        .sql
        .prepare_cached(
            "UPDATE search_revisions SET staged_at_ms = max(staged_at_ms, ?4)
             WHERE tenant = ?1 AND document = ?2 AND revision = ?3 RETURNING no, scope",
        )?
        .query_row(params![tenant, document, revision, batch.now_ms], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    if let Some(known) = found {
        return Ok(known);
    }
    let scope = scope_no(batch.sql, tenant, chatbot)?;
    // Numbers of revisions whose passages are still to be removed are not given again.
    let no = batch
        .sql
        .prepare_cached(
            "INSERT INTO search_revisions(no, tenant, document, revision, scope, name, staged_at_ms)
             VALUES (1 + max(coalesce((SELECT max(no) FROM search_revisions), 0),
                             coalesce((SELECT max(revision) FROM search_rests), 0)),
                     ?1, ?2, ?3, ?4, ?5, ?6) RETURNING no",
        )?
        .query_row(params![tenant, document, revision, scope, name, batch.now_ms], |row| row.get(0))?;
    Ok((no, scope))
}

fn scope_no(sql: &Connection, tenant: &str, chatbot: &str) -> rusqlite::Result<i64> {
    if let Some(known) = scope_of(sql, tenant, chatbot)? {
        return Ok(known);
    }
    sql.prepare_cached("INSERT INTO search_scopes(tenant, chatbot) VALUES (?1, ?2) RETURNING no")?
        .query_row(params![tenant, chatbot], |row| row.get(0))
}

/// Builds the full text anew from the passages: in files of version 1 a word did not begin with its scope.
pub(crate) fn index_again(sql: &Connection) -> rusqlite::Result<()> {
    sql.execute_batch("INSERT INTO search_text(search_text) VALUES ('delete-all')")?;
    let mut passages = sql.prepare(
        "SELECT p.id, r.scope, p.heading, p.text
         FROM search_passages p JOIN search_revisions r ON r.no = p.id / ?1",
    )?;
    let mut text = sql
        .prepare("INSERT INTO search_text(rowid, scope, heading, text) VALUES (?1, ?2, ?3, ?4)")?;
    let mut rows = passages.query([ORDINALS])?;
    while let Some(row) = rows.next()? {
        let (id, scope): (i64, i64) = (row.get(0)?, row.get(1)?);
        let (heading, passage): (String, String) = (row.get(2)?, row.get(3)?);
        text.execute(params![
            id,
            words::scope_word(scope),
            words::scoped(scope, &heading),
            words::scoped(scope, &passage)
        ])?;
    }
    Ok(())
}
