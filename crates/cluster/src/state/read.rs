//! Reading rows.
use super::document::{id, moment, to_row};
use super::{MongoState, ROWS};
use futures::stream::TryStreamExt;
use mongodb::Collection;
use mongodb::bson::{Document, RawDocumentBuf, doc};
use runtime::PortError;
use runtime::ports::state::{Due, Row};
use std::collections::BTreeMap;

/// What is looked for.
struct Wanted {
    filter: Document,
    sort: Document,
    fields: Document,
    limit: usize,
}

async fn find(
    state: &MongoState,
    rows: &Collection<RawDocumentBuf>,
    wanted: Wanted,
) -> Result<Vec<RawDocumentBuf>, PortError> {
    // To MongoDB no limit is what 0 is.
    if wanted.limit == 0 {
        return Ok(vec![]);
    }
    let asked = async {
        let cursor = rows
            .find(wanted.filter)
            .sort(wanted.sort)
            .projection(wanted.fields)
            .limit(i64::try_from(wanted.limit).unwrap_or(i64::MAX))
            .batch_size(u32::try_from(wanted.limit.min(10_000)).unwrap_or(u32::MAX));
        cursor.await?.try_collect().await
    };
    state.within(asked).await
}

/// At most [`ROWS`] of them.
pub(super) async fn load(
    state: &MongoState,
    rows: &Collection<RawDocumentBuf>,
    ids: &[String],
) -> Result<Vec<Option<Row>>, PortError> {
    debug_assert!(ids.len() <= ROWS);
    let filter = match ids {
        [] => return Ok(vec![]),
        [one] => doc! { "_id": one },
        many => doc! { "_id": { "$in": many } },
    };
    let wanted = Wanted {
        filter,
        sort: doc! {},
        fields: doc! {},
        limit: ids.len(),
    };
    let mut found: BTreeMap<String, Row> = BTreeMap::new();
    for document in find(state, rows, wanted).await? {
        found.insert(id(&document)?, to_row(&document)?);
    }
    Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
}

pub(super) async fn scan(
    state: &MongoState,
    rows: &Collection<RawDocumentBuf>,
    prefix: &str,
    after: &str,
    limit: usize,
) -> Result<Vec<(String, Row)>, PortError> {
    let wanted = Wanted {
        filter: range(prefix, after),
        sort: doc! { "_id": 1 },
        fields: doc! {},
        limit,
    };
    let found = find(state, rows, wanted).await?;
    found
        .iter()
        .map(|document| Ok((id(document)?, to_row(document)?)))
        .collect()
}

/// The ids that start with `prefix` and come after `after`. Strings are compared by their bytes.
fn range(prefix: &str, after: &str) -> Document {
    let mut range = if after >= prefix && !after.is_empty() {
        doc! { "$gt": after }
    } else {
        doc! { "$gte": prefix }
    };
    if !prefix.is_empty() {
        range.insert("$lt", format!("{prefix}{}", char::MAX));
    }
    doc! { "_id": range }
}

pub(super) async fn due(
    state: &MongoState,
    rows: &Collection<RawDocumentBuf>,
    partition: i32,
    limit: usize,
) -> Result<Vec<Due>, PortError> {
    let wanted = Wanted {
        filter: doc! { "partition": partition, "wake_at": { "$exists": true } },
        sort: doc! { "wake_at": 1, "_id": 1 },
        fields: doc! { "wake_at": 1 },
        limit,
    };
    let mut due = vec![];
    for document in find(state, rows, wanted).await? {
        if let Some(at_ms) = moment(&document, "wake_at")? {
            due.push(Due {
                id: id(&document)?,
                at_ms,
            });
        }
    }
    Ok(due)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_begins_where_the_last_one_ended() {
        let end = format!("acme/{}", char::MAX);
        let cases = [
            ("", "", doc! { "$gte": "" }),
            ("", "b", doc! { "$gt": "b" }),
            ("acme/", "", doc! { "$gte": "acme/", "$lt": &end }),
            ("acme/", "acme/7", doc! { "$gt": "acme/7", "$lt": &end }),
            ("acme/", "aaa", doc! { "$gte": "acme/", "$lt": &end }),
            ("acme/", "zzz", doc! { "$gt": "zzz", "$lt": &end }),
        ];
        for (prefix, after, wanted) in cases {
            assert_eq!(range(prefix, after), doc! { "_id": wanted });
        }
    }
}
