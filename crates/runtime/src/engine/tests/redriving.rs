//! D4: redriven in order, nothing is lost, nothing is doubled.
use super::fixtures::*;
use crate::dead_letters::{Fate, Filter, KeyRedriven, LettersError, Place, Rate};
use crate::ports::log::Outgoing;
use events::envelope::name;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// A world in which `m1`, `m2`, `m3` of one key are dead letters, since `m1` fails.
async fn three_letters(world: &mut World) -> Vec<Place> {
    world.script.ill("m1", Ill::Fails);
    world.send_work("d1", &["m1", "m2", "m3"]).await;
    world.settle().await;
    let letters = world.letters_of(EFFECTS).await;
    letters.into_iter().map(|letter| letter.place).collect()
}
fn of_effects() -> Filter {
    Filter {
        consumer: Some(EFFECTS.into()),
        ..Filter::default()
    }
}

#[test]
fn redriven_in_order_they_have_effect_once_and_the_key_is_free() {
    running(async |mut world| {
        let places = three_letters(&mut world).await;
        world.script.heal("m1");
        let plan = world
            .letters
            .plan_redrive(&of_effects())
            .await
            .expect("plans");
        assert_eq!((plan.count(), plan.places()), (3, places.clone()));
        assert_eq!(plan.keys[0].key, "acme/d1");
        let redriven = world
            .letters
            .redrive(&plan.places(), "ada", "it may pass now", Rate::FASTEST)
            .await
            .expect("redrives");
        assert_eq!(redriven.done, places);
        world.settle().await;
        assert_eq!(world.script.done(), ["m1", "m2", "m3"]);
        assert_eq!(world.done_answers().await, ["m1", "m2", "m3"]);
        assert_eq!(world.holds(EFFECTS), 0);
        world.send_work("d1", &["m4"]).await;
        world.settle().await;
        assert_eq!(world.script.done(), ["m1", "m2", "m3", "m4"]);
        let fates: Vec<_> = world
            .letters_of(EFFECTS)
            .await
            .into_iter()
            .map(|letter| letter.fate)
            .collect();
        assert!(
            fates
                .iter()
                .all(|fate| matches!(fate, Fate::Redriven { by, .. } if by == "ada")),
            "{fates:?}"
        );
    });
}

#[test]
fn a_letter_goes_out_as_it_came_in() {
    running(async |mut world| {
        world.script.ill("m1", Ill::Poisoned);
        let sent = asking(
            with(
                world.work("d1", "m1"),
                &[("traceparent", "00-1-2-01"), ("x", "\u{0}")],
            ),
            "op-1",
        );
        world.send(sent.clone()).await;
        world.settle().await;
        let place = world.letters_of(EFFECTS).await[0].place.clone();
        world
            .letters
            .redrive(
                std::slice::from_ref(&place),
                "ada",
                "it may pass now",
                Rate::FASTEST,
            )
            .await
            .expect("redrives");
        let last = world.sim.messages(EFFECTS).pop().expect("it is there");
        let wanted = with(sent, &[(name::REDRIVEN, &place.to_string())]);
        assert_eq!(
            (last.key, last.headers, last.payload),
            (wanted.key, wanted.headers, wanted.payload)
        );
    });
}

#[test]
fn redriving_again_what_was_interrupted_has_effect_once() {
    running(async |mut world| {
        let places = three_letters(&mut world).await;
        world.script.heal("m1");
        // Whoever was interrupted had appended the first, and had not said so yet.
        let letter = world
            .ports
            .log
            .read(&places[0].topic, 0, places[0].offset, 1)
            .await
            .expect("reads")
            .remove(0);
        let mut headers = letter.headers;
        headers.0.retain(|(name, _)| !name.starts_with("dlq-"));
        headers.set(name::REDRIVEN, places[0].to_string());
        let copy = Outgoing {
            topic: EFFECTS.into(),
            partition: Some(0),
            key: letter.key,
            headers,
            payload: letter.payload,
        };
        world.send(copy).await;
        let redriven = world
            .letters
            .redrive(&places, "ada", "it may pass now", Rate::FASTEST)
            .await
            .expect("redrives");
        assert_eq!(redriven.done, places);
        world.settle().await;
        let again = world
            .letters
            .redrive(&places, "ada", "it may pass now", Rate::FASTEST)
            .await
            .expect("redrives");
        assert_eq!((again.done.len(), again.settled.len()), (0, 3));
        world.settle().await;
        assert_eq!(world.script.done(), ["m1", "m2", "m3"]);
        assert_eq!(
            world.dead(EFFECTS).await.len(),
            3,
            "and no copy became a letter"
        );
    });
}

