//! The tables, and how an older file becomes a newer one.
use crate::OpenError;
use rusqlite::Connection;

/// Each brings the file one version further. Never changed once landed, only added to.
const STEPS: &[&str] = &[include_str!("001.sql")];

/// The version of the file that this program writes.
pub(crate) const VERSION: i64 = STEPS.len() as i64;

/// Brings the file to [`VERSION`].
pub(crate) fn migrate(sql: &mut Connection) -> Result<(), OpenError> {
    let found = version(sql)?;
    for (step, text) in STEPS.iter().enumerate().skip(found) {
        let tx = sql.transaction()?;
        tx.execute_batch(text)?;
        tx.pragma_update(None, "user_version", step as i64 + 1)?;
        tx.commit()?;
    }
    Ok(())
}

/// For readers, who cannot bring it further.
pub(crate) fn check(sql: &Connection) -> Result<(), OpenError> {
    match version(sql)? as i64 {
        VERSION => Ok(()),
        found => Err(OpenError::Older {
            found,
            known: VERSION,
        }),
    }
}

fn version(sql: &Connection) -> Result<usize, OpenError> {
    let found: i64 = sql.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 = sql.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match usize::try_from(found) {
        Ok(0) if tables > 0 => Err(OpenError::Foreign),
        Ok(version) if version <= STEPS.len() => Ok(version),
        _ => Err(OpenError::Newer {
            found,
            known: VERSION,
        }),
    }
}
