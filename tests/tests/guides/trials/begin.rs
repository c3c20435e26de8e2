//! The saga begin-trial.v1: a seat, a card and a welcome, or nothing.
use super::records::{
    ChargeCard, RefundCard, ReleaseSeat, ReserveSeat, SendWelcome, StartTrial, TrialBegun,
};
use events::reply;
use runtime::{Emits, Moment, emit};
use saga::{Saga, SagaCommand, SagaDefinition, Versions};
use std::time::Duration;

/// The beginning of a trial. What its commands are made from is the command that starts it.
#[derive(Clone, Copy, Debug)]
pub struct Begin;

impl SagaDefinition for Begin {
    type Start = StartTrial;
    type Data = StartTrial;
    type Done = reply::Ok;

    fn versions() -> Versions<StartTrial, SagaCommand> {
        Versions::of(begin_trial_v1())
    }
    fn data(start: StartTrial, _at: &Moment) -> StartTrial {
        start
    }
    fn done(data: &StartTrial) -> reply::Ok {
        reply::Ok {
            id: data.trial.clone(),
        }
    }
    fn on_done(data: &StartTrial, _at: &Moment) -> Emits {
        emit(TrialBegun {
            trial: data.trial.clone(),
        })
    }
}

fn begin_trial_v1() -> Saga<StartTrial, SagaCommand> {
    Saga::named("begin-trial.v1")
        .step("reserve")
        .send(|t: &StartTrial| {
            SagaCommand::of(ReserveSeat {
                trial: t.trial.clone(),
            })
        })
        .undo(|t| {
            SagaCommand::of(ReleaseSeat {
                trial: t.trial.clone(),
            })
        })
        .step("charge")
        .send(|t| {
            SagaCommand::of(ChargeCard {
                trial: t.trial.clone(),
            })
        })
        .undo(|t| {
            SagaCommand::of(RefundCard {
                trial: t.trial.clone(),
            })
        })
        .timeout(Duration::from_secs(120))
        .tries(8, Duration::from_secs(30)) // of the undo: money is not left behind lightly
        .pivot()
        .step("welcome")
        .send(|t| {
            SagaCommand::of(SendWelcome {
                trial: t.trial.clone(),
            })
        })
        .tries(5, Duration::from_secs(60))
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::ReplyStatus;
    use runtime::testkit::entities::{Then, asker, given as given_entity};
    use saga::testkit::{Sweep, given};
    use saga::{Phase, Reply, SagaEntity, SagaMessage};

    fn start() -> StartTrial {
        StartTrial { trial: "e1".into() }
    }
    fn release() -> SagaCommand {
        SagaCommand::of(ReleaseSeat { trial: "e1".into() })
    }
    fn refund() -> SagaCommand {
        SagaCommand::of(RefundCard { trial: "e1".into() })
    }

    type Beginning = SagaEntity<Begin>;
    fn done(then: Then<Beginning>, token: &str) -> Then<Beginning> {
        let answer = then.and_then().answering(token, ReplyStatus::Done);
        answer.when(SagaMessage::Other("troupe.reply.Ok".into()))
    }

    #[test]
    fn who_asked_is_answered_at_the_pivot() {
        given(begin_trial_v1(), start())
            .sends(SagaCommand::of(ReserveSeat { trial: "e1".into() }))
            .hears(Reply::Done)
            .sends(SagaCommand::of(ChargeCard { trial: "e1".into() }))
            .hears(Reply::Done)
            .answers(Reply::Done)
            .sends(SagaCommand::of(SendWelcome { trial: "e1".into() }))
            .hears(Reply::Done)
            .is(Phase::Completed);
    }
    #[test]
    fn a_card_that_is_refused_leaves_no_seat() {
        let no = || Reply::refused("card.declined", "the card was declined");
        given(begin_trial_v1(), start())
            .hears(Reply::Done)
            .hears(no())
            .sends(release()) // and no refund: `Refused` says that nothing was charged
            .hears(Reply::Done)
            .answers(no())
            .is(Phase::Undone);
    }
    #[test]
    fn a_card_that_may_have_been_charged_is_refunded_first() {
        given(begin_trial_v1(), start())
            .hears(Reply::Done)
            .wakes() // no answer in time: it may have happened
            .sends(refund())
            .hears(Reply::Done)
            .sends(release())
            .hears(Reply::Done)
            .is(Phase::Undone);
    }
    #[test]
    fn everybody_hears_that_it_has_begun() {
        let begun = given_entity(Beginning::default()).when(SagaMessage::Start(start()));
        let charged = done(done(begun, "doing.reserve/1"), "doing.charge/2");
        let told = emit(TrialBegun { trial: "e1".into() });
        let told = told.answer(asker("asker"), reply::Ok { id: "e1".into() });
        let welcome = SendWelcome { trial: "e1".into() };
        charged.emits(
            told.ask(welcome, "doing.welcome/3")
                .keyed("trials.trial/e1/doing.welcome") // the same on every try (O1)
                .by(62_000), // two seconds after the start, and a minute (E6)
        );
    }
    #[test]
    fn whatever_happens_everything_or_nothing_is_in_effect() {
        let (saga, start) = (begin_trial_v1(), start());
        let sweep = Sweep::of(&saga, &start).addressed_by(SagaCommand::address);
        let seen = sweep.run().unwrap_or_else(|broken| panic!("{broken}"));
        assert!(seen.phases.contains(&Phase::Stuck("charge".into())));
    }
}
