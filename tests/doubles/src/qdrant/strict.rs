//! Strict mode: what a collection may forbid.
use super::collection::Collection;
use super::filter::conditions;
use super::index::{self, Kind};
use super::refusal::forbidden;
use qdrant_client::qdrant::condition::ConditionOneOf;
use qdrant_client::qdrant::r#match::MatchValue;
use qdrant_client::qdrant::{FieldCondition, Filter, StrictModeConfig};
use std::fmt::Display;
use tonic::Status;
use uuid::Uuid;

fn mode(collection: &Collection) -> Option<&StrictModeConfig> {
    let mode = collection.created.strict_mode_config.as_ref()?;
    (mode.enabled == Some(true)).then_some(mode)
}

fn limit<T: PartialOrd + Display>(asked: T, most: Option<T>, name: &str) -> Result<(), Status> {
    match most {
        Some(most) if asked > most => Err(forbidden(
            format!("Limit exceeded {asked} > {most} for \"{name}\""),
            &format!("Reduce the \"{name}\" parameter to or below {most}."),
        )),
        _ => Ok(()),
    }
}

/// The size of an upsert.
pub(super) fn batch(points: usize, collection: &Collection) -> Result<(), Status> {
    let most = mode(collection).and_then(|mode| mode.upsert_max_batchsize);
    limit(points as u64, most, "upsert limit")
}

/// How many queries come at once.
pub(super) fn searches(queries: usize, collection: &Collection) -> Result<(), Status> {
    let most = mode(collection).and_then(|mode| mode.search_max_batchsize);
    limit(queries as u64, most, "search batch size")
}

/// How much is asked for.
pub(super) fn most(asked: u64, collection: &Collection) -> Result<(), Status> {
    let most = mode(collection).and_then(|mode| mode.max_query_limit);
    limit(asked, most.map(u64::from), "limit")
}

/// Whether a search may be exact.
pub(super) fn exact(asked: bool, collection: &Collection) -> Result<(), Status> {
    match mode(collection).and_then(|mode| mode.search_allow_exact) {
        Some(false) if asked => Err(forbidden("Exact search disabled!", "Set exact=false.")),
        _ => Ok(()),
    }
}

/// A filter of something that only looks.
pub(super) fn read(filter: &Filter, collection: &Collection) -> Result<(), Status> {
    let mode = mode(collection);
    checked(
        filter,
        collection,
        mode.and_then(|mode| mode.unindexed_filtering_retrieve),
    )
}

/// A filter of something that changes points.
pub(super) fn update(filter: &Filter, collection: &Collection) -> Result<(), Status> {
    let mode = mode(collection);
    checked(
        filter,
        collection,
        mode.and_then(|mode| mode.unindexed_filtering_update),
    )
}

fn checked(
    filter: &Filter,
    collection: &Collection,
    unindexed: Option<bool>,
) -> Result<(), Status> {
    let Some(mode) = mode(collection) else {
        return Ok(());
    };
    if unindexed == Some(false) {
        indexed(filter, collection)?;
    }
    if let Some(most) = mode.filter_max_conditions {
        let (count, help) = (
            count(filter),
            "Reduce the amount of conditions of your filter.",
        );
        if count > most {
            return Err(forbidden(
                format!("Filter condition limit reached ({count} > {most})"),
                help,
            ));
        }
    }
    if let Some(most) = mode.condition_max_size {
        let (size, help) = (largest(filter), "Reduce the size of your condition.");
        if size > most {
            return Err(forbidden(
                format!("Condition size limit reached ({size} > {most})"),
                help,
            ));
        }
    }
    Ok(())
}

fn indexed(filter: &Filter, collection: &Collection) -> Result<(), Status> {
    conditions(filter).try_for_each(|condition| {
        let (key, good): (&str, &dyn Fn(Kind) -> bool) = match &condition.condition_one_of {
            Some(ConditionOneOf::Filter(inner)) => return indexed(inner, collection),
            Some(ConditionOneOf::Field(field)) => (&field.key, &|kind| serves(kind, field)),
            Some(ConditionOneOf::IsEmpty(of)) => (&of.key, &|_| true),
            Some(ConditionOneOf::IsNull(of)) => (&of.key, &|_| true),
            _ => return Ok(()),
        };
        let index = collection.indexes.get(key).and_then(|index| index::kind(index).ok());
        if index.is_some_and(good) {
            return Ok(());
        }
        let why = format!("Index required but not found for \"{key}\" of one of the types that serve its condition");
        Err(forbidden(why, "Create an index for this key or use a different filter."))
    })
}

fn serves(kind: Kind, field: &FieldCondition) -> bool {
    if field.range.is_some() {
        return matches!(kind, Kind::Float | Kind::Integer { range: true, .. });
    }
    let is_uuid = |text: &String| Uuid::parse_str(text).is_ok();
    match field
        .r#match
        .as_ref()
        .and_then(|matched| matched.match_value.as_ref())
    {
        Some(MatchValue::Keyword(text)) => {
            kind == Kind::Keyword || kind == Kind::Uuid && is_uuid(text)
        }
        Some(MatchValue::Keywords(any) | MatchValue::ExceptKeywords(any)) => {
            any.strings.is_empty()
                || kind == Kind::Keyword
                || kind == Kind::Uuid && any.strings.iter().all(is_uuid)
        }
        Some(MatchValue::Integer(_) | MatchValue::Integers(_) | MatchValue::ExceptIntegers(_)) => {
            matches!(kind, Kind::Integer { lookup: true, .. })
        }
        Some(MatchValue::Boolean(_)) => kind == Kind::Bool,
        // Emptiness: any index will do.
        _ => true,
    }
}

fn count(filter: &Filter) -> u64 {
    let each = conditions(filter).map(|condition| match &condition.condition_one_of {
        Some(ConditionOneOf::Filter(inner)) => count(inner),
        _ => 1,
    });
    each.sum()
}

fn largest(filter: &Filter) -> u64 {
    let each = conditions(filter).map(|condition| match &condition.condition_one_of {
        Some(ConditionOneOf::Filter(inner)) => largest(inner),
        Some(ConditionOneOf::HasId(ids)) => ids.has_id.len() as u64,
        Some(ConditionOneOf::Field(field)) => match field
            .r#match
            .as_ref()
            .and_then(|of| of.match_value.as_ref())
        {
            Some(MatchValue::Keywords(any) | MatchValue::ExceptKeywords(any)) => {
                any.strings.len() as u64
            }
            Some(MatchValue::Integers(any) | MatchValue::ExceptIntegers(any)) => {
                any.integers.len() as u64
            }
            _ => 0,
        },
        _ => 0,
    });
    each.max().unwrap_or_default()
}
