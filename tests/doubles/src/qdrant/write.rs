//! What changes a collection: what of it is played, and how it is written down.
use super::collection::Collection;
use super::filter::{self, conditions};
use super::id::Id;
use super::index::{self, Kind};
use super::payload::plain_key;
use super::point::bare;
use super::refusal::{not_played, without, wrong_input};
use super::strict;
use prost::{DecodeError, Message};
use qdrant_client::qdrant::points_selector::PointsSelectorOneOf;
use qdrant_client::qdrant::points_update_operation::Operation;
use qdrant_client::qdrant::{
    ClearPayloadPoints, CreateFieldIndexCollection, DeleteFieldIndexCollection,
    DeletePayloadPoints, DeletePoints, Filter, PointsSelector, PointsUpdateOperation,
    SetPayloadPoints, UpsertPoints,
};
use tonic::Status;

#[derive(Clone, Debug)]
pub(super) enum Write {
    Upsert(UpsertPoints),
    Delete(DeletePoints),
    SetPayload(SetPayloadPoints),
    OverwritePayload(SetPayloadPoints),
    DeletePayload(DeletePayloadPoints),
    ClearPayload(ClearPayloadPoints),
    Index(CreateFieldIndexCollection),
    DropIndex(DeleteFieldIndexCollection),
}

impl Write {
    /// What is refused at once, before it is written down: the malformed, the forbidden and what is not played. What the
    /// stored points have to say to it is found out when it is applied.
    pub(super) fn admit(&self, collection: &Collection) -> Result<(), Status> {
        match self {
            Self::Upsert(upsert) => {
                without("shard keys", &upsert.shard_key_selector)?;
                upsert
                    .update_filter
                    .iter()
                    .try_for_each(|filter| by_filter(filter, collection))?;
                for point in &upsert.points {
                    Id::of(point.id.as_ref())?;
                    if bare(point.vectors.as_ref()) {
                        return Err(Status::invalid_argument("Expected some vectors"));
                    }
                }
                strict::batch(upsert.points.len(), collection)
            }
            Self::Delete(delete) => {
                without("shard keys", &delete.shard_key_selector)?;
                selector(delete.points.as_ref(), collection)
            }
            Self::SetPayload(set) | Self::OverwritePayload(set) => {
                without("shard keys", &set.shard_key_selector)?;
                without("payloads set under a key", &set.key)?;
                selector(set.points_selector.as_ref(), collection)
            }
            Self::DeletePayload(delete) => {
                without("shard keys", &delete.shard_key_selector)?;
                let nested = delete.keys.iter().find(|key| key.contains(['.', '[']));
                without("nested keys to delete", &nested)?;
                selector(delete.points_selector.as_ref(), collection)
            }
            Self::ClearPayload(clear) => {
                without("shard keys", &clear.shard_key_selector)?;
                selector(clear.points.as_ref(), collection)
            }
            Self::Index(index) => {
                plain_key(&index.field_name)?;
                match index::kind(index)? {
                    Kind::Text | Kind::Geo | Kind::Datetime => {
                        Err(not_played("indexes of texts, places and times"))
                    }
                    _ => Ok(()),
                }
            }
            Self::DropIndex(_) => Ok(()),
        }
    }

