//! A saga on the log: what it hears, says and keeps.
use crate::testkit::{self, Sweep};
use crate::{
    Cause, Name, Phase, Reply, Saga, SagaCommand, SagaDefinition, SagaEntity, SagaMessage, State,
    Versions,
};
use events::chatbots::{
    ChatbotCreated, ChatbotCreationFailed, CreateChatbot, IngestSources, RegisterChatbot,
    RemoveChatbot, RemoveSources,
};
use events::system::{AbandonSaga, ResumeSaga, SagaAlert, Woke};
use events::{Addressed, ReplyStatus, reply};
use runtime::testkit::entities::{Given, Then, asker, given};
use runtime::{Emits, Entity, Moment, Wake, emit};
use std::time::Duration;

/// A chatbot is registered, then its sources are ingested; a welcome follows the pivot.
struct Creation;
impl SagaDefinition for Creation {
    type Start = CreateChatbot;
    type Data = CreateChatbot;
    type Done = reply::Ok;

    fn versions() -> Versions<CreateChatbot, SagaCommand> {
        Versions::of(creation())
    }
    fn data(start: CreateChatbot, _: &Moment) -> CreateChatbot {
        start
    }
    fn done(data: &CreateChatbot) -> reply::Ok {
        reply::Ok {
            id: data.chatbot.clone(),
        }
    }
    fn on_done(data: &CreateChatbot, _: &Moment) -> Emits {
        emit(created(data))
    }
    fn on_undone(data: &CreateChatbot, why: &Cause, _: &Moment) -> Emits {
        emit(failed(data, &why.code, &why.message))
    }
    fn on_stuck(data: &CreateChatbot, step: &Name, _: &Moment) -> Emits {
        emit(failed(data, "stuck", step))
    }
    fn on_abandoned(data: &CreateChatbot, why: &Cause, _: &Moment) -> Emits {
        emit(failed(data, "abandoned", &why.message))
    }
    fn on_completed(data: &CreateChatbot, reported: &[Name], _: &Moment) -> Emits {
        match reported {
            [] => Emits::default(),
            _ => emit(failed(data, "reported", &reported.join(","))),
        }
    }
}
type Creating = SagaEntity<Creation>;

fn creation() -> Saga<CreateChatbot, SagaCommand> {
    Saga::named("create-chatbot.v1")
        .step("register")
        .send(|c: &CreateChatbot| SagaCommand::of(register(c)))
        .undo(|c| SagaCommand::of(remove(c)))
        .tries(1, Duration::ZERO)
        .timeout(Duration::from_secs(2))
        .step("ingest")
        .send(|c| SagaCommand::of(ingest(c)))
        .undo(|c| {
            SagaCommand::of(RemoveSources {
                chatbot: c.chatbot.clone(),
            })
        })
        .silence(Duration::from_secs(5))
        .pivot()
        .step("welcome")
        .send(|c| SagaCommand::of(register(c)))
        .tries(1, Duration::ZERO)
}
fn create() -> CreateChatbot {
    CreateChatbot {
        chatbot: "e1".into(),
        name: "Ada".into(),
        ..Default::default()
    }
}
fn register(c: &CreateChatbot) -> RegisterChatbot {
    RegisterChatbot {
        chatbot: c.chatbot.clone(),
        name: c.name.clone(),
        settings: c.settings.clone(),
    }
}
fn remove(c: &CreateChatbot) -> RemoveChatbot {
    RemoveChatbot {
        chatbot: c.chatbot.clone(),
    }
}
fn ingest(c: &CreateChatbot) -> IngestSources {
    IngestSources {
        chatbot: c.chatbot.clone(),
        sources: c.sources.clone(),
    }
}
fn created(c: &CreateChatbot) -> ChatbotCreated {
    ChatbotCreated {
        chatbot: c.chatbot.clone(),
        name: c.name.clone(),
    }
}
fn failed(c: &CreateChatbot, code: &str, reason: &str) -> ChatbotCreationFailed {
    ChatbotCreationFailed {
        chatbot: c.chatbot.clone(),
        code: code.into(),
        reasons: vec![reason.into()],
    }
}
fn keyed(emits: Emits, record: impl Addressed, token: &str) -> Emits {
    let effect = token.split_once('/').map(|(effect, _)| effect).unwrap();
    emits
        .ask(record, token)
        .keyed(format!("chatbots.creation/e1/{effect}"))
}
fn undo(emits: Emits, record: impl Addressed, token: &str, step: &str) -> Emits {
    keyed(emits, record, token).undoing(format!("chatbots.creation/e1/doing.{step}"))
}

