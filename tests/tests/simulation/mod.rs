//! The simulation (tests/src/simulation) within the tests: some seeds of each kind, and what its checkers notice.
mod house;
mod page;

use tests::simulation::{Beside, Sabotage, beside, storm, trials};

/// Enough to meet every fault in many places, few enough to take seconds.
const SEEDS: u64 = 100;

/// The seeds to run: the first `count`, or what `TROUPE_SEEDS` says: `7`, `3,7` or `0..5000`.
fn seeds(count: u64) -> Vec<u64> {
    let Ok(wanted) = std::env::var("TROUPE_SEEDS") else {
        return (0..count).collect();
    };
    let number = |text: &str| {
        text.parse::<u64>()
            .expect("TROUPE_SEEDS is numbers or a range")
    };
    match wanted.split_once("..") {
        Some((from, to)) => (number(from)..number(to)).collect(),
        None => wanted.split(',').map(number).collect(),
    }
}

#[test]
fn the_laws_hold_through_a_storm_of_any_seed() {
    let (mut report, mut first) = (String::new(), None);
    for seed in seeds(SEEDS) {
        let ended = storm(seed, None);
        if !ended.broken.is_empty() {
            report += &format!("\nseed {seed} broke:\n{}\n", ended.broken.join("\n"));
            first.get_or_insert(ended.history);
        }
    }
    if let Some(history) = first {
        panic!("{history}\n{report}\nTROUPE_SEEDS=<seed> runs one alone");
    }
}

#[test]
fn the_trials_break_no_law() {
    for (trial, broken) in trials(None) {
        assert!(broken.is_empty(), "{trial}: {}", broken.join("\n"));
    }
    for trial in Beside::ALL {
        let broken = beside(trial, false);
        assert!(broken.is_empty(), "{trial:?}: {}", broken.join("\n"));
    }
}

#[test]
fn the_same_seed_gives_the_same_history() {
    let [first, second] = [5, 5].map(|seed| storm(seed, None).history);
    assert!(first == second, "seed 5 does not repeat itself");
}

/// Each variant must be caught by a law within this many storms.
const STORMS_TO_CATCH: u64 = 100;

/// By what, and the first law that it broke.
fn caught(sabotage: Sabotage) -> Option<(String, String)> {
    let first = |broken: Vec<String>| broken.into_iter().next();
    if let Sabotage::Beside(trial) = sabotage {
        return Some(("its trial".to_owned(), first(beside(trial, true))?));
    }
    let trials = trials(Some(sabotage)).into_iter();
    let mut trials = trials.filter_map(|(trial, broken)| Some((trial.to_owned(), first(broken)?)));
    let storm = |seed| {
        let broken = storm(seed, Some(sabotage)).broken;
        Some((format!("seed {seed}"), first(broken)?))
    };
    trials
        .next()
        .or_else(|| (0..STORMS_TO_CATCH).find_map(storm))
}

#[test]
fn every_sabotage_is_caught_by_a_law() {
    let mut uncaught = Vec::new();
    for sabotage in Sabotage::all() {
        let (name, caught) = (sabotage.name(), caught(sabotage));
        match caught {
            Some((trial, law)) => {
                let law = law.lines().next().unwrap_or_default();
                println!("{name} is caught by {trial}: {law}");
            }
            None => uncaught.push(name),
        }
    }
    assert!(uncaught.is_empty(), "no law catches {uncaught:?}");
}
