//! Every lie is noticed, and by which law.
use crate::testkit::law::{self, *};
use crate::testkit::{Sabotage, Sabotage::*, Sweep};
use crate::{Phase, Saga};
use std::{collections::BTreeSet, time::Duration};

const TICK: Duration = Duration::from_millis(1);

/// Two steps with a way back, and one that is only reported.
fn three_steps() -> Saga<(), &'static str> {
    Saga::named("sweep.v1")
        .step("charge")
        .send(|_| "payments.payment/p1")
        .undo(|_| "payments.payment/p1")
        .tries(2, TICK)
        .timeout(TICK)
        .step("activate")
        .send(|_| "accounts.account/a1")
        .undo(|_| "accounts.account/a1")
        .tries(2, TICK)
        .timeout(TICK)
        .pivot()
        .step("receipt")
        .send(|_| "notifications.effects/p1")
        .tries(2, TICK)
        .timeout(TICK)
}

pub fn phases(texts: &str) -> BTreeSet<Phase> {
    texts
        .split_whitespace()
        .map(|text| text.parse().unwrap())
        .collect()
}

#[test]
fn no_law_is_broken_and_every_phase_is_reached() {
    let faults = std::env::var("FAULTS").map_or(2, |n| n.parse().expect("a number"));
    let swept = Sweep::of(&three_steps(), &()).faults(faults).run();
    let seen = swept.unwrap_or_else(|broken| panic!("{broken}"));
    println!("{} worlds, {} saga states", seen.worlds, seen.saga_states);
    let all = "new doing.charge doing.activate doing.receipt undoing.charge undoing.activate completed undone \
               stuck.charge stuck.activate abandoned";
    assert_eq!(seen.phases, phases(all));
}
/// It costs an undo that nobody needs; the tombstone makes it harmless.
#[test]
fn undoing_what_was_refused_breaks_no_law() {
    assert!(
        Sweep::of(&three_steps(), &())
            .sabotaged(RefusedIsUndoneToo)
            .faults(1)
            .run()
            .is_ok()
    );
}
#[test]
fn every_sabotage_breaks_a_law() {
    let lies: [(Sabotage, Law); 16] = [
        (SilenceMeansNo, NOTHING_LEFT), // S3
        (MaybeMeansNo, NOTHING_LEFT),   // S3
        (TurnIgnored, IGNORED),         // S1
        (EveryWakeFits, IGNORED),       // E7
        (NeverWakes, ENDS),             // E7
        (UndoneForwards, LAST_FIRST),
        (UnwoundPastPivot, LAST_FIRST),    // S6
        (UndoRefusedIsDone, NOTHING_LEFT), // S7
        (StuckInSilence, ALERT),           // S7
        (AnsweredAgain, ONCE),             // D5
        (NoTombstone, NOTHING_LEFT),       // S4
        (LateSuccessKept, MONEY),          // S4
        (KeyOfEachTry, MONEY),             // O1
        (RepeatJudgedAnew, NOTHING_LEFT),  // E2
        (TurnStandsStill, TOKENS),         // S1
        (UndoneTwice, UNDONE_ONCE),
    ];
    for (lie, law) in lies {
        let swept = Sweep::of(&three_steps(), &()).sabotaged(lie).run();
        let broken = swept.map_err(|broken| broken.law);
        assert_eq!(broken.map(|seen| seen.worlds), Err(law), "{lie:?}");
    }
}
#[test]
fn a_broken_law_comes_with_its_shortest_story() {
    let broken = Sweep::of(&three_steps(), &())
        .sabotaged(SilenceMeansNo)
        .run()
        .unwrap_err();
    assert_eq!(
        broken.to_string(),
        "broken: undone: nothing is in effect\n  \
         1. the saga hears Start\n  \
         2. do charge (1): Well\n  \
         3. the saga hears Woke(1)"
    );
}
#[test]
fn an_undo_that_goes_elsewhere_than_its_step_is_found() {
    let honest = Sweep::of(&three_steps(), &())
        .addressed_by(|command| (*command).into())
        .faults(0)
        .run();
    assert!(honest.is_ok());
    let astray = Saga::named("astray.v1")
        .step("charge")
        .send(|_: &()| "payments/p1")
        .undo(|_| "payments/p2");
    let broken = Sweep::of(&astray, &())
        .addressed_by(|command| (*command).into())
        .run()
        .unwrap_err();
    assert_eq!(broken.law, law::ONE_ADDRESS);
}
#[test]
fn a_sweep_that_grows_too_large_says_so() {
    let broken = Sweep::of(&three_steps(), &())
        .most_worlds(100)
        .run()
        .unwrap_err();
    assert_eq!(broken.law, law::BOUNDED);
}
