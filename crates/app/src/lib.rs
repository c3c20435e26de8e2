//! The binary `troupe`: configuration, wiring, the command line.
//!
//! - [`config`]: one commented default file inside the binary, then a file, then environment variables;
//! - [`wiring`]: [`App`], all workers and the edge in one process, for `troupe up`, the demo, the tests and the bench;
//! - [`look`]: what a database holds, read while another process owns it; [`servers`]: the same of a cluster;
//! - [`cli`]: the commands, one file each; [`demo`]: the one that shows everything.

pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod logging;
pub mod look;
pub mod servers;
pub mod wiring;

pub use config::Config;
pub use wiring::{App, Roles};
