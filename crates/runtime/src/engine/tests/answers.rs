//! Which code a message dies with, and what whoever asked is told (I4, K4, D5).
use super::fixtures::*;
use crate::dead_letters::Rate;
use crate::ports::log::Outgoing;
use bytes::Bytes;
use events::MessageId;
use events::documents::Parsed;
use events::envelope::name;
use events::reply::{Failed, Ok as Said, Refused};
use std::time::Duration;

#[test]
fn what_may_not_pass_the_border_dies_with_its_code() {
    running(async |mut world| {
        world.script.ill("unroutable", Ill::Fails);
        let inbox = |key: &str, name: &str| {
            let document = key.split_once('/').map_or("", |(_, id)| id);
            world.to(
                "inbox.document.uploaded",
                key,
                &uploaded(document, name),
                document,
            )
        };
        let mut extra = inbox("acme/d1", "x");
        extra.payload = [&extra.payload[..], &[7]].concat().into();
        let parsed = world.to(
            "inbox.document.uploaded",
            "acme/d3",
            &Parsed::default(),
            "d3",
        );
        let cases = [
            (extra, "runtime.undecodable"),
            (
                Outgoing {
                    payload: vec![0, 0, 0, 77, 77, 1].into(),
                    ..inbox("acme/d2", "x")
                },
                "runtime.unknown_schema",
            ),
            (parsed, "runtime.unknown_schema"),
            (
                Outgoing {
                    payload: vec![].into(),
                    ..inbox("acme/d4", "x")
                },
                "runtime.unknown_schema",
            ),
            (inbox("evil/d5", "x"), "runtime.tenant_not_allowed"),
            (
                with(inbox("acme/d6", "x"), &[(name::TENANT, "bolt")]),
                "runtime.tenant_mismatch",
            ),
            (inbox("Not a key", "x"), "runtime.invalid_key"),
            (
                with(inbox("acme/d7", "x"), &[(name::REPLY_TO, DOCUMENT)]),
                "runtime.invalid_reply_to",
            ),
            (
                with(inbox("acme/d8", "x"), &[(name::REPLY_TO, "nowhere")]),
                "runtime.invalid_reply_to",
            ),
            (
                inbox("acme/d9", &"x".repeat(270 << 10)),
                "runtime.too_large",
            ),
            (inbox("acme/d10", "unroutable"), "documents.unroutable"),
        ];
        let mut wanted = vec![];
        for (message, code) in cases {
            wanted.push((message.payload.clone(), code.to_owned()));
            world.send(message).await;
        }
        world.settle().await;
        let letters = world
            .letters_of(BORDER)
            .await
            .into_iter()
            .zip(world.sim.messages("documents.border.dead"));
        let mut got: Vec<_> = letters
            .map(|(letter, message)| (message.payload, letter.code))
            .collect();
        got.sort_unstable();
        wanted.sort_unstable();
        let codes =
            |of: &[(Bytes, String)]| of.iter().map(|(_, code)| code.clone()).collect::<Vec<_>>();
        assert_eq!(codes(&got), codes(&wanted));
        assert!(got == wanted, "each with its own bytes");
        // Nor is an answer said where outsiders may not have one said.
        assert!(world.sim.messages(DOCUMENT).is_empty());
        // Who may not name a tenant, or names no key, holds none of its keys.
        let held: Vec<_> = world
            .sim
            .rows("holds.documents.border")
            .into_iter()
            .map(|(id, _)| id)
            .collect();
        let foreign =
            |id: &String| id.starts_with("evil") || id == "acme/d6" || id.starts_with("Not");
        assert!(!held.iter().any(foreign), "{held:?}");
    });
}

#[test]
fn a_command_that_dies_or_is_held_is_answered_since_it_may_yet_happen() {
    running(async |mut world| {
        world.script.ill("m1", Ill::Poisoned);
        world.send_work("d1", &["m1", "m2"]).await;
        world.settle().await;
        let said = world.said::<Failed>("replies").await;
        let requests: Vec<_> = said
            .iter()
            .map(|(m, f)| (m.headers.text(name::REQUEST), f.code.as_str()))
            .collect();
        assert_eq!(
            requests,
            [
                (Some("m1"), "documents.poisoned"),
                (Some("m2"), "runtime.held")
            ]
        );
        assert!(said.iter().all(|(message, failed)| {
            failed.may_have_happened && message.headers.text(name::REPLY_STATUS) == Some("failed")
        }));
        // One that dies again says so again, as another answer.
        let places: Vec<_> = world
            .letters_of(EFFECTS)
            .await
            .into_iter()
            .map(|letter| letter.place)
            .collect();
        world
            .letters
            .redrive(&places[..1], "ada", "it may pass now", Rate::FASTEST)
            .await
            .expect("redrives");
        world.settle().await;
        let ids: std::collections::BTreeSet<_> = world
            .sim
            .messages("replies")
            .iter()
            .map(|m| m.headers.text(name::ID).map(str::to_owned))
            .collect();
        assert_eq!(ids.len(), 3);
    });
}

