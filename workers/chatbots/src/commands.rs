//! The border of the commands: what systems outside may ask of chatbots, and what must stand in it. Names and settings are
//! the chatbots' own to judge.
use crate::ingestion::check_sources;
use events::chatbots::{CreateChatbot, DeleteChatbot, PauseChatbot, ResumeChatbot, UpdateChatbot};
use events::consumer;
use runtime::commands::{INVALID_COMMAND, ids};
use runtime::{Consumer, Refusal, command};

/// What the blobs begin with that belong to one upload over HTTP, and go with its document.
const UPLOADS: &str = "upload/";

/// What may be asked.
pub fn border() -> Consumer {
    let commands = vec![
        command(create),
        command::<DeleteChatbot>(|asked| ids(&[("chatbot", &asked.chatbot)])),
        command::<PauseChatbot>(|asked| ids(&[("chatbot", &asked.chatbot)])),
        command::<ResumeChatbot>(|asked| ids(&[("chatbot", &asked.chatbot)])),
        command::<UpdateChatbot>(|asked| ids(&[("chatbot", &asked.chatbot)])),
    ];
    Consumer::commands(consumer::CHATBOTS_COMMANDS, commands)
}

fn create(asked: &CreateChatbot) -> Result<(), (&'static str, String)> {
    ids(&[("chatbot", &asked.chatbot)])?;
    check_sources(&asked.sources).map_err(|e| (e.code(), e.to_string()))?;
    let borrowed = |blob: &str| blob.starts_with(UPLOADS);
    match asked.sources.iter().find(|s| borrowed(&s.blob.id)) {
        None => Ok(()),
        Some(source) => {
            let why = "its blob is an upload's own; put the content by itself";
            Err((INVALID_COMMAND, format!("{}: {why}", source.document)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::BlobRef;
    use events::chatbots::Source;
    use runtime::testkit::borders::outsider;

    fn creation(blob: &str) -> CreateChatbot {
        let source = Source {
            document: "d1".into(),
            name: "prices.md".into(),
            media_type: "text/markdown".into(),
            blob: BlobRef {
                id: blob.into(),
                size: 3,
                sha256: String::new(),
            },
        };
        CreateChatbot {
            chatbot: "bot".into(),
            name: "Observatory".into(),
            sources: vec![source],
            ..CreateChatbot::default()
        }
    }

    #[test]
    fn what_is_asked_of_a_chatbot_is_passed_on_as_it_was_asked() {
        let create = creation("crm/7");
        outsider(border()).asks(&create).is_passed_on(create);
        let pause = PauseChatbot {
            chatbot: "bot".into(),
        };
        outsider(border()).asks(&pause).is_passed_on(pause);
    }
    #[test]
    fn what_is_wrong_is_named_in_the_refusal() {
        let delete = DeleteChatbot {
            chatbot: "Bot".into(),
        };
        outsider(border())
            .asks(&delete)
            .is_refused(INVALID_COMMAND, "chatbot");
        outsider(border())
            .asks(&creation(""))
            .is_refused("chatbots.invalid_source", "names no blob");
        outsider(border())
            .asks(&creation("upload/u1"))
            .is_refused(INVALID_COMMAND, "an upload's own");
    }
}
