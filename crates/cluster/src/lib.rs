//! The ports of the machine on servers: Kafka, a schema registry, MongoDB, Qdrant, object stores.
