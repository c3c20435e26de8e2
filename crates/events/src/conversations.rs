//! Conversations: questions and answers of one visitor with one chatbot, in order.
use crate::answers::{Citation, Usage, quotes};
use crate::{Personal, addressed, record, topic};
use serde::{Deserialize, Serialize};

/// Command: ask within a conversation, which begins if there is none. Done is [`Answered`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskQuestion {
    /// The question; chosen by who asks.
    pub question: String,
    /// The conversation.
    pub conversation: String,
    /// The chatbot that is asked.
    pub chatbot: String,
    /// The visitor who asks; the key of personal fields is theirs.
    pub visitor: String,
    /// The question, as the visitor wrote it.
    pub text: Personal,
}
record!(
    AskQuestion,
    "troupe.conversations.AskQuestion",
    "conversations/AskQuestion.avsc",
    {
        fn personal(&mut self) -> Vec<(String, &mut Personal)> {
            vec![("text".into(), &mut self.text)]
        }
        fn subject_key(&self) -> Option<String> {
            Some(self.visitor.clone())
        }
    }
);
addressed!(AskQuestion, topic::CONVERSATIONS_CONVERSATION, conversation);

/// Reply to [`AskQuestion`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// The question; chosen by who asks.
    pub question: String,
    /// The conversation.
    pub conversation: String,
    /// The visitor who asks; the key of personal fields is theirs.
    pub visitor: String,
    /// The answer, whole.
    pub text: Personal,
    /// False if nothing relevant was found, and the answer says so.
    pub known: bool,
    /// What the answer rests on, best first.
    #[serde(default)]
    pub citations: Vec<Citation>,
    /// The model that answered; of the offline answerer its name.
    #[serde(default)]
    pub model: String,
    /// Which of the configured providers answered.
    #[serde(default)]
    pub provider: String,
    /// What the model used.
    pub usage: Usage,
    /// Which attempt wrote the answer, from 1; its deltas carry the same number (H3).
    pub attempt: i64,
    /// How many deltas that attempt sent.
    pub deltas: i64,
}
record!(
    Answered,
    "troupe.conversations.Answered",
    "conversations/Answered.avsc",
    {
        fn personal(&mut self) -> Vec<(String, &mut Personal)> {
            let mut fields = vec![("text".into(), &mut self.text)];
            fields.extend(quotes(&mut self.citations));
            fields
        }
        fn subject_key(&self) -> Option<String> {
            Some(self.visitor.clone())
        }
    }
);

/// Command: forget the conversation's turns. Done is [`crate::reply::Ok`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndConversation {
    /// The conversation.
    pub conversation: String,
}
record!(
    EndConversation,
    "troupe.conversations.EndConversation",
    "conversations/EndConversation.avsc"
);
addressed!(
    EndConversation,
    topic::CONVERSATIONS_CONVERSATION,
    conversation
);

/// A visitor asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionAsked {
    /// The question; chosen by who asks.
    pub question: String,
    /// The conversation.
    pub conversation: String,
    /// The chatbot that is asked.
    pub chatbot: String,
    /// The visitor who asks; the key of personal fields is theirs.
    pub visitor: String,
    /// The question, as the visitor wrote it.
    pub text: Personal,
}
record!(
    QuestionAsked,
    "troupe.conversations.QuestionAsked",
    "conversations/QuestionAsked.avsc",
    {
        fn personal(&mut self) -> Vec<(String, &mut Personal)> {
            vec![("text".into(), &mut self.text)]
        }
        fn subject_key(&self) -> Option<String> {
            Some(self.visitor.clone())
        }
    }
);
addressed!(QuestionAsked, topic::QUESTION_ASKED, conversation);

