//! Commands from outside: passed on, answered, refused; copies of them; and what a hostile writer may try (I3, I4, K4).
use super::fixtures::*;
use crate::Moment;
use crate::dead_letters::Rate;
use crate::emission::Emitter;
use crate::ports::log::{Message, Outgoing};
use crate::testkit::sim::Side;
use events::conversations::Answered;
use events::documents::{AddDocument, Parsed};
use events::envelope::name;
use events::outside::{OutsideRequest, spring};
use events::reply::{Failed, Ok as Said, Refused};
use events::{Personal, ReplyAddress, ReplyStatus};
use std::collections::BTreeSet;

const COMMANDS: &str = "documents.commands";
const INBOX: &str = "inbox.documents.commands";
const REPLIES: &str = "replies.crm";

/// The CRM asks for a document to be added, and wants to be answered as `request`.
fn asked(world: &World, document: &str, name: &str, id: &str) -> Outgoing {
    let key = format!("acme/{document}");
    let message = world.to(INBOX, &key, &add(document, name), id);
    with(message, &[(name::SOURCE, "crm"), (name::REPLY_TO, REPLIES)])
}
fn answers(world: &World) -> Vec<Message> {
    world.sim.messages(REPLIES)
}
fn text<'m>(message: &'m Message, header: &str) -> Option<&'m str> {
    message.headers.text(header)
}

#[test]
fn a_command_from_outside_is_passed_on_and_answered_where_it_was_asked() {
    running(async |mut world| {
        let by = (world.ports.clock.now_ms() + 600_000).to_string();
        let message = with(
            asked(&world, "d1", "one", "c1"),
            &[
                (name::REQUEST, "r-1"),
                (name::REPLY_PARTITION, "1"),
                (name::DEADLINE, &by),
                (name::CORRELATION, "tale-1"),
            ],
        );
        world.send(message).await;
        world.settle().await;
        assert_eq!(world.log_of("d1").await, ["one"]);
        let command = &world.sim.messages(DOCUMENT)[0];
        for (header, value) in [
            (name::REPLY_TO, REPLIES),
            (name::REPLY_PARTITION, "1"),
            (name::DEADLINE, &by),
            (name::CORRELATION, "tale-1"),
            (name::ORIGIN, "clients"),
        ] {
            assert_eq!(text(command, header), Some(value), "{header}");
        }
        let told = answers(&world);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].at.partition, 1);
        assert_eq!(text(&told[0], name::REQUEST), Some("r-1"));
        assert_eq!(text(&told[0], name::REPLY_STATUS), Some("done"));
        assert_eq!(text(&told[0], name::CORRELATION), Some("tale-1"));
        assert_eq!(told[0].headers.get(spring::CORRELATION), None);
        assert_eq!(world.said::<Said>(REPLIES).await[0].1.id, "1");
    });
}

#[test]
fn springs_template_gets_its_correlation_back_in_bytes() {
    running(async |mut world| {
        let key = "acme/d1";
        let mut message = world.to(INBOX, key, &add("d1", "one"), "c1");
        let correlation: Vec<u8> = (0..16).map(|n| n * 17).collect();
        message.headers.set(spring::REPLY_TOPIC, REPLIES);
        message
            .headers
            .set(spring::REPLY_PARTITION, 1_i32.to_be_bytes());
        message
            .headers
            .set(spring::CORRELATION, correlation.clone());
        world.send(message).await;
        world.settle().await;
        let told = answers(&world);
        assert_eq!((told.len(), told[0].at.partition), (1, 1));
        assert_eq!(
            told[0].headers.get(spring::CORRELATION),
            Some(&correlation[..])
        );
        assert_eq!(
            text(&told[0], name::REQUEST),
            Some("00112233445566778899aabbccddeeff")
        );
    });
}

#[test]
fn a_copy_of_a_command_has_no_effect_and_is_told_the_same() {
    running(async |mut world| {
        let ask = |world: &World, request: &str| {
            let message = asked(world, "d1", "one", "c1");
            with(message, &[(name::REQUEST, request)])
        };
        world.send(ask(&world, "r-1")).await;
        world.settle().await;
        world.restart().await;
        world.send(ask(&world, "r-2")).await;
        world.settle().await;
        // The same id of another source is another command (I1).
        world
            .send(with(ask(&world, "r-3"), &[(name::SOURCE, "shop")]))
            .await;
        world.settle().await;
        assert_eq!(world.log_of("d1").await, ["one", "one"]);
        let told = world.said::<Said>(REPLIES).await;
        let mut told: Vec<(&str, &str)> = told
            .iter()
            .map(|(message, said)| (text(message, name::REQUEST).unwrap_or(""), said.id.as_str()))
            .collect();
        told.sort_unstable();
        assert_eq!(told, [("r-1", "1"), ("r-2", "1"), ("r-3", "2")]);
        let ids: BTreeSet<_> = answers(&world)
            .iter()
            .map(|message| text(message, name::ID).map(str::to_owned))
            .collect();
        assert_eq!(ids.len(), 3, "each is a message of its own");
    });
}