fn started() -> Given<Creating> {
    given(Creating::default())
        .when(SagaMessage::Start(create()))
        .and_then()
}
/// The command awaited is answered.
fn answered(given: Given<Creating>, token: &str, reply: Reply) -> Then<Creating> {
    match reply {
        Reply::Done => {
            let done = given.answering(token, ReplyStatus::Done);
            done.when(SagaMessage::Other("troupe.reply.Ok".into()))
        }
        Reply::Refused { code, message } => {
            let refused = reply::Refused { code, message };
            given
                .answering(token, ReplyStatus::Refused)
                .when(SagaMessage::Refused(refused))
        }
        Reply::Failed {
            code,
            message,
            may_have_happened,
        } => {
            let failed = reply::Failed {
                code,
                message,
                may_have_happened,
            };
            given
                .answering(token, ReplyStatus::Failed)
                .when(SagaMessage::Failed(failed))
        }
        Reply::Progress => {
            let progress = reply::Progress {
                message: "3 of 7".into(),
                done: 3,
                total: 7,
            };
            given
                .answering(token, ReplyStatus::Progress)
                .when(SagaMessage::Progress(progress))
        }
    }
}
fn ingesting() -> Given<Creating> {
    answered(started(), "doing.register/1", Reply::Done).and_then()
}
fn stuck() -> Then<Creating> {
    let maybe = || Reply::failed("bot.down", "nobody knows", true);
    let undoing = answered(started(), "doing.register/1", maybe()).and_then();
    answered(undoing, "undoing.register/2", maybe())
}

