//! What is kept of a saga, and which versions may carry it on.
use super::told::{ADA, Command, subscribe};
use crate::testkit::given;
use crate::{Effect, HISTORY, Input, Phase, Reply, Saga, State, Unknown, Versions, What};
use std::time::Duration;

fn stubborn() -> Saga<(), ()> {
    Saga::named("stubborn.v1")
        .step("charge")
        .send(|_| ())
        .undo(|_| ())
        .tries(1, Duration::ZERO)
}
fn no() -> Reply {
    Reply::refused("no", "not now")
}
fn maybe() -> Reply {
    Reply::failed("maybe", "who knows", true)
}

#[test]
fn a_state_is_read_back_from_json_and_goes_on() {
    let saga = subscribe();
    let (mut state, mut effects) = (State::default(), vec![]);
    let replies = [
        Reply::Done,
        Reply::Done,
        maybe(),
        maybe(),
        Reply::Done,
        Reply::Done,
    ];
    for (n, reply) in std::iter::once(None).chain(replies.map(Some)).enumerate() {
        let json = serde_json::to_string(&state).unwrap();
        let read: State = serde_json::from_str(&json).unwrap();
        assert_eq!(read, state);
        let input = |state: &State| match (&reply, state.awaiting.clone(), state.wake_at) {
            (None, ..) => Input::Start,
            (Some(reply), Some(token), _) => Input::Reply {
                token,
                reply: reply.clone(),
            },
            (_, None, at) => Input::Woke { at: at.unwrap() },
        };
        let now = 1_000 * n as i64;
        let next = saga.advance(&ADA, &read, input(&read), now).unwrap();
        assert_eq!(
            next,
            saga.advance(&ADA, &state, input(&state), now).unwrap()
        );
        (state, effects) = next;
    }
    assert_eq!(state.phase, Phase::Undoing("create-order".into()));
    assert_eq!(state.history.len(), 11);
    assert!(matches!(&effects[..], [Effect::Send { .. }]));
}

#[test]
fn a_row_is_written_so_that_a_person_can_read_it() {
    let told = given(stubborn(), ()).at(7).hears(maybe());
    let row = serde_json::to_value(told.state()).unwrap();
    assert_eq!(row["version"], "stubborn.v1");
    assert_eq!(row["phase"], "undoing.charge");
    assert_eq!(row["awaiting"], "undoing.charge/2");
    let heard = serde_json::json!({"failed": {"code": "maybe", "message": "who knows", "may_have_happened": true}});
    assert_eq!(
        row["history"],
        serde_json::json!([
            {"at": 0, "what": {"sent": {"token": "doing.charge/1"}}},
            {"at": 7, "what": {"heard": {"token": "doing.charge/1", "reply": heard}}},
            {"at": 7, "what": {"sent": {"token": "undoing.charge/2"}}},
        ])
    );
}

