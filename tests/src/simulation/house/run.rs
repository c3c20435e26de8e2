//! One run of the house: requests in a storm, until everybody has been answered and every saga has ended.
use super::super::cluster::{Consumers, Storm};
use super::super::operator;
use super::doors::Doors;
use super::http;
use super::load::{Bot, Command, Foreign, Load};
use super::plan::{Part, Plan, disturb, disturb_late};
use super::providers::Provider;
use documents::document::SWEEP_MS;
use documents::parse::Limits;
use events::map::{TopicKind, TopicMap};
use runtime::engine::Options;
use runtime::rows::{self, EntityRow};
use runtime::testkit::sim::{Random, Sim, SimOptions, SimProcess, SimTopic};
use runtime::{Consumer, Ports, answers_outside};
use std::sync::Arc;
use std::time::Duration;

/// The sagas of the house.
pub const SAGAS: [&str; 2] = ["chatbots.creation", "chatbots.deletion"];
/// Longer than any pause but those of sagas.
const QUIET: Duration = Duration::from_secs(60);
/// Things that happen; a run that has not settled by then never will.
const NEVER: usize = 100_000;
/// Times that sagas and clients are given to end, each as long as [`QUIET`].
const PATIENCE: usize = 90;
/// Times that a person looks for dead letters to redrive.
const ROUNDS: usize = 6;
/// How often rows that have expired are swept away.
const SWEEP_EVERY: Duration = Duration::from_secs(15);

/// What is left of a run, for the laws.
pub struct Ended {
    pub sim: Sim,
    /// Things asked.
    pub steps: u64,
    pub bots: Vec<Bot>,
    pub commands: Vec<Command>,
    pub foreign: Vec<Foreign>,
    pub http: http::Clients,
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

/// What every process runs: all workers as the binary wires them, with models that fail, and what an edge needs.
fn consumers(process: &SimProcess, ports: &Ports) -> Vec<Consumer> {
    let provider = Arc::new(Provider::new(process, &ports.breakers));
    let all = [
        documents::consumers(Limits::default()),
        knowledge::consumers(provider.clone()),
        chatbots::consumers(),
        answers::consumers(provider.clone(), provider),
        conversations::consumers(),
        edge::consumers(),
        answers_outside::consumers(TopicMap::embedded()),
    ];
    all.into_iter().flatten().collect()
}

/// Removes what has expired, as the binary does, though sooner.
async fn keep_house(ports: Ports) {
    let collections = rows::expiring(TopicMap::embedded());
    let mut round = 0;
    loop {
        ports.clock.sleep(SWEEP_EVERY).await;
        let now_ms = ports.clock.now_ms();
        round += 1;
        // What fails is swept the next time.
        let collection = &collections[round % collections.len()];
        let _ = ports.state.sweep(collection, now_ms, 1_000).await;
        let _ = ports.search.sweep(now_ms - 86_400_000, 1_000).await;
    }
}

fn names(border: bool) -> Vec<&'static str> {
    let all = TopicMap::embedded().consumers();
    let wanted = all.filter(|(topic, _)| (topic.kind == TopicKind::Inbox) == border);
    wanted.map(|(_, consumer)| consumer.name.as_str()).collect()
}

pub async fn run(plan: &Plan) -> Ended {
    let noise = match plan.has(Part::Noise) {
        true => SimOptions::stormy(),
        false => SimOptions::stormy().without_faults(),
    };
    let sim = Sim::new(plan.seed, noise);
    let map = Arc::new(TopicMap::embedded().clone());
    for topic in map.topics() {
        sim.topic(SimTopic::new(&topic.name, topic.partitions));
    }
    let (doors, http) = (Doors::default(), http::Clients::default());
    let opening = doors.clone();
    let consumers: Consumers = Arc::new(move |process, ports| {
        drop(process.spawn(opening.clone().opened(process.clone(), ports.clone())));
        drop(process.spawn(keep_house(ports.clone())));
        consumers(process, ports)
    });
    let (workers, borders) = (names(false), names(true));
    let all: Vec<&str> = workers.iter().chain(&borders).copied().collect();
    let options = Options::new(map.clone()).breaking(plan.sabotage);
    let storm = Storm::begin(&sim, consumers, &options, &all, None);
    let mut load = Load::new(&sim, &doors, &http, plan.seed).await;
    let mut step = 0;
    while plan.goes_on(step, sim.standing()) {
        if plan.has(Part::Asked(step)) {
            load.send(step).await;
        }
        let mut random = Random::new(plan.seed).stream(&format!("pause {step}"));
        let pause = Duration::from_millis(random.between(0, 2_000));
        tokio::time::sleep(pause).await;
        if plan.has(Part::Disturbed(step)) {
            disturb(plan, step, &sim, &storm, &all);
        }
        step += 1;
    }
    tokio::time::sleep(Duration::from_secs(20)).await;
    storm.end();
    if plan.has(Part::Noise) {
        disturb_late(plan, &sim);
    }
    let ended = async || {
        for _ in 0..PATIENCE {
            if all_ended(&sim) && http.waiting() == 0 {
                break;
            }
            tokio::time::sleep(QUIET).await;
        }
        storm.settled(QUIET, NEVER, "when all has ended").await
    };
    let (mut quiet, mut round) = (ended().await, 0);
    while quiet && operator::redrive_all(&sim, &map, &workers).await {
        round += 1;
        quiet = ended().await && round < ROUNDS;
    }
    let comes_back = (round == ROUNDS)
        .then(|| "dead letters come back, however often they are redriven".to_owned());
    operator::discard_foreign(&sim, &map, &borders).await;
    // What landed after it was removed is swept.
    tokio::time::sleep(Duration::from_millis(SWEEP_MS as u64)).await;
    storm.settled(QUIET, NEVER, "at the end").await;
    Ended {
        faults: storm.faults().into_iter().chain(comes_back).collect(),
        steps: step,
        sim,
        bots: load.bots,
        commands: load.commands,
        foreign: load.foreign,
        http,
    }
}