#[test]
fn a_start_sends_the_first_command_and_expects_its_answer() {
    let then = given(Creating::default()).when(SagaMessage::Start(create()));
    assert_eq!(then.state().data(), Some(&create()));
    let sent = keyed(Emits::default(), register(&create()), "doing.register/1").by(2_000);
    then.wakes_at(2_000).emits(sent);
}
#[test]
fn a_second_start_is_refused() {
    started()
        .when(SagaMessage::Start(create()))
        .refuses("saga.already_started");
}
#[test]
fn a_start_under_the_id_of_one_that_was_undone_is_told_to_choose_another() {
    let refused = Reply::refused("bot.no", "it may not be");
    let undone = answered(started(), "doing.register/1", refused);
    assert_eq!(undone.state().saga().phase, Phase::Undone);
    let again = undone.and_then().when(SagaMessage::Start(create()));
    again.refuses("saga.was_undone");
}
#[test]
fn a_done_saga_says_so_to_whoever_asked_and_to_everybody() {
    let then = answered(ingesting(), "doing.ingest/2", Reply::Done);
    let said = emit(created(&create())).answer(asker("asker"), reply::Ok { id: "e1".into() });
    let then = then.emits(keyed(said, register(&create()), "doing.welcome/3").by(62_000));
    let then = answered(then.and_then(), "doing.welcome/3", Reply::Done).emits_nothing();
    assert_eq!(then.state().saga().phase, Phase::Completed);
}
#[test]
fn a_step_given_up_after_the_pivot_is_an_alert_and_an_event() {
    let welcoming = answered(ingesting(), "doing.ingest/2", Reply::Done).and_then();
    let alert = SagaAlert {
        saga: "e1".into(),
        definition: "chatbots.creation".into(),
        step: "welcome".into(),
        code: "mail.full".into(),
        message: "welcome was given up, all before it stays: no room".into(),
    };
    answered(
        welcoming,
        "doing.welcome/3",
        Reply::refused("mail.full", "no room"),
    )
    .emits(emit(failed(&create(), "reported", "welcome")).and(alert));
}
#[test]
fn what_turned_it_back_is_undone_and_told() {
    let undoing = answered(
        ingesting(),
        "doing.ingest/2",
        Reply::refused("document.encrypted", "B is encrypted"),
    )
    .emits(undo(
        Emits::default(),
        remove(&create()),
        "undoing.register/3",
        "register",
    ));
    let failed = emit(failed(&create(), "document.encrypted", "B is encrypted"));
    answered(undoing.and_then(), "undoing.register/3", Reply::Done).emits(failed.answer_refused(
        asker("asker"),
        "document.encrypted",
        "B is encrypted",
    ));
}
#[test]
fn nobody_is_answered_if_nobody_asked() {
    let unasked = given(Creating::default())
        .at(|at| at.reply_to = None)
        .when(SagaMessage::Start(create()));
    answered(
        unasked.and_then(),
        "doing.register/1",
        Reply::refused("bot.full", "no more"),
    )
    .emits(emit(failed(&create(), "bot.full", "no more")));
}
#[test]
fn a_stuck_saga_alerts_and_goes_on_when_a_person_resumes() {
    let alert = SagaAlert {
        saga: "e1".into(),
        definition: "chatbots.creation".into(),
        step: "register".into(),
        code: "bot.down".into(),
        message: "the undo of register is stuck; resume or abandon it: nobody knows".into(),
    };
    let said = emit(failed(&create(), "stuck", "register")).and(alert);
    let stuck = stuck().emits(said.answer_failed(asker("asker"), "bot.down", "nobody knows", true));
    let resume = ResumeSaga {
        saga: "e1".into(),
        by: "ada".into(),
        why: "it is back".into(),
    };
    let again = undo(
        Emits::default(),
        remove(&create()),
        "undoing.register/3",
        "register",
    );
    let resumed = stuck.and_then().when(SagaMessage::Resume(resume));
    let resumed = resumed.emits(again.reply(reply::Ok { id: "e1".into() }));
    answered(resumed.and_then(), "undoing.register/3", Reply::Done).emits(emit(failed(
        &create(),
        "bot.down",
        "nobody knows",
    )));
}
#[test]
fn a_stuck_saga_ends_when_a_person_abandons() {
    let abandon = AbandonSaga {
        saga: "e1".into(),
        by: "ada".into(),
        why: "by hand".into(),
    };
    let said =
        emit(failed(&create(), "abandoned", "nobody knows")).reply(reply::Ok { id: "e1".into() });
    let then = stuck()
        .and_then()
        .when(SagaMessage::Abandon(abandon.clone()))
        .emits(said);
    assert_eq!(then.state().saga().phase, Phase::Abandoned);
    then.and_then()
        .when(SagaMessage::Abandon(abandon))
        .refuses("saga.not_stuck");
}
#[test]
fn only_a_stuck_saga_is_resumed() {
    let resume = ResumeSaga {
        saga: "e1".into(),
        by: "ada".into(),
        why: "why not".into(),
    };
    started()
        .when(SagaMessage::Resume(resume))
        .refuses("saga.not_stuck");
}
#[test]
fn silence_turns_it_back_and_an_old_waking_does_not() {
    let woke = |at_ms| SagaMessage::Woke(Woke { at_ms });
    started().when(woke(1_999)).stays().emits_nothing();
    let undoing = undo(
        Emits::default(),
        remove(&create()),
        "undoing.register/2",
        "register",
    );
    started().when(woke(2_000)).emits(undoing);
}
#[test]
fn progress_reaches_whoever_asked_and_puts_off_silence() {
    let then = answered(ingesting(), "doing.ingest/2", Reply::Progress).wakes_at(7_000);
    then.emits(Emits::default().answer_progress(asker("asker"), "3 of 7", 3, 7));
}
#[test]
fn a_waking_that_stays_where_it_is_is_not_set_again() {
    let progress = reply::Progress {
        message: String::new(),
        done: 0,
        total: 0,
    };
    let answering = ingesting().answering("doing.ingest/2", ReplyStatus::Progress);
    let again = answering
        .when(SagaMessage::Progress(progress.clone()))
        .and_then();
    let at = Moment {
        request: Some("doing.ingest/2".into()),
        now_ms: 1,
        ..Moment::for_tests("e1")
    };
    let entity = again
        .when(SagaMessage::Woke(Woke::default()))
        .state()
        .clone();
    let decision = entity.decide(SagaMessage::Progress(progress), &at).unwrap();
    assert_eq!(decision.wake, Wake::Keep);
}
#[test]
fn an_answer_to_nothing_it_asked_changes_nothing() {
    for token in [
        "doing.register/1",
        "doing.ingest/3",
        "undoing.ingest/2",
        "doing.stranger/2",
        "",
        "not a token",
    ] {
        for reply in [
            Reply::Done,
            Reply::refused("no", ""),
            Reply::failed("no", "", true),
            Reply::Progress,
        ] {
            answered(ingesting(), token, reply).stays().emits_nothing();
        }
    }
    answered(given(Creating::default()), "doing.register/1", Reply::Done)
        .stays()
        .emits_nothing();
}
#[test]
fn a_record_that_is_no_answer_is_refused() {
    started()
        .when(SagaMessage::Other("troupe.chatbots.DeleteChatbot".into()))
        .refuses("saga.not_understood");
}

