//! The machine that makes every message take effect exactly once, in order per key (docs/PROTOCOL.md).
//!
//! - what an author writes: [`Handler`], [`Entity`], [`View`], routes, put together as [`Consumer`]s;
//! - what the machine needs of the world: [`ports`];
//! - `testkit` (a feature of that name, for tests only): given/when/then, the simulated cluster, the conformance
//!   suites, and [`engine::Options`] that break a rule.

pub mod answers_outside;
mod base64_bytes;
pub mod breaker;
pub mod codec;
pub mod commands;
pub mod consumer;
pub mod context;
pub mod dead_letters;
pub mod emission;
pub mod emits;
pub mod engine;
mod entity;
pub mod guard;
mod handler;
pub mod inbox;
pub mod keys;
mod moment;
pub mod ports;
pub mod queries;
pub mod rows;
#[cfg(any(test, feature = "testkit"))]
pub mod testkit;
pub mod time;
pub mod trace;
mod verdict;
mod view;

pub use commands::command;
pub use consumer::Consumer;
pub use context::{Context, Ports, Stores};
pub use emits::{Emits, emit, reply};
pub use entity::{Decision, Entity, Wake};
pub use handler::Handler;
pub use inbox::{Arm, Inbox, Incoming, any, arm};
pub use moment::Moment;
pub use ports::{BoxFuture, PortError};
pub use verdict::{Failure, Never, Panicked, Refusal, Retry, Verdict};
pub use view::View;
