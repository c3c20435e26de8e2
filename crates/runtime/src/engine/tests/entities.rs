//! E2, E3, E6, E7: an entity decides once, answers the same, and wakes at its time.
use super::fixtures::*;
use crate::dead_letters::Rate;
use crate::ports::log::Outgoing;
use crate::testkit::sim::Side;
use events::documents::DocumentChanged;
use events::envelope::name;
use events::reply::Refused;
use events::system::Woke;
use std::time::Duration;

/// A command of an edge, with so many milliseconds.
fn command(world: &World, name: &str, id: &str, time_ms: i64) -> Outgoing {
    let deadline = (world.ports.clock.now_ms() + time_ms).to_string();
    let command = with(
        world.message("acme/d1", &add("d1", name), id),
        &[(name::DEADLINE, &deadline)],
    );
    asking(command, id)
}

#[test]
fn an_edges_command_sent_twice_is_decided_once_and_answered_the_same() {
    running(async |mut world| {
        let sent = command(&world, "one", "c1", 60_000);
        world.send(sent.clone()).await;
        world.settle().await;
        world.send(command(&world, "two", "c2", 60_000)).await;
        world.send(sent).await;
        world.settle().await;
        assert_eq!(world.log_of("d1").await, ["one", "two"]);
        assert_eq!(world.done_answers().await, ["1", "2", "1"]);
        let answers = world.sim.messages("replies");
        assert_eq!(
            (&answers[0].headers, &answers[0].payload),
            (&answers[2].headers, &answers[2].payload)
        );
    });
}

#[test]
fn a_command_that_came_too_late_is_refused() {
    running(async |mut world| {
        world.send(command(&world, "one", "c1", -1)).await;
        world.settle().await;
        assert_eq!(
            world.said::<Refused>("replies").await[0].1.code,
            "runtime.expired"
        );
        assert_eq!(world.log_of("d1").await, [] as [&str; 0]);
    });
}

#[test]
fn an_applied_command_is_answered_as_it_was_however_late_its_copy_is() {
    running(async |mut world| {
        let sent = command(&world, "one", "c1", 1_000);
        world.send(sent.clone()).await;
        world.settle().await;
        assert!(
            world.ports.clock.now_ms() > 0,
            "its deadline is over by now"
        );
        world.send(sent).await;
        world.settle().await;
        assert_eq!(world.done_answers().await, ["1", "1"]);
        assert!(world.said::<Refused>("replies").await.is_empty());
    });
}

#[test]
fn an_entity_wakes_once_at_its_time() {
    running(async |mut world| {
        world
            .send(world.message("acme/d1", &add("d1", "wake 5000"), "c1"))
            .await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        // Its process dies before, and the next one wakes it.
        world.restart().await;
        world.settle().await;
        let log = world.log_of("d1").await;
        assert_eq!(log.len(), 2, "{log:?}");
        let said = world.said::<DocumentChanged>("document.changed").await;
        let late = said[1].0.timestamp_ms - said[0].0.timestamp_ms;
        assert!((5_000..15_000).contains(&late), "{late} ms");
    });
}

#[test]
fn a_wake_that_was_superseded_or_made_up_means_nothing() {
    running(async |mut world| {
        world
            .send(world.message("acme/d1", &add("d1", "wake 5000"), "c1"))
            .await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        world
            .send(world.message("acme/d1", &add("d1", "wake 9000"), "c2"))
            .await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        world
            .send(world.to(DOCUMENT, "acme/d1", &Woke { at_ms: 1 }, "forged"))
            .await;
        world.settle().await;
        let log = world.log_of("d1").await;
        assert_eq!(log[..2], ["wake 5000", "wake 9000"]);
        assert_eq!(log.len(), 3, "{log:?}");
        assert!(
            log[2].starts_with("woke at ") && log[2] != "woke at 1",
            "{log:?}"
        );
    });
}

#[test]
fn it_decides_once_and_says_it_once_whenever_the_process_dies() {
    for (nth, side) in (1..=8).flat_map(|nth| [(nth, Side::Before), (nth, Side::After)]) {
        running(async move |mut world| {
            world.sim.crash_at("a", world.sim.writes("a") + nth, side);
            for (name, id) in [("one", "c1"), ("two", "c2"), ("three", "c3")] {
                world
                    .send(asking(world.message("acme/d1", &add("d1", name), id), id))
                    .await;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            world.settle().await;
            assert_eq!(
                world.log_of("d1").await,
                ["one", "two", "three"],
                "{nth} {side:?}"
            );
            assert_eq!(
                world.done_answers().await,
                ["1", "2", "3"],
                "{nth} {side:?}"
            );
            assert_eq!(
                world.heard("bot").await,
                ["one", "two", "three"],
                "{nth} {side:?}"
            );
        });
    }
}

#[test]
fn a_decision_that_panics_changes_nothing_and_holds_its_entity() {
    running(async |mut world| {
        for (name, id) in [("one", "c1"), ("panic", "c2"), ("three", "c3")] {
            world
                .send(world.message("acme/d1", &add("d1", name), id))
                .await;
        }
        world.settle().await;
        assert_eq!(world.log_of("d1").await, ["one"]);
        let letters = world.letters_of(DOCUMENT).await;
        assert!(
            letters[0].message.contains("it does not like that"),
            "{}",
            letters[0].message
        );
        world
            .letters
            .discard(&letters[0].place, "ada", "it only panics")
            .await
            .expect("discards");
        world
            .letters
            .redrive(
                &[letters[1].place.clone()],
                "ada",
                "it may pass now",
                Rate::FASTEST,
            )
            .await
            .expect("redrives");
        world.settle().await;
        assert_eq!(world.log_of("d1").await, ["one", "three"]);
    });
}
