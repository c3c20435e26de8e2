//! Faults of the whole of Troupe on real servers: workers as processes, each killed, stopped or started where it hurts; the
//! servers too. What clients were told is held against what is, and a plain consumer reads the [`history`] from outside.
//!
//! All of these tests share one [`Cluster`], one after the other.
//!
//! - [`cluster`], [`process`], [`servers`], [`model`]: what runs; [`wire`]: how it dies at a named point of a commit;
//! - [`load`]: what clients do meanwhile; [`history`]: the laws;
//! - [`kills`], [`zombies`], [`outages`], [`letters`], [`storm`], [`chaos`]: the tests.
mod chaos;
mod cluster;
mod history;
mod kills;
mod letters;
mod load;
mod model;
mod outages;
mod process;
mod servers;
mod storm;
mod upstream;
mod wire;
mod zombies;

use cluster::Cluster;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// What does not happen within this never will.
const PATIENCE: Duration = Duration::from_secs(60);

/// The cluster that the tests share, on a runtime of its own: it outlives each of them, and its janitor outlives us all.
struct Shared {
    runtime: Runtime,
    /// Absent: not built yet, or a test failed with it.
    cluster: Mutex<Option<Cluster>>,
}

static SHARED: LazyLock<Shared> = LazyLock::new(|| {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build();
    Shared {
        runtime: runtime.expect("a runtime"),
        cluster: Mutex::new(None),
    }
});

/// Runs a test when no other has the cluster.
fn with_cluster(test: impl AsyncFnOnce(&mut Cluster)) {
    let shared = &*SHARED;
    let mut place = shared
        .cluster
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let _in_it = shared.runtime.enter();
    let taken = place.take();
    let mut cluster = shared.runtime.block_on(async {
        match taken {
            Some(cluster) => cluster,
            None => {
                let began = Instant::now();
                let cluster = Cluster::build().await;
                eprintln!("the cluster was built in {:?}", began.elapsed());
                cluster
            }
        }
    });
    let began = Instant::now();
    shared.runtime.block_on(test(&mut cluster));
    let named = std::thread::current();
    eprintln!(
        "{}: {:?}",
        named.name().unwrap_or_default(),
        began.elapsed()
    );
    assert!(
        cluster.is_whole(),
        "a test leaves everything as it found it"
    );
    *place = Some(cluster);
}
