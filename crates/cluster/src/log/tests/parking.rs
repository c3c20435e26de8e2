//! C2 on Kafka.
use super::World;
use super::renamed::Renamed;
use runtime::Stores;
use runtime::testkit::conformance::engine;
use runtime::testkit::sim::{Sim, SimOptions};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_parked_comes_back_through_kafka() {
    let world = World::new();
    for (name, partitions) in engine::TOPICS {
        world.topic(name, partitions, &[]).await;
    }
    let process = Sim::new(1, SimOptions::calm()).process("one");
    let stores = Stores {
        log: Renamed::new(&world, engine::TOPICS.map(|(name, _)| name)).await,
        ..process.stores()
    };
    engine::what_is_parked_comes_back(stores, process.schemas()).await;
}
