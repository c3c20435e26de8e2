//! The tables, and how an older file becomes a newer one.
use crate::OpenError;
use rusqlite::Connection;

/// What brings the file one version further.
enum Step {
    Tables(&'static str),
    Content(fn(&Connection) -> rusqlite::Result<()>),
}

/// Never changed once landed, only added to.
const STEPS: &[Step] = &[
    Step::Tables(include_str!("001.sql")),
    Step::Content(crate::search::index_again),
];

/// The version of the file that this program writes.
pub(crate) const VERSION: i64 = STEPS.len() as i64;

/// Brings the file to [`VERSION`].
pub(crate) fn migrate(sql: &mut Connection) -> Result<(), OpenError> {
    let found = version(sql)?;
    for (number, step) in STEPS.iter().enumerate().skip(found) {
        let tx = sql.transaction()?;
        match step {
            Step::Tables(text) => tx.execute_batch(text)?,
            Step::Content(change) => change(&tx)?,
        }
        tx.pragma_update(None, "user_version", number as i64 + 1)?;
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
