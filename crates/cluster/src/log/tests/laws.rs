//! The suite of the port.
use super::World;
use super::renamed::Renamed;
use crate::log::OVERHEAD;
use runtime::testkit::conformance::log;
use runtime::testkit::sim::{Sim, SimOptions};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_keeps_its_laws() {
    log::all(async || {
        let world = World::new();
        let bytes = (log::MAX_MESSAGE_BYTES + OVERHEAD).to_string();
        for (name, partitions) in log::TOPICS {
            let more = [("max.message.bytes", bytes.as_str())];
            world.topic(name, partitions, &more).await;
        }
        let names = || log::TOPICS.map(|(name, _)| name);
        log::Logs {
            one: Renamed::new(&world, names()).await,
            other: Renamed::new(&world, names()).await,
            state: Sim::new(1, SimOptions::calm()).process("one").state(),
            keep: Box::new(world),
        }
    })
    .await;
}
