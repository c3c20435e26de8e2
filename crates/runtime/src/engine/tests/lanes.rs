//! C3, C4, D1, D2, E3: whose turn it is, and how often something is tried.
use super::super::lane::{Lane, MAX_UNCOMMITTED, Queued};
use super::super::step::{Ended, Finished, HoldState, Outcome, Ready};
use super::fixtures::*;
use crate::ports::log::{Message, Position};
use events::Headers;
use std::time::Duration;

#[test]
fn attempts_survive_a_restart() {
    running(async |mut world| {
        world.script.ill("m1", Ill::Fails);
        world.send_work("d1", &["m1"]).await;
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert_eq!(world.script.attempts("m1"), 2);
        world.restart().await;
        world.settle().await;
        let attempts: Vec<u32> = world
            .script
            .lock()
            .begun
            .iter()
            .map(|(_, attempt, _)| *attempt)
            .collect();
        assert_eq!(attempts, [0, 1, 2]);
        assert_eq!(world.letters_of(EFFECTS).await[0].attempts, 3);
    });
}

#[test]
fn a_key_keeps_its_order_while_its_first_message_is_tried_again() {
    running(async |mut world| {
        world.script.ill("m1", Ill::Fails);
        world.send_work("d1", &["m1", "m2"]).await;
        world.send_work("d2", &["other"]).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(world.script.done(), ["other"]);
        world.script.heal("m1");
        world.settle().await;
        assert_eq!(world.script.done(), ["other", "m1", "m2"]);
        assert!(world.dead(EFFECTS).await.is_empty());
    });
}

#[test]
fn a_panic_is_an_attempt() {
    running(async |mut world| {
        world.script.ill("m1", Ill::Panics);
        world.send_work("d1", &["m1"]).await;
        world.send_work("d2", &["other"]).await;
        world.settle().await;
        assert_eq!(
            (world.script.attempts("m1"), world.script.done()),
            (3, vec!["other".to_owned()])
        );
        let letter = &world.letters_of(EFFECTS).await[0];
        assert_eq!(letter.code, "runtime.attempts_exhausted");
        assert!(
            letter.message.contains("the parser does not like m1"),
            "{}",
            letter.message
        );
    });
}

#[test]
fn while_a_dependency_is_down_no_attempt_is_burned() {
    running(async |mut world| {
        world.script.ill("m1", Ill::Down);
        world.send_work("d1", &["m1", "m2"]).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(
            world.script.attempts("m1") > 3,
            "it is tried, and not given up"
        );
        world.script.heal("m1");
        world.settle().await;
        assert_eq!(world.script.done(), ["m1", "m2"]);
        let burned: Vec<u32> = world
            .script
            .lock()
            .begun
            .iter()
            .map(|(_, attempt, _)| *attempt)
            .collect();
        assert!(burned.iter().all(|attempt| *attempt == 0), "{burned:?}");
    });
}

#[test]
fn tenants_take_turns() {
    simulate(async |mut world| {
        for i in 0..20 {
            let document = format!("d{i}");
            world
                .send(world.message(
                    &format!("big/{document}"),
                    &embed(&document, &document),
                    &document,
                ))
                .await;
        }
        world
            .send(world.message("small/d1", &embed("d1", "small"), "small"))
            .await;
        world.start().await;
        world.settle().await;
        let done = world.script.done();
        assert_eq!(done.len(), 21);
        assert!(done[..3].contains(&"small".to_owned()), "{done:?}");
    });
}

#[test]
fn a_lane_waits_when_a_hundred_of_its_results_are_not_committed() {
    let message = |offset| {
        let at = Position {
            topic: "t".into(),
            partition: 0,
            offset,
        };
        let (key, headers, payload) = (vec![], Headers::default(), vec![]);
        let message = Message {
            at,
            timestamp_ms: 0,
            key: key.into(),
            headers,
            payload: payload.into(),
        };
        Queued::new(message, 0)
    };
    let finished = || {
        let ready = Ready {
            row_changed: true,
            ..Ready::of(vec![], Ended::Done)
        };
        Finished {
            outcome: Outcome::Ready(ready),
            row: None,
            hold: HoldState::Free,
        }
    };
    let mut lane = Lane::default();
    lane.queue.push_back(message(1_000));
    for offset in 0..MAX_UNCOMMITTED as i64 {
        assert!(lane.can_run(), "{offset}");
        if offset % 2 == 0 {
            lane.frozen.push((message(offset), finished()));
        } else {
            lane.add_result(message(offset), finished());
        }
    }
    assert!(!lane.can_run());
    lane.frozen.clear();
    assert!(lane.can_run());
}

#[test]
fn a_thousand_messages_of_one_key_are_done_in_their_order() {
    running(async |mut world| {
        for i in 0..1_000 {
            let id = format!("m{i}");
            world
                .send(world.message("acme/d1", &add("d1", &id), &id))
                .await;
        }
        world.settle().await;
        let wanted: Vec<String> = (0..1_000).map(|i| format!("m{i}")).collect();
        assert_eq!(world.log_of("d1").await, wanted);
        assert_eq!(world.heard("bot").await, wanted);
    });
}
