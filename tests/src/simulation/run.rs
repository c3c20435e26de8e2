//! One run of the business: load in a storm, until all has settled.
use super::business::{self, BORDER, CONSUMERS, EFFECTS};
use super::cluster::{Consumers, Storm};
use super::load::Load;
use super::load::Sent;
use super::operator;
use super::outside::Outside;
use super::sabotage::Sabotage;
use runtime::engine::{self, Options};
use runtime::testkit::sim::{Sim, SimOptions};
use std::sync::Arc;
use std::time::Duration;

/// Longer than any pause of retries and breakers here, and than a late answer takes.
const QUIET: Duration = Duration::from_secs(60);
/// Things that happen; a run that has not settled by then never will.
const NEVER: usize = 5_000;

/// What is run.
#[derive(Clone, Copy)]
pub struct Plan {
    pub seed: u64,
    pub sabotage: Option<Sabotage>,
    /// Things sent.
    pub steps: u64,
    /// Of 1,000 steps, how many come with a disturbance.
    pub disturbed: u64,
}

impl Plan {
    /// What the engine is told to break.
    pub fn of_engine(&self) -> Option<engine::Sabotage> {
        self.sabotage.and_then(Sabotage::of_engine)
    }
    pub fn of(seed: u64) -> Self {
        Self {
            seed,
            sabotage: None,
            steps: 70,
            disturbed: 220,
        }
    }
}

/// What is left of a run, for the laws.
pub struct Ended {
    pub sim: Sim,
    pub outside: Outside,
    pub sent: Sent,
    /// What the run itself saw go wrong.
    pub faults: Vec<String>,
}

/// Runs the business through a storm, and after it until everything has settled, dead letters redriven.
pub async fn run(plan: Plan) -> Ended {
    let sim = Sim::new(plan.seed, SimOptions::stormy());
    Load::topics(&sim);
    let outside = Outside::new(plan.seed);
    let options = Options::new(business::map()).breaking(plan.of_engine());
    let parser = outside.clone();
    let consumers: Consumers = Arc::new(move |process, _| business::consumers(process, &parser));
    let storm = Storm::begin(&sim, consumers, &options, &CONSUMERS, Some(&outside));
    let mut load = Load::new(&sim, plan.seed).await;
    for _ in 0..plan.steps {
        load.send().await;
        tokio::time::sleep(Duration::from_millis(sim.draw(0, 400))).await;
        if sim.draw(1, 1_000) <= plan.disturbed {
            storm.disturb();
        }
    }
    tokio::time::sleep(Duration::from_secs(20)).await;
    storm.end();
    let settled = async |when: &str| storm.settled(QUIET, NEVER, when).await;
    let mut quiet = settled("after the storm").await;
    outside.heal();
    let mut round = 0;
    while quiet && operator::redrive_all(&sim, &business::map(), &[EFFECTS]).await {
        round += 1;
        quiet = settled(&format!("after redriving {round} times")).await && round < 20;
    }
    if quiet {
        operator::discard_foreign(&sim, &business::map(), &[BORDER]).await;
        load.send_plain_to_all().await;
        settled("at the end").await;
    }
    let faults = storm.faults();
    Ended {
        sim,
        outside,
        sent: load.sent,
        faults,
    }
}
