//! A view: a read model built from events, rebuildable from the first offset (V1).
use crate::{Inbox, Moment};
use serde::{Serialize, de::DeserializeOwned};

/// A read model. Its rows are `<tenant>/<key>/<topic>-<partition>`, each with the position up to which it
/// is built; a query merges the rows of a key.
pub trait View: Send + Sync + 'static {
    /// What its topic carries.
    type Event: Inbox;
    /// One key's row.
    type Row: Default + Clone + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// The key within the tenant, `[a-z0-9-]+`.
    fn key(&self, event: &Self::Event, at: &Moment) -> String;
    /// Builds the event into its row.
    fn apply(&self, row: &mut Self::Row, event: Self::Event, at: &Moment);
    /// Builds one partition's row of a key into another's.
    fn merge(&self, into: &mut Self::Row, other: Self::Row);
    /// From when a row may be swept away, in milliseconds since 1970.
    fn expires_at_ms(&self, _row: &Self::Row) -> Option<i64> {
        None
    }
}
