//! The house in the simulation: some seeds of it. `simulate` runs more.
use super::seeds;
use std::collections::BTreeMap;
use tests::simulation::house::sabotage::{CAUGHT_HERE, caught};
use tests::simulation::house::{Kind, Plan, Seed};

/// Enough to meet every kind of request, few enough for a debug build: `simulate` runs hundreds.
const SEEDS: u64 = 8;

#[test]
fn the_house_keeps_its_laws_through_a_storm_of_any_seed() {
    let mut report = String::new();
    let mut first = None;
    let mut went: BTreeMap<(Kind, &str), usize> = BTreeMap::new();
    let seeds = seeds(SEEDS);
    for &number in &seeds {
        let ended = Seed::run(&Plan::of(number));
        assert!(
            ended.is_whole(),
            "seed {number} has {} messages, {} crashes, {} rebalances",
            ended.messages,
            ended.crashes,
            ended.rebalances
        );
        for (kind, how) in ended.outcomes {
            *went.entry((kind, how)).or_default() += 1;
        }
        if !ended.broken.is_empty() {
            for broken in &ended.broken {
                report += &format!("seed {number} broke {broken}\n");
            }
            first.get_or_insert(ended.history);
        }
    }
    println!("{went:#?}");
    if let Some(history) = first {
        panic!("{history}\n{report}\nTROUPE_SEEDS=<seed> runs one alone");
    }
    // Laws about what never happens would hold without any law: over all seeds, everything happens.
    if seeds.len() as u64 >= SEEDS {
        for kind in Kind::ALL {
            assert!(
                went.contains_key(&(kind, "done")),
                "no {kind:?} was ever done"
            );
        }
        for never in [Kind::Create, Kind::Upload] {
            let refused = ["refused", "failed"].map(|how| went.contains_key(&(never, how)));
            assert!(refused.contains(&true), "every {never:?} went well");
        }
    }
}

/// Whatever runs beside it, and whatever ran before: one after the other on one thread, then all at once, the last one
/// first. `simulate` does so with more.
#[test]
fn the_same_seed_gives_the_house_the_same_history() {
    let seeds = [3, 4, 5];
    let told = |seed: u64| {
        let plan = Plan {
            tell: true,
            ..Plan::of(seed)
        };
        Seed::run(&plan).history
    };
    let first = seeds.map(told);
    let mut again = std::thread::scope(|scope| {
        let mut backwards = seeds;
        backwards.reverse();
        let threads = backwards.map(|seed| scope.spawn(move || told(seed)));
        threads.map(|thread| thread.join().expect("no panic"))
    });
    again.reverse();
    for ((seed, first), second) in seeds.into_iter().zip(first).zip(again) {
        assert!(!first.is_empty(), "nothing was told");
        let differs = first.lines().zip(second.lines()).find(|(a, b)| a != b);
        assert_eq!(differs, None, "seed {seed} does not repeat itself");
        assert!(first == second, "seed {seed} does not repeat itself");
    }
}

/// The laws of the house notice, too, what the laws of the small business do (see `every_sabotage_is_caught_by_a_law`).
#[test]
fn rules_that_are_broken_in_the_house_are_caught_by_its_laws() {
    let mut uncaught = vec![];
    for sabotage in CAUGHT_HERE {
        match caught(sabotage) {
            Some((number, law)) => println!("{sabotage:?} is caught by seed {number}: {law}"),
            None => uncaught.push(sabotage),
        }
    }
    assert!(
        uncaught.is_empty(),
        "no law of the house catches {uncaught:?}"
    );
}