#[test]
fn a_row_is_read_back() {
    for entity in [Creating::default(), stuck().state().clone()] {
        let row = serde_json::to_string(&entity).unwrap();
        assert_eq!(serde_json::from_str::<Creating>(&row).unwrap(), entity);
    }
}
/// S9.
#[test]
fn a_row_of_an_unregistered_version_cannot_be_read_unless_it_has_ended() {
    let read = |from: &str, to: &str| {
        let row = serde_json::to_string(stuck().state()).unwrap();
        assert!(row.contains(from));
        serde_json::from_str::<Creating>(&row.replace(from, to)).map_err(|e| e.to_string())
    };
    let why = read("create-chatbot.v1", "create-chatbot.v0").unwrap_err();
    assert!(
        why.starts_with("no saga of version create-chatbot.v0 is registered"),
        "{why}"
    );
    let why = read("stuck.register", "stuck.gone").unwrap_err();
    assert!(
        why.starts_with("version create-chatbot.v1 has no step gone"),
        "{why}"
    );
    assert!(read("stuck.register", "stuck.welcome").is_err());
    assert!(read("stuck.register", "stuck register").is_err());
    let ended = read(
        r#""version":"create-chatbot.v1","phase":"stuck.register""#,
        r#""version":"v0","phase":"undone""#,
    );
    assert_eq!(ended.unwrap().saga().phase, Phase::Undone);
}
#[test]
fn a_row_holds_the_state_where_a_person_looks_for_it() {
    let row = serde_json::to_value(stuck().state()).unwrap();
    let state: State = serde_json::from_value(row["saga"].clone()).unwrap();
    assert_eq!(state.phase, Phase::Stuck("register".into()));
}
#[test]
fn its_steps_and_undos_have_one_address_and_break_no_law() {
    let swept = Sweep::of(&creation(), &create())
        .addressed_by(SagaCommand::address)
        .faults(1)
        .run();
    swept.unwrap_or_else(|broken| panic!("{broken}"));
}
#[test]
fn its_author_tells_it_as_given_when_then() {
    testkit::given(creation(), create())
        .sends(SagaCommand::of(register(&create())))
        .hears(Reply::Done)
        .sends(SagaCommand::of(ingest(&create())));
}
