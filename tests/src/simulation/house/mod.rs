//! The house: all real workers, as the binary wires them, with an edge in each process, in the simulated cluster and the
//! worst of storms.
//!
//! - [`load`], [`asking`]: what is asked of it, over HTTP ([`doors`], [`http`]) and by systems outside ([`outsiders`]);
//! - [`plan`]: what disturbs it, by seed; [`providers`]: models that fail, hang and lie; [`run`]: one run;
//! - [`laws`]: what must hold afterwards; [`shrink`]: less of a seed that still breaks the same law;
//! - [`table`]: which fault met which call of a port; [`sabotage`]: rules that are broken on purpose.
mod asking;
mod doors;
mod http;
mod laws;
mod load;
mod outsiders;
mod plan;
mod providers;
mod run;
pub mod sabotage;
pub mod shrink;
pub mod table;

use super::on_paused_time;
use runtime::context::panic_text;
use runtime::testkit::sim::{Call, Event, Fault, What};
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;

pub use laws::Broken;
pub use load::Kind;
pub use plan::{Part, Plan};

/// What a seed left.
#[derive(Debug, Default)]
pub struct Seed {
    /// The laws that it broke.
    pub broken: Vec<Broken>,
    /// All that happened, a line each; only if a law was broken, or the plan asks for it.
    pub history: String,
    /// How each command of a client went.
    pub outcomes: Vec<(Kind, &'static str)>,
    /// Things that were asked, at most.
    pub steps: u64,
    /// Messages that stand on the log in the end.
    pub messages: usize,
    /// Processes killed.
    pub crashes: usize,
    /// Times that a partition was taken from a process that ran, to be given to another.
    pub rebalances: usize,
    /// How often each call of a port met each fault.
    pub met: BTreeMap<(Call, Fault), u64>,
}

impl Seed {
    /// Runs it. What panics, panics in the simulated system or in a law: that is a broken law, too.
    pub fn run(plan: &Plan) -> Self {
        let run = AssertUnwindSafe(|| Self::run_unguarded(plan));
        std::panic::catch_unwind(run).unwrap_or_else(|panic| Self {
            broken: vec![Broken {
                law: "nothing panics",
                what: panic_text(&*panic),
            }],
            ..Self::default()
        })
    }

    fn run_unguarded(plan: &Plan) -> Self {
        let ended = on_paused_time(run::run(plan));
        let (broken, outcomes) = on_paused_time(laws::hold(&ended));
        let sim = &ended.sim;
        let history = match plan.tell || !broken.is_empty() {
            true => sim.history(),
            false => String::new(),
        };
        Self {
            broken,
            history,
            outcomes,
            steps: ended.steps,
            messages: sim.standing(),
            crashes: sim.count(|event| says(event, "crashed")),
            rebalances: sim.count(|event| matches!(event.what, What::Revoked { .. })),
            met: sim.met(),
        }
    }

    /// Whether it is what a seed should be: at least 2,000 messages, 3 crashes and a rebalance.
    pub fn is_whole(&self) -> bool {
        self.messages >= plan::MESSAGES && self.crashes >= 3 && self.rebalances >= 1
    }
}

fn says(event: &Event, text: &str) -> bool {
    matches!(&event.what, What::Note(note) if note == text)
}
