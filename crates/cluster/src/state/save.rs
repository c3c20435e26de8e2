//! Changing rows, each under a check of its version (E4): many by one command, and of each it is known what became
//! of it.
//!
//! MongoDB says how many rows an `update` changed, not which. If all were, that is enough. If not, the rows are
//! looked at: one that names this call has been changed by it. What cannot be told even then (somebody changed the
//! row again meanwhile) is an error: the caller loads and starts again.
use super::document::{By, number, of_row};
use super::fault::{DUPLICATE, count, said, unreachable};
use super::plan::{Kind, Part, check, plan};
use super::{COMMANDS, MongoState, prepare, read};
use futures::stream::{self, StreamExt, TryStreamExt};
use mongodb::bson::{Document, RawArrayBuf, RawDocumentBuf, doc, rawdoc};
use runtime::ports::state::{Save, Saved};
use runtime::{BoxFuture, PortError};
use std::collections::BTreeMap;

pub(super) async fn save(state: &MongoState, saves: &[Save]) -> Result<Vec<Saved>, PortError> {
    saves.iter().try_for_each(check)?;
    let by: By = *uuid::Uuid::now_v7().as_bytes();
    let mut outcomes = vec![Saved::Lost; saves.len()];
    for round in plan(saves) {
        // All of them are heard out: to break off the others would close their connections.
        let sent: Vec<BoxFuture<'_, _>> = round
            .iter()
            .map(|part| Box::pin(one(state, saves, part, &by)) as BoxFuture<'_, _>)
            .collect();
        let done: Vec<Result<Vec<Saved>, PortError>> =
            stream::iter(sent).buffered(COMMANDS).collect().await;
        let some = done.iter().any(Result::is_ok);
        for (part, done) in round.iter().zip(done) {
            let done = done.map_err(|error| partly(error, some))?;
            for (place, saved) in part.places.iter().zip(done) {
                outcomes[*place] = saved;
            }
        }
    }
    Ok(outcomes)
}

/// `Full` says that nothing was done. If something was, it is not that.
fn partly(error: PortError, some: bool) -> PortError {
    match error {
        PortError::Full { why, .. } if some => unreachable(why),
        other => other,
    }
}

/// One command; what became of each of its changes.
async fn one(
    state: &MongoState,
    saves: &[Save],
    part: &Part,
    by: &By,
) -> Result<Vec<Saved>, PortError> {
    let saves: Vec<&Save> = part.places.iter().map(|place| &saves[*place]).collect();
    match part.kind {
        Kind::Insert => insert(state, &saves, by).await,
        Kind::Update => update(state, &saves, by).await,
        Kind::Delete => delete(state, &saves).await,
        Kind::Nothing => nothing(state, &saves).await,
    }
}

/// Sends a command with `items` under the name that `verb` has for them; a majority must have it.
async fn send(
    state: &MongoState,
    verb: &str,
    collection: &str,
    items: RawArrayBuf,
) -> Result<Document, PortError> {
    let name = prepare::name(collection);
    let wait = i64::try_from(state.timeout.as_millis()).unwrap_or(i64::MAX);
    let concern = rawdoc! { "w": "majority", "wtimeout": wait };
    let command = match verb {
        "insert" => {
            rawdoc! { "insert": name, "ordered": false, "writeConcern": concern, "documents": items }
        }
        "update" => {
            rawdoc! { "update": name, "ordered": false, "writeConcern": concern, "updates": items }
        }
        _ => {
            rawdoc! { "delete": name, "ordered": false, "writeConcern": concern, "deletes": items }
        }
    };
    let answer = state
        .within(async { state.database.run_raw_command(command).await })
        .await?;
    match answer.get_document("writeConcernError") {
        Ok(concern) => Err(unreachable(format!(
            "a majority does not have it: {}",
            concern.get_str("errmsg").unwrap_or_default()
        ))),
        Err(_) => Ok(answer),
    }
}

/// The errors of single changes: their place in the command, and the code.
fn refused(answer: &Document) -> Result<BTreeMap<usize, i32>, PortError> {
    let mut refused = BTreeMap::new();
    let errors = answer
        .get_array("writeErrors")
        .map_or(&[][..], Vec::as_slice);
    for error in errors {
        let error = error
            .as_document()
            .ok_or_else(|| unreachable("an error that is no document".into()))?;
        let code = i32::try_from(count(error, "code")).unwrap_or_default();
        let index = usize::try_from(count(error, "index")).unwrap_or_default();
        if code != DUPLICATE {
            return Err(said(code, error.get_str("errmsg").unwrap_or_default()));
        }
        refused.insert(index, code);
    }
    Ok(refused)
}

async fn insert(state: &MongoState, saves: &[&Save], by: &By) -> Result<Vec<Saved>, PortError> {
    let mut documents = RawArrayBuf::new();
    for save in saves {
        documents.push(document(save, by));
    }
    let answer = send(state, "insert", &saves[0].collection, documents).await?;
    let lost = refused(&answer)?;
    // Not in order: what was not refused was done.
    let done = (saves.len() - lost.len()) as i64;
    let inserted = count(&answer, "n");
    if inserted < done {
        return Err(unreachable(format!(
            "{inserted} of {done} rows were inserted"
        )));
    }
    let outcome = |place| {
        if lost.contains_key(&place) {
            Saved::Lost
        } else {
            Saved::Done
        }
    };
    Ok((0..saves.len()).map(outcome).collect())
}

fn document(save: &Save, by: &By) -> RawDocumentBuf {
    save.row
        .as_ref()
        .map(|row| of_row(&save.id, row, by))
        .unwrap_or_default()
}

async fn update(state: &MongoState, saves: &[&Save], by: &By) -> Result<Vec<Saved>, PortError> {
    let mut updates = RawArrayBuf::new();
    for save in saves {
        let under = rawdoc! { "_id": save.id.as_str(), "version": number(save.expected) };
        updates.push(rawdoc! { "q": under, "u": document(save, by) });
    }
    let answer = send(state, "update", &saves[0].collection, updates).await?;
    refused(&answer)?;
    let changed = usize::try_from(count(&answer, "n")).unwrap_or_default();
    if changed == saves.len() {
        return Ok(vec![Saved::Done; changed]);
    }
    if changed == 0 {
        return Ok(vec![Saved::Lost; saves.len()]);
    }
    let seen = look(state, saves, by).await?;
    settle(&seen, changed)
        .ok_or_else(|| unreachable("rows were changed again before they were looked at".into()))
}

/// What a row that was to be changed looks like afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// It names this call.
    Ours,
    /// It cannot have been changed by this call.
    Theirs,
    /// It is gone, or has been changed after the version in question.
    Unknown,
}

