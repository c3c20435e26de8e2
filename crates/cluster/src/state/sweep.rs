//! Removing rows that have expired, some at a time.
use super::MongoState;
use futures::stream::TryStreamExt;
use mongodb::bson::doc;
use runtime::PortError;
use std::collections::BTreeSet;

/// So many rows are swept by one command.
const SWEPT: usize = 1_000;

/// Deletes what expired: found first, then deleted if it still is so.
pub(super) async fn sweep(
    state: &MongoState,
    collection: &str,
    now_ms: i64,
    limit: usize,
) -> Result<usize, PortError> {
    let rows = state.rows(collection);
    let expired = doc! { "expires_at": { "$exists": true, "$lt": now_ms } };
    let mut total = 0;
    while total < limit {
        let most = SWEPT.min(limit - total);
        let asked = async {
            let found = rows
                .find(expired.clone())
                .sort(doc! { "expires_at": 1 })
                .projection(doc! { "_id": 1 })
                .limit(most as i64);
            found.await?.try_collect::<Vec<_>>().await
        };
        let found = state.within(asked).await?;
        let ids: BTreeSet<String> = found
            .iter()
            .map(|row| super::document::id(row))
            .collect::<Result<_, _>>()?;
        if ids.is_empty() {
            break;
        }
        let mut which = expired.clone();
        which.insert("_id", doc! { "$in": ids.into_iter().collect::<Vec<_>>() });
        let gone = state
            .within(async { rows.delete_many(which).await })
            .await?
            .deleted_count;
        total += usize::try_from(gone).unwrap_or(usize::MAX);
        if found.len() < most {
            break;
        }
    }
    Ok(total)
}
