//! A double of Qdrant: its gRPC interface (as qdrant-client 1.20 speaks it), points in memory.
//!
//! It is written after Qdrant's documentation and keeps to what that promises, no more, so that a client which leans on
//! more is caught:
//! - a write is applied point by point, and a search may come between two of them: only a point is atomic;
//! - a write that does not ask to `wait` is answered before it is applied, and its errors are told to nobody;
//! - the points of a result are found first and fetched afterwards; several points that are asked for by their ids are
//!   read one after the other. A scroll, a count and the finding itself see one moment: Qdrant does not promise that either;
//! - hits of the same score come in no useful order;
//! - in strict mode a filter needs its indexes; ordering needs a range index always.
//!
//! What it does not play is answered with UNIMPLEMENTED. Faults are asked for with [`Faults`].
mod collection;
mod config;
mod faults;
mod filter;
mod id;
mod index;
mod journal;
mod payload;
mod point;
mod read;
mod refusal;
mod search;
mod serve;
mod store;
mod strict;
#[cfg(test)]
mod tests;
mod write;

pub use faults::{Fault, Faults, Rule, WrongFault};

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use store::Store;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

/// How a double is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens; port 0 is any free one.
    pub listen: SocketAddr,
    /// Where it keeps what it was told, so that a restart finds it; `None`: in memory only.
    pub dir: Option<PathBuf>,
    /// How long after its answer a write is applied that did not ask to `wait`.
    pub lag: Duration,
    /// What goes wrong from the start.
    pub faults: Faults,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            dir: None,
            lag: Duration::from_millis(20),
            faults: Faults::default(),
        }
    }
}

/// Why a double did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened at, or the directory not be used.
    #[error("{what}: {why}")]
    Io {
        /// The address or the file.
        what: String,
        /// What the system said.
        why: std::io::Error,
    },
    /// The directory holds something that is not this double's.
    #[error("{0} is not a journal of this double")]
    NotOurs(PathBuf),
}

/// A running double, in a runtime of its own. Dropped, it stops as a killed process does.
pub struct QdrantDouble {
    address: SocketAddr,
    faults: Faults,
    runtime: Option<Runtime>,
}

impl QdrantDouble {
    /// Listens and serves until it is stopped or dropped.
    ///
    /// # Errors
    /// The address is taken, or the directory cannot be used.
    pub fn start(options: Options) -> Result<Self, StartError> {
        let taken = |why| StartError::Io {
            what: options.listen.to_string(),
            why,
        };
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("qdrant-double")
            .enable_all()
            .build()
            .map_err(taken)?;
        match begin(&runtime, &options) {
            Ok(address) => Ok(Self {
                address,
                faults: options.faults,
                runtime: Some(runtime),
            }),
            Err(why) => {
                runtime.shutdown_background();
                Err(why)
            }
        }
    }

    /// What a client is given: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What is to go wrong, from now on.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Stops listening, cuts every connection, and waits until it is over. What was accepted is in the directory.
    pub async fn stop(mut self) {
        if let Some(runtime) = self.runtime.take() {
            let ending = move || runtime.shutdown_timeout(Duration::from_secs(5));
            let _ = tokio::task::spawn_blocking(ending).await;
        }
    }
}

impl Drop for QdrantDouble {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn begin(runtime: &Runtime, options: &Options) -> Result<SocketAddr, StartError> {
    let taken = |why| StartError::Io {
        what: options.listen.to_string(),
        why,
    };
    let listener = std::net::TcpListener::bind(options.listen).map_err(taken)?;
    listener.set_nonblocking(true).map_err(taken)?;
    let address = listener.local_addr().map_err(taken)?;
    let _inside = runtime.enter();
    let listener = TcpListener::from_std(listener).map_err(taken)?;
    let store = Store::open(options.dir.as_deref(), options.lag)?;
    serve::spawn(listener, store, options.faults.clone());
    Ok(address)
}
