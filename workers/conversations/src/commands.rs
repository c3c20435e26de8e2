//! The border of the commands: what systems outside may ask of conversations, and what must stand in it.
use events::consumer;
use events::conversations::{AskQuestion, EndConversation};
use runtime::commands::ids;
use runtime::{Consumer, command};

/// What may be asked.
pub fn border() -> Consumer {
    let commands = vec![command(ask), command(end)];
    Consumer::commands(consumer::CONVERSATIONS_COMMANDS, commands)
}

/// The text is the conversation's to judge.
fn ask(asked: &AskQuestion) -> Result<(), (&'static str, String)> {
    ids(&[
        ("question", &asked.question),
        ("conversation", &asked.conversation),
        ("chatbot", &asked.chatbot),
        ("visitor", &asked.visitor),
    ])
}

fn end(asked: &EndConversation) -> Result<(), (&'static str, String)> {
    ids(&[("conversation", &asked.conversation)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::commands::INVALID_COMMAND;
    use runtime::testkit::borders::outsider;

    fn asked() -> AskQuestion {
        AskQuestion {
            question: "q1".into(),
            conversation: "c1".into(),
            chatbot: "bot".into(),
            visitor: "v1".into(),
            text: "What does it cost?".into(),
        }
    }

    #[test]
    fn a_question_from_outside_comes_clear_and_is_passed_on_as_it_was_asked() {
        outsider(border()).asks(&asked()).is_passed_on(asked());
        let end = EndConversation {
            conversation: "c1".into(),
        };
        outsider(border()).asks(&end).is_passed_on(end);
    }
    #[test]
    fn an_id_that_is_none_is_named_in_the_refusal() {
        for field in ["question", "conversation", "chatbot", "visitor"] {
            let mut asked = asked();
            let id = match field {
                "question" => &mut asked.question,
                "conversation" => &mut asked.conversation,
                "chatbot" => &mut asked.chatbot,
                _ => &mut asked.visitor,
            };
            *id = "Not One".into();
            outsider(border())
                .asks(&asked)
                .is_refused(INVALID_COMMAND, field);
        }
        let end = EndConversation::default();
        outsider(border())
            .asks(&end)
            .is_refused(INVALID_COMMAND, "conversation");
    }
    #[test]
    fn what_was_sealed_by_us_is_not_opened_for_outsiders() {
        outsider(border())
            .sealed("v1", &asked())
            .is_refused("runtime.undecodable", "text");
    }
}
