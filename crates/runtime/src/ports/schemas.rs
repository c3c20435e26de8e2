//! Schema ids: which schema wrote the bytes. The ids are the registry's.
use super::{BoxFuture, PortError};

/// Where schemas have their ids: a table, or a registry.
pub trait SchemaRegistry: Send + Sync {
    /// The id of one of our own schemas, resolved at start. Embedded, it is given one if it has none.
    fn id_of<'a>(&'a self, record: &'a str, text: &'a str)
    -> BoxFuture<'a, Result<u32, PortError>>;

    /// The schema with this id; `None` if there is none, which is the message's fault. A registry that is
    /// down is an error, which is not.
    fn text_of(&self, id: u32) -> BoxFuture<'_, Result<Option<String>, PortError>>;
}
