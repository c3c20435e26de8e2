//! D4: many letters of many keys, at a rate, told, and interrupted anywhere.
use super::fixtures::*;
use crate::dead_letters::{DeadLetters, Filter, LettersError, Place, Rate, Redriven};
use crate::ports::log::Outgoing;
use crate::testkit::sim::{Side, SimProcess};
use events::system::LetterDecided;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

const KEYS: [&str; 3] = ["d1", "d2", "d3"];

fn names(key: &str) -> [String; 3] {
    [1, 2, 3].map(|n| format!("{key}-{n}"))
}

/// A world in which the three messages of each key are dead letters, since the first is; where they are put right now.
async fn letters(world: &mut World) -> Vec<Place> {
    for turn in 0..3 {
        for key in KEYS {
            let name = &names(key)[turn];
            if turn == 0 {
                world.script.ill(name, Ill::Poisoned);
            }
            world.send_work(key, &[name]).await;
        }
    }
    world.settle().await;
    KEYS.iter()
        .for_each(|key| world.script.heal(&names(key)[0]));
    let plan = world.letters.plan_redrive(&Filter::default()).await;
    let mut plan = plan.expect("plans");
    plan.keys.sort_by(|one, other| one.key.cmp(&other.key));
    plan.places()
}

async fn check_done_in_order(world: &World) {
    let done = world.script.done();
    for key in KEYS {
        let of_key: Vec<_> = done.iter().filter(|name| name.starts_with(key)).collect();
        assert_eq!(of_key, names(key).iter().collect::<Vec<_>>(), "{done:?}");
    }
    assert_eq!(world.done_answers().await.len(), 9);
    assert_eq!(world.holds(EFFECTS), 0);
}

#[test]
fn letters_of_many_keys_go_out_the_oldest_first_and_of_each_key_in_order() {
    running(async |mut world| {
        let places = letters(&mut world).await;
        assert_eq!(places.len(), 9);
        let rate = Rate::FASTEST;
        let redriven = world
            .letters
            .redrive(&places, "ada", "it may pass now", rate);
        let redriven = redriven.await.expect("redrives");
        let offsets: Vec<_> = redriven.done.iter().map(|place| place.offset).collect();
        assert!(offsets.is_sorted() && offsets.len() == 9, "{offsets:?}");
        world.settle().await;
        check_done_in_order(&world).await;
    });
}

#[test]
fn letters_go_out_at_the_rate_that_was_asked_for() {
    running(async |mut world| {
        let places = letters(&mut world).await;
        let (began, inputs) = (Instant::now(), world.sim.messages(EFFECTS).len());
        let (letters, rate) = (world.letters.clone(), Rate::per_second(2).expect("a rate"));
        let redriving = tokio::spawn(async move {
            let redriven = letters.redrive(&places, "ada", "it may pass now", rate);
            redriven.await.expect("redrives").done.len()
        });
        tokio::time::sleep(Duration::from_millis(2_250)).await;
        assert_eq!(
            world.sim.messages(EFFECTS).len() - inputs,
            5,
            "after 2.25 s"
        );
        assert_eq!(redriving.await.expect("ends"), 9);
        assert!(began.elapsed() >= Duration::from_secs(4));
        world.settle().await;
        check_done_in_order(&world).await;
    });
}

#[test]
fn what_a_person_did_with_a_letter_is_an_event() {
    running(async |mut world| {
        let places = letters(&mut world).await;
        let (head, last) = (&places[..1], &places[2]);
        let redriven = world
            .letters
            .redrive(head, "ada", "put right", Rate::FASTEST);
        redriven.await.expect("redrives");
        for _ in 0..2 {
            let discarded = world.letters.discard(last, "bob", "not needed").await;
            discarded.expect("discards");
        }
        world.settle().await;
        let said = world.said::<LetterDecided>("letter.decided").await;
        let what: Vec<_> = said
            .iter()
            .map(|(message, told)| {
                let LetterDecided {
                    letter,
                    worker,
                    code,
                    message: id,
                    decision,
                    by,
                    why,
                    ..
                } = told;
                assert_eq!(
                    (&message.key[..], worker.as_str()),
                    (&b"acme/d1"[..], EFFECTS)
                );
                assert!(told.at_ms > 0);
                [letter, code, id, decision, by, why].map(String::as_str)
            })
            .collect();
        let (redriven, discarded) = (head[0].to_string(), last.to_string());
        let wanted = [
            [
                &redriven,
                "documents.poisoned",
                "d1-1",
                "redriven",
                "ada",
                "put right",
            ],
            [
                &discarded,
                "runtime.held",
                "d1-3",
                "discarded",
                "bob",
                "not needed",
            ],
        ];
        assert_eq!(what, wanted);
    });
}

#[test]
fn a_letter_whose_key_is_none_is_told_of_too() {
    running(async |mut world| {
        let odd = Outgoing {
            key: b"nobody".to_vec().into(),
            ..world.work("d1", "odd")
        };
        world.send(odd).await;
        world.settle().await;
        let place = world.letters_of(EFFECTS).await[0].place.clone();
        let discarded = world.letters.discard(&place, "ada", "not ours").await;
        discarded.expect("discards");
        let said = world.said::<LetterDecided>("letter.decided").await;
        assert_eq!(said[0].0.key, "troupe/documents-effects");
        assert_eq!(said[0].1.subject, "documents-effects");
    });
}

async fn redrive(
    world: &World,
    process: &SimProcess,
    places: &[Place],
) -> Option<Result<Redriven, LettersError>> {
    let (process, map, places) = (process.clone(), world.map.clone(), places.to_vec());
    let work = process.clone().spawn(async move {
        let letters = DeadLetters::new(&ports(&process).await, map);
        let rate = Rate::per_second(40).expect("a rate"); // four at a time
        letters
            .redrive(&places, "ada", "it may pass now", rate)
            .await
    });
    work.await.expect("it does not panic")
}

/// Whoever redrives is killed at each of his writes, before and after it; the next one does the same again.
#[test]
fn interrupted_anywhere_and_done_again_nothing_is_lost_or_doubled() {
    for side in [Side::Before, Side::After] {
        let mut killed = 0;
        loop {
            let mut all_done = false;
            running(async |mut world| {
                let places = letters(&mut world).await;
                let person = world.sim.process("person");
                let at = world.sim.writes("person") + killed + 1;
                world.sim.crash_at("person", at, side);
                all_done = redrive(&world, &person, &places).await.is_some();
                let person = world.sim.process("person");
                let again = redrive(&world, &person, &places).await.expect("it lives");
                let again = again.expect("redrives");
                assert_eq!(again.done.len() + again.settled.len(), 9, "{again:?}");
                assert!(
                    again.behind.is_empty() && again.missing.is_empty(),
                    "{again:?}"
                );
                world.settle().await;
                check_done_in_order(&world).await;
                // Told at least once, and always the very same.
                let mut told: BTreeMap<String, LetterDecided> = BTreeMap::new();
                for (message, said) in world.said::<LetterDecided>("letter.decided").await {
                    let id = message.headers.text("ce_id").expect("an id").to_owned();
                    assert_eq!(*told.entry(id).or_insert(said.clone()), said);
                }
                assert_eq!(told.len(), 9);
            });
            if all_done {
                break;
            }
            killed += 1;
        }
        assert!(killed >= 9, "it was killed {killed} times");
    }
}
