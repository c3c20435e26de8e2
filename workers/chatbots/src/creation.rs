//! The saga create-chatbot.v2: a chatbot with all its sources, or nothing.
//!
//! Documents may be uploaded to a chatbot while it is still being created. They belong to it and go with its undo, so its
//! sources are opened before anything else: whatever step the creation came to, its undo removes them and leaves a
//! tombstone (S4). Version 1 opened them with its second step, so what was uploaded before that outlived its undo.
use crate::ingestion::{MAX_SOURCES, check_sources};
use crate::settings;
use events::chatbots::{
    ActivateChatbot, BuildPrompt, ChatbotCreated, ChatbotCreationFailed, CreateChatbot,
    DeactivateChatbot, DropPrompt, IngestSources, RegisterChatbot, RemoveChatbot, RemoveSources,
};
use events::reply;
use runtime::{Emits, Moment, emit};
use saga::{Cause, Saga, SagaCommand, SagaDefinition, Unfit, Versions};
use std::time::Duration;

/// How long all sources may take.
const INGESTING: Duration = Duration::from_secs(3_600);

/// How long they may say nothing at all. Each that is read, found or refused is a sign of life.
const INGESTING_SILENTLY: Duration = Duration::from_secs(600);

/// A creation. What it is made from is the command itself: its ids are chosen by who asks (S2).
#[derive(Clone, Copy, Debug)]
pub struct Creation;

impl SagaDefinition for Creation {
    type Start = CreateChatbot;
    type Data = CreateChatbot;
    type Done = reply::Ok;

    fn versions() -> Versions<CreateChatbot, SagaCommand> {
        Versions::of(create_chatbot_v2()).and(create_chatbot_v1())
    }
    /// What its first steps would refuse is refused before there is anything to undo.
    fn check(start: &CreateChatbot) -> Result<(), Unfit> {
        settings::check(&start.name, &start.settings).map_err(|e| Unfit::of(&e))?;
        check_sources(&start.sources).map_err(|e| Unfit::of(&e))
    }
    fn data(start: CreateChatbot, _at: &Moment) -> CreateChatbot {
        start
    }
    fn done(data: &CreateChatbot) -> reply::Ok {
        reply::Ok {
            id: data.chatbot.clone(),
        }
    }
    fn on_done(data: &CreateChatbot, _at: &Moment) -> Emits {
        emit(ChatbotCreated {
            chatbot: data.chatbot.clone(),
            name: data.name.clone(),
        })
    }
    /// Each line is a reason of its own: one for each source that could not be brought in. The sources are closed whatever
    /// was undone: if the very first step was refused (it waited too long, say), nothing was (S3), and what had been
    /// uploaded meanwhile would stay.
    fn on_undone(data: &CreateChatbot, why: &Cause, _at: &Moment) -> Emits {
        let lines = why.message.lines().filter(|line| !line.is_empty());
        let failed = ChatbotCreationFailed {
            chatbot: data.chatbot.clone(),
            code: why.code.clone(),
            reasons: lines.take(MAX_SOURCES).map(str::to_owned).collect(),
        };
        let chatbot = data.chatbot.clone();
        emit(failed).and(RemoveSources { chatbot })
    }
}

fn create_chatbot_v2() -> Saga<CreateChatbot, SagaCommand> {
    let opened = Saga::named("create-chatbot.v2")
        .step("open-sources")
        .send(|c: &CreateChatbot| {
            // None of them yet: they come when the chatbot is there.
            let (chatbot, sources) = (c.chatbot.clone(), vec![]);
            SagaCommand::of(IngestSources { chatbot, sources })
        })
        .undo(remove_sources)
        .tries(8, Duration::from_secs(30));
    creating(opened)
}

/// Those that began with it end with it (S9).
fn create_chatbot_v1() -> Saga<CreateChatbot, SagaCommand> {
    creating(Saga::named("create-chatbot.v1"))
}

fn remove_sources(c: &CreateChatbot) -> SagaCommand {
    SagaCommand::of(RemoveSources {
        chatbot: c.chatbot.clone(),
    })
}

