//! What is read by id or by filter: retrieve, scroll, count.
use super::collection::Collection;
use super::filter::admit;
use super::id::Id;
use super::index::has_range;
use super::payload::{each, number, plain_key, selected, value};
use super::point::Point;
use super::refusal::{not_played, without, wrong_input};
use super::strict;
use qdrant_client::qdrant::value::Kind;
use qdrant_client::qdrant::{
    CountPoints, Direction, GetPoints, OrderBy, OrderValue, PointId, RetrievedPoint, ScrollPoints,
    Value, WithPayloadSelector, WithVectorsSelector, order_value, start_from,
};
use tonic::Status;

/// A page of a scroll, where nothing else is asked for.
const PAGE: u32 = 10;

fn retrieved(
    (id, point): (Id, &Point),
    payload: Option<&WithPayloadSelector>,
    vectors: Option<&WithVectorsSelector>,
) -> Result<RetrievedPoint, Status> {
    Ok(RetrievedPoint {
        id: Some(id.into()),
        payload: selected(&point.payload, payload, true)?,
        vectors: point.output(vectors),
        ..RetrievedPoint::default()
    })
}

/// One of the points that are asked for.
pub(super) fn get(
    asked: &GetPoints,
    id: Id,
    collection: &Collection,
) -> Result<Option<RetrievedPoint>, Status> {
    let point = collection.points.get(&id);
    let (payload, vectors) = (asked.with_payload.as_ref(), asked.with_vectors.as_ref());
    point
        .map(|point| retrieved((id, point), payload, vectors))
        .transpose()
}

pub(super) fn count(asked: &CountPoints, collection: &Collection) -> Result<u64, Status> {
    without("shard keys", &asked.shard_key_selector)?;
    if let Some(filter) = &asked.filter {
        admit(filter)?;
        strict::read(filter, collection)?;
    }
    Ok(collection.filtered(asked.filter.as_ref()).count() as u64)
}

/// A page, and where the next begins.
pub(super) fn scroll(
    asked: &ScrollPoints,
    collection: &Collection,
) -> Result<(Vec<RetrievedPoint>, Option<PointId>), Status> {
    without("shard keys", &asked.shard_key_selector)?;
    if let Some(filter) = &asked.filter {
        admit(filter)?;
        strict::read(filter, collection)?;
    }
    let limit = asked.limit.unwrap_or(PAGE);
    if limit == 0 {
        return Err(Status::invalid_argument("Bad request: Limit cannot be 0"));
    }
    strict::most(u64::from(limit), collection)?;
    let limit = limit as usize;
    if let Some(order) = &asked.order_by {
        if asked.offset.is_some() {
            return Err(wrong_input("Cannot use an `offset` when using `order_by`."));
        }
        return Ok((ordered(asked, order, limit, collection)?, None));
    }
    let from = asked
        .offset
        .as_ref()
        .map(|id| Id::of(Some(id)))
        .transpose()?;
    let filtered = collection.filtered(asked.filter.as_ref());
    let mut page: Vec<_> = filtered
        .filter(|(id, _)| from.is_none_or(|from| *id >= from))
        .take(limit + 1)
        .collect();
    let next = page.get(limit).map(|(id, _)| PointId::from(*id));
    page.truncate(limit);
    let (payload, vectors) = (asked.with_payload.as_ref(), asked.with_vectors.as_ref());
    let page: Result<Vec<_>, Status> = page
        .into_iter()
        .map(|found| retrieved(found, payload, vectors))
        .collect();
    Ok((page?, next))
}

/// By a field, then by id; a point without the field is not in it, one with several values comes several times.
fn ordered(
    asked: &ScrollPoints,
    order: &OrderBy,
    limit: usize,
    collection: &Collection,
) -> Result<Vec<RetrievedPoint>, Status> {
    plain_key(&order.key)?;
    let key = &order.key;
    if !collection.indexes.get(key).is_some_and(has_range) {
        return Err(wrong_input(format!(
            "No range index for `order_by` key: `{key}`. Please create one to use `order_by`."
        )));
    }
    let down = order.direction == Some(Direction::Desc as i32);
    let from = match order
        .start_from
        .as_ref()
        .and_then(|from| from.value.as_ref())
    {
        None => None,
        Some(start_from::Value::Float(from)) => Some(*from),
        Some(start_from::Value::Integer(from)) => Some(*from as f64),
        Some(_) => return Err(not_played("orders of times")),
    };
    let starts = |at: f64| from.is_none_or(|from| if down { at <= from } else { at >= from });
    let mut rows: Vec<(f64, Id, &Point, &Value)> = vec![];
    for (id, point) in collection.filtered(asked.filter.as_ref()) {
        let values = value(&point.payload, key).map(each).unwrap_or_default();
        let numbers = values
            .iter()
            .filter_map(|value| Some((number(value)?, value)));
        rows.extend(
            numbers
                .filter(|(at, _)| starts(*at))
                .map(|(at, value)| (at, id, point, value)),
        );
    }
    rows.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    if down {
        rows.reverse();
    }
    let page = rows.into_iter().take(limit).map(|(_, id, point, at)| {
        let variant = match at.kind {
            Some(Kind::IntegerValue(at)) => Some(order_value::Variant::Int(at)),
            Some(Kind::DoubleValue(at)) => Some(order_value::Variant::Float(at)),
            _ => None,
        };
        let (payload, vectors) = (asked.with_payload.as_ref(), asked.with_vectors.as_ref());
        Ok(RetrievedPoint {
            order_value: Some(OrderValue { variant }),
            ..retrieved((id, point), payload, vectors)?
        })
    });
    page.collect()
}