#[test]
fn the_copy_of_a_letter_that_died_again_is_not_handled() {
    running(async |mut world| {
        let places = three_letters(&mut world).await;
        world
            .letters
            .redrive(&places[..1], "ada", "it may pass now", Rate::FASTEST)
            .await
            .expect("redrives");
        let copy = world.sim.messages(EFFECTS).pop().expect("it is there");
        world.settle().await;
        world.script.heal("m1");
        let (key, headers, payload) = (copy.key, copy.headers, copy.payload);
        world
            .send(Outgoing {
                topic: EFFECTS.into(),
                partition: Some(0),
                key,
                headers,
                payload,
            })
            .await;
        world.settle().await;
        assert_eq!(
            world.script.done(),
            [] as [&str; 0],
            "its new letter is what counts now"
        );
        let outcome = world
            .letters
            .redrive_key(
                &places[0],
                "ada",
                "it may pass now",
                Rate::FASTEST,
                PATIENCE,
            )
            .await
            .expect("redrives");
        assert_eq!(outcome, KeyRedriven::Free { count: 3 });
        assert_eq!(world.script.done(), ["m1", "m2", "m3"]);
    });
}

#[test]
fn a_redriven_message_that_fails_again_keeps_the_head() {
    running(async |mut world| {
        let places = three_letters(&mut world).await;
        world
            .letters
            .redrive(&places, "ada", "it may pass now", Rate::FASTEST)
            .await
            .expect("redrives");
        world.settle().await;
        assert_eq!(
            world.script.done(),
            [] as [&str; 0],
            "what is behind it does not overtake it"
        );
        let letters = world.letters_of(EFFECTS).await;
        assert_eq!(letters.len(), 6);
        assert!(
            letters[..3]
                .iter()
                .all(|letter| matches!(letter.fate, Fate::Redriven { .. }))
        );
        assert!(
            letters[3..]
                .iter()
                .all(|letter| letter.fate == Fate::Waiting && letter.holds)
        );
        assert_eq!(letters[3].redriven.as_ref(), Some(&places[0]));
        let again = world
            .letters
            .redrive_key(
                &places[0],
                "ada",
                "it may pass now",
                Rate::FASTEST,
                PATIENCE,
            )
            .await
            .expect("redrives");
        assert!(
            matches!(again, KeyRedriven::DiedAgain { ref code, .. } if code == "runtime.attempts_exhausted"),
            "{again:?}"
        );
        world.script.heal("m1");
        world.settle().await;
        let free = world
            .letters
            .redrive_key(
                &places[0],
                "ada",
                "it may pass now",
                Rate::FASTEST,
                PATIENCE,
            )
            .await
            .expect("redrives");
        assert_eq!(free, KeyRedriven::Free { count: 3 });
        assert_eq!(world.script.done(), ["m1", "m2", "m3"]);
        assert_eq!(world.holds(EFFECTS), 0);
    });
}

#[test]
fn the_head_redriven_alone_and_dead_again_comes_first_in_the_next_round() {
    running(async |mut world| {
        let places = three_letters(&mut world).await;
        world
            .letters
            .redrive(&places[..1], "ada", "it may pass now", Rate::FASTEST)
            .await
            .expect("redrives");
        world.settle().await;
        world.script.heal("m1");
        // Its new letter stands behind the others; its hold knows better.
        let plan = world
            .letters
            .plan_redrive(&of_effects())
            .await
            .expect("plans");
        let offsets: Vec<_> = plan.places().iter().map(|place| place.offset).collect();
        assert!(
            offsets[0] > offsets[2] && offsets[1] < offsets[2],
            "{offsets:?}"
        );
        world
            .letters
            .redrive(&plan.places(), "ada", "it may pass now", Rate::FASTEST)
            .await
            .expect("redrives");
        world.settle().await;
        assert_eq!(world.script.done(), ["m1", "m2", "m3"]);
    });
}

