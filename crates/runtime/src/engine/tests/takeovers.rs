//! C5: the message that kills its process, and the ones beside it.
use super::fixtures::*;
use std::time::Duration;

/// Waits, in virtual time, until a message has been begun so often, or is a dead letter.
async fn begun(world: &World, name: &str, times: usize) -> bool {
    for _ in 0..60_000 {
        if world.script.attempts(name) >= times {
            return true;
        }
        if !world.dead(EFFECTS).await.is_empty() {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{name} is never begun:\n{}", world.sim.history());
}

#[test]
fn a_message_that_kills_its_process_becomes_a_dead_letter_and_those_beside_it_do_not() {
    running(async |mut world| {
        world.script.ill("killer", Ill::Slow(1_000_000));
        for i in 0..30 {
            let (document, name) = (format!("d{i}"), format!("m{i}"));
            world.send_work(&document, &[&name]).await;
            if i == 7 {
                world.send_work("bad", &["killer", "after it"]).await;
            }
        }
        let mut deaths = 0;
        while begun(&world, "killer", deaths + 1).await {
            deaths += 1;
            assert!(deaths < 80, "it kills for ever");
            world.restart().await;
        }
        world.settle().await;
        let dead = world.dead(EFFECTS).await;
        let wanted = [
            ("killer".to_owned(), "runtime.process_died".to_owned()),
            ("after it".to_owned(), "runtime.held".to_owned()),
        ];
        assert_eq!(dead, wanted);
        assert_eq!(
            world.letters_of(EFFECTS).await[0].attempts,
            3,
            "as many as its consumer allows"
        );
        let mut answers = world.done_answers().await;
        answers.sort();
        let mut all: Vec<String> = (0..30).map(|i| format!("m{i}")).collect();
        all.sort();
        assert_eq!(answers, all, "each of the others, once");
    });
}

#[test]
fn a_process_that_is_killed_now_and_then_suspects_nobody() {
    running(async |mut world| {
        for i in 0..10 {
            let name = format!("m{i}");
            world.script.ill(&name, Ill::Slow(2));
            world.send_work("d1", &[&name]).await;
            assert!(begun(&world, &name, 1).await);
            world.restart().await; // it died while it handled this one, which is well the second time
            world.settle().await;
        }
        assert!(world.dead(EFFECTS).await.is_empty());
        assert_eq!(world.done_answers().await.len(), 10);
    });
}

#[test]
fn a_partition_that_is_taken_away_again_and_again_kills_nobody() {
    running(async |mut world| {
        world.script.ill("slow", Ill::Slow(5));
        world.send_work("d1", &["slow"]).await;
        for round in 1..=12 {
            assert!(begun(&world, "slow", round).await, "nobody is to blame");
            while world.script.attempts("slow") == round {
                world.sim.shake(EFFECTS);
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        }
        world.settle().await;
        assert!(world.dead(EFFECTS).await.is_empty());
        assert_eq!(world.done_answers().await, ["slow"]);
    });
}

#[test]
fn who_leaves_says_so() {
    running(async |mut world| {
        world.send_work("d1", &["m1"]).await;
        world.settle().await;
        let marks = |world: &World| -> Vec<String> {
            let checkpoints = world.sim.checkpoints(EFFECTS).into_iter().flatten();
            checkpoints
                .map(|checkpoint| mark_of(&checkpoint.text).to_owned())
                .collect()
        };
        let owned = marks(&world);
        assert!(
            !owned.is_empty() && owned.iter().all(|mark| mark == "1"),
            "{owned:?}"
        );
        world.stop().await;
        let left = marks(&world);
        assert!(left.iter().all(|mark| mark == "0"), "{left:?}");
    });
}

#[test]
fn who_dies_with_nothing_to_do_leaves_no_suspicion() {
    running(async |mut world| {
        world.send_work("d1", &["m1"]).await;
        world.settle().await;
        for _ in 0..5 {
            world.restart().await;
            world.settle().await;
        }
        let owners = world.sim.checkpoints(EFFECTS).into_iter().flatten();
        for checkpoint in owners {
            let died: u32 = mark_of(&checkpoint.text).parse().expect("a number");
            assert!(died <= 6, "{checkpoint:?}");
        }
        world.send_work("d1", &["m2"]).await;
        world.settle().await;
        assert!(world.dead(EFFECTS).await.is_empty());
        assert_eq!(world.done_answers().await, ["m1", "m2"]);
    });
}

/// How many owners a checkpoint counts.
fn mark_of(text: &str) -> &str {
    let mark = text.split(' ').nth(3).unwrap_or("none");
    mark.split(['^', '@']).next().unwrap_or(mark)
}
