//! Ids of points: numbers and UUIDs, numbers first.
use super::refusal::wrong_input;
use qdrant_client::qdrant::PointId;
use qdrant_client::qdrant::point_id::PointIdOptions;
use tonic::Status;
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Id {
    Number(u64),
    Uuid(Uuid),
}

impl Id {
    pub(super) fn of(id: Option<&PointId>) -> Result<Self, Status> {
        match id.and_then(|id| id.point_id_options.as_ref()) {
            Some(PointIdOptions::Num(number)) => Ok(Self::Number(*number)),
            Some(PointIdOptions::Uuid(text)) => Uuid::parse_str(text)
                .map(Self::Uuid)
                .map_err(|_| Status::invalid_argument(format!("Unable to parse UUID: {text}"))),
            None => Err(wrong_input("a point without an id")),
        }
    }

    /// An order that no client can make use of: hits of the same score come so.
    pub(super) fn jumble(self) -> u64 {
        let bits = match self {
            Self::Number(number) => number,
            Self::Uuid(uuid) => uuid.as_u64_pair().0 ^ uuid.as_u64_pair().1,
        };
        let mixed = (bits ^ (bits >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ (mixed >> 29)
    }
}

impl From<Id> for PointId {
    fn from(id: Id) -> Self {
        let id = match id {
            Id::Number(number) => PointIdOptions::Num(number),
            Id::Uuid(uuid) => PointIdOptions::Uuid(uuid.hyphenated().to_string()),
        };
        Self {
            point_id_options: Some(id),
        }
    }
}
