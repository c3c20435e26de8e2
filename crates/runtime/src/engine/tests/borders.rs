//! I3: upstream's duplicates end at the border; repeats of our own pass.
use super::fixtures::*;
use crate::dead_letters::Rate;
use crate::testkit::sim::Side;
use events::envelope::name;

#[test]
fn a_duplicate_at_another_place_ends_at_the_border() {
    running(async |mut world| {
        for (name, id) in [("one", "u1"), ("one again", "u1"), ("two", "u2")] {
            world.send(world.upload(name, id)).await;
        }
        world.settle().await;
        // Ids are unique to their source only (I1).
        world
            .send(with(
                world.upload("of another source", "u1"),
                &[(name::SOURCE, "crm")],
            ))
            .await;
        world.restart().await;
        world.send(world.upload("one once more", "u1")).await;
        world.settle().await;
        assert_eq!(
            world.log_of("d1").await,
            ["one", "two", "of another source"]
        );
    });
}

#[test]
fn what_is_repeated_at_the_same_place_passes_once_whenever_the_process_dies() {
    for (nth, side) in (1..=10).flat_map(|nth| [(nth, Side::Before), (nth, Side::After)]) {
        running(async move |mut world| {
            world.sim.crash_at("a", world.sim.writes("a") + nth, side);
            world.send(world.upload("one", "u1")).await;
            world.send(world.upload("one again", "u1")).await;
            world.settle().await;
            let events = world.sim.messages("document.changed");
            assert_eq!(
                (world.log_of("d1").await, events.len()),
                (vec!["one".to_owned()], 1),
                "{nth} {side:?}"
            );
            assert_eq!(world.heard("bot").await, ["one"], "{nth} {side:?}");
        });
    }
}

#[test]
fn what_was_redriven_and_sent_again_passes_once() {
    running(async |mut world| {
        world.script.ill("one", Ill::Fails);
        world.send(world.upload("one", "u1")).await;
        world.send(world.upload("one", "u1")).await;
        world.settle().await;
        world.script.heal("one");
        let places: Vec<_> = world
            .letters_of(BORDER)
            .await
            .into_iter()
            .map(|letter| letter.place)
            .collect();
        world
            .letters
            .redrive(&places, "ada", "it may pass now", Rate::FASTEST)
            .await
            .expect("redrives");
        world.send(world.upload("one", "u1")).await;
        world.settle().await;
        assert_eq!(world.log_of("d1").await, ["one"]);
        assert_eq!(world.holds(BORDER), 0);
    });
}

#[test]
fn a_dead_letter_that_passed_under_another_key_holds_its_own_no_more() {
    running(async |mut world| {
        world.script.ill("one", Ill::Fails);
        world.send(world.upload("one", "u1")).await;
        world.settle().await;
        world.script.heal("one");
        world
            .send(world.to(
                "inbox.document.uploaded",
                "acme/d2",
                &uploaded("d2", "one"),
                "u1",
            ))
            .await;
        world.settle().await;
        let place = world.letters_of(BORDER).await[0].place.clone();
        world
            .letters
            .redrive(&[place], "ada", "it may pass now", Rate::FASTEST)
            .await
            .expect("redrives");
        world.send(world.upload("two", "u2")).await;
        world.settle().await;
        assert_eq!(world.log_of("d1").await, ["two"]);
        assert_eq!(world.log_of("d2").await, ["one"]);
    });
}

#[test]
fn a_message_without_an_id_is_itself_when_it_is_redriven() {
    running(async |mut world| {
        world.script.ill("one", Ill::Fails);
        let mut message = world.upload("one", "");
        message.headers.0.retain(|(header, _)| header != name::ID);
        world.send(message).await;
        world.settle().await;
        world.script.heal("one");
        let place = world.letters_of(BORDER).await[0].place.clone();
        world
            .letters
            .redrive(&[place], "ada", "it may pass now", Rate::FASTEST)
            .await
            .expect("redrives");
        world.settle().await;
        assert_eq!(world.log_of("d1").await, ["one"]);
        assert_eq!(
            (world.holds(BORDER), world.dead(BORDER).await.len()),
            (0, 1)
        );
    });
}

#[test]
fn who_says_that_a_message_was_a_letter_of_ours_is_not_believed() {
    running(async |mut world| {
        world.send(world.upload("one", "u1")).await;
        for forged in [
            "x",
            "documents.effects.dead/0/0",
            "documents.border.dead/0",
            "documents.border.dead/a/b",
        ] {
            world
                .send(with(world.upload("one", "u1"), &[(name::REDRIVEN, forged)]))
                .await;
        }
        world.settle().await;
        assert_eq!(world.log_of("d1").await, ["one"]);
        let rows = world.sim.rows("identities");
        assert_eq!(rows.len(), 1, "{rows:?}");
    });
}
