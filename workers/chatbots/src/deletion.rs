//! The saga delete-chatbot.v2: a chatbot answers no more, then nothing of it is left, and somebody looks.
//!
//! Its conversations are ended by a step of it, not by a route that hears `chatbot.deleted`: that event says that
//! somebody looked and found nothing, so they must have ended before it; and there is one way to each effect (S10).
//! Version 1 left them to their age.
use events::chatbots::{
    ChatbotDeleted, DeleteChatbot, RemoveChatbot, RemoveSources, RestoreChatbot, RetireChatbot,
    VerifyGone,
};
use events::conversations::{EndConversations, VerifyEnded};
use events::reply;
use runtime::{Emits, Moment, emit};
use saga::{Name, Saga, SagaCommand, SagaDefinition, Versions};
use std::time::Duration;

/// How long the removal of all documents, or the end of all conversations, may take.
const REMOVING: Duration = Duration::from_secs(3_600);

/// How long it may say nothing at all. Each document that is gone is a sign of life, and some conversations that ended.
const REMOVING_SILENTLY: Duration = Duration::from_secs(600);

/// How long looking may take: it looks several times, with backoff.
const LOOKING: Duration = Duration::from_secs(1_800);

/// A deletion. Once the chatbot is retired there is no way back, since what was deleted cannot be brought in again; so
/// what follows is tried again and reported (S6).
#[derive(Clone, Copy, Debug)]
pub struct Deletion;

impl SagaDefinition for Deletion {
    type Start = DeleteChatbot;
    type Data = DeleteChatbot;
    type Done = reply::Ok;

    fn versions() -> Versions<DeleteChatbot, SagaCommand> {
        Versions::of(delete_chatbot_v2()).and(delete_chatbot_v1())
    }
    fn data(start: DeleteChatbot, _at: &Moment) -> DeleteChatbot {
        start
    }
    fn done(data: &DeleteChatbot) -> reply::Ok {
        reply::Ok {
            id: data.chatbot.clone(),
        }
    }
    /// Deleted is what nothing is left of. Of a step that was given up there is an alert instead.
    fn on_completed(data: &DeleteChatbot, reported: &[Name], _at: &Moment) -> Emits {
        if reported.is_empty() {
            // The look is `Done` only if it finds nothing.
            emit(ChatbotDeleted {
                chatbot: data.chatbot.clone(),
                retrievable: 0,
            })
        } else {
            Emits::default()
        }
    }
}

fn delete_chatbot_v2() -> Saga<DeleteChatbot, SagaCommand> {
    removing("delete-chatbot.v2")
        .step("end-conversations")
        .send(|c: &DeleteChatbot| {
            SagaCommand::of(EndConversations {
                chatbot: c.chatbot.clone(),
            })
        })
        .timeout(REMOVING)
        .silence(REMOVING_SILENTLY)
        .tries(10, Duration::from_secs(30))
        .step("verify-ended")
        .send(|c| {
            SagaCommand::of(VerifyEnded {
                chatbot: c.chatbot.clone(),
            })
        })
        .timeout(LOOKING)
        .tries(3, Duration::from_secs(60))
        .step("verify-gone")
        .send(|c| {
            SagaCommand::of(VerifyGone {
                chatbot: c.chatbot.clone(),
            })
        })
        .timeout(LOOKING)
        .tries(3, Duration::from_secs(60))
}

/// Those that began with it end with it (S9).
fn delete_chatbot_v1() -> Saga<DeleteChatbot, SagaCommand> {
    removing("delete-chatbot.v1")
        .step("verify-gone")
        .send(|c: &DeleteChatbot| {
            SagaCommand::of(VerifyGone {
                chatbot: c.chatbot.clone(),
            })
        })
        .timeout(LOOKING)
        .tries(3, Duration::from_secs(60))
}

