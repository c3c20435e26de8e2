//! Storing passages that nobody finds yet.
use super::points::{self, NEVER, Staged};
use super::published::upsert;
use super::{QdrantSearch, filters, names};
use events::TenantId;
use qdrant_client::qdrant::points_selector::PointsSelectorOneOf;
use qdrant_client::qdrant::points_update_operation::{Operation, PointStructList, SetPayload};
use qdrant_client::qdrant::{Filter, PointStruct, PointsSelector, UpdateMode, Value};
use runtime::PortError;
use runtime::ports::search::{IndexedPassage, Revision};
use std::collections::HashMap;

/// So many passages are sent at once.
const ROUND: usize = 64;

/// The points that pass a filter.
pub(super) fn which(filter: Filter) -> Option<PointsSelector> {
    Some(PointsSelector {
        points_selector_one_of: Some(PointsSelectorOneOf::Filter(filter)),
    })
}

/// Changes fields of the points that pass a filter.
pub(super) fn set(filter: Filter, payload: HashMap<String, Value>) -> Operation {
    Operation::SetPayload(SetPayload {
        payload,
        points_selector: which(filter),
        ..SetPayload::default()
    })
}

pub(super) async fn stage(
    search: &QdrantSearch,
    tenant: &TenantId,
    revision: &Revision,
    passages: Vec<IndexedPassage>,
) -> Result<(), PortError> {
    let known = search.document(tenant, &revision.document).await?;
    let generation = known.map_or(NEVER, |known| known.version);
    let shape = (search.options.dimension, search.options.average_words);
    let mut rounds = passages.chunks(ROUND);
    loop {
        let round = rounds.next().unwrap_or_default();
        let staged = Staged {
            at_ms: search.clock.now_ms(),
            generation,
        };
        let points = round
            .iter()
            .map(|passage| points::passage(tenant, revision, passage, staged, shape))
            .collect();
        let named = points::revision(tenant, revision, staged);
        search.change(operations(named, points, staged)).await?;
        if rounds.len() == 0 {
            return Ok(());
        }
    }
}

/// The revision first, so that a sweep knows of its passages; then those that are there are made young, so that no sweep
/// and no switch of before deletes them; then those that are not are written. What is there is never overwritten (O2).
fn operations(revision: PointStruct, passages: Vec<PointStruct>, staged: Staged) -> Vec<Operation> {
    let mut operations = vec![upsert(vec![revision])];
    if !passages.is_empty() {
        let ids = passages
            .iter()
            .filter_map(|point| point.id.clone())
            .collect();
        operations.push(set(filters::these(ids), points::restaged(staged)));
        operations.push(Operation::Upsert(PointStructList {
            points: passages,
            update_mode: Some(UpdateMode::InsertOnly as i32),
            ..PointStructList::default()
        }));
    }
    operations
}

/// Makes all of a revision young.
pub(super) async fn refresh(
    search: &QdrantSearch,
    tenant: &TenantId,
    revision: &Revision,
    generation: i64,
) -> Result<(), PortError> {
    let key = names::revision_key(tenant, &revision.document, &revision.revision);
    let staged = Staged {
        at_ms: search.clock.now_ms(),
        generation,
    };
    let young = set(filters::of_revision(&key), points::restaged(staged));
    search.change(vec![young]).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_made_young_before_the_rest_is_written_and_never_overwritten() {
        let staged = Staged {
            at_ms: 1,
            generation: 2,
        };
        let point = PointStruct {
            id: Some(names::passage("k", 0)),
            ..PointStruct::default()
        };
        let sent = operations(PointStruct::default(), vec![point], staged);
        let [
            Operation::Upsert(revision),
            Operation::SetPayload(young),
            Operation::Upsert(passages),
        ] = sent.as_slice()
        else {
            panic!("three operations: {sent:?}")
        };
        assert_eq!(revision.update_mode, None);
        assert_eq!(young.payload, points::restaged(staged));
        assert_eq!(passages.update_mode, Some(UpdateMode::InsertOnly as i32));
        assert_eq!(operations(PointStruct::default(), vec![], staged).len(), 1);
    }
}
