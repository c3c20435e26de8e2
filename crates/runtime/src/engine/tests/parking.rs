//! C2: a key that waits long waits among the dead letters, and comes back by itself.
use super::fixtures::*;
use crate::dead_letters::{Fate, KeyRedriven, Rate};
use crate::testkit::sim::Side;
use events::envelope::name;
use std::time::Duration;

/// Messages that a partition may have open in the simulation.
const ROOM: usize = 128;

/// Longer than a message waits in its lane, in seconds.
const LONG: u64 = 1_200;

fn pairs(wanted: &[(&str, &str)]) -> Vec<(String, String)> {
    wanted
        .iter()
        .map(|(id, code)| ((*id).to_owned(), (*code).to_owned()))
        .collect()
}

#[test]
fn what_waits_long_is_parked_with_what_comes_behind_it_and_comes_back_by_itself() {
    running(async |mut world| {
        world.script.ill("m1", Ill::Later(LONG));
        world.send_work("d1", &["m1", "m2"]).await;
        world.send_work("d2", &["other"]).await;
        world.settle().await;
        assert_eq!(world.script.done(), ["other"]);
        let wanted = pairs(&[("m1", "runtime.parked"), ("m2", "runtime.held")]);
        assert_eq!(world.dead(EFFECTS).await, wanted);
        world.script.heal("m1");
        tokio::time::sleep(Duration::from_secs(LONG)).await;
        world.settle().await;
        assert_eq!(world.script.done(), ["other", "m1", "m2"]);
        assert_eq!(world.done_answers().await, ["other", "m1", "m2"]);
        assert_eq!(world.holds(EFFECTS), 0);
        assert_eq!(world.dead(EFFECTS).await, wanted, "and nothing died");
        world.send_work("d1", &["m3"]).await;
        world.settle().await;
        assert_eq!(world.script.done(), ["other", "m1", "m2", "m3"]);
    });
}

#[test]
fn its_attempts_count_on_and_the_last_one_is_a_dead_letter_that_a_person_decides() {
    running(async |mut world| {
        world.script.ill("m1", Ill::Later(LONG));
        world.send_work("d1", &["m1", "m2"]).await;
        tokio::time::sleep(Duration::from_secs(4 * LONG)).await;
        world.settle().await;
        let attempts: Vec<u32> = world.script.lock().begun.iter().map(|b| b.1).collect();
        assert_eq!(attempts, [0, 1, 2], "three, with two long pauses");
        let letters = world.letters_of(EFFECTS).await;
        let of = |id: &str| -> Vec<String> {
            let letters = letters.iter().filter(|letter| letter.id.id == id);
            letters.map(|letter| letter.code.clone()).collect()
        };
        let parked = "runtime.parked";
        assert_eq!(of("m1"), [parked, parked, "runtime.attempts_exhausted"]);
        // What is behind it waits for a person from then on.
        world.script.heal("m1");
        tokio::time::sleep(Duration::from_secs(4 * LONG)).await;
        world.settle().await;
        assert_eq!(world.script.done(), [""; 0]);
        let last = letters.iter().rfind(|letter| letter.id.id == "m1");
        let place = last.expect("it is there").place.clone();
        let redriven = world.letters.redrive_key(
            &place,
            "ada",
            "it may pass now",
            Rate::FASTEST,
            Duration::from_secs(60),
        );
        redriven.await.expect("redrives");
        world.settle().await;
        assert_eq!(world.script.done(), ["m1", "m2"]);
        assert_eq!(world.holds(EFFECTS), 0);
    });
}

#[test]
fn it_comes_back_once_in_order_whenever_the_process_dies() {
    for nth in 1.. {
        let mut reached = false;
        for side in [Side::Before, Side::After] {
            let reached = &mut reached;
            running(async |mut world| {
                world.script.ill("m1", Ill::Later(LONG));
                let from = world.sim.writes("a");
                world.sim.crash_at("a", from + nth, side);
                world.send_work("d1", &["m1", "m2"]).await;
                world.settle().await;
                world.script.heal("m1");
                tokio::time::sleep(Duration::from_secs(LONG)).await;
                world.settle().await;
                tokio::time::sleep(Duration::from_secs(LONG)).await;
                world.settle().await;
                *reached |= world.sim.writes("a") >= from + nth;
                let mut answers = world.done_answers().await;
                answers.dedup(); // an effect that was interrupted is done again, and says the same
                assert_eq!(
                    answers,
                    ["m1", "m2"],
                    "{side:?} {nth}:\n{}",
                    world.sim.history()
                );
                assert_eq!(world.holds(EFFECTS), 0, "{side:?} {nth}");
            });
        }
        if !reached {
            assert!(nth > 8, "it writes more often than that");
            return;
        }
    }
}