#[test]
fn what_arrives_meanwhile_is_redriven_in_the_next_round() {
    running(async |mut world| {
        let places = three_letters(&mut world).await;
        world.script.heal("m1");
        // It stands before what is redriven, and its consumer has not met it yet.
        world.sim.stop("a");
        world.send_work("d1", &["m4"]).await;
        let (letters, first) = (world.letters.clone(), places[0].clone());
        let redriving = tokio::spawn(async move {
            letters
                .redrive_key(&first, "ada", "it may pass now", Rate::FASTEST, PATIENCE)
                .await
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        world.sim.resume("a");
        let outcome = redriving.await.expect("ends").expect("redrives");
        assert_eq!(outcome, KeyRedriven::Free { count: 4 });
        assert_eq!(world.script.done(), ["m1", "m2", "m3", "m4"]);
        assert_eq!(world.holds(EFFECTS), 0);
    });
}

#[test]
fn a_letter_is_not_redriven_before_those_that_it_waits_behind() {
    running(async |mut world| {
        let places = three_letters(&mut world).await;
        let redriven = world
            .letters
            .redrive(&places[1..], "ada", "it may pass now", Rate::FASTEST)
            .await
            .expect("redrives");
        let before = places[0].clone();
        assert_eq!(
            redriven.behind,
            [
                (places[1].clone(), before.clone()),
                (places[2].clone(), before)
            ]
        );
        assert!(redriven.done.is_empty());
        // A plan names what must come before.
        let held = Filter {
            code: Some("runtime.held".into()),
            ..of_effects()
        };
        assert_eq!(
            world
                .letters
                .plan_redrive(&held)
                .await
                .expect("plans")
                .places(),
            places
        );
    });
}

#[test]
fn without_a_consumer_a_redrive_says_that_it_still_waits() {
    simulate(async |mut world| {
        world.start().await;
        let places = three_letters(&mut world).await;
        world.sim.stop("a");
        let outcome = world
            .letters
            .redrive_key(
                &places[0],
                "ada",
                "it may pass now",
                Rate::FASTEST,
                Duration::from_secs(2),
            )
            .await
            .expect("redrives");
        assert_eq!(outcome, KeyRedriven::StillWaiting { count: 3 });
    });
}

#[test]
fn letters_are_found_by_what_they_are() {
    running(async |mut world| {
        three_letters(&mut world).await;
        world
            .send(Outgoing {
                payload: vec![1, 2, 3].into(),
                ..world.work("d2", "odd")
            })
            .await;
        world.settle().await;
        let found = async |filter: Filter| {
            let page = world
                .letters
                .list(&filter, None, 100)
                .await
                .expect("no faults");
            page.letters
                .into_iter()
                .map(|letter| letter.id.id)
                .collect::<Vec<_>>()
        };
        let all = Filter::default();
        assert_eq!(found(all.clone()).await, ["m1", "m2", "m3", "odd"]);
        assert_eq!(
            found(Filter {
                code: Some("runtime.held".into()),
                ..all.clone()
            })
            .await,
            ["m2", "m3"]
        );
        assert_eq!(
            found(Filter {
                key: Some("acme/d2".into()),
                ..all.clone()
            })
            .await,
            ["odd"]
        );
        assert_eq!(
            found(Filter {
                tenant: Some("bolt".into()),
                ..all.clone()
            })
            .await,
            [] as [&str; 0]
        );
        let at_ms = world.letters_of(EFFECTS).await[3].at_ms;
        assert_eq!(
            found(Filter {
                since_ms: Some(at_ms),
                ..all.clone()
            })
            .await,
            ["odd"]
        );
        assert_eq!(
            found(Filter {
                until_ms: Some(at_ms),
                ..all.clone()
            })
            .await,
            ["m1", "m2", "m3"]
        );
        // Page by page.
        let first = world.letters.list(&all, None, 3).await.expect("no faults");
        let second = world
            .letters
            .list(&all, first.next.as_ref(), 3)
            .await
            .expect("no faults");
        assert_eq!(
            (first.letters.len(), second.letters.len(), second.next),
            (3, 1, None)
        );
        let letter = world
            .letters
            .show(&first.letters[0].place)
            .await
            .expect("it is there");
        assert_eq!(letter, first.letters[0]);
        assert_eq!(
            letter.record.as_deref(),
            Some("troupe.documents.ParseUpload")
        );
        assert!(
            matches!(&letter.body, crate::dead_letters::Body::Json(body) if body["name"] == "m1")
        );
        assert!(matches!(
            second.letters[0].body,
            crate::dead_letters::Body::Unreadable(_)
        ));
        let nowhere: Place = "documents.effects.dead/0/999".parse().expect("a place");
        let said = world
            .letters
            .show(&nowhere)
            .await
            .expect_err("nothing is there");
        assert_eq!(said, LettersError::NoSuchLetter(nowhere));
        assert!("documents.effects/0/9".parse::<Place>().is_err());
    });
}

#[test]
fn a_command_that_is_redriven_after_its_deadline_is_done() {
    running(async |mut world| {
        let soon = (world.ports.clock.now_ms() + 1_000).to_string();
        let command = with(
            world.message("acme/d1", &add("d1", "panic"), "c1"),
            &[(name::DEADLINE, &soon)],
        );
        world.send(asking(command, "op-1")).await;
        let late = with(
            world.message("acme/d1", &add("d1", "late"), "c2"),
            &[(name::DEADLINE, &soon)],
        );
        world.send(asking(late, "op-2")).await;
        world.settle().await;
        assert_eq!(world.dead(DOCUMENT).await.len(), 2);
        let letters = world.letters_of(DOCUMENT).await;
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
        assert_eq!(world.log_of("d1").await, ["late"]);
    });
}
