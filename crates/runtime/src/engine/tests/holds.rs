//! D3, S4: a dead letter holds its key, and nothing else.
use super::fixtures::*;
use crate::dead_letters::Rate;
use events::envelope::name;

fn pairs(wanted: &[(&str, &str)]) -> Vec<(String, String)> {
    wanted
        .iter()
        .map(|(id, code)| ((*id).to_owned(), (*code).to_owned()))
        .collect()
}

#[test]
fn what_keeps_failing_becomes_a_dead_letter_after_its_attempts_and_holds_its_key_only() {
    running(async |mut world| {
        world.script.ill("m1", Ill::Fails);
        world.send_work("d1", &["m1", "m2", "m3"]).await;
        world.send_work("d2", &["other"]).await;
        world.settle().await;
        assert_eq!(world.script.attempts("m1"), 3);
        assert_eq!(
            world.script.done(),
            ["other"],
            "another key flows, this one waits"
        );
        let wanted = [
            ("m1", "runtime.attempts_exhausted"),
            ("m2", "runtime.held"),
            ("m3", "runtime.held"),
        ];
        assert_eq!(world.dead(EFFECTS).await, pairs(&wanted));
        let letters = world.letters_of(EFFECTS).await;
        let behind: Vec<_> = letters
            .iter()
            .map(|letter| letter.behind.as_deref())
            .collect();
        assert_eq!(behind, [None, Some("m1"), Some("m1")]);
        assert_eq!((letters[0].attempts, letters[1].attempts), (3, 0));
        assert!(letters.iter().all(|letter| letter.holds));
        // Also for what comes later, in another life of the process.
        world.restart().await;
        world.send_work("d1", &["m4"]).await;
        world.settle().await;
        assert_eq!(
            world.dead(EFFECTS).await.last(),
            pairs(&[("m4", "runtime.held")]).last()
        );
        assert_eq!(world.script.done(), ["other"]);
    });
}

#[test]
fn an_unordered_consumer_passes_its_dead_letter_by() {
    running(async |mut world| {
        world.script.ill("m1", Ill::Poisoned);
        for name in ["m1", "m2"] {
            world
                .send(world.message("acme/d1", &embed("d1", name), name))
                .await;
        }
        world.settle().await;
        assert_eq!(world.script.done(), ["m2"]);
        assert_eq!(
            world.dead(UNORDERED).await,
            pairs(&[("m1", "documents.poisoned")])
        );
        assert_eq!(world.holds(UNORDERED), 0);
    });
}

#[test]
fn an_undo_passes_the_dead_letter_of_what_it_undoes_and_cancels_it() {
    running(async |mut world| {
        world.script.ill("do", Ill::Poisoned);
        world
            .send(with(
                world.work("d1", "do"),
                &[(name::IDEMPOTENCY_KEY, "saga-1/pay")],
            ))
            .await;
        world.send_work("d1", &["behind"]).await;
        world.settle().await;
        world
            .send(with(
                world.work("d1", "undo"),
                &[(name::UNDOES, "saga-1/pay")],
            ))
            .await;
        world.settle().await;
        assert_eq!(world.script.done(), ["undo"]);
        let holds: Vec<_> = world
            .letters_of(EFFECTS)
            .await
            .into_iter()
            .map(|l| (l.id.id, l.holds))
            .collect();
        assert_eq!(
            holds,
            [("do".to_owned(), false), ("behind".to_owned(), true)]
        );
        // An undo of something else waits like anybody.
        world
            .send(with(
                world.work("d1", "foreign"),
                &[(name::UNDOES, "saga-2/pay")],
            ))
            .await;
        world.settle().await;
        assert_eq!(world.script.done(), ["undo"]);
    });
}

#[test]
fn an_undo_of_the_only_dead_letter_frees_the_key() {
    running(async |mut world| {
        world.script.ill("do", Ill::Poisoned);
        world.send(world.work("d1", "do")).await;
        world.settle().await;
        // Without a key of its own, an effect is named by its id (O1).
        world
            .send(with(world.work("d1", "undo"), &[(name::UNDOES, "do")]))
            .await;
        world.send_work("d1", &["later"]).await;
        world.settle().await;
        assert_eq!(world.script.done(), ["undo", "later"]);
        assert_eq!(world.holds(EFFECTS), 0);
    });
}

#[test]
fn another_try_of_the_same_effect_passes_the_dead_letter_of_the_first() {
    running(async |mut world| {
        world.script.ill("try-1", Ill::Poisoned);
        for name in ["try-1", "try-2"] {
            world
                .send(with(
                    world.work("d1", name),
                    &[(name::IDEMPOTENCY_KEY, "saga-1/pay")],
                ))
                .await;
        }
        world.settle().await;
        assert_eq!(world.script.done(), ["try-2"]);
        assert_eq!(world.holds(EFFECTS), 0);
    });
}

#[test]
fn two_sources_with_one_id_are_two_that_hold() {
    running(async |mut world| {
        for (name, source) in [("m1", "crm"), ("m2", "shop")] {
            world.script.ill(name, Ill::Fails);
            world
                .send(with(
                    world.work("d1", name),
                    &[(name::ID, "same"), (name::SOURCE, source)],
                ))
                .await;
        }
        world.settle().await;
        world.script.heal("m1");
        let first = world.letters_of(EFFECTS).await[0].place.clone();
        world
            .letters
            .redrive(&[first], "ada", "it may pass now", Rate::FASTEST)
            .await
            .expect("redrives");
        world.settle().await;
        assert_eq!(world.script.done(), ["m1"]);
        world.send_work("d1", &["later"]).await;
        world.settle().await;
        assert_eq!(
            world.script.done(),
            ["m1"],
            "the other one still holds the key"
        );
    });
}
