//! D4: who discards a letter, and why, is kept; its key waits for one less.
use super::fixtures::*;
use crate::dead_letters::{Fate, LettersError, Rate};
use std::time::Duration;

#[test]
fn discarding_the_only_letter_frees_the_key() {
    running(async |mut world| {
        world.script.ill("m1", Ill::Fails);
        world.send_work("d1", &["m1"]).await;
        world.settle().await;
        let place = world.letters_of(EFFECTS).await[0].place.clone();
        let discarded = world
            .letters
            .discard(&place, "ada", "a test upload")
            .await
            .expect("discards");
        assert_eq!(discarded.still_held, 0);
        let fate = world.letters.show(&place).await.expect("it is there").fate;
        assert_eq!(fate, discarded.fate);
        assert!(
            matches!(fate, Fate::Discarded { by, why, .. } if by == "ada" && why == "a test upload")
        );
        world.send_work("d1", &["m2"]).await;
        world.settle().await;
        assert_eq!(world.script.done(), ["m2"]);
    });
}

#[test]
fn what_waited_behind_a_discarded_letter_waits_until_it_is_redriven() {
    running(async |mut world| {
        world.script.ill("m1", Ill::Fails);
        world.send_work("d1", &["m1", "m2"]).await;
        world.settle().await;
        let letters = world.letters_of(EFFECTS).await;
        let discarded = world
            .letters
            .discard(&letters[0].place, "ada", "a test upload")
            .await
            .expect("discards");
        assert_eq!(discarded.still_held, 1);
        world.send_work("d1", &["m3"]).await;
        world.settle().await;
        assert_eq!(world.script.done(), [] as [&str; 0]);
        let outcome = world
            .letters
            .redrive_key(
                &letters[0].place,
                "ada",
                "it may pass now",
                Rate::FASTEST,
                Duration::from_secs(60),
            )
            .await;
        assert_eq!(
            outcome,
            Ok(crate::dead_letters::KeyRedriven::Free { count: 2 })
        );
        assert_eq!(world.script.done(), ["m2", "m3"]);
    });
}

#[test]
fn a_lane_that_knows_the_hold_as_it_was_loses_its_save_and_begins_anew() {
    running(async |mut world| {
        world.script.ill("m1", Ill::Fails);
        world.send_work("d1", &["m1", "m2"]).await;
        world.settle().await;
        let letters = world.letters_of(EFFECTS).await;
        world.script.ill("m1", Ill::Slow(5));
        world
            .letters
            .redrive(
                &[letters[0].place.clone()],
                "ada",
                "it may pass now",
                Rate::FASTEST,
            )
            .await
            .expect("redrives");
        tokio::time::sleep(Duration::from_secs(1)).await;
        // The lane has read the hold, and works.
        let discarded = world
            .letters
            .discard(&letters[1].place, "ada", "not needed")
            .await
            .expect("discards");
        assert_eq!(discarded.still_held, 1);
        world.send_work("d1", &["m3"]).await;
        world.settle().await;
        assert!(world.sim.history().contains("LOST"), "it lost its save");
        assert_eq!(world.holds(EFFECTS), 0);
        assert_eq!(
            world.done_answers().await,
            ["m1", "m3"],
            "each is answered once"
        );
        assert_eq!(world.dead(EFFECTS).await.len(), 2);
    });
}

#[test]
fn a_letter_is_either_redriven_or_discarded() {
    running(async |mut world| {
        world.script.ill("m1", Ill::Poisoned);
        world.script.ill("m2", Ill::Poisoned);
        for document in ["d1", "d2"] {
            world
                .send_work(document, &[if document == "d1" { "m1" } else { "m2" }])
                .await;
        }
        world.settle().await;
        let letters = world.letters_of(EFFECTS).await;
        let (first, second) = (&letters[0].place, &letters[1].place);
        world
            .letters
            .discard(first, "ada", "a test upload")
            .await
            .expect("discards");
        let redriven = world
            .letters
            .redrive(
                std::slice::from_ref(first),
                "bob",
                "it may pass now",
                Rate::FASTEST,
            )
            .await
            .expect("answers");
        assert_eq!(redriven.settled, std::slice::from_ref(first));
        world
            .letters
            .redrive(
                std::slice::from_ref(second),
                "bob",
                "it may pass now",
                Rate::FASTEST,
            )
            .await
            .expect("redrives");
        let said = world
            .letters
            .discard(second, "ada", "a test upload")
            .await
            .expect_err("too late");
        assert!(
            matches!(
                said,
                LettersError::Settled {
                    fate: Fate::Redriven { .. },
                    ..
                }
            ),
            "{said}"
        );
        // Whoever discards it again is told how it was.
        let again = world
            .letters
            .discard(first, "bob", "twice")
            .await
            .expect("answers");
        assert!(matches!(again.fate, Fate::Discarded { by, .. } if by == "ada"));
    });
}

#[test]
fn who_and_why_must_be_said_and_are_bounded() {
    running(async |mut world| {
        world.script.ill("m1", Ill::Poisoned);
        world.send_work("d1", &["m1"]).await;
        world.settle().await;
        let place = world.letters_of(EFFECTS).await[0].place.clone();
        assert!(matches!(
            world.letters.discard(&place, "ada", "  ").await,
            Err(LettersError::Unsigned(_))
        ));
        assert!(matches!(
            world
                .letters
                .redrive(
                    std::slice::from_ref(&place),
                    "",
                    "it may pass now",
                    Rate::FASTEST
                )
                .await,
            Err(LettersError::Unsigned(_))
        ));
        let discarded = world
            .letters
            .discard(&place, "ada", &"y".repeat(5_000))
            .await
            .expect("discards");
        assert!(matches!(discarded.fate, Fate::Discarded { why, .. } if why.len() == 1_000));
    });
}
