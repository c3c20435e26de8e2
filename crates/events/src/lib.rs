//! The vocabulary of Troupe: what is said on the log, and how it is written down.
//!
//! - [`id`]: tenants, keys, message ids, and which partition a key belongs to;
//! - [`envelope`]: what stands in a message's headers (CloudEvents, tracing, request and reply);
//! - [`outside`]: how an outsider's request is called while it is carried out;
//! - [`record`]: what a record is, and how it is read and written as Avro (rules A1-A4);
//! - [`personal`]: fields about a person, sealed in the message (rule G1);
//! - [`reply`]: `Refused`, `Failed`, `Progress`; what else answers a command is `Done`;
//! - [`map`]: `topics.yaml`, parsed; [`topic`]: the names in it as constants;
//! - one module a bounded context: its events, its commands and their replies.

pub mod answers;
pub mod blob;
pub mod chatbots;
pub mod conversations;
pub mod documents;
pub mod envelope;
pub mod id;
pub mod knowledge;
pub mod map;
pub mod outside;
pub mod personal;
pub mod record;
mod records;
pub mod reply;
pub mod system;
pub mod topic;

pub use blob::BlobRef;
pub use envelope::{Envelope, Headers, ReplyAddress, ReplyStatus};
pub use id::{Key, MessageId, TenantId};
pub use personal::Personal;
pub use record::{Addressed, Datum, Record, RecordSchema, Undecodable};
pub use records::all_records;
pub use topic::consumer;