/// What every version goes on with.
fn creating(saga: Saga<CreateChatbot, SagaCommand>) -> Saga<CreateChatbot, SagaCommand> {
    saga.step("register")
        .send(|c: &CreateChatbot| {
            let (chatbot, name, settings) = (c.chatbot.clone(), c.name.clone(), c.settings.clone());
            SagaCommand::of(RegisterChatbot {
                chatbot,
                name,
                settings,
            })
        })
        .undo(|c| {
            SagaCommand::of(RemoveChatbot {
                chatbot: c.chatbot.clone(),
            })
        })
        .tries(8, Duration::from_secs(10))
        .step("ingest")
        .send(|c| {
            let (chatbot, sources) = (c.chatbot.clone(), c.sources.clone());
            SagaCommand::of(IngestSources { chatbot, sources })
        })
        .undo(remove_sources)
        .timeout(INGESTING)
        .silence(INGESTING_SILENTLY)
        .tries(8, Duration::from_secs(30))
        .step("build-prompt")
        .send(|c| {
            SagaCommand::of(BuildPrompt {
                chatbot: c.chatbot.clone(),
            })
        })
        .undo(|c| {
            SagaCommand::of(DropPrompt {
                chatbot: c.chatbot.clone(),
            })
        })
        .tries(8, Duration::from_secs(10))
        .step("activate")
        .send(|c| {
            SagaCommand::of(ActivateChatbot {
                chatbot: c.chatbot.clone(),
            })
        })
        .undo(|c| {
            SagaCommand::of(DeactivateChatbot {
                chatbot: c.chatbot.clone(),
            })
        })
        .tries(8, Duration::from_secs(10))
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::ReplyStatus;
    use events::chatbots::Source;
    use runtime::testkit::entities::{Given, Then, asker, given as given_entity};
    use saga::testkit::{Sweep, given};
    use saga::{Phase, Reply, SagaEntity, SagaMessage};

    fn create() -> CreateChatbot {
        let source = Source {
            document: "d1".into(),
            name: "a.pdf".into(),
            blob: events::BlobRef {
                id: "put/p1".into(),
                ..events::BlobRef::default()
            },
            ..Source::default()
        };
        CreateChatbot {
            chatbot: "e1".into(),
            name: "Ada".into(),
            sources: vec![source],
            ..CreateChatbot::default()
        }
    }
    fn remove_sources() -> SagaCommand {
        super::remove_sources(&create())
    }
    fn remove() -> SagaCommand {
        SagaCommand::of(RemoveChatbot {
            chatbot: "e1".into(),
        })
    }
    type Creating = SagaEntity<Creation>;
    fn done(creating: Then<Creating>, token: &str) -> Then<Creating> {
        let done = creating.and_then().answering(token, ReplyStatus::Done);
        done.when(SagaMessage::Other("troupe.reply.Ok".into()))
    }
    fn ingesting() -> Then<Creating> {
        let begun: Given<Creating> = given_entity(Creating::default());
        let opened = done(
            begun.when(SagaMessage::Start(create())),
            "doing.open-sources/1",
        );
        done(opened, "doing.register/2")
    }

    #[test]
    fn a_chatbot_is_opened_registered_fed_told_who_it_is_and_activated() {
        let CreateChatbot {
            chatbot,
            name,
            settings,
            sources,
        } = create();
        let register = RegisterChatbot {
            chatbot: chatbot.clone(),
            name,
            settings,
        };
        given(create_chatbot_v2(), create())
            .sends(SagaCommand::of(IngestSources {
                chatbot: chatbot.clone(),
                sources: vec![],
            }))
            .hears(Reply::Done)
            .sends(SagaCommand::of(register))
            .hears(Reply::Done)
            .sends(SagaCommand::of(IngestSources {
                chatbot: chatbot.clone(),
                sources,
            }))
            .hears(Reply::Done)
            .sends(SagaCommand::of(BuildPrompt {
                chatbot: chatbot.clone(),
            }))
            .hears(Reply::Done)
            .sends(SagaCommand::of(ActivateChatbot { chatbot }))
            .hears(Reply::Done)
            .answers(Reply::Done);
    }
    #[test]
    fn half_an_ingestion_is_removed_before_the_chatbot() {
        let maybe = || Reply::failed("chatbots.sources_failed", "b.pdf: it is encrypted", true);
        given(create_chatbot_v2(), create())
            .hears(Reply::Done)
            .hears(Reply::Done)
            .hears(maybe())
            .sends(remove_sources())
            .hears(Reply::Done)
            .sends(remove())
            .hears(Reply::Done)
            .sends(remove_sources())
            .hears(Reply::Done)
            .answers(Reply::refused(
                "chatbots.sources_failed",
                "b.pdf: it is encrypted",
            ));
    }
    #[test]
    fn what_cannot_be_created_is_refused_before_it_has_begun() {
        let with_template = |template: &str| {
            let mut create = create();
            create.settings.prompt_template = template.into();
            create
        };
        let mut twice = create();
        twice.sources.push(twice.sources[0].clone());
        let wrong = [
            (with_template("{who}"), "chatbots.unknown_placeholder"),
            (with_template("a { b"), "chatbots.lone_brace"),
            (
                CreateChatbot {
                    name: String::new(),
                    ..create()
                },
                "chatbots.invalid_settings",
            ),
            (twice, "chatbots.same_source"),
        ];
        for (wrong, code) in wrong {
            let then = given_entity(Creating::default()).when(SagaMessage::Start(wrong));
            then.refuses(code);
        }
        // Nothing has begun, so its id is free.
        given_entity(Creating::default())
            .when(SagaMessage::Start(with_template("{name}")))
            .state();
    }
    #[test]
    fn refused_settings_leave_nothing_behind() {
        let no = || Reply::refused("chatbots.invalid_settings", "name: 1 to 100 characters");
        given(create_chatbot_v2(), create())
            .hears(Reply::Done)
            .hears(no())
            .sends(remove_sources())
            .hears(Reply::Done)
            .answers(no());
    }
    #[test]
    fn sources_that_fall_silent_are_removed() {
        let saga = given(create_chatbot_v2(), create())
            .hears(Reply::Done)
            .hears(Reply::Done)
            .wakes();
        saga.sends(remove_sources());
    }
    /// S4: documents may have come in meanwhile.
    #[test]
    fn whatever_step_a_creation_came_to_its_undo_closes_the_sources() {
        let undos: [fn() -> SagaCommand; 5] = [
            remove_sources,
            remove,
            remove_sources,
            || {
                SagaCommand::of(DropPrompt {
                    chatbot: "e1".into(),
                })
            },
            || {
                SagaCommand::of(DeactivateChatbot {
                    chatbot: "e1".into(),
                })
            },
        ];
        for step in 0..undos.len() {
            let begun = given(create_chatbot_v2(), create());
            let silent = (0..step)
                .fold(begun, |saga, _| saga.hears(Reply::Done))
                .wakes();
            let undoing = undos[..=step].iter().rev();
            let undone = undoing.fold(silent, |saga, undo| saga.sends(undo()).hears(Reply::Done));
            undone.is(Phase::Undone);
        }
    }
    #[test]
    fn everybody_hears_of_a_chatbot_that_answers() {
        let active = done(ingesting(), "doing.ingest/3");
        let then = done(done(active, "doing.build-prompt/4"), "doing.activate/5");
        let created = emit(ChatbotCreated {
            chatbot: "e1".into(),
            name: "Ada".into(),
        });
        then.emits(created.answer(asker("asker"), reply::Ok { id: "e1".into() }));
    }
    #[test]
    fn everybody_hears_why_a_chatbot_was_not_created_reason_by_reason() {
        let why = "a.pdf: it is empty\nb.pdf: it is encrypted";
        let code = "chatbots.sources_failed";
        let failed = reply::Failed {
            code: code.into(),
            message: why.into(),
            may_have_happened: true,
        };
        let heard = ingesting()
            .and_then()
            .answering("doing.ingest/3", ReplyStatus::Failed);
        let undoing = done(heard.when(SagaMessage::Failed(failed)), "undoing.ingest/4");
        let removed = done(undoing, "undoing.register/5");
        let then = done(removed, "undoing.open-sources/6");
        let event = ChatbotCreationFailed {
            chatbot: "e1".into(),
            code: code.into(),
            reasons: vec!["a.pdf: it is empty".into(), "b.pdf: it is encrypted".into()],
        };
        let closed = RemoveSources {
            chatbot: "e1".into(),
        };
        then.emits(
            emit(event)
                .and(closed)
                .answer_refused(asker("asker"), code, why),
        );
    }
    /// S4: found by the simulation. The command to open them had expired, so it was not undone.
    #[test]
    fn a_creation_whose_first_step_is_refused_closes_the_sources_all_the_same() {
        let begun: Given<Creating> = given_entity(Creating::default());
        let begun = begun.when(SagaMessage::Start(create())).and_then();
        let (code, why) = ("runtime.expired", "its deadline had passed");
        let refused = reply::Refused {
            code: code.into(),
            message: why.into(),
        };
        let heard = begun.answering("doing.open-sources/1", ReplyStatus::Refused);
        let event = ChatbotCreationFailed {
            chatbot: "e1".into(),
            code: code.into(),
            reasons: vec![why.into()],
        };
        let closed = RemoveSources {
            chatbot: "e1".into(),
        };
        heard
            .when(SagaMessage::Refused(refused))
            .emits(
                emit(event)
                    .and(closed)
                    .answer_refused(asker("asker"), code, why),
            );
    }
    #[test]
    fn it_breaks_no_law_whatever_the_world_does() {
        for saga in [create_chatbot_v1(), create_chatbot_v2()] {
            let swept = Sweep::of(&saga, &create())
                .addressed_by(SagaCommand::address)
                .faults(1)
                .run();
            swept.unwrap_or_else(|broken| panic!("{broken}"));
        }
    }
}
