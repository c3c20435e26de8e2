//! The state: rows in collections, each changed only under a check of its version (E4).
use super::{BoxFuture, PortError};

/// What is kept of one entity, hold, view row, operation, key or identity.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Row {
    /// Rises by one with every save; the first is 1.
    pub version: u64,
    /// The input partition whose owner wakes it (E7); -1 if it has none.
    pub partition: i32,
    /// When its owner wakes it, in milliseconds since 1970.
    pub wake_at_ms: Option<i64>,
    /// When it may be swept away, in milliseconds since 1970; never if absent.
    pub expires_at_ms: Option<i64>,
    /// JSON.
    #[serde(with = "crate::base64_bytes")]
    pub body: Vec<u8>,
}

/// One change of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Save {
    /// The consumer's name, or `holds`, `keys`, `operations`, `identities`.
    pub collection: String,
    /// Within the collection; starts with `<tenant>/` wherever it belongs to a tenant.
    pub id: String,
    /// The version that the row must have; 0: it must not be there.
    pub expected: u64,
    /// What it becomes, with `version == expected + 1`; `None` deletes it.
    pub row: Option<Row>,
}

/// What became of a [`Save`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// It is durable (or will be with the publication beside it).
    Done,
    /// The row has another version: load it and start again.
    Lost,
}

/// A row that wants to be woken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The row's id.
    pub id: String,
    /// Its `wake_at_ms`.
    pub at_ms: i64,
}

/// The state.
pub trait State: Send + Sync {
    /// The rows with these ids, in this order; `None` where there is none. Reads what was saved last.
    fn load<'a>(
        &'a self,
        collection: &'a str,
        ids: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Option<Row>>, PortError>>;

    /// Saves each row by itself: one may be lost while the others are done. After an error, any of them
    /// may have been done.
    fn save(&self, saves: Vec<Save>) -> BoxFuture<'_, Result<Vec<Saved>, PortError>>;

    /// Up to `limit` rows whose id starts with `prefix`, after the id `after`, ordered by id.
    fn scan<'a>(
        &'a self,
        collection: &'a str,
        prefix: &'a str,
        after: &'a str,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(String, Row)>, PortError>>;

    /// The rows of a partition that want to be woken, the earliest first, at most `limit`.
    fn due<'a>(
        &'a self,
        collection: &'a str,
        partition: i32,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Due>, PortError>>;

    /// Deletes up to `limit` rows that expired before `now_ms`; says how many.
    fn sweep<'a>(
        &'a self,
        collection: &'a str,
        now_ms: i64,
        limit: usize,
    ) -> BoxFuture<'a, Result<usize, PortError>>;
}
