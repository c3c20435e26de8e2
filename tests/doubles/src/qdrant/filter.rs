//! Which points a filter lets through.
use super::id::Id;
use super::payload::{Payload, each, is_null, number, plain_key, value};
use super::refusal::{not_played, wrong_input};
use qdrant_client::qdrant::condition::ConditionOneOf;
use qdrant_client::qdrant::r#match::MatchValue;
use qdrant_client::qdrant::value::Kind;
use qdrant_client::qdrant::{Condition, FieldCondition, Filter, Range, Value};
use tonic::Status;

/// Refuses what the double does not play, and what is malformed.
pub(super) fn admit(filter: &Filter) -> Result<(), Status> {
    conditions(filter).try_for_each(|condition| match &condition.condition_one_of {
        None => Err(wrong_input("an empty condition")),
        Some(ConditionOneOf::Filter(inner)) => admit(inner),
        Some(ConditionOneOf::HasId(wanted)) => wanted
            .has_id
            .iter()
            .try_for_each(|id| Id::of(Some(id)).map(drop)),
        Some(ConditionOneOf::IsEmpty(of)) => plain_key(&of.key),
        Some(ConditionOneOf::IsNull(of)) => plain_key(&of.key),
        Some(ConditionOneOf::Field(field)) => admit_field(field),
        Some(ConditionOneOf::Nested(_)) => Err(not_played("nested conditions")),
        Some(ConditionOneOf::HasVector(_)) => Err(not_played("conditions on a point's vectors")),
        Some(ConditionOneOf::Slice(_)) => Err(not_played("slices")),
    })
}

/// Every condition of a filter, not those of filters inside it.
pub(super) fn conditions(filter: &Filter) -> impl Iterator<Item = &Condition> {
    let least = filter.min_should.iter().flat_map(|least| &least.conditions);
    filter
        .must
        .iter()
        .chain(&filter.should)
        .chain(&filter.must_not)
        .chain(least)
}

fn admit_field(field: &FieldCondition) -> Result<(), Status> {
    plain_key(&field.key)?;
    let geo = field.geo_bounding_box.is_some()
        || field.geo_radius.is_some()
        || field.geo_polygon.is_some();
    if geo || field.values_count.is_some() || field.datetime_range.is_some() {
        return Err(not_played(
            "conditions on places, times or numbers of values",
        ));
    }
    if let Some(matched) = &field.r#match {
        match &matched.match_value {
            None => return Err(wrong_input("a match without a value")),
            Some(
                MatchValue::Text(_)
                | MatchValue::Phrase(_)
                | MatchValue::TextAny(_)
                | MatchValue::Prefix(_)
                | MatchValue::Substring(_),
            ) => return Err(not_played("matches within texts")),
            Some(_) => {}
        }
    }
    let set = [
        field.r#match.is_some(),
        field.range.is_some(),
        field.is_empty.is_some(),
        field.is_null.is_some(),
    ];
    match set.iter().filter(|set| **set).count() {
        1 => Ok(()),
        0 => Err(wrong_input(format!(
            "a condition on {} that asks nothing",
            field.key
        ))),
        _ => Err(not_played("several questions in one condition")),
    }
}

/// Whether an admitted filter lets a point through.
pub(super) fn passes(filter: &Filter, id: Id, payload: &Payload) -> bool {
    let holds = |condition: &Condition| holds(condition, id, payload);
    filter.must.iter().all(holds)
        && !filter.must_not.iter().any(holds)
        && (filter.should.is_empty() || filter.should.iter().any(holds))
        && filter.min_should.as_ref().is_none_or(|least| {
            let holding = least
                .conditions
                .iter()
                .filter(|condition| holds(condition))
                .count();
            holding as u64 >= least.min_count
        })
}

fn holds(condition: &Condition, id: Id, payload: &Payload) -> bool {
    match &condition.condition_one_of {
        Some(ConditionOneOf::Filter(inner)) => passes(inner, id, payload),
        Some(ConditionOneOf::HasId(wanted)) => {
            let mut wanted = wanted.has_id.iter();
            wanted.any(|wanted| Id::of(Some(wanted)).is_ok_and(|wanted| wanted == id))
        }
        Some(ConditionOneOf::IsEmpty(of)) => is_empty(value(payload, &of.key)),
        Some(ConditionOneOf::IsNull(of)) => value(payload, &of.key).is_some_and(has_null),
        Some(ConditionOneOf::Field(field)) => field_holds(field, value(payload, &field.key)),
        _ => false,
    }
}

fn field_holds(field: &FieldCondition, value: Option<&Value>) -> bool {
    if let Some(empty) = field.is_empty {
        return is_empty(value) == empty;
    }
    if let Some(null) = field.is_null {
        return value.is_some_and(has_null) == null;
    }
    let values = value.map(each).unwrap_or_default();
    if let Some(range) = &field.range {
        return values
            .iter()
            .filter_map(number)
            .any(|number| within(range, number));
    }
    let matched = field
        .r#match
        .as_ref()
        .and_then(|matched| matched.match_value.as_ref());
    matched.is_some_and(|wanted| values.iter().any(|value| equals(wanted, value)))
}

/// Missing, null, or an array of nothing.
fn is_empty(value: Option<&Value>) -> bool {
    value.is_none_or(|value| is_null(value) || each(value).is_empty())
}

fn has_null(value: &Value) -> bool {
    each(value).iter().any(is_null)
}

fn within(range: &Range, number: f64) -> bool {
    range.lt.is_none_or(|bound| number < bound)
        && range.lte.is_none_or(|bound| number <= bound)
        && range.gt.is_none_or(|bound| number > bound)
        && range.gte.is_none_or(|bound| number >= bound)
}

fn equals(wanted: &MatchValue, value: &Value) -> bool {
    match (wanted, &value.kind) {
        (MatchValue::Keyword(wanted), Some(Kind::StringValue(stored))) => wanted == stored,
        (MatchValue::Integer(wanted), Some(Kind::IntegerValue(stored))) => wanted == stored,
        (MatchValue::Boolean(wanted), Some(Kind::BoolValue(stored))) => wanted == stored,
        (MatchValue::Keywords(any), Some(Kind::StringValue(stored))) => {
            any.strings.contains(stored)
        }
        (MatchValue::Integers(any), Some(Kind::IntegerValue(stored))) => {
            any.integers.contains(stored)
        }
        (MatchValue::ExceptKeywords(none), Some(Kind::StringValue(stored))) => {
            !none.strings.contains(stored)
        }
        (MatchValue::ExceptIntegers(none), Some(Kind::IntegerValue(stored))) => {
            !none.integers.contains(stored)
        }
        // A value of another type is none of the excepted.
        (MatchValue::ExceptKeywords(_) | MatchValue::ExceptIntegers(_), kind) => {
            !matches!(kind, None | Some(Kind::NullValue(_)))
        }
        _ => false,
    }
}
