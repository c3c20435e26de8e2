//! Trials beside the storms: for rules that a storm cannot break, since they are not the engine's own: of the wiring,
//! of the index, of sagas, of the edge, of the file, of what is fetched from outside.
mod edge;
mod file;
mod outside;
mod wiring;

use super::sabotage::Beside;

/// One trial; with its rule broken or not. What it found wrong.
pub async fn run(trial: Beside, broken: bool) -> Vec<String> {
    match trial {
        Beside::E1TwoInputs => wiring::killed_between_two_inputs(broken).await,
        Beside::O2VersionsIgnored => outside::a_zombie_switches_late(broken).await,
        Beside::O3UndoneElsewhere => outside::undone_where_it_was_done(broken),
        Beside::O4HandlersRemember => wiring::tried_again_by_the_same_process(broken).await,
        Beside::H1LastAnswerWins => edge::dead_letter_redriven(broken).await,
        Beside::H2FreshIdWhenSentAgain => edge::sent_again(broken).await,
        Beside::H3OldAttemptsPass => edge::two_attempts_at_once(broken),
        Beside::M1OpenedWithoutLock => file::a_second_owner(broken),
        Beside::M2NotOnDisk => file::what_a_commit_waits_for(broken).await,
        Beside::G3ResolvedUnchecked => outside::names_that_lead_inside(broken),
    }
}

/// What is wrong, if it is.
fn unless(holds: bool, what: impl FnOnce() -> String) -> Vec<String> {
    if holds { vec![] } else { vec![what()] }
}
