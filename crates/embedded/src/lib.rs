//! The ports of the machine on one SQLite file: nothing else to install.
//!
//! - [`Embedded`]: opening the file (one owner, M1) and its ports;
//! - `writer`: one thread, group commit, `synchronous=FULL` (M2); `readers`: everybody else;
//! - `log`, `state`, `blobs`, `search`, `schemas`: a port each;
//! - `schema`: the tables.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod blobs;
mod checkpointer;
mod crash;
mod embedded;
mod fault;
mod lock;
mod log;
mod options;
mod readers;
mod schema;
mod schemas;
mod search;
mod state;
mod writer;

pub use crash::{CrashAt, CrashPoint};
pub use embedded::Embedded;
pub use log::look::{CheckpointInfo, PartitionInfo, TopicInfo};
pub use options::{OpenError, Options, TopicSpec};

#[cfg(test)]
mod tests;
