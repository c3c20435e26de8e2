//! The ports of the machine on servers: Kafka, a schema registry, MongoDB, Qdrant, object stores.
pub mod admin;
pub mod blobs;
pub mod cluster;
pub mod log;
#[cfg(all(test, feature = "servers"))]
mod proxy;
pub mod registry;
pub mod search;
pub mod secret;
#[cfg(feature = "servers")]
pub mod servers;
pub mod settings;
pub mod state;

pub use blobs::{S3Blobs, S3Options};
pub use cluster::Cluster;
pub use log::KafkaLog;
pub use registry::Registry;
pub use search::{QdrantOptions, QdrantSearch};
pub use settings::Settings;
pub use state::{MongoOptions, MongoState};
