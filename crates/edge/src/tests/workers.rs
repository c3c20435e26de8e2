//! Workers that answer as the request tells them to.
use super::support::NOW_MS;
use events::chatbots::{CreateChatbot, DeleteChatbot, PauseChatbot, UpdateChatbot};
use events::conversations::{Answered, AskQuestion};
use events::documents::{AddDocument, DocumentReady};
use events::reply;
use runtime::{Arm, Decision, Entity, Inbox, Moment, Refusal, arm};
use serde::{Deserialize, Serialize};

/// A worker refuses with the code that the request names: `refuse <code>`.
#[derive(Debug, thiserror::Error)]
#[error("as it was told to")]
pub struct Told(&'static str);
impl Refusal for Told {
    fn code(&self) -> &'static str {
        self.0
    }
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Conversation;
impl Entity for Conversation {
    type Message = AskQuestion;
    type Refusal = Told;
    /// Echoes; `later` is answered by the test, `refuse` is refused, `fail` fails.
    fn decide(&self, asked: AskQuestion, at: &Moment) -> Result<Decision<Self>, Told> {
        let text = asked.text.reveal().unwrap_or_default().to_owned();
        if text.starts_with("later") {
            return Ok(Decision::to(Self).saying(|emits| emits.reply_progress("thinking", 1, 2)));
        }
        if text.starts_with("refuse") {
            return Err(Told("conversations.not_yours"));
        }
        if text.starts_with("fail") {
            return Ok(Decision::to(Self)
                .saying(|emits| emits.reply_failed("answers.model_refused", "it said no", true)));
        }
        assert!(
            at.deadline_ms.is_some_and(|deadline| deadline > NOW_MS),
            "a command has a deadline"
        );
        Ok(Decision::to(Self).reply(answered(&asked, &format!("You asked: {text}"), 0)))
    }
}

pub fn answered(asked: &AskQuestion, text: &str, attempt: i64) -> Answered {
    Answered {
        question: asked.question.clone(),
        conversation: asked.conversation.clone(),
        visitor: asked.visitor.clone(),
        text: text.into(),
        known: true,
        citations: vec![events::answers::Citation {
            name: "a.md".into(),
            quote: "a quote".into(),
            ..Default::default()
        }],
        attempt,
        ..Answered::default()
    }
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Document;
impl Entity for Document {
    type Message = AddDocument;
    type Refusal = Told;
    fn decide(&self, add: AddDocument, at: &Moment) -> Result<Decision<Self>, Told> {
        if add.name.contains("encrypted") {
            return Err(Told("documents.encrypted"));
        }
        let AddDocument {
            document,
            chatbot,
            name,
            blob,
            ..
        } = add;
        let revision = at.message.id.clone();
        Ok(Decision::to(Self).reply(DocumentReady {
            document,
            chatbot,
            revision,
            name,
            passages: blob.size,
        }))
    }
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Made;
impl Entity for Made {
    type Message = Ask;
    type Refusal = Told;
    fn decide(&self, _: Ask, at: &Moment) -> Result<Decision<Self>, Told> {
        Ok(Decision::to(Self).reply(reply::Ok {
            id: at.id.to_string(),
        }))
    }
}
/// Whatever a chatbot is asked.
#[allow(dead_code)] // only that it came matters
pub enum Ask {
    Create(CreateChatbot),
    Delete(DeleteChatbot),
    Pause(PauseChatbot),
    Update(UpdateChatbot),
}
impl Inbox for Ask {
    fn arms() -> Vec<Arm<Self>> {
        vec![
            arm(Self::Create),
            arm(Self::Delete),
            arm(Self::Pause),
            arm(Self::Update),
        ]
    }
}
