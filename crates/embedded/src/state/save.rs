//! Changing rows under a check of their version (E4).
use crate::fault::Fault;
use runtime::PortError;
use runtime::ports::state::Save;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;

/// Refuses a row whose version does not follow the one that is expected.
pub(crate) fn check(saves: &[Save]) -> Result<(), PortError> {
    let wrong = saves.iter().find(|save| {
        save.row
            .as_ref()
            .is_some_and(|row| row.version != save.expected.saturating_add(1))
    });
    match wrong {
        None => Ok(()),
        Some(save) => {
            let why = format!(
                "{}/{}: the new version must be {}",
                save.collection,
                save.id,
                save.expected + 1
            );
            Err(PortError::Corrupt { port: "state", why })
        }
    }
}

/// What it weighs, in bytes.
pub(crate) fn weight(save: &Save) -> usize {
    128 + save.row.as_ref().map_or(0, |row| row.body.len())
}

/// The saves that would not find the version they expect, each taking effect after those before it.
pub(crate) fn lost(sql: &Connection, saves: &[Save]) -> Result<Vec<usize>, Fault> {
    let mut changed = BTreeMap::new();
    let mut lost = vec![];
    for (index, save) in saves.iter().enumerate() {
        let place = (save.collection.as_str(), save.id.as_str());
        let found = match changed.get(&place) {
            Some(version) => *version,
            None => version(sql, save)?,
        };
        if found != save.expected {
            lost.push(index);
        }
        changed.insert(
            place,
            if found == save.expected {
                after(save)
            } else {
                found
            },
        );
    }
    Ok(lost)
}

/// The version after the save; 0 where there is no row.
fn after(save: &Save) -> u64 {
    save.row.as_ref().map_or(0, |row| row.version)
}

fn version(sql: &Connection, save: &Save) -> Result<u64, Fault> {
    let found: Option<i64> = sql
        .prepare_cached("SELECT version FROM state WHERE collection = ?1 AND id = ?2")?
        .query_row(params![save.collection, save.id], |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or(0).unsigned_abs())
}

/// Makes the change if the row has the expected version; says whether it did.
pub(crate) fn write(sql: &Connection, save: &Save) -> Result<bool, Fault> {
    let Save {
        collection,
        id,
        expected,
        row,
    } = save;
    let expected = i64::try_from(*expected).unwrap_or(i64::MAX);
    let changed = match row {
        Some(row) if expected == 0 => sql
            .prepare_cached(
                "INSERT INTO state(collection, id, version, partition, wake_at_ms, expires_at_ms, body)
                 VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
            )?
            .execute(params![collection, id, row.partition, row.wake_at_ms, row.expires_at_ms, row.body])?,
        Some(row) => sql
            .prepare_cached(
                "UPDATE state SET version = ?3 + 1, partition = ?4, wake_at_ms = ?5, expires_at_ms = ?6, body = ?7
                 WHERE collection = ?1 AND id = ?2 AND version = ?3",
            )?
            .execute(params![
                collection,
                id,
                expected,
                row.partition,
                row.wake_at_ms,
                row.expires_at_ms,
                row.body
            ])?,
        None if expected == 0 => return Ok(version(sql, save)? == 0),
        None => sql
            .prepare_cached("DELETE FROM state WHERE collection = ?1 AND id = ?2 AND version = ?3")?
            .execute(params![collection, id, expected])?,
    };
    Ok(changed == 1)
}
