//! The laws of the ports, one function each, run against every adapter: embedded, the simulated cluster, servers.
//!
//! A suite assumes nothing of where an adapter keeps things. `one` and `other` are the ports of two processes of
//! the same world, or the same port twice; every law is given a new, empty world. Nothing sleeps: what is waited
//! for is waited for at most [`PATIENCE`], after which the law is broken.

pub mod blobs;
pub mod engine;
pub mod log;
pub mod search;
pub mod state;

use std::any::Any;
use std::time::Duration;

/// What does not happen within this never will.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Keeps a world (a directory, a server) as long as a law needs it.
pub type Keep = Box<dyn Any + Send + Sync>;

/// Waits, but not for ever.
async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(done) => done,
        Err(_) => panic!("waited in vain for {what}"),
    }
}
