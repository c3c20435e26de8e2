//! The simulation: the real engine and the real workers in the simulated cluster, through a storm for each seed.
//! A failing seed repeats exactly; it prints the laws that it broke and all that happened.
//!
//! - the small business ([`run`], [`business`], [`load`], [`laws`]): an entity, a handler and two views that remember all
//!   that befell them, so that its laws see every rule of the engine; its rules can be broken ([`Sabotage`]), in storms,
//!   in [`trials`] without chance, and [`beside`] the engine;
//! - the [`house`]: all that the binary runs, in the worst of storms.
mod beside;
mod business;
mod cluster;
mod doubles;
pub mod house;
mod laws;
mod load;
mod operator;
mod outside;
mod run;
mod sabotage;
mod seen;
mod trials;

pub use sabotage::{Beside, Sabotage};

use run::{Ended, Plan};

/// Runs on paused time, one thread.
///
/// # Panics
/// If there can be no runtime.
pub fn on_paused_time<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.expect("a runtime").block_on(work)
}

fn simulate(seed: u64, sabotage: Option<Sabotage>) -> Ended {
    let plan = Plan {
        sabotage,
        ..Plan::of(seed)
    };
    on_paused_time(run::run(plan))
}

/// What a storm of the small business left.
pub struct Storm {
    /// The laws that it broke, in words.
    pub broken: Vec<String>,
    /// All that happened, a line each.
    pub history: String,
}

/// The small business in the storm of a seed, a rule broken or none.
pub fn storm(seed: u64, sabotage: Option<Sabotage>) -> Storm {
    let ended = simulate(seed, sabotage);
    Storm {
        broken: laws::broken(&ended),
        history: ended.sim.history(),
    }
}

/// All trials by name, a rule broken or none: the laws that each broke.
pub fn trials(sabotage: Option<Sabotage>) -> Vec<(&'static str, Vec<String>)> {
    let plan = Plan {
        sabotage,
        ..Plan::of(0)
    };
    on_paused_time(trials::all(plan))
}

/// One trial beside the engine, its rule broken or kept: what it found wrong.
pub fn beside(trial: Beside, broken: bool) -> Vec<String> {
    on_paused_time(beside::run(trial, broken))
}