/// A question was answered, for histories.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QuestionAnswered {
    /// The question; chosen by who asks.
    pub question: String,
    /// The conversation.
    pub conversation: String,
    /// The chatbot that is asked.
    pub chatbot: String,
    /// The visitor who asks; the key of personal fields is theirs.
    pub visitor: String,
    /// The question, as the visitor wrote it.
    pub asked: Personal,
    /// The answer, whole.
    pub text: Personal,
    /// False if nothing relevant was found, and the answer says so.
    pub known: bool,
    /// What the answer rests on, best first.
    #[serde(default)]
    pub citations: Vec<Citation>,
    /// The model that answered; of the offline answerer its name.
    #[serde(default)]
    pub model: String,
    /// Which of the configured providers answered.
    #[serde(default)]
    pub provider: String,
    /// What the model used.
    pub usage: Usage,
    /// How often the conversation had been ended before.
    #[serde(default)]
    pub endings: i64,
}
record!(
    QuestionAnswered,
    "troupe.conversations.QuestionAnswered",
    "conversations/QuestionAnswered.avsc",
    {
        fn personal(&mut self) -> Vec<(String, &mut Personal)> {
            let mut fields = vec![
                ("asked".into(), &mut self.asked),
                ("text".into(), &mut self.text),
            ];
            fields.extend(quotes(&mut self.citations));
            fields
        }
        fn subject_key(&self) -> Option<String> {
            Some(self.visitor.clone())
        }
    }
);
addressed!(QuestionAnswered, topic::QUESTION_ANSWERED, conversation);

/// A question was not answered, and will not be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionFailed {
    /// The question; chosen by who asks.
    pub question: String,
    /// The conversation.
    pub conversation: String,
    /// The chatbot that is asked.
    pub chatbot: String,
    /// The visitor who asks; the key of personal fields is theirs.
    pub visitor: String,
    /// Stable, `<context>.<what>`; a page each under docs/errors/.
    pub code: String,
    /// A sentence for a person; at most 1,000 characters.
    pub reason: String,
}
record!(
    QuestionFailed,
    "troupe.conversations.QuestionFailed",
    "conversations/QuestionFailed.avsc"
);
addressed!(QuestionFailed, topic::QUESTION_FAILED, conversation);

/// A conversation ended and its turns are forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationEnded {
    /// The conversation.
    pub conversation: String,
    /// The chatbot that is asked.
    pub chatbot: String,
    /// The visitor who asks; the key of personal fields is theirs.
    pub visitor: String,
    /// How often the conversation was ended, this time included; 0 where that is not known.
    #[serde(default)]
    pub endings: i64,
}
record!(
    ConversationEnded,
    "troupe.conversations.ConversationEnded",
    "conversations/ConversationEnded.avsc"
);
addressed!(ConversationEnded, topic::CONVERSATION_ENDED, conversation);

/// Command: end all conversations of a chatbot. Done is [`crate::reply::Ok`]: every one has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndConversations {
    /// The chatbot.
    pub chatbot: String,
}
record!(
    EndConversations,
    "troupe.conversations.EndConversations",
    "conversations/EndConversations.avsc"
);
addressed!(EndConversations, topic::CONVERSATIONS_CLOSING, chatbot);

/// Command: list some conversations of a chatbot. Done is [`ConversationsListed`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListConversations {
    /// The chatbot.
    pub chatbot: String,
    /// Where to begin: shelves of the roster below it were listed.
    pub shelf: i64,
}
record!(
    ListConversations,
    "troupe.conversations.ListConversations",
    "conversations/ListConversations.avsc"
);
addressed!(ListConversations, topic::CONVERSATIONS_EFFECTS, chatbot);

/// Reply to [`ListConversations`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationsListed {
    /// The chatbot.
    pub chatbot: String,
    /// Some of its conversations.
    #[serde(default)]
    pub conversations: Vec<String>,
    /// Where to go on; absent if these were the last.
    #[serde(default)]
    pub next: Option<i64>,
}
record!(
    ConversationsListed,
    "troupe.conversations.ConversationsListed",
    "conversations/ConversationsListed.avsc"
);

/// Command: look whether anything of a chatbot's conversations is still shown. Done is [`crate::reply::Ok`]: nothing is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyEnded {
    /// The chatbot.
    pub chatbot: String,
}
record!(
    VerifyEnded,
    "troupe.conversations.VerifyEnded",
    "conversations/VerifyEnded.avsc"
);
addressed!(VerifyEnded, topic::CONVERSATIONS_EFFECTS, chatbot);
