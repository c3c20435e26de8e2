//! One run of the house: requests in a storm, until everybody has been answered and every saga has ended.
use super::super::cluster::{Consumers, Storm};
use super::load::{Bot, Command, Load};
use app::Config;
use documents::document::SWEEP_MS;
use events::map::TopicMap;
use runtime::engine::{Options, Sabotage};
use runtime::rows::EntityRow;
use runtime::testkit::sim::{Sim, SimOptions, SimTopic};
use std::sync::Arc;
use std::time::Duration;

/// The sagas of the house.
pub const SAGAS: [&str; 2] = ["chatbots.creation", "chatbots.deletion"];
/// Longer than any pause but those of sagas.
const QUIET: Duration = Duration::from_secs(60);
/// Things that happen; a run that has not settled by then never will.
const NEVER: usize = 60_000;
/// Times that sagas are given to end, each as long as [`QUIET`].
const PATIENCE: usize = 60;

/// What is left of a run, for the laws.
pub struct Ended {
    pub sim: Sim,
    pub bots: Vec<Bot>,
    pub commands: Vec<Command>,
    /// What the run itself saw go wrong.
    pub faults: Vec<String>,
}

/// The phase of every saga, by collection and id.
pub fn phases(sim: &Sim) -> Vec<(&'static str, String, String)> {
    let mut phases = vec![];
    for collection in SAGAS {
        for (id, row) in sim.rows(collection) {
            let row: EntityRow = serde_json::from_slice(&row.body).expect("a row of ours");
            let state = row.state.map(|state| state.get().to_owned());
            let state: serde_json::Value =
                serde_json::from_str(state.as_deref().unwrap_or("null")).expect("json");
            let phase = state["saga"]["phase"].as_str().unwrap_or("new");
            phases.push((collection, id, phase.to_owned()));
        }
    }
    phases
}

fn all_ended(sim: &Sim) -> bool {
    let ended = |phase: &str| {
        ["new", "completed", "undone", "abandoned"].contains(&phase) || phase.starts_with("stuck")
    };
    phases(sim).iter().all(|(_, _, phase)| ended(phase))
}

pub async fn run(seed: u64, sabotage: Option<Sabotage>) -> Ended {
    let sim = Sim::new(seed, SimOptions::stormy());
    let map = TopicMap::embedded();
    for topic in map.topics() {
        sim.topic(SimTopic::new(&topic.name, topic.partitions));
    }
    let config = Config::defaults();
    let consumers: Consumers = Arc::new(move |_, ports| {
        app::wiring::consumers::all(&config, &ports.breakers).expect("the defaults can be wired")
    });
    let names: Vec<&str> = map
        .consumers()
        .map(|(_, consumer)| consumer.name.as_str())
        .collect();
    let options = Options::new(Arc::new(map.clone())).breaking(sabotage);
    let storm = Storm::begin(&sim, consumers, &options, &names, None);
    let mut load = Load::new(&sim, seed).await;
    for _ in 0..40 {
        load.send().await;
        tokio::time::sleep(Duration::from_millis(sim.draw(0, 6_000))).await;
        if sim.draw(1, 1_000) <= 250 {
            storm.disturb();
        }
    }
    tokio::time::sleep(Duration::from_secs(20)).await;
    storm.end();
    storm.settled(QUIET, NEVER, "after the storm").await;
    for _ in 0..PATIENCE {
        if all_ended(&sim) {
            break;
        }
        tokio::time::sleep(QUIET).await;
    }
    // What landed after it was removed is swept.
    tokio::time::sleep(Duration::from_millis(SWEEP_MS as u64)).await;
    storm.settled(QUIET, NEVER, "at the end").await;
    Ended {
        faults: storm.faults(),
        sim,
        bots: load.bots,
        commands: load.commands,
    }
}