#[test]
fn what_arrives_while_it_is_parked_is_done_after_it() {
    running(async |mut world| {
        world.script.ill("m1", Ill::Later(LONG));
        world.send_work("d1", &["m1"]).await;
        world.settle().await;
        world.script.heal("m1");
        let mut wanted = vec!["m1".to_owned()];
        for i in 0..60 {
            let name = format!("n{i}");
            world.send_work("d1", &[&name]).await;
            wanted.push(name);
            tokio::time::sleep(Duration::from_secs(LONG / 50)).await;
        }
        world.settle().await;
        tokio::time::sleep(Duration::from_secs(120)).await;
        world.settle().await;
        assert_eq!(world.script.done(), wanted);
        assert_eq!(world.holds(EFFECTS), 0);
    });
}

#[test]
fn where_order_does_not_matter_the_others_of_its_key_go_on() {
    running(async |mut world| {
        world.script.ill("m1", Ill::Later(LONG));
        for name in ["m1", "m2"] {
            let message = world.message("acme/d1", &embed("d1", name), name);
            world.send(message).await;
        }
        world.settle().await;
        assert_eq!(world.script.done(), ["m2"]);
        let wanted = pairs(&[("m1", "runtime.parked")]);
        assert_eq!(world.dead(UNORDERED).await, wanted);
        // Also in another life of the process.
        world.restart().await;
        world.script.heal("m1");
        tokio::time::sleep(Duration::from_secs(LONG)).await;
        world.settle().await;
        assert_eq!(world.script.done(), ["m2", "m1"]);
        assert_eq!(world.dead(UNORDERED).await, wanted);
        assert_eq!(world.holds(UNORDERED), 0, "and nothing is left of it");
    });
}

#[test]
fn keys_that_wait_for_what_is_down_make_room_for_those_that_need_it_not() {
    running(async |mut world| {
        // More than a partition may have fetched and not done.
        for i in 0..300 {
            let name = format!("down{i}");
            world.script.ill(&name, Ill::Down);
            world.send_work(&format!("d{i}"), &[&name]).await;
            if i % 3 == 0 {
                world.send_work(&format!("e{i}"), &[&format!("m{i}")]).await;
            }
        }
        // Nobody said that it is down, so each has to wait by itself before it makes room.
        tokio::time::sleep(Duration::from_secs(150)).await;
        let done = world.script.done().len();
        assert_eq!(done, 100, "the partition stands still");
        let parked = world.dead(EFFECTS).await;
        assert!(
            parked.iter().all(|(_, code)| code == "runtime.parked"),
            "{parked:?}"
        );
        (0..300).for_each(|i| world.script.heal(&format!("down{i}")));
        tokio::time::sleep(Duration::from_secs(LONG)).await;
        world.settle().await;
        let mut done = world.script.done();
        done.sort();
        done.dedup();
        assert_eq!(done.len(), 400, "each comes back by itself");
        assert_eq!(world.holds(EFFECTS), 0);
    });
}

#[test]
fn while_nobody_gets_on_the_room_is_cleared_once_and_no_more() {
    running(async |mut world| {
        for i in 0..300 {
            let name = format!("down{i}");
            world.script.ill(&name, Ill::Down);
            world.send_work(&format!("d{i}"), &[&name]).await;
        }
        tokio::time::sleep(Duration::from_secs(9)).await;
        assert_eq!(world.dead(EFFECTS).await, [], "most outages are shorter");
        tokio::time::sleep(Duration::from_secs(30)).await;
        let parked = world.dead(EFFECTS).await.len();
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!(world.dead(EFFECTS).await.len(), parked, "it is enough");
        assert!((1..=300 - ROOM / 2).contains(&parked), "{parked}");
        (0..300).for_each(|i| world.script.heal(&format!("down{i}")));
        tokio::time::sleep(Duration::from_secs(LONG)).await;
        world.settle().await;
        assert_eq!(world.script.done().len(), 300);
    });
}

