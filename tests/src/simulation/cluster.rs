//! Processes that are killed, stopped and restarted while they work, whatever they work at.
use super::load;
use super::outside::Outside;
use runtime::engine::{self, Options};
use runtime::testkit::sim::{Side, Sim, SimProcess};
use runtime::{Consumer, Ports};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

pub const PROCESSES: [&str; 3] = ["a", "b", "c"];

/// What each process runs, on its ports.
pub type Consumers = Arc<dyn Fn(&SimProcess, &Ports) -> Vec<Consumer> + Send + Sync>;

/// What the run itself saw go wrong.
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
    consumers: Consumers,
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
            let consumers = (self.consumers)(&process, &ports);
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

/// Three processes, and what befalls them.
pub struct Storm {
    sim: Sim,
    outside: Option<Outside>,
    consumers: Vec<String>,
    restarts: BTreeMap<&'static str, watch::Sender<u64>>,
    faults: Faults,
}

impl Storm {
    /// Starts the processes. `shaken`: the consumers whose partitions are given away; `outside`: what may be down.
    pub fn begin(
        sim: &Sim,
        consumers: Consumers,
        options: &Options,
        shaken: &[&str],
        outside: Option<&Outside>,
    ) -> Self {
        let (mut restarts, faults) = (BTreeMap::new(), Faults::default());
        for name in PROCESSES {
            let (sender, receiver) = watch::channel(0);
            restarts.insert(name, sender);
            let supervisor = Supervisor {
                sim: sim.clone(),
                name,
                consumers: consumers.clone(),
                options: options.clone(),
                faults: faults.clone(),
                restarts: receiver,
            };
            drop(tokio::spawn(supervisor.keep_running())); // detached: it ends with the runtime
        }
        Self {
            sim: sim.clone(),
            outside: outside.cloned(),
            consumers: shaken.iter().map(|&name| name.to_owned()).collect(),
            restarts,
            faults,
        }
    }

    /// Something goes wrong.
    pub fn disturb(&self) {
        let sim = &self.sim;
        let name = PROCESSES[sim.draw(0, PROCESSES.len() as u64 - 1) as usize];
        let write = sim.writes(name) + sim.draw(1, 12);
        let side = if sim.draw(0, 1) == 0 {
            Side::Before
        } else {
            Side::After
        };
        match (sim.draw(0, 9), &self.outside) {
            (0, _) => sim.crash(name),
            (1..=3, _) => sim.crash_at(name, write, side),
            (4, _) => self.stop_for_a_while(name),
            (5 | 6, _) => {
                sim.stop_at(name, write, side);
                self.resume_later(name, 4_000, 20_000);
            }
            (7, _) => self.restart(name),
            (8, _) | (_, None) => {
                let chosen = sim.draw(0, self.consumers.len() as u64 - 1) as usize;
                sim.shake(&self.consumers[chosen]);
            }
            (_, Some(outside)) => {
                outside.set_down(true);
                let (outside, wait) = (
                    outside.clone(),
                    Duration::from_millis(sim.draw(2_000, 14_000)),
                );
                tokio::spawn(async move {
                    tokio::time::sleep(wait).await;
                    outside.set_down(false);
                });
            }
        }
    }

    /// A clean restart of a process.
    pub fn restart(&self, name: &str) {
        if let Some(restarts) = self.restarts.get(name) {
            restarts.send_modify(|count| *count += 1);
        }
    }

    /// A process is stopped, and continued when its partitions may be others'.
    pub fn stop_for_a_while(&self, name: &'static str) {
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

    /// Nothing goes wrong any more.
    pub fn end(&self) {
        self.sim.calm_down();
        PROCESSES.into_iter().for_each(|name| self.sim.resume(name));
    }

    /// Waits until nothing has happened for `quiet`; after `never` things that happen it is a fault that it goes on.
    pub async fn settled(&self, quiet: Duration, never: usize, when: &str) -> bool {
        let settled = self.sim.settled(quiet, never).await;
        if !settled {
            self.faults.add(format!("it does not settle {when}"));
        }
        settled
    }

    /// What it saw go wrong so far.
    pub fn faults(&self) -> Vec<String> {
        self.faults
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