#[test]
fn a_row_that_lacks_what_was_added_later_is_read() {
    let state: State =
        serde_json::from_str(r#"{"version":"stubborn.v1","phase":"stuck.charge","turn":2}"#)
            .unwrap();
    let input = Input::Resume {
        by: "ada".into(),
        why: "again".into(),
    };
    let (state, _) = stubborn().advance(&(), &state, input, 0).unwrap();
    assert_eq!(state.awaiting.unwrap().to_string(), "undoing.charge/3");
}

#[test]
fn the_history_is_bounded_and_keeps_its_first_entry() {
    let mut told = given(stubborn(), ()).hears(maybe()).hears(no());
    let first = told.state().history[0].clone();
    for n in 0..100 {
        told = told.at(1_000 + n).resumed("ada", "again").hears(no());
    }
    let state = told.state();
    assert_eq!(state.history.len(), HISTORY);
    assert_eq!(state.forgotten as usize, 4 + 300 - HISTORY);
    assert_eq!(state.history[0], first);
    let last: Vec<_> = state.history[HISTORY - 3..]
        .iter()
        .map(|past| (past.at, &past.what))
        .collect();
    assert!(
        matches!(&last[..], [(1_099, What::Resumed { by, why }), (1_099, What::Sent { .. }), (1_099, What::Heard { .. })] if by == "ada" && why == "again"),
        "{last:?}"
    );
}

#[test]
fn what_comes_from_outside_is_cut() {
    let long = || Reply::failed("c".repeat(5_000), "ü".repeat(5_000), true);
    let told = given(stubborn(), ()).hears(long());
    let why = told.state().why.clone().unwrap();
    assert_eq!(
        (why.code.chars().count(), why.message.chars().count()),
        (100, 1_000)
    );
    let told = told
        .hears(long())
        .resumed(&"x".repeat(5_000), &"y".repeat(5_000));
    let longest = told
        .state()
        .history
        .iter()
        .map(|past| serde_json::to_string(past).unwrap().chars().count());
    assert!(longest.max().unwrap() < 1_000);
}

#[test]
fn a_do_has_a_deadline_and_an_undo_has_none() {
    let deadline = |effects: &[Effect<()>]| match effects {
        [
            Effect::Send {
                deadline, token, ..
            },
        ] => (token.effect(), *deadline),
        _ => panic!("one command"),
    };
    let (state, effects) = stubborn()
        .advance(&(), &State::default(), Input::Start, 5)
        .unwrap();
    assert_eq!(deadline(&effects), ("doing.charge".into(), Some(60_005)));
    let token = state.awaiting.clone().unwrap();
    let (_, effects) = stubborn()
        .advance(
            &(),
            &state,
            Input::Reply {
                token,
                reply: maybe(),
            },
            6,
        )
        .unwrap();
    assert_eq!(deadline(&effects), ("undoing.charge".into(), None));
}

/// S9.
#[test]
fn a_version_that_is_not_registered_is_an_error_and_changes_nothing() {
    let started = given(subscribe(), ADA);
    let wakes = Input::Woke {
        at: started.state().wake_at.unwrap(),
    };
    let other = || {
        Saga::named("subscribe.v2")
            .step("pay")
            .send(|_| Command::SendReceipt("p8"))
    };
    let unknown = Unknown::Version {
        version: "subscribe.v1".into(),
    };
    let forgotten = Versions::of(other()).advance(&ADA, started.state(), wakes.clone(), 0);
    assert_eq!(forgotten, Err(unknown.clone()));
    assert_eq!(
        other().advance(&ADA, started.state(), wakes.clone(), 0),
        Err(unknown)
    );
    let both = Versions::of(other()).and(subscribe());
    let (state, _) = both.advance(&ADA, started.state(), wakes, 0).unwrap();
    let create_order = Phase::Undoing("create-order".into());
    assert_eq!(
        (state.version.as_str(), state.phase),
        ("subscribe.v1", create_order)
    );
}
#[test]
fn a_new_saga_starts_in_the_current_version() {
    let versions = Versions::of(
        Saga::named("subscribe.v2")
            .step("pay")
            .send(|_| Command::SendReceipt("p8")),
    );
    let (state, _) = versions
        .and(subscribe())
        .advance(&ADA, &State::default(), Input::Start, 0)
        .unwrap();
    assert_eq!(state.version, "subscribe.v2");
}
#[test]
fn a_version_changed_in_place_is_an_error() {
    let row = r#"{"version":"stubborn.v1","phase":"doing.gone","turn":1,"awaiting":"doing.gone/1","wake_at":9}"#;
    let state: State = serde_json::from_str(row).unwrap();
    let unknown = Unknown::Step {
        version: "stubborn.v1".into(),
        step: "gone".into(),
    };
    let reply = Input::Reply {
        token: "doing.gone/1".parse().unwrap(),
        reply: Reply::Done,
    };
    for input in [reply, Input::Woke { at: 9 }] {
        assert_eq!(
            stubborn().advance(&(), &state, input, 9),
            Err(unknown.clone())
        );
    }
    let no_undo = r#"{"version":"stubborn.v1","phase":"stuck.ask","turn":1}"#;
    let state: State = serde_json::from_str(no_undo).unwrap();
    let asks = stubborn().step("ask").send(|_| ());
    let resume = Input::Resume {
        by: String::new(),
        why: String::new(),
    };
    assert!(matches!(
        asks.advance(&(), &state, resume, 9),
        Err(Unknown::Step { .. })
    ));
}
#[test]
fn a_saga_that_has_ended_needs_no_version_any_more() {
    let ended = given(stubborn(), ()).hears(no()).is(Phase::Undone);
    let other: Saga<(), ()> = Saga::named("stubborn.v2").step("pay").send(|_| ());
    let (state, effects) = Versions::of(other)
        .advance(&(), ended.state(), Input::Start, 0)
        .unwrap();
    assert_eq!((&state, effects.len()), (ended.state(), 0));
}
#[test]
#[should_panic(expected = "sends nothing")]
fn a_last_step_that_sends_nothing_is_found_when_it_is_registered() {
    Versions::<(), ()>::of(Saga::named("mute.v1").step("a"));
}
