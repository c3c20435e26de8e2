//! Two sagas, as their authors write them, and what they promise.
use crate::testkit::{given, sweep};
use crate::{Phase, Reply, SILENCE, Saga};
use Command::*;
use Reply::{Done, Progress};
use std::time::Duration;

#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    RequestPayment(&'static str),
    CancelPayment(&'static str),
    AwaitPayment(&'static str),
    ActivatePlan(&'static str),
    DeactivatePlan(&'static str),
    SendReceipt(&'static str),
    RegisterChatbot(&'static str),
    RemoveChatbot(&'static str),
    IngestSources(&'static str),
    RemoveSources(&'static str),
}
pub struct Subscription {
    payment: &'static str,
    account: &'static str,
}
pub const ADA: Subscription = Subscription {
    payment: "p7",
    account: "ada",
};

fn minutes(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}
pub fn subscribe() -> Saga<Subscription, Command> {
    Saga::named("subscribe.v1")
        .step("create-order")
        .send(|s: &Subscription| RequestPayment(s.payment))
        .undo(|s| CancelPayment(s.payment))
        .tries(3, minutes(1))
        .step("await-payment")
        .send(|s| AwaitPayment(s.payment)) // answered late (S5); create-order's undo cancels it
        .timeout(minutes(30))
        .step("activate-plan")
        .send(|s| ActivatePlan(s.account))
        .undo(|s| DeactivatePlan(s.account))
        .pivot()
        .step("send-receipt")
        .send(|s| SendReceipt(s.payment))
        .tries(2, minutes(10))
}
pub fn create_chatbot() -> Saga<&'static str, Command> {
    Saga::named("create-chatbot.v1")
        .step("register")
        .send(|bot: &&str| RegisterChatbot(bot))
        .undo(|bot| RemoveChatbot(bot))
        .step("ingest")
        .send(|bot| IngestSources(bot))
        .undo(|bot| RemoveSources(bot))
        .timeout(minutes(60))
        .silence(minutes(5))
}
fn no() -> Reply {
    Reply::refused("plan.full", "no more places")
}
fn maybe() -> Reply {
    Reply::failed("plan.down", "nobody knows", true)
}

#[test]
fn who_pays_is_told_as_soon_as_the_plan_is_active() {
    given(subscribe(), ADA)
        .sends(RequestPayment("p7"))
        .hears(Done)
        .sends(AwaitPayment("p7"))
        .hears(Done)
        .sends(ActivatePlan("ada"))
        .hears(Done)
        .answers(Done)
        .sends(SendReceipt("p7"))
        .hears(Done)
        .is(Phase::Completed)
        .reported(&[]);
}
#[test]
fn who_does_not_pay_has_the_order_cancelled() {
    let waited = "no answer to doing.await-payment/2 in time";
    given(subscribe(), ADA)
        .hears(Done)
        .wakes()
        .sends(CancelPayment("p7"))
        .hears(Done)
        .answers(Reply::refused(SILENCE, waited))
        .is(Phase::Undone);
}
#[test]
fn a_refused_plan_is_not_deactivated_but_the_payment_is_taken_back() {
    given(subscribe(), ADA)
        .hears(Done)
        .hears(Done)
        .hears(no())
        .sends(CancelPayment("p7"))
        .hears(Done)
        .answers(no())
        .is(Phase::Undone);
}
#[test]
fn a_plan_that_surely_failed_is_not_deactivated() {
    let not = Reply::failed("plan.down", "never sent", false);
    given(subscribe(), ADA)
        .hears(Done)
        .hears(Done)
        .hears(not)
        .sends(CancelPayment("p7"));
}
#[test]
fn a_plan_that_may_be_active_is_deactivated_first() {
    given(subscribe(), ADA)
        .hears(Done)
        .hears(Done)
        .hears(maybe())
        .sends(DeactivatePlan("ada"))
        .hears(Done)
        .sends(CancelPayment("p7"));
}
#[test]
fn a_receipt_that_cannot_be_sent_is_reported_and_revokes_nothing() {
    given(subscribe(), ADA)
        .hears(Done)
        .hears(Done)
        .hears(Done)
        .hears(maybe())
        .does_nothing()
        .wakes()
        .sends(SendReceipt("p7"))
        .wakes()
        .alerts("send-receipt")
        .is(Phase::Completed)
        .reported(&["send-receipt"]);
}
#[test]
fn an_undo_that_fails_three_times_is_stuck_until_a_person_resumes() {
    given(subscribe(), ADA)
        .hears(Done)
        .hears(no())
        .hears(no())
        .wakes()
        .wakes()
        .wakes()
        .sends(CancelPayment("p7"))
        .hears(maybe())
        .alerts("create-order")
        .answers(maybe())
        .is_stuck_at("create-order")
        .resumed("ada", "the gateway is back")
        .sends(CancelPayment("p7"))
        .hears(Done)
        .does_nothing() // who asked has their answer
        .is(Phase::Undone);
}
#[test]
fn a_stuck_saga_that_a_person_abandons_does_nothing_more() {
    given(create_chatbot(), "bot")
        .hears(maybe())
        .hears(no())
        .wakes()
        .hears(no())
        .wakes()
        .hears(no())
        .is_stuck_at("register")
        .abandoned("ada", "removed by hand")
        .does_nothing()
        .is(Phase::Abandoned)
        .resumed("ada", "changed my mind")
        .does_nothing()
        .is(Phase::Abandoned);
}
#[test]
fn half_an_ingestion_is_removed_before_the_chatbot() {
    given(create_chatbot(), "bot")
        .hears(Done)
        .sends(IngestSources("bot"))
        .hears(maybe())
        .sends(RemoveSources("bot"))
        .is_undoing("ingest")
        .hears(Done)
        .sends(RemoveChatbot("bot"))
        .hears(Done)
        .answers(Reply::refused("plan.down", "nobody knows"))
        .is(Phase::Undone);
}

#[test]
fn progress_puts_off_silence_but_not_the_end() {
    let mut saga = given(create_chatbot(), "bot")
        .hears(Done)
        .is_doing("ingest");
    for minute in (4..100).step_by(4) {
        saga = saga.at(minute * 60_000).hears(Progress);
        assert_eq!(saga.state().wake_at, Some((minute + 5).min(60) * 60_000));
    }
    saga.wakes().sends(RemoveSources("bot"));
}
#[test]
fn a_clock_that_steps_back_never_moves_a_waking_earlier() {
    let saga = given(create_chatbot(), "bot").at(100_000).hears(Done);
    let first = saga.state().wake_at;
    let saga = saga.at(0).hears(Progress);
    assert_eq!(saga.state().wake_at, first);
}
#[test]
fn a_new_command_wakes_later_than_a_wake_that_may_have_been_sent() {
    let saga = given(create_chatbot(), "bot").at(100_000).hears(Done);
    let first = saga.state().wake_at.expect("it wakes");
    let saga = saga.at(first - 1).hears(no());
    assert!(saga.state().wake_at > Some(first));
}
#[test]
fn a_long_time_out_that_was_answered_early_does_not_delay_the_next() {
    let saga = given(subscribe(), ADA).hears(Done); // may take 30 minutes to be paid
    let long = saga.state().wake_at.expect("it wakes");
    let saga = saga.at(60_000).hears(Done);
    assert!(saga.state().wake_at.expect("it wakes") < long);
}

#[test]
fn no_law_is_broken_by_either() {
    use super::sweep::phases;
    let seen = sweep(&create_chatbot(), &"bot").unwrap_or_else(|broken| panic!("{broken}"));
    assert_eq!(
        seen.phases,
        phases(
            "new doing.register doing.ingest undoing.register undoing.ingest completed undone stuck.register stuck.ingest abandoned"
        )
    );
    let seen = sweep(&subscribe(), &ADA).unwrap_or_else(|broken| panic!("{broken}"));
    assert!(seen.phases.is_superset(&phases(
        "doing.send-receipt undoing.create-order undoing.activate-plan stuck.create-order"
    )));
}