#[test]
fn an_answer_is_never_answered() {
    running(async |mut world| {
        world.script.ill("m1", Ill::Poisoned);
        let answer = with(
            asking(world.work("d1", "m1"), "op-1"),
            &[(name::REPLY_STATUS, "done")],
        );
        world.send(answer).await;
        world.settle().await;
        assert_eq!(world.dead(EFFECTS).await.len(), 1);
        assert!(world.sim.messages("replies").is_empty());
    });
}

#[test]
fn what_is_refused_is_an_answer_and_no_dead_letter() {
    running(async |mut world| {
        world.script.ill("m1", Ill::Refused);
        world.send_work("d1", &["m1", "m2"]).await;
        world
            .send(asking(
                world.message("acme/d1", &add("d1", "refuse"), "c1"),
                "op-1",
            ))
            .await;
        world.settle().await;
        let said = world.said::<Refused>("replies").await;
        let mut codes: Vec<_> = said
            .iter()
            .map(|(_, refused)| refused.code.as_str())
            .collect();
        codes.sort_unstable();
        assert_eq!(codes, ["documents.not_this_one", "documents.refused"]);
        assert_eq!(
            (world.done_answers().await, world.holds(EFFECTS)),
            (vec!["m2".to_owned()], 0)
        );
        assert_eq!(
            world.log_of("d1").await,
            [] as [&str; 0],
            "who refuses stays as it was"
        );
    });
}

#[test]
fn what_may_not_be_said_is_the_verdict_of_its_message_and_its_batch_goes_on() {
    running(async |mut world| {
        world.script.ill("too much", Ill::SaysTooMuch);
        world.script.ill("elsewhere", Ill::SaysItElsewhere);
        for (document, name) in [
            ("d1", "one"),
            ("d2", "too much"),
            ("d3", "elsewhere"),
            ("d4", "two"),
        ] {
            world
                .send(asking(world.work(document, name), document))
                .await;
        }
        for (document, name) in [("d5", "huge"), ("d6", "elsewhere"), ("d7", "note")] {
            world
                .send(asking(
                    world.message(&format!("acme/{document}"), &add(document, name), document),
                    document,
                ))
                .await;
        }
        world.settle().await;
        for consumer in [EFFECTS, DOCUMENT] {
            let codes: Vec<_> = world
                .dead(consumer)
                .await
                .into_iter()
                .map(|(_, code)| code)
                .collect();
            assert_eq!(codes, ["runtime.output_refused"; 2], "{consumer}");
        }
        let mut done: Vec<String> = world
            .said::<Said>("replies")
            .await
            .into_iter()
            .map(|(_, said)| said.id)
            .collect();
        done.sort_unstable();
        assert_eq!(done, ["1", "one", "two"]);
        assert_eq!(
            world.log_of("d5").await,
            [] as [&str; 0],
            "what could not be said was not decided"
        );
    });
}

#[test]
fn what_is_said_has_the_id_that_follows_from_its_cause() {
    running(async |mut world| {
        world.send_work("d1", &["m1"]).await;
        world.settle().await;
        let (tenant, source, id) = ("acme".to_owned(), "test".to_owned(), "m1".to_owned());
        let wanted = MessageId { tenant, source, id }
            .derive(EFFECTS, "0")
            .to_string();
        let said = world.sim.messages("replies");
        assert_eq!(said[0].headers.text(name::ID), Some(wanted.as_str()));
    });
}

#[test]
fn what_the_log_refuses_is_a_dead_letter_and_its_batch_goes_on() {
    running(async |mut world| {
        // An entity, whose row is saved before: it says on `document.changed`, which takes nothing any more.
        world.sim.refuse("document.changed");
        world
            .send(world.message("acme/d1", &add("d1", "refused"), "m1"))
            .await;
        world
            .send(asking(
                world.message("acme/d2", &add("d2", "wake 3600000"), "m2"),
                "q2",
            ))
            .await;
        world.send_work("d3", &["beside"]).await;
        world.settle().await;
        let dead = world.dead(DOCUMENT).await;
        let codes: Vec<&str> = dead.iter().map(|(_, code)| code.as_str()).collect();
        assert_eq!(
            codes,
            ["runtime.output_refused", "runtime.output_refused"],
            "{dead:?}"
        );
        assert_eq!(
            world.done_answers().await,
            ["beside"],
            "other consumers go on"
        );
        let letter = &world.letters_of(DOCUMENT).await[0];
        assert!(
            letter.message.contains("document.changed"),
            "{}",
            letter.message
        );
    });
}

#[test]
fn a_dead_letter_that_its_topic_refuses_waits_until_it_is_taken() {
    running(async |mut world| {
        world.sim.refuse("document.changed");
        let dead = format!("{DOCUMENT}.dead");
        world.sim.refuse(&dead);
        world
            .send(world.message("acme/d1", &add("d1", "refused"), "m1"))
            .await;
        world
            .send(world.message("acme/d2", &add("d2", "wake 3600000"), "m2"))
            .await;
        let clock = world.ports.clock.clone();
        clock.sleep(Duration::from_secs(100)).await;
        let history = world.sim.history();
        let refused = history.matches("REFUSED").count();
        assert!((4..=12).contains(&refused), "{refused} times in 100 s");
        world.sim.accept(&dead);
        clock.sleep(Duration::from_secs(40)).await;
        world.settle().await;
        assert_eq!(world.dead(DOCUMENT).await.len(), 2, "nothing is lost");
    });
}
