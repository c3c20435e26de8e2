//! References to large content, which never travels in a message (rule G2).
use serde::{Deserialize, Serialize};

/// Names a blob of the message's own tenant; the content is in the `Blobs` port.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BlobRef {
    /// Unique within its tenant; `[a-z0-9-/.]+`.
    pub id: String,
    /// Length in bytes.
    pub size: i64,
    /// Lower-case hex SHA-256 of the content, so that a reader can tell damage.
    pub sha256: String,
}
