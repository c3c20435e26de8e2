//! Rules of the engine that are broken in the house, and the laws that notice.
use super::{Broken, Plan, Seed};
use runtime::engine::Sabotage;

/// Each must be caught within so many seeds.
pub const SEEDS_TO_CATCH: u64 = 100;

/// Rules that real workers lean on: the laws of the house must catch each. All others are tried in the small business alone
/// (`every_sabotage_is_caught_by_a_law`); without one of them a run of the house may never end.
pub const CAUGHT_HERE: [Sabotage; 4] = [
    Sabotage::E3RepeatsSayNothing,
    Sabotage::E5PublishBeforeSave,
    Sabotage::I5AnotherPartitioner,
    Sabotage::G4AnotherTenantsPorts,
];

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
