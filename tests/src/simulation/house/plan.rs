//! What happens in a seed: which steps there are, and what disturbs each. A part can be left out, to shrink a failure.
use super::super::cluster::{PROCESSES, Storm};
use super::providers;
use runtime::engine::Sabotage;
use runtime::testkit::sim::{CALLS, Call, Fault, Random, Sim};
use std::collections::BTreeSet;
use std::fmt;

/// Things asked in a seed, at least; it goes on until [`MESSAGES`] stand on the log.
pub const STEPS: u64 = 40;
/// Messages of a seed, at least.
pub const MESSAGES: usize = 2_000;
/// Things asked in a seed, at most.
pub const MOST_STEPS: u64 = 600;
/// One step in so many has a process killed, whatever else happens: three a seed.
const KILLED_EVERY: u64 = 30;
/// In this step partitions are given away, whatever else happens.
const SHAKEN: u64 = 50;

/// A part of a seed that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// What is asked in a step.
    Asked(u64),
    /// What disturbs it.
    Disturbed(u64),
    /// Faults that chance adds to calls.
    Noise,
}
impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked(step) => write!(f, "ask {step}"),
            Self::Disturbed(step) => write!(f, "disturb {step}"),
            Self::Noise => f.write_str("noise"),
        }
    }
}

/// What is run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Decides everything else.
    pub seed: u64,
    /// A rule of the engine that is broken.
    pub sabotage: Option<Sabotage>,
    /// Things asked; as many as it takes, if it does not say.
    pub steps: Option<u64>,
    /// Its history is wanted even if all goes well.
    pub tell: bool,
    /// What is left out.
    pub without: BTreeSet<Part>,
}

impl Plan {
    /// The whole of a seed.
    pub fn of(seed: u64) -> Self {
        Self {
            seed,
            sabotage: None,
            steps: None,
            tell: false,
            without: BTreeSet::new(),
        }
    }
    /// Whether something is left in.
    pub fn has(&self, part: Part) -> bool {
        !self.without.contains(&part)
    }
    /// Whether another step follows, when so many messages stand on the log.
    pub fn goes_on(&self, step: u64, messages: usize) -> bool {
        match self.steps {
            Some(steps) => step < steps,
            None => step < STEPS || (messages < MESSAGES && step < MOST_STEPS),
        }
    }
    /// All that is left in and can be left out, what disturbs first.
    pub fn parts(&self) -> Vec<Part> {
        let steps = self.steps.unwrap_or(0);
        let disturbed = (0..steps).map(Part::Disturbed);
        let asked = (0..steps).map(Part::Asked);
        let all = [Part::Noise].into_iter().chain(disturbed).chain(asked);
        all.filter(|part| self.has(*part)).collect()
    }
}

/// Whether a fault ends or stops its process.
fn is_a_blow(fault: Fault) -> bool {
    use Fault::{CrashAfter, CrashBefore, StopAfter, StopBefore};
    matches!(fault, CrashBefore | CrashAfter | StopBefore | StopAfter)
}

/// Every call of the house, and what may befall it.
pub fn calls() -> impl Iterator<Item = (Call, &'static [Fault])> {
    CALLS.into_iter().chain(providers::CALLS)
}

/// What is called so late in a seed that the storm is over by then.
const LATE: Call = "search.count_chatbot";

/// Faults for when the storm is over.
pub fn disturb_late(plan: &Plan, sim: &Sim) {
    let mut random = Random::new(plan.seed).stream("late");
    let faults = calls().find(|(call, _)| *call == LATE);
    let faults = faults.map_or(&[] as &[Fault], |(_, faults)| faults);
    for _ in 0..2 {
        sim.plan(LATE, faults[random.index(faults.len())]);
    }
}

/// Something goes wrong in a step, or nothing does.
pub fn disturb(plan: &Plan, step: u64, sim: &Sim, storm: &Storm, consumers: &[&str]) {
    let mut random = Random::new(plan.seed).stream(&format!("disturb {step}"));
    let process = PROCESSES[random.index(PROCESSES.len())];
    let consumer = consumers[random.index(consumers.len())];
    if step % KILLED_EVERY == KILLED_EVERY / 2 {
        sim.crash(process);
    }
    if step == SHAKEN {
        consumers.iter().for_each(|consumer| sim.shake(consumer));
    }
    let kind = random.between(0, 99);
    let mut one = |blow: bool| {
        let calls: Vec<_> = calls().collect();
        let (call, faults) = calls[random.index(calls.len())];
        let faults: Vec<Fault> = faults
            .iter()
            .copied()
            .filter(|f| is_a_blow(*f) == blow)
            .collect();
        if !faults.is_empty() {
            sim.plan(call, faults[random.index(faults.len())]);
        }
    };
    match kind {
        // Most calls go well, but for what chance adds.
        0..40 => one(false),
        40..46 => one(true),
        46..49 => storm.stop_for_a_while(process),
        49..52 => storm.restart(process),
        52..56 => sim.shake(consumer),
        _ => {}
    }
}
