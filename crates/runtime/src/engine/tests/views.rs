//! V1: a view is built once, whatever is repeated; D3 by its own keys.
use super::fixtures::*;
use crate::dead_letters::Rate;
use crate::testkit::sim::Side;
use std::time::Duration;

#[test]
fn repeats_do_not_double_a_view_whenever_the_process_dies() {
    for (nth, side) in (1..=4).flat_map(|nth| [(nth, Side::Before), (nth, Side::After)]) {
        running(async move |mut world| {
            world.sim.crash_at("a", world.sim.writes("a") + nth, side);
            for name in ["one", "two", "three"] {
                world
                    .send(world.message("acme/d1", &changed("d1", "bot", name), name))
                    .await;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            world.settle().await;
            assert_eq!(
                world.heard("bot").await,
                ["one", "two", "three"],
                "{nth} {side:?}"
            );
        });
    }
}

#[test]
fn a_dead_event_takes_nothing_else_of_its_view_with_it() {
    simulate(async |mut world| {
        let events = [
            ("d1", "bot", "one"),
            ("d2", "bot", "panic"),
            ("d3", "bot", "behind"),
            ("d2", "other", "flows"),
        ];
        for (document, chatbot, name) in events {
            let key = format!("acme/{document}");
            world
                .send(world.message(&key, &changed(document, chatbot, name), name))
                .await;
        }
        world.start().await;
        world.settle().await;
        // What came before it in the same batch is kept; what comes after waits by the view's own key.
        assert_eq!(world.heard("bot").await, ["one"]);
        assert_eq!(
            world.heard("other").await,
            ["flows"],
            "another key of the view, though the same document"
        );
        let letters = world.letters_of(DIRECTORY).await;
        let codes: Vec<_> = letters.iter().map(|letter| letter.code.as_str()).collect();
        assert_eq!(codes, ["runtime.attempts_exhausted", "runtime.held"]);
        world.restart().await;
        world
            .send(world.message("acme/d4", &changed("d4", "bot", "later"), "later"))
            .await;
        world.settle().await;
        assert_eq!(world.heard("bot").await, ["one"]);
        let discarded = world
            .letters
            .discard(&letters[0].place, "ada", "it only panics")
            .await
            .expect("discards");
        assert_eq!(discarded.still_held, 2);
        let free = world
            .letters
            .redrive_key(
                &letters[1].place,
                "ada",
                "it may pass now",
                Rate::FASTEST,
                Duration::from_secs(60),
            )
            .await;
        assert_eq!(
            free,
            Ok(crate::dead_letters::KeyRedriven::Free { count: 2 })
        );
        assert_eq!(world.heard("bot").await, ["one", "behind", "later"]);
    });
}
