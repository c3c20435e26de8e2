//! The machine that makes every message take effect exactly once, in order per key (docs/PROTOCOL.md).
//!
//! - what an author writes: [`handler`], [`entity`], [`view`], [`route`], put together as [`consumer`]s;
//! - what the machine needs of the world: [`ports`];
//! - the testkit: given/when/then, the simulated cluster, the conformance suites.

mod base64_bytes;
pub mod ports;
pub mod testkit;

pub use ports::{BoxFuture, PortError};