async fn look(state: &MongoState, saves: &[&Save], by: &By) -> Result<Vec<Seen>, PortError> {
    let ids: Vec<&str> = saves.iter().map(|save| save.id.as_str()).collect();
    let rows = state.rows(&saves[0].collection);
    let asked = async {
        let found = rows
            .find(doc! { "_id": { "$in": ids } })
            .projection(doc! { "version": 1, "by": 1 });
        found.await?.try_collect::<Vec<_>>().await
    };
    let mut found = BTreeMap::new();
    for row in state.within(asked).await? {
        let id = super::document::id(&row)?;
        let version = row.get_i64("version").unwrap_or_default();
        let ours = row.get_binary("by").is_ok_and(|found| found.bytes == by);
        found.insert(id, (version, ours));
    }
    let seen = |save: &&Save| match found.get(&save.id) {
        Some((version, true)) if *version == number(save.expected + 1) => Seen::Ours,
        Some((version, _)) if *version <= number(save.expected + 1) => Seen::Theirs,
        _ => Seen::Unknown,
    };
    Ok(saves.iter().map(seen).collect())
}

/// What became of the changes, if `changed` of them took place; `None` if it cannot be told.
fn settle(seen: &[Seen], changed: usize) -> Option<Vec<Saved>> {
    let of = |wanted| seen.iter().filter(|seen| **seen == wanted).count();
    let unknown = if of(Seen::Ours) == changed {
        Saved::Lost
    } else if of(Seen::Ours) + of(Seen::Unknown) == changed {
        Saved::Done
    } else {
        return None;
    };
    let outcome = |seen: &Seen| match seen {
        Seen::Ours => Saved::Done,
        Seen::Theirs => Saved::Lost,
        Seen::Unknown => unknown,
    };
    Some(seen.iter().map(outcome).collect())
}

async fn delete(state: &MongoState, saves: &[&Save]) -> Result<Vec<Saved>, PortError> {
    let mut outcomes = vec![];
    for save in saves {
        let under = rawdoc! { "_id": save.id.as_str(), "version": number(save.expected) };
        let mut deletes = RawArrayBuf::new();
        deletes.push(rawdoc! { "q": under, "limit": 1 });
        let answer = send(state, "delete", &save.collection, deletes).await?;
        refused(&answer)?;
        outcomes.push(if count(&answer, "n") == 1 {
            Saved::Done
        } else {
            Saved::Lost
        });
    }
    Ok(outcomes)
}

async fn nothing(state: &MongoState, saves: &[&Save]) -> Result<Vec<Saved>, PortError> {
    let ids: Vec<String> = saves.iter().map(|save| save.id.clone()).collect();
    let found = read::load(state, &state.rows(&saves[0].collection), &ids).await?;
    let outcome = |found: Option<_>| {
        if found.is_none() {
            Saved::Done
        } else {
            Saved::Lost
        }
    };
    Ok(found.into_iter().map(outcome).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn what_cannot_be_told_is_not_told() {
        use Saved::{Done, Lost};
        use Seen::{Ours, Theirs, Unknown};
        type Case<'a> = (&'a [Seen], usize, Option<Vec<Saved>>);
        let cases: [Case<'_>; 5] = [
            (&[Ours, Theirs], 1, Some(vec![Done, Lost])),
            (&[Ours, Unknown], 1, Some(vec![Done, Lost])),
            (&[Ours, Unknown, Theirs], 2, Some(vec![Done, Done, Lost])),
            (&[Unknown, Unknown], 1, None),
            (&[Ours, Unknown, Unknown], 2, None),
        ];
        for (seen, changed, wanted) in cases {
            assert_eq!(settle(seen, changed), wanted, "{seen:?}, {changed}");
        }
    }

    #[test]
    fn only_a_row_that_is_there_already_is_lost_without_an_error() {
        let duplicate = doc! { "writeErrors": [{ "index": 2, "code": 11000, "errmsg": "dup" }] };
        assert_eq!(refused(&duplicate), Ok(BTreeMap::from([(2, 11000)])));
        let other = doc! { "writeErrors": [{ "index": 2, "code": 2, "errmsg": "bad" }] };
        assert!(refused(&other).is_err());
        assert_eq!(refused(&doc! { "n": 1 }), Ok(BTreeMap::new()));
    }

    #[test]
    fn full_is_said_only_if_nothing_was_done() {
        let full = said(14031, "no space");
        assert_eq!(partly(full.clone(), false), full);
        assert!(matches!(partly(full, true), PortError::Unreachable { .. }));
        assert!(super::super::document::binary(b"x").bytes == b"x");
    }
}