#[test]
fn what_is_asked_twice_is_done_once_and_answered_the_same_whenever_the_process_dies() {
    for (nth, side) in (1..=14).flat_map(|nth| [(nth, Side::Before), (nth, Side::After)]) {
        running(async move |mut world| {
            world.sim.crash_at("a", world.sim.writes("a") + nth, side);
            for _ in 0..2 {
                world.send(asked(&world, "d1", "one", "c1")).await;
            }
            world.settle().await;
            assert_eq!(world.log_of("d1").await, ["one"], "{nth} {side:?}");
            let said = world.said::<Said>(REPLIES).await;
            assert!((1..=2).contains(&said.len()), "{nth} {side:?}: {said:?}");
            assert!(said.iter().all(|(_, said)| said.id == "1"));
        });
    }
}

#[test]
fn what_may_not_pass_is_refused_with_the_reason_and_is_no_dead_letter() {
    running(async |mut world| {
        let now = world.ports.clock.now_ms();
        let ask = |document: &str| {
            let message = asked(&world, document, "x", document);
            with(message, &[(name::REQUEST, document)])
        };
        let under = |key: &str, message: Outgoing| {
            let tenant = key.split_once('/').map_or("", |(tenant, _)| tenant);
            let key = key.as_bytes().to_vec();
            with(
                Outgoing {
                    key: key.into(),
                    ..message
                },
                &[(name::TENANT, tenant)],
            )
        };
        let header = |document: &str, name: &str, value: &[u8]| {
            let mut message = ask(document);
            message.headers.set(name, value);
            message
        };
        let record = |document: &str| {
            let parsed = world.to(INBOX, "acme/d", &Parsed::default(), document);
            Outgoing {
                payload: parsed.payload,
                ..ask(document)
            }
        };
        let mut extra = ask("d1");
        extra.payload = [&extra.payload[..], &[7]].concat().into();
        let mut large = asked(&world, "d2", &"x".repeat(270 << 10), "d2");
        large.headers.set(name::REQUEST, "d2");
        let (past, far) = (now - 1, now + 8 * 86_400_000);
        let cases = [
            ("d1", "runtime.undecodable", extra),
            ("d2", "runtime.too_large", large),
            ("d3", "runtime.unknown_schema", record("d3")),
            (
                "d4",
                "runtime.unknown_schema",
                Outgoing {
                    payload: vec![0, 0, 0, 77, 77, 1].into(),
                    ..ask("d4")
                },
            ),
            (
                "d5",
                "runtime.tenant_not_allowed",
                under("evil/d5", ask("d5")),
            ),
            (
                "d6",
                "runtime.tenant_mismatch",
                with(ask("d6"), &[(name::TENANT, "bolt")]),
            ),
            // Its readers may not hear of that tenant, though its writers may name it.
            (
                "d7",
                "runtime.invalid_reply_to",
                under("bolt/d7", ask("d7")),
            ),
            ("d8", "runtime.invalid_key", under("acme/other", ask("d8"))),
            (
                "d9",
                "runtime.expired",
                header("d9", name::DEADLINE, past.to_string().as_bytes()),
            ),
            (
                "d10",
                "runtime.invalid_header",
                header("d10", name::DEADLINE, far.to_string().as_bytes()),
            ),
            (
                "d11",
                "runtime.invalid_header",
                header("d11", name::DEADLINE, b"tomorrow"),
            ),
            (
                "",
                "runtime.invalid_header",
                header("d12", name::REQUEST, &[0xff]),
            ),
            (
                "",
                "runtime.invalid_header",
                header("d13", name::REQUEST, "x".repeat(201).as_bytes()),
            ),
            (
                "d14",
                "runtime.invalid_header",
                header("d14", spring::CORRELATION, &[]),
            ),
            (
                "d15",
                "runtime.invalid_header",
                header("d15", spring::REPLY_PARTITION, &[0, 0, 1]),
            ),
            (
                "d16",
                "runtime.invalid_header",
                header("d16", name::REPLY_PARTITION, b"first"),
            ),
            (
                "d17",
                "runtime.invalid_reply_to",
                header("d17", name::REPLY_PARTITION, b"2"),
            ),
            (
                "d18",
                "runtime.invalid_header",
                header("d18", name::REPLY_KEY, b"bolt/x"),
            ),
            (
                "d19",
                "runtime.invalid_header",
                header("d19", name::CORRELATION, b"a\nb"),
            ),
        ];
        let mut wanted = vec![];
        for (request, code, message) in cases {
            wanted.push((request.to_owned(), code.to_owned()));
            world.send(message).await;
        }
        world.settle().await;
        let told = world.said::<Refused>(REPLIES).await;
        let mut got: Vec<_> = told
            .iter()
            .map(|(message, refused)| {
                assert_eq!(text(message, name::REPLY_STATUS), Some("refused"));
                assert!(!refused.message.is_empty());
                let request = text(message, name::REQUEST).unwrap_or_default();
                (request.to_owned(), refused.code.clone())
            })
            .collect();
        got.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(got, wanted);
        assert_eq!(world.dead(COMMANDS).await, []);
        assert_eq!(world.holds(COMMANDS), 0);
        assert!(world.sim.messages(DOCUMENT).is_empty());
        // What follows under the same key flows.
        world.send(asked(&world, "d11", "one", "again")).await;
        world.settle().await;
        assert_eq!(world.log_of("d11").await, ["one"]);
    });
}