    /// One of a batch.
    pub(super) fn of(operation: PointsUpdateOperation, collection: &str) -> Result<Self, Status> {
        let collection_name = collection.to_owned();
        Ok(
            match operation
                .operation
                .ok_or_else(|| wrong_input("an empty operation"))?
            {
                Operation::Upsert(list) => Self::Upsert(UpsertPoints {
                    collection_name,
                    points: list.points,
                    shard_key_selector: list.shard_key_selector,
                    update_filter: list.update_filter,
                    update_mode: list.update_mode,
                    ..UpsertPoints::default()
                }),
                Operation::SetPayload(set) => Self::SetPayload(SetPayloadPoints {
                    collection_name,
                    payload: set.payload,
                    points_selector: set.points_selector,
                    shard_key_selector: set.shard_key_selector,
                    key: set.key,
                    ..SetPayloadPoints::default()
                }),
                Operation::OverwritePayload(set) => Self::OverwritePayload(SetPayloadPoints {
                    collection_name,
                    payload: set.payload,
                    points_selector: set.points_selector,
                    shard_key_selector: set.shard_key_selector,
                    key: set.key,
                    ..SetPayloadPoints::default()
                }),
                Operation::DeletePayload(delete) => Self::DeletePayload(DeletePayloadPoints {
                    collection_name,
                    keys: delete.keys,
                    points_selector: delete.points_selector,
                    shard_key_selector: delete.shard_key_selector,
                    ..DeletePayloadPoints::default()
                }),
                Operation::DeletePoints(delete) => Self::Delete(DeletePoints {
                    collection_name,
                    points: delete.points,
                    shard_key_selector: delete.shard_key_selector,
                    ..DeletePoints::default()
                }),
                Operation::ClearPayload(clear) => Self::ClearPayload(ClearPayloadPoints {
                    collection_name,
                    points: clear.points,
                    shard_key_selector: clear.shard_key_selector,
                    ..ClearPayloadPoints::default()
                }),
                _ => return Err(not_played("this kind of operation in a batch")),
            },
        )
    }

    /// For the journal: its kind and its bytes.
    pub(super) fn encode(&self) -> (u8, Vec<u8>) {
        match self {
            Self::Upsert(of) => (0, of.encode_to_vec()),
            Self::Delete(of) => (1, of.encode_to_vec()),
            Self::SetPayload(of) => (2, of.encode_to_vec()),
            Self::OverwritePayload(of) => (3, of.encode_to_vec()),
            Self::DeletePayload(of) => (4, of.encode_to_vec()),
            Self::ClearPayload(of) => (5, of.encode_to_vec()),
            Self::Index(of) => (6, of.encode_to_vec()),
            Self::DropIndex(of) => (7, of.encode_to_vec()),
        }
    }

    /// `None`: there is no such kind.
    pub(super) fn decode(kind: u8, bytes: &[u8]) -> Result<Option<Self>, DecodeError> {
        Ok(Some(match kind {
            0 => Self::Upsert(Message::decode(bytes)?),
            1 => Self::Delete(Message::decode(bytes)?),
            2 => Self::SetPayload(Message::decode(bytes)?),
            3 => Self::OverwritePayload(Message::decode(bytes)?),
            4 => Self::DeletePayload(Message::decode(bytes)?),
            5 => Self::ClearPayload(Message::decode(bytes)?),
            6 => Self::Index(Message::decode(bytes)?),
            7 => Self::DropIndex(Message::decode(bytes)?),
            _ => return Ok(None),
        }))
    }

    /// The collection that it names.
    pub(super) fn collection(&self) -> &str {
        match self {
            Self::Upsert(of) => &of.collection_name,
            Self::Delete(of) => &of.collection_name,
            Self::SetPayload(of) | Self::OverwritePayload(of) => &of.collection_name,
            Self::DeletePayload(of) => &of.collection_name,
            Self::ClearPayload(of) => &of.collection_name,
            Self::Index(of) => &of.collection_name,
            Self::DropIndex(of) => &of.collection_name,
        }
    }
}

fn selector(points: Option<&PointsSelector>, collection: &Collection) -> Result<(), Status> {
    match points.and_then(|points| points.points_selector_one_of.as_ref()) {
        None => Err(wrong_input("no points are named")),
        Some(PointsSelectorOneOf::Points(list)) => list
            .ids
            .iter()
            .try_for_each(|id| Id::of(Some(id)).map(drop)),
        Some(PointsSelectorOneOf::Filter(filter)) => by_filter(filter, collection),
    }
}

fn by_filter(filter: &Filter, collection: &Collection) -> Result<(), Status> {
    filter::admit(filter)?;
    if conditions(filter).next().is_none() {
        return Err(not_played(
            "a write to everything: a filter without conditions",
        ));
    }
    strict::update(filter, collection)
}