#[test]
fn an_undo_passes_what_is_parked_and_cancels_it() {
    running(async |mut world| {
        world.script.ill("do", Ill::Later(LONG));
        let paid = [(name::IDEMPOTENCY_KEY, "saga-1/pay")];
        world.send(with(world.work("d1", "do"), &paid)).await;
        world.settle().await;
        let undoes = [(name::UNDOES, "saga-1/pay")];
        world.send(with(world.work("d1", "undo"), &undoes)).await;
        world.settle().await;
        world.script.heal("do");
        tokio::time::sleep(Duration::from_secs(2 * LONG)).await;
        world.settle().await;
        assert_eq!(world.script.done(), ["undo"], "it never comes back");
        assert_eq!(world.holds(EFFECTS), 0);
    });
}

#[test]
fn what_a_person_redrives_early_is_done_then_and_does_not_come_back() {
    running(async |mut world| {
        world.script.ill("m1", Ill::Later(LONG));
        world.send_work("d1", &["m1", "m2"]).await;
        world.settle().await;
        world.script.heal("m1");
        let letters = world.letters_of(EFFECTS).await;
        let head = &letters[0].place;
        let redriven = world.letters.redrive_key(
            head,
            "ada",
            "it may pass now",
            Rate::FASTEST,
            Duration::from_secs(60),
        );
        assert_eq!(redriven.await, Ok(KeyRedriven::Free { count: 2 }));
        assert_eq!(world.script.done(), ["m1", "m2"]);
        let fate = world.letters.show(head).await.expect("it is there").fate;
        assert!(matches!(fate, Fate::Redriven { by, .. } if by == "ada"));
        // The time comes at which it would have come back.
        tokio::time::sleep(Duration::from_secs(2 * LONG)).await;
        world.send_work("d1", &["m3"]).await;
        world.settle().await;
        assert_eq!(world.script.done(), ["m1", "m2", "m3"]);
        assert_eq!(world.done_answers().await, ["m1", "m2", "m3"]);
        assert_eq!(world.holds(EFFECTS), 0);
    });
}

#[test]
fn what_a_person_discards_early_never_comes_back_and_what_is_behind_it_does() {
    running(async |mut world| {
        world.script.ill("m1", Ill::Later(LONG));
        world.send_work("d1", &["m1", "m2"]).await;
        world.settle().await;
        world.script.heal("m1");
        let letters = world.letters_of(EFFECTS).await;
        let discarded = world
            .letters
            .discard(&letters[0].place, "ada", "a test upload");
        assert_eq!(discarded.await.expect("discards").still_held, 1);
        world.settle().await;
        assert_eq!(world.script.done(), [""; 0], "it waits for its time");
        tokio::time::sleep(Duration::from_secs(2 * LONG)).await;
        world.settle().await;
        assert_eq!(world.script.done(), ["m2"]);
        assert_eq!(world.done_answers().await, ["m2"]);
        assert_eq!(world.holds(EFFECTS), 0);
    });
}

#[test]
fn where_order_does_not_matter_what_a_person_decides_early_is_decided_too() {
    running(async |mut world| {
        for name in ["m1", "m2"] {
            world.script.ill(name, Ill::Later(LONG));
            let message = world.message("acme/d1", &embed("d1", name), name);
            world.send(message).await;
        }
        world.settle().await;
        let letters = world.letters_of(UNORDERED).await;
        let of = |id: &str| letters.iter().find(|letter| letter.id.id == id);
        let place = |id: &str| of(id).expect("it is parked").place.clone();
        for name in ["m1", "m2"] {
            world.script.heal(name);
        }
        let (one, other) = (place("m1"), place("m2"));
        let redriven = world
            .letters
            .redrive(&[one], "ada", "it may pass now", Rate::FASTEST)
            .await;
        redriven.expect("redrives");
        let discarded = world.letters.discard(&other, "ada", "a test upload").await;
        discarded.expect("discards");
        world.settle().await;
        assert_eq!(world.script.done(), ["m1"]);
        tokio::time::sleep(Duration::from_secs(2 * LONG)).await;
        world.settle().await;
        assert_eq!(world.script.done(), ["m1"]);
        assert_eq!(world.holds(UNORDERED), 0, "and nothing is left of it");
    });
}
