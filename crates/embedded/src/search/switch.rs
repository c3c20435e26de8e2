//! What a search finds of a document: one short transaction each (O2).
use super::{of_search, rests, stage};
use crate::crash::CrashPoint;
use crate::embedded::Inner;
use crate::fault::Fault;
use crate::writer::Batch;
use events::TenantId;
use runtime::PortError;
use runtime::ports::search::Revision;
use rusqlite::{OptionalExtension, params};

pub(super) async fn publish(
    inner: &Inner,
    tenant: &TenantId,
    revision: &Revision,
    version: i64,
) -> Result<bool, PortError> {
    let (owner, wanted) = (tenant.as_str().to_owned(), revision.clone());
    let switched = inner.writer.run(move |batch| {
        let Some(before) = switch_allowed(batch, &owner, &wanted.document, version)? else {
            return Ok(false);
        };
        batch.shared.crash.pass(CrashPoint::BeforeSwitch);
        let (no, scope) = stage::revision_no(batch, &owner, &wanted)?;
        if let Some(old) = before.published.filter(|old| *old != no) {
            rests::give_up(batch.sql, old)?;
        }
        switch(batch, &owner, &wanted.document, version, Some((no, scope)))?;
        let scopes = before
            .scope
            .into_iter()
            .filter(|old| *old != scope)
            .chain([scope]);
        scopes
            .into_iter()
            .try_for_each(|scope| epoch(batch, scope))?;
        Ok(true)
    });
    finish(inner, switched.await.map_err(of_search)?).await
}

pub(super) async fn retire(
    inner: &Inner,
    tenant: &TenantId,
    document: &str,
    version: i64,
) -> Result<bool, PortError> {
    let (owner, document) = (tenant.as_str().to_owned(), document.to_owned());
    let switched = inner.writer.run(move |batch| {
        let Some(before) = switch_allowed(batch, &owner, &document, version)? else {
            return Ok(false);
        };
        batch.shared.crash.pass(CrashPoint::BeforeSwitch);
        rests::give_up_all(batch.sql, &owner, &document)?;
        switch(batch, &owner, &document, version, None)?;
        before
            .scope
            .into_iter()
            .try_for_each(|scope| epoch(batch, scope))?;
        Ok(true)
    });
    finish(inner, switched.await.map_err(of_search)?).await
}

/// Removes what nobody finds any more. The switch stands, so that a failure here is only left to the sweep.
async fn finish(inner: &Inner, switched: bool) -> Result<bool, PortError> {
    if switched && let Err(fault) = rests::remove(inner, usize::MAX).await {
        tracing::warn!(?fault, "passages that nobody finds are left to the sweep");
    }
    Ok(switched)
}

/// What a search finds before a switch.
#[derive(Default)]
struct Before {
    published: Option<i64>,
    scope: Option<i64>,
}

/// `None` if `version` is not above the stored one.
fn switch_allowed(
    batch: &Batch<'_>,
    tenant: &str,
    document: &str,
    version: i64,
) -> Result<Option<Before>, Fault> {
    let found = batch
        .sql
        .prepare_cached(
            "SELECT version, published, scope FROM search_documents WHERE tenant = ?1 AND document = ?2",
        )?
        .query_row(params![tenant, document], |row| {
            let before = Before { published: row.get(1)?, scope: row.get(2)? };
            Ok((row.get::<_, i64>(0)?, before))
        })
        .optional()?;
    Ok(match found {
        Some((stored, _)) if version <= stored => None,
        Some((_, before)) => Some(before),
        None => Some(Before::default()),
    })
}

fn switch(
    batch: &Batch<'_>,
    tenant: &str,
    document: &str,
    version: i64,
    to: Option<(i64, i64)>,
) -> Result<(), Fault> {
    batch
        .sql
        .prepare_cached(
            "INSERT INTO search_documents(tenant, document, version, published, scope)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET
               version = excluded.version, published = excluded.published, scope = excluded.scope",
        )?
        .execute(params![
            tenant,
            document,
            version,
            to.map(|(no, _)| no),
            to.map(|(_, scope)| scope)
        ])?;
    Ok(())
}

fn epoch(batch: &Batch<'_>, scope: i64) -> Result<(), Fault> {
    batch
        .sql
        .prepare_cached("UPDATE search_scopes SET epoch = epoch + 1 WHERE no = ?1")?
        .execute([scope])?;
    Ok(())
}