#[test]
fn where_nobody_may_be_answered_it_is_a_dead_letter_and_nobody_is_told() {
    running(async |mut world| {
        let mut n = 0;
        for named in [
            DOCUMENT,      // a command topic
            "replies",     // the edges': it could complete what others asked for
            "replies.erp", // another outsider's
            "document.changed",
            INBOX,
            "nowhere",
            "",
        ] {
            n += 1;
            let document = format!("d{n}");
            let message = asked(&world, &document, "x", &document);
            world.send(with(message, &[(name::REPLY_TO, named)])).await;
        }
        let mut binary = asked(&world, "d8", "x", "d8");
        binary.headers.set(name::REPLY_TO, [0xff, 0xfe]);
        world.send(binary).await;
        let mut nobody = asked(&world, "d9", "x", "d9");
        nobody
            .headers
            .0
            .retain(|(header, _)| header != name::REPLY_TO);
        nobody.headers.set(name::DEADLINE, "tomorrow");
        world.send(nobody).await;
        let mut no_key = asked(&world, "d10", "x", "d10");
        no_key.key = b"Not a key".to_vec().into();
        world.send(no_key).await;
        world.settle().await;
        let mut codes: Vec<_> = world
            .dead(COMMANDS)
            .await
            .into_iter()
            .map(|(_, code)| code)
            .collect();
        codes.sort_unstable();
        let mut wanted = vec!["runtime.invalid_reply_to"; 8];
        wanted.extend(["runtime.invalid_header", "runtime.invalid_key"]);
        wanted.sort_unstable();
        assert_eq!(codes, wanted);
        for topic in [REPLIES, "replies", "replies.erp", DOCUMENT] {
            assert!(world.sim.messages(topic).is_empty(), "{topic}");
        }
    });
}

#[test]
fn on_any_inbox_a_reply_to_names_only_what_its_writers_read() {
    running(async |mut world| {
        world.script.ill("unroutable", Ill::Fails);
        for (id, named) in [("u1", "replies.crm"), ("u2", "replies")] {
            let message = with(world.upload("x", id), &[(name::REPLY_TO, named)]);
            world.send(message).await;
        }
        world.settle().await;
        let codes: Vec<_> = world.dead(BORDER).await;
        assert_eq!(codes[0].1, "runtime.invalid_reply_to");
        assert_eq!(codes[1].1, "runtime.invalid_reply_to");
        // Who says a message that dies is told on a topic of its own.
        let key = "acme/d2";
        let dies = world.to(
            "inbox.document.uploaded",
            key,
            &uploaded("d2", "unroutable"),
            "u3",
        );
        world
            .send(with(dies, &[(name::REPLY_TO, "replies.erp")]))
            .await;
        world.settle().await;
        let told = world.said::<Failed>("replies.erp").await;
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].1.code, "documents.unroutable");
        assert!(world.sim.messages("replies").is_empty());
    });
}

#[test]
fn what_is_ours_to_say_means_nothing_from_outside() {
    running(async |mut world| {
        let message = with(
            asked(&world, "d1", "one", "c1"),
            &[
                (name::REPLY_STATUS, "done"),
                (name::UNDOES, "m1"),
                (name::IDEMPOTENCY_KEY, "m1"),
                (name::ORIGIN, "us"),
            ],
        );
        world.send(message).await;
        world.settle().await;
        assert_eq!(answers(&world).len(), 1, "it is answered all the same");
        let command = &world.sim.messages(DOCUMENT)[0];
        assert_eq!(text(command, name::ORIGIN), Some("clients"));
        assert_eq!(text(command, name::UNDOES), None);
        let key = text(command, name::IDEMPOTENCY_KEY).expect("it is passed on");
        assert_ne!(key, "m1", "what we call an effect nobody else can");
    });
}

