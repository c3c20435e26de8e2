//! Payload indexes: what each is good for.
use super::refusal::wrong_input;
use qdrant_client::qdrant::payload_index_params::IndexParams;
use qdrant_client::qdrant::{
    CreateFieldIndexCollection, FieldType, PayloadSchemaInfo, PayloadSchemaType,
};
use tonic::Status;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Keyword,
    /// Whether it finds numbers, and whether it finds ranges of them.
    Integer {
        lookup: bool,
        range: bool,
    },
    Float,
    Bool,
    Uuid,
    Text,
    Geo,
    Datetime,
}

pub(super) fn kind(index: &CreateFieldIndexCollection) -> Result<Kind, Status> {
    let whole = Kind::Integer {
        lookup: true,
        range: true,
    };
    let by_type = match index.field_type.map(FieldType::try_from) {
        None => None,
        Some(Err(_)) => return Err(wrong_input("a type of index that there is not")),
        Some(Ok(kind)) => Some(match kind {
            FieldType::Keyword => Kind::Keyword,
            FieldType::Integer => whole,
            FieldType::Float => Kind::Float,
            FieldType::Bool => Kind::Bool,
            FieldType::Uuid => Kind::Uuid,
            FieldType::Text => Kind::Text,
            FieldType::Geo => Kind::Geo,
            FieldType::Datetime => Kind::Datetime,
        }),
    };
    let by_params = index
        .field_index_params
        .as_ref()
        .and_then(|params| params.index_params.as_ref());
    let by_params = match by_params {
        None => None,
        Some(IndexParams::KeywordIndexParams(_)) => Some(Kind::Keyword),
        Some(IndexParams::IntegerIndexParams(params)) => Some(Kind::Integer {
            lookup: params.lookup.unwrap_or(true),
            range: params.range.unwrap_or(true),
        }),
        Some(IndexParams::FloatIndexParams(_)) => Some(Kind::Float),
        Some(IndexParams::BoolIndexParams(_)) => Some(Kind::Bool),
        Some(IndexParams::UuidIndexParams(_)) => Some(Kind::Uuid),
        Some(IndexParams::TextIndexParams(_)) => Some(Kind::Text),
        Some(IndexParams::GeoIndexParams(_)) => Some(Kind::Geo),
        Some(IndexParams::DatetimeIndexParams(_)) => Some(Kind::Datetime),
    };
    let neither = Kind::Integer {
        lookup: false,
        range: false,
    };
    match (by_type, by_params) {
        (_, Some(kind)) if kind == neither => Err(wrong_input(
            "the 'lookup' and 'range' capabilities can't be both disabled",
        )),
        (Some(kind), Some(params))
            if std::mem::discriminant(&kind) != std::mem::discriminant(&params) =>
        {
            Err(wrong_input(
                "the type of an index and its parameters do not agree",
            ))
        }
        (kind, params) => params
            .or(kind)
            .ok_or_else(|| wrong_input("an index without a type")),
    }
}

/// Whether it can answer ranges and orders of numbers.
pub(super) fn has_range(index: &CreateFieldIndexCollection) -> bool {
    matches!(
        kind(index),
        Ok(Kind::Float | Kind::Integer { range: true, .. })
    )
}

/// What is said of an index of a collection in which so many points have the field.
pub(super) fn info(index: &CreateFieldIndexCollection, points: u64) -> PayloadSchemaInfo {
    let data_type = match kind(index) {
        Ok(Kind::Keyword) => PayloadSchemaType::Keyword,
        Ok(Kind::Integer { .. }) => PayloadSchemaType::Integer,
        Ok(Kind::Float) => PayloadSchemaType::Float,
        Ok(Kind::Bool) => PayloadSchemaType::Bool,
        Ok(Kind::Uuid) => PayloadSchemaType::Uuid,
        Ok(Kind::Text | Kind::Geo | Kind::Datetime) | Err(_) => PayloadSchemaType::UnknownType,
    };
    PayloadSchemaInfo {
        data_type: data_type as i32,
        params: index.field_index_params.clone(),
        points: Some(points),
    }
}
