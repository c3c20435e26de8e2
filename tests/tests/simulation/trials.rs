//! Trials without chance, for rules that a storm seldom touches.
use super::business::{self, DOCUMENT, Document};
use super::load::{self, Load};
use super::outside::Outside;
use super::run::Plan;
use runtime::engine::{self, Options, Running};
use runtime::rows::EntityRow;
use runtime::testkit::sim::{Sim, SimOptions};
use std::time::Duration;

/// As often as the map says that handlers try.
const ATTEMPTS: usize = 4;

struct Trial {
    sim: Sim,
    outside: Outside,
    options: Options,
    load: Load,
}

impl Trial {
    async fn new(plan: Plan) -> Self {
        let sim = Sim::new(plan.seed, SimOptions::calm());
        Load::topics(&sim);
        let load = Load::new(&sim, plan.seed).await;
        let options = Options {
            map: business::map(),
            sabotage: plan.sabotage,
        };
        Self {
            outside: Outside::new(plan.seed),
            options,
            load,
            sim,
        }
    }
    /// Starts the one process.
    async fn start(&self) -> Running {
        let process = self.sim.process("a");
        let ports = load::ports(&process).await;
        let consumers = business::consumers(&process, &self.outside);
        engine::start(&ports, consumers, &self.options).expect("the wiring is right")
    }
}

/// C4: a process is killed after every attempt at one message that never goes well; what is wrong with the attempts
/// that its handler is told of.
pub async fn killed_after_every_attempt(plan: Plan) -> Vec<String> {
    let mut trial = Trial::new(plan).await;
    trial.load.send_doomed().await;
    for expected in 1..=ATTEMPTS {
        let running = trial.start().await;
        let waiting = async {
            while trial.outside.calls().len() < expected {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        // The last owner's session has to run out, and the pause between attempts to pass.
        if tokio::time::timeout(Duration::from_secs(60), waiting)
            .await
            .is_err()
        {
            break;
        }
        // The attempt fails, and the checkpoint says so; the next one is still to wait.
        tokio::time::sleep(Duration::from_millis(150)).await;
        trial.sim.crash("a");
        running.abort();
    }
    let attempts: Vec<usize> = trial
        .outside
        .calls()
        .iter()
        .map(|call| call.attempt as usize)
        .collect();
    let expected: Vec<usize> = (0..ATTEMPTS).collect();
    if attempts == expected {
        return vec![];
    }
    vec![format!(
        "attempts over restarts: {attempts:?} instead of {expected:?}\n{}",
        trial.sim.history()
    )]
}

/// E7: a clock is set back between two wakes of one document; what is wrong with its wakes.
pub async fn clock_set_back_between_wakes(plan: Plan) -> Vec<String> {
    let mut trial = Trial::new(plan).await;
    let running = trial.start().await;
    for _ in 0..2 {
        trial.load.send_late().await;
        tokio::time::sleep(Duration::from_secs(30)).await;
        trial.sim.set_back("a", 50_000);
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    let mut broken = Vec::new();
    for (key, row) in trial.sim.rows(DOCUMENT) {
        let row: EntityRow = serde_json::from_slice(&row.body).expect("a row of ours");
        let state = row
            .state
            .map(|state| serde_json::from_str(state.get()).expect("a document"));
        let document: Document = state.unwrap_or_default();
        broken.extend(document.faults);
        if document.woken != 2 {
            broken.push(format!("{key} woke {} times", document.woken));
        }
    }
    running.abort();
    broken
}
