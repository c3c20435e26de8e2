//! Rules of the engine that are broken in the house, and the laws that notice.
use super::{Broken, Plan, Seed};
use runtime::engine::Sabotage;

/// Each must be caught within so many seeds.
pub const SEEDS_TO_CATCH: u64 = 100;

/// Rules whose breaking real workers cannot show, and why. The small business shows it: see `every_sabotage_is_caught_by_a_law`.
pub const ELSEWHERE: [(Sabotage, &str); 0] = [];

/// Those that the laws of the house must catch.
pub fn caught_here() -> impl Iterator<Item = Sabotage> {
    let elsewhere = |rule: &Sabotage| ELSEWHERE.iter().any(|(other, _)| other == rule);
    Sabotage::ALL
        .into_iter()
        .filter(move |rule| !elsewhere(rule))
}

/// The first seed that breaks a law when the rule is broken, and the law.
pub fn caught(sabotage: Sabotage) -> Option<(u64, Broken)> {
    (0..SEEDS_TO_CATCH).find_map(|number| {
        let plan = Plan {
            sabotage: Some(sabotage),
            ..Plan::of(number)
        };
        Some((number, Seed::run(&plan).broken.into_iter().next()?))
    })
}