/// What every version begins with.
fn removing(name: &'static str) -> Saga<DeleteChatbot, SagaCommand> {
    Saga::named(name)
        .step("retire")
        .send(|c: &DeleteChatbot| {
            SagaCommand::of(RetireChatbot {
                chatbot: c.chatbot.clone(),
            })
        })
        .undo(|c| {
            SagaCommand::of(RestoreChatbot {
                chatbot: c.chatbot.clone(),
            })
        })
        .tries(8, Duration::from_secs(10))
        .pivot()
        .step("remove-sources")
        .send(|c| {
            SagaCommand::of(RemoveSources {
                chatbot: c.chatbot.clone(),
            })
        })
        .timeout(REMOVING)
        .silence(REMOVING_SILENTLY)
        .tries(10, Duration::from_secs(30))
        .step("remove-chatbot")
        .send(|c| {
            SagaCommand::of(RemoveChatbot {
                chatbot: c.chatbot.clone(),
            })
        })
        .tries(8, Duration::from_secs(10))
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::ReplyStatus;
    use runtime::testkit::entities::{Then, given as given_entity};
    use saga::testkit::{Sweep, given};
    use saga::{Phase, Reply, SagaEntity, SagaMessage};

    fn delete() -> DeleteChatbot {
        DeleteChatbot {
            chatbot: "e1".into(),
        }
    }
    fn chatbot() -> String {
        "e1".into()
    }
    type Deleting = SagaEntity<Deletion>;
    fn done(deleting: Then<Deleting>, token: &str) -> Then<Deleting> {
        let done = deleting.and_then().answering(token, ReplyStatus::Done);
        done.when(SagaMessage::Other("troupe.reply.Ok".into()))
    }

    fn ended(removed: Then<Deleting>) -> Then<Deleting> {
        done(
            done(removed, "doing.end-conversations/4"),
            "doing.verify-ended/5",
        )
    }

    #[test]
    fn who_deletes_is_answered_when_it_answers_no_more_and_somebody_looks_at_the_end() {
        given(delete_chatbot_v2(), delete())
            .sends(SagaCommand::of(RetireChatbot { chatbot: chatbot() }))
            .hears(Reply::Done)
            .answers(Reply::Done)
            .sends(SagaCommand::of(RemoveSources { chatbot: chatbot() }))
            .hears(Reply::Done)
            .sends(SagaCommand::of(RemoveChatbot { chatbot: chatbot() }))
            .hears(Reply::Done)
            .sends(SagaCommand::of(EndConversations { chatbot: chatbot() }))
            .hears(Reply::Done)
            .sends(SagaCommand::of(VerifyEnded { chatbot: chatbot() }))
            .hears(Reply::Done)
            .sends(SagaCommand::of(VerifyGone { chatbot: chatbot() }))
            .hears(Reply::Done)
            .is(Phase::Completed);
    }
    #[test]
    fn a_chatbot_that_may_have_been_retired_is_restored() {
        given(delete_chatbot_v2(), delete())
            .wakes()
            .sends(SagaCommand::of(RestoreChatbot { chatbot: chatbot() }))
            .hears(Reply::Done)
            .is(Phase::Undone);
    }
    #[test]
    fn there_is_nothing_to_delete_where_there_is_no_chatbot() {
        let no = || Reply::refused("chatbots.not_found", "there is no such chatbot");
        given(delete_chatbot_v2(), delete())
            .hears(no())
            .answers(no())
            .is(Phase::Undone);
    }
    #[test]
    fn everybody_hears_of_a_deletion_that_somebody_looked_at() {
        let then = given_entity(Deleting::default()).when(SagaMessage::Start(delete()));
        let retired = done(then, "doing.retire/1");
        let removed = done(
            done(retired, "doing.remove-sources/2"),
            "doing.remove-chatbot/3",
        );
        let then = done(ended(removed), "doing.verify-gone/6");
        then.emits(emit(ChatbotDeleted {
            chatbot: chatbot(),
            retrievable: 0,
        }));
    }
    #[test]
    fn a_deletion_that_left_something_is_an_alert_and_no_deletion() {
        let then = given_entity(Deleting::default()).when(SagaMessage::Start(delete()));
        let retired = done(then, "doing.retire/1");
        let mut then = ended(done(
            done(retired, "doing.remove-sources/2"),
            "doing.remove-chatbot/3",
        ));
        let (code, message) = (
            "chatbots.still_retrievable",
            "7 passages can still be found",
        );
        for turn in 6..=8 {
            let token = format!("doing.verify-gone/{turn}");
            let failed = reply::Failed {
                code: code.into(),
                message: message.into(),
                may_have_happened: true,
            };
            let failing = then.and_then().answering(&token, ReplyStatus::Failed);
            let failed = failing.when(SagaMessage::Failed(failed));
            if turn == 8 {
                let alert = events::system::SagaAlert {
                    saga: chatbot(),
                    definition: "chatbots.deletion".into(),
                    step: "verify-gone".into(),
                    code: code.into(),
                    message: format!("verify-gone was given up, all before it stays: {message}"),
                };
                failed.emits(emit(alert));
                return;
            }
            let at_ms = failed.state().saga().wake_at.expect("it tries again");
            let waking = failed.and_then().at(|at| at.now_ms = at_ms);
            then = waking.when(SagaMessage::Woke(events::system::Woke { at_ms }));
        }
    }
    #[test]
    fn it_breaks_no_law_whatever_the_world_does() {
        for saga in [delete_chatbot_v1(), delete_chatbot_v2()] {
            let swept = Sweep::of(&saga, &delete())
                .addressed_by(SagaCommand::address)
                .faults(1)
                .run();
            swept.unwrap_or_else(|broken| panic!("{broken}"));
        }
    }
}
