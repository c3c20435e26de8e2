//! One run: processes that are killed, stopped and restarted under load, until all has settled.
use super::business::{self, CONSUMERS};
use super::load::{self, Load, Sent};
use super::operator;
use super::outside::Outside;
use runtime::engine::{self, Options, Sabotage};
use runtime::testkit::sim::{Side, Sim, SimOptions};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

const PROCESSES: [&str; 3] = ["a", "b", "c"];
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

#[derive(Clone, Default)]
struct Faults(Arc<Mutex<Vec<String>>>);
impl Faults {
    fn add(&self, fault: String) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(fault);
    }
}

/// Keeps one process running.
struct Supervisor {
    sim: Sim,
    name: &'static str,
    outside: Outside,
    options: Options,
    faults: Faults,
    /// Counts the clean restarts that were asked for.
    restarts: watch::Receiver<u64>,
}

impl Supervisor {
    async fn keep_running(mut self) {
        loop {
            let process = self.sim.process(self.name);
            let ports = tokio::select! {
                biased;
                () = process.died() => continue,
                ports = load::ports(&process) => ports,
            };
            let consumers = business::consumers(&process, &self.outside);
            let running =
                engine::start(&ports, consumers, &self.options).expect("the wiring is right");
            self.restarts.mark_unchanged();
            let asked = tokio::select! {
                biased;
                () = process.died() => false,
                asked = self.restarts.changed() => asked.is_ok(),
            };
            for consumer in running.ended() {
                self.faults
                    .add(format!("{consumer} ended by itself in {}", process.name()));
            }
            if asked {
                tokio::select! {
                    biased;
                    () = process.died() => {}
                    unfinished = running.stop(Duration::from_secs(8)) => {
                        self.sim.tell(&process.name(), format!("stopped cleanly, unfinished: {unfinished:?}"));
                        self.sim.crash(self.name);
                    }
                }
            } else {
                running.abort();
            }
            tokio::time::sleep(Duration::from_millis(self.sim.draw(10, 8_000))).await;
        }
    }
}

struct Storm {
    sim: Sim,
    outside: Outside,
    restarts: BTreeMap<&'static str, watch::Sender<u64>>,
}

impl Storm {
    /// Something goes wrong.
    fn disturb(&self) {
        let sim = &self.sim;
        let name = PROCESSES[sim.draw(0, PROCESSES.len() as u64 - 1) as usize];
        let write = sim.writes(name) + sim.draw(1, 12);
        let side = if sim.draw(0, 1) == 0 {
            Side::Before
        } else {
            Side::After
        };
        match sim.draw(0, 9) {
            0 => sim.crash(name),
            1..=3 => sim.crash_at(name, write, side),
            4 => self.stop_for_a_while(name),
            5 | 6 => {
                sim.stop_at(name, write, side);
                self.resume_later(name, 4_000, 20_000);
            }
            7 => self.restarts[name].send_modify(|count| *count += 1),
            8 => sim.shake(CONSUMERS[sim.draw(0, CONSUMERS.len() as u64 - 1) as usize]),
            _ => {
                self.outside.set_down(true);
                let (outside, wait) = (
                    self.outside.clone(),
                    Duration::from_millis(sim.draw(2_000, 14_000)),
                );
                tokio::spawn(async move {
                    tokio::time::sleep(wait).await;
                    outside.set_down(false);
                });
            }
        }
    }

    fn stop_for_a_while(&self, name: &'static str) {
        self.sim.stop(name);
        self.resume_later(name, 100, 15_000);
    }

    fn resume_later(&self, name: &'static str, least: u64, most: u64) {
        let (sim, wait) = (
            self.sim.clone(),
            Duration::from_millis(self.sim.draw(least, most)),
        );
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            sim.resume(name);
        });
    }
}

/// Runs the business through a storm, and after it until everything has settled, dead letters redriven.
pub async fn run(plan: Plan) -> Ended {
    let sim = Sim::new(plan.seed, SimOptions::stormy());
    Load::topics(&sim);
    let outside = Outside::new(plan.seed);
    let faults = Faults::default();
    let options = Options::new(business::map()).breaking(plan.sabotage);
    let mut restarts = BTreeMap::new();
    let supervise = |name: &'static str, restarts: watch::Receiver<u64>| -> JoinHandle<()> {
        let supervisor = Supervisor {
            sim: sim.clone(),
            name,
            outside: outside.clone(),
            options: options.clone(),
            faults: faults.clone(),
            restarts,
        };
        tokio::spawn(supervisor.keep_running())
    };
    for name in PROCESSES {
        let (sender, receiver) = watch::channel(0);
        restarts.insert(name, sender);
        drop(supervise(name, receiver)); // detached: they end with the runtime
    }
    let storm = Storm {
        sim: sim.clone(),
        outside: outside.clone(),
        restarts,
    };
    let mut load = Load::new(&sim, plan.seed).await;
    for _ in 0..plan.steps {
        load.send().await;
        tokio::time::sleep(Duration::from_millis(sim.draw(0, 400))).await;
        if sim.draw(1, 1_000) <= plan.disturbed {
            storm.disturb();
        }
    }
    tokio::time::sleep(Duration::from_secs(20)).await;
    sim.calm_down();
    PROCESSES.into_iter().for_each(|name| sim.resume(name));
    let settled = async |when: &str| {
        let settled = sim.settled(QUIET, NEVER).await;
        if !settled {
            faults.add(format!("it does not settle {when}"));
        }
        settled
    };
    let mut quiet = settled("after the storm").await;
    outside.heal();
    let mut round = 0;
    while quiet && operator::redrive_all(&sim).await {
        round += 1;
        quiet = settled(&format!("after redriving {round} times")).await && round < 20;
    }
    if quiet {
        operator::discard_foreign(&sim).await;
        load.send_plain_to_all().await;
        settled("at the end").await;
    }
    let faults = std::mem::take(&mut *faults.0.lock().unwrap_or_else(PoisonError::into_inner));
    Ended {
        sim,
        outside,
        sent: load.sent,
        faults,
    }
}