#[test]
fn who_says_that_a_message_was_a_letter_does_not_use_the_letter_up() {
    running(async |mut world| {
        world.script.ill("one", Ill::Fails);
        world.send(world.upload("one", "u1")).await;
        world.settle().await;
        world.script.heal("one");
        let letter = world.letters_of(BORDER).await[0].place.to_string();
        let forged = with(world.upload("two", "u2"), &[(name::REDRIVEN, &letter)]);
        world.send(forged).await;
        for nowhere in ["documents.border.dead/7/0", "documents.border.dead/0/77"] {
            let forged = world.upload("two", "u2");
            world.send(with(forged, &[(name::REDRIVEN, nowhere)])).await;
        }
        world.settle().await;
        assert_eq!(
            world.log_of("d1").await,
            [] as [&str; 0],
            "they wait behind it"
        );
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
        world.settle().await;
        assert_eq!(world.log_of("d1").await, ["one", "two"]);
        assert_eq!(world.holds(BORDER), 0);
    });
}

#[test]
fn a_held_command_is_told_that_it_may_yet_happen() {
    running(async |mut world| {
        let mut first = asked(&world, "d1", "x", "c1");
        first.headers.set(name::REPLY_TO, "nowhere");
        world.send(first).await;
        world.send(asked(&world, "d1", "two", "c2")).await;
        world.settle().await;
        let told = world.said::<Failed>(REPLIES).await;
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].1.code, "runtime.held");
        assert!(told[0].1.may_have_happened);
        assert_eq!(world.log_of("d1").await, [] as [&str; 0]);
    });
}

#[test]
fn answers_to_outsiders_are_clear_and_ours_are_sealed() {
    simulate(async |world| {
        let answered = Answered {
            visitor: "v1".into(),
            text: "12 francs".into(),
            ..Answered::default()
        };
        let request = OutsideRequest {
            command: "0a".into(),
            correlation: None,
            spring: None,
        };
        let to = |topic: &str, from_outside| ReplyAddress {
            topic: topic.into(),
            key: "acme/x".into(),
            partition: None,
            request: request.carried(),
            from_outside,
        };
        let emitter = Emitter::new(&world.ports);
        let at = Moment::for_tests("c1");
        for (topic, from_outside) in [(REPLIES, true), ("replies", false)] {
            let to = to(topic, from_outside);
            let said = emitter.reply(&at, &to, ReplyStatus::Done, &answered, "0");
            let said = said.await.expect("it can be said");
            let datum = world.ports.schemas.datum(&said.payload).await;
            let read: Answered = events::record::decode(&datum.expect("ours")).expect("it is one");
            let clear = matches!(read.text, Personal::Clear(text) if text == "12 francs");
            assert_eq!(clear, from_outside, "{topic}");
            let subject = said.headers.text(name::SUBJECT_KEY);
            assert_eq!(subject.is_none(), from_outside, "{topic}");
        }
    });
}

#[test]
fn spring_hears_no_progress_since_it_takes_the_first_reply_for_the_answer() {
    simulate(async |world| {
        let to = |spring: Option<Vec<u8>>| {
            let command = "0a".to_owned();
            let correlation = Some("r".to_owned());
            let request = OutsideRequest {
                command,
                correlation,
                spring,
            };
            Some(ReplyAddress {
                topic: REPLIES.into(),
                key: "acme/x".into(),
                partition: None,
                request: request.carried(),
                from_outside: true,
            })
        };
        let emits = crate::Emits::default().reply_progress("half", 1, 2);
        for (reply_to, said) in [(to(None), 1), (to(Some(vec![1])), 0)] {
            let at = Moment {
                reply_to,
                ..Moment::for_tests("d1")
            };
            let emitter = Emitter::new(&world.ports);
            let all = emitter.all(&at, DOCUMENT, &|_, _| true, &emits).await;
            assert_eq!(all.expect("it can be said").len(), said);
        }
    });
}

#[test]
fn the_record_is_passed_on_as_it_was_written() {
    running(async |mut world| {
        world.send(asked(&world, "d1", "one", "c1")).await;
        world.settle().await;
        let passed = world.said::<AddDocument>(DOCUMENT).await;
        assert_eq!(passed[0].1, add("d1", "one"));
    });
}
