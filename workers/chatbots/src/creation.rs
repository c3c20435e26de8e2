//! The saga create-chatbot.v1: a chatbot with all its sources, or nothing.
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
        Versions::of(create_chatbot_v1())
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
    /// Each line is a reason of its own: one for each source that could not be brought in.
    fn on_undone(data: &CreateChatbot, why: &Cause, _at: &Moment) -> Emits {
        let lines = why.message.lines().filter(|line| !line.is_empty());
        emit(ChatbotCreationFailed {
            chatbot: data.chatbot.clone(),
            code: why.code.clone(),
            reasons: lines.take(MAX_SOURCES).map(str::to_owned).collect(),
        })
    }
}

fn create_chatbot_v1() -> Saga<CreateChatbot, SagaCommand> {
    Saga::named("create-chatbot.v1")
        .step("register")
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
        .undo(|c| {
            SagaCommand::of(RemoveSources {
                chatbot: c.chatbot.clone(),
            })
        })
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
    use saga::{Reply, SagaEntity, SagaMessage};

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
        SagaCommand::of(RemoveSources {
            chatbot: "e1".into(),
        })
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
        done(begun.when(SagaMessage::Start(create())), "doing.register/1")
    }

    #[test]
    fn a_chatbot_is_registered_fed_told_who_it_is_and_activated() {
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
        given(create_chatbot_v1(), create())
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
        given(create_chatbot_v1(), create())
            .hears(Reply::Done)
            .hears(maybe())
            .sends(remove_sources())
            .hears(Reply::Done)
            .sends(remove())
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
    fn refused_settings_leave_nothing_to_undo() {
        given(create_chatbot_v1(), create())
            .hears(Reply::refused(
                "chatbots.invalid_settings",
                "name: 1 to 100 characters",
            ))
            .answers(Reply::refused(
                "chatbots.invalid_settings",
                "name: 1 to 100 characters",
            ));
    }
    #[test]
    fn sources_that_fall_silent_are_removed() {
        let saga = given(create_chatbot_v1(), create())
            .hears(Reply::Done)
            .wakes();
        saga.sends(remove_sources());
    }
    #[test]
    fn everybody_hears_of_a_chatbot_that_answers() {
        let active = done(ingesting(), "doing.ingest/2");
        let then = done(done(active, "doing.build-prompt/3"), "doing.activate/4");
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
            .answering("doing.ingest/2", ReplyStatus::Failed);
        let undoing = done(heard.when(SagaMessage::Failed(failed)), "undoing.ingest/3");
        let then = done(undoing, "undoing.register/4");
        let event = ChatbotCreationFailed {
            chatbot: "e1".into(),
            code: code.into(),
            reasons: vec!["a.pdf: it is empty".into(), "b.pdf: it is encrypted".into()],
        };
        then.emits(emit(event).answer_refused(asker("asker"), code, why));
    }
    #[test]
    fn it_breaks_no_law_whatever_the_world_does() {
        let (saga, data) = (create_chatbot_v1(), create());
        let swept = Sweep::of(&saga, &data)
            .addressed_by(SagaCommand::address)
            .faults(1)
            .run();
        swept.unwrap_or_else(|broken| panic!("{broken}"));
    }
}
