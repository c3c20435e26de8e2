//! All conversations of a chatbot are ended, told as stories.
use super::*;
use events::ReplyStatus;
use runtime::Emits;
use runtime::testkit::entities::{Then, asker, given};

fn end() -> ClosingMessage {
    ClosingMessage::End(EndConversations {
        chatbot: "e1".into(),
    })
}
fn begun() -> Then<Closing> {
    let asked = given(Closing::default()).at(|at| at.reply_to = Some(asker("saga")));
    asked.when(end())
}
fn list(shelf: i64) -> ListConversations {
    ListConversations {
        chatbot: "e1".into(),
        shelf,
    }
}
fn listed(then: Then<Closing>, round: i64, all: &[&str], next: Option<i64>) -> Then<Closing> {
    let given = then
        .and_then()
        .answering(&format!("list/{round}"), ReplyStatus::Done);
    given.when(ClosingMessage::Listed(ConversationsListed {
        chatbot: "e1".into(),
        conversations: all.iter().map(|&one| one.to_owned()).collect(),
        next,
    }))
}
fn one_ended(then: Then<Closing>, conversation: &str) -> Then<Closing> {
    let request = end_request(conversation);
    let given = then.and_then().answering(&request, ReplyStatus::Done);
    given.when(ClosingMessage::Ended(reply::Ok {
        id: conversation.into(),
    }))
}
fn told(conversation: &str) -> (EndConversation, String) {
    let conversation = conversation.to_owned();
    let request = end_request(&conversation);
    (EndConversation { conversation }, request)
}
fn done() -> reply::Ok {
    reply::Ok { id: "e1".into() }
}

#[test]
fn all_are_ended_some_at_a_time_and_whoever_asked_hears_when_none_is_left() {
    let then = begun().emits(Emits::default().ask(list(0), "list/1"));
    let ((c1, r1), (c2, r2)) = (told("c1"), told("c2"));
    let then = listed(then, 1, &["c1", "c2"], Some(7));
    let then = then.emits(Emits::default().ask(c1, r1).ask(c2, r2));
    let then = one_ended(then, "c1").emits_nothing();
    let progress = |emits: Emits, ended| {
        let message = format!("{ended} conversations have ended");
        emits.answer_progress(asker("saga"), &message, ended, ended)
    };
    let more = Emits::default().ask(list(7), "list/2");
    let then = one_ended(then, "c2").emits(progress(more, 2));
    let (c3, r3) = told("c3");
    let then = listed(then, 2, &["c3"], None).emits(Emits::default().ask(c3, r3));
    let then = one_ended(then, "c3");
    let then = then.emits(Emits::default().answer(asker("saga"), done()));
    assert_eq!(then.state().asker, None);
}
#[test]
fn a_chatbot_without_conversations_is_done_at_once() {
    let then = listed(begun(), 1, &[], None);
    then.emits(Emits::default().answer(asker("saga"), done()));
}
#[test]
fn an_answer_that_comes_twice_or_for_an_earlier_question_means_nothing() {
    let then = listed(begun(), 1, &["c1"], Some(7));
    let then = one_ended(then, "c9").stays();
    let then = listed(then, 1, &["c5"], None).stays();
    let then = one_ended(then, "c1");
    let then = listed(then, 1, &["c1"], None).stays();
    one_ended(then, "c1").stays();
}
#[test]
fn who_cannot_be_ended_is_told_to_whoever_asked_who_may_ask_again() {
    let then = listed(begun(), 1, &["c1", "c2"], None);
    let failing = then
        .and_then()
        .answering("end/c2", ReplyStatus::Failed)
        .when(ClosingMessage::Failed(Failed {
            code: "runtime.held".into(),
            message: "it waits".into(),
            may_have_happened: true,
        }));
    let (code, why) = ("runtime.held", "it waits");
    let failed = Emits::default().answer_failed(asker("saga"), code, why, true);
    let again = failing.emits(failed).and_then();
    let again = again.at(|at| at.reply_to = Some(asker("again")));
    again
        .when(end())
        .emits(Emits::default().ask(list(0), "list/2"));
}
#[test]
fn silence_is_an_answer_too() {
    let then = listed(begun(), 1, &["c1", "c2"], None);
    let at_ms = then.state().give_up_at_ms;
    let then = then.wakes_at(at_ms);
    let late = then.and_then().at(|at| at.now_ms = at_ms);
    let woke = ClosingMessage::Woke(Woke { at_ms });
    let why = "2 conversations did not say that they ended, one of them is c1";
    let failed = Emits::default().answer_failed(asker("saga"), NOT_ENDED, why, true);
    late.when(woke).emits(failed);
}

/// The roster may have been behind its time when it was listed.
#[test]
fn what_the_roster_knew_of_too_late_is_ended_some_minutes_later_and_then_it_rests() {
    let mut then = listed(begun(), 1, &[], None);
    let mut round = 1;
    for sweep in 0..SWEEPS {
        let at_ms = then.state().give_up_at_ms;
        let rested = given(then.state().clone()).at(|at| at.now_ms = at_ms - (SWEEP_MS << sweep));
        assert!(!then.state().is_under_way());
        rested.when(ClosingMessage::Woke(Woke { at_ms: 1 })).stays();
        let due = then
            .and_then()
            .at(|at| (at.now_ms, at.reply_to) = (at_ms, None));
        then = due.when(ClosingMessage::Woke(Woke { at_ms }));
        round += 1;
        then = then.emits(Emits::default().ask(list(0), format!("list/{round}")));
        let (c1, r1) = told("c1");
        then = listed(then, round, &["c1"], None).emits(Emits::default().ask(c1, r1));
        then = one_ended(then, "c1").emits_nothing();
    }
    assert!(!then.state().is_under_way() && then.state().give_up_at_ms == 0);
}
#[test]
fn a_later_list_that_fails_is_asked_for_again_and_who_asks_meanwhile_begins_anew() {
    let rests = listed(begun(), 1, &[], None);
    let at_ms = rests.state().give_up_at_ms;
    let due = rests
        .and_then()
        .at(|at| (at.now_ms, at.reply_to) = (at_ms, None));
    let sweeping = due.when(ClosingMessage::Woke(Woke { at_ms })).and_then();
    let (code, message) = ("runtime.held".into(), "it waits".into());
    let failed = Failed {
        code,
        message,
        may_have_happened: true,
    };
    let failing = sweeping.answering("list/2", ReplyStatus::Failed);
    let then = failing.when(ClosingMessage::Failed(failed)).emits_nothing();
    assert_eq!(
        (then.state().swept, then.state().is_under_way()),
        (1, false)
    );
    let again = then.and_then().at(|at| at.reply_to = Some(asker("again")));
    let then = again
        .when(end())
        .emits(Emits::default().ask(list(0), "list/3"));
    assert_eq!(then.state().swept, 0);
}
