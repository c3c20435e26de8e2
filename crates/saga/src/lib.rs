//! Sagas: steps forward, and the way back when one of them fails.
//!
//! - [`builder`]: a saga as its author writes it: `.step("charge").send(..).undo(..)`;
//! - [`phase`]: where a saga is, and the tokens that name its commands, both with a text for the wire;
//! - [`state`]: what goes in, what comes out, and what is kept of one saga;
//! - [`engine`]: one pure function from state and input to state and effects (rules S1-S7, E7);
//! - [`versions`]: the versions of a saga that may still run (rule S9);
//! - [`definition`], [`entity`]: what runs a saga on the log, as an entity of the runtime;
//! - `testkit` (a feature of that name, for tests only): given/when/then, and a sweep which tries everything that a network, slow participants and
//!   silence can do to a saga.
//!
//! The engine knows no log, no store and no clock: the caller brings the time, keeps the [`State`], and carries the
//! [`Effect`]s out. Rule numbers are those of docs/PROTOCOL.md.

pub mod builder;
pub mod command;
pub mod definition;
pub mod engine;
pub mod entity;
pub mod message;
pub mod phase;
pub mod state;
#[cfg(any(test, feature = "testkit"))]
pub mod testkit;
pub mod versions;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

pub use builder::Saga;
pub use command::SagaCommand;
pub use definition::{SagaDefinition, Unfit};
pub use engine::{SILENCE, Unknown};
pub use entity::{SagaEntity, SagaRefusal};
pub use message::SagaMessage;
pub use phase::{Illegible, Name, Phase, Token};
pub use state::{Cause, Effect, HISTORY, Input, Millis, Past, Reply, State, What};
pub use versions::Versions;
