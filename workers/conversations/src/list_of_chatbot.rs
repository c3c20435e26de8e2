//! Lists the conversations of a chatbot, some at a time.
use crate::error::ListError;
use crate::roster::{Roster, SHELVES, shelf};
use events::consumer;
use events::conversations::{ConversationsListed, ListConversations};
use runtime::{Context, Emits, Handler, reply};

/// After so many the rest is left to the next question.
pub const AT_ONCE: usize = 200;

/// Lists conversations of a chatbot, shelf by shelf of the roster.
///
/// Effects: none. The roster follows the questions by some milliseconds, mostly; so whoever ends all of them lists them once
/// more after some minutes ([`crate::closing::SWEEP_MS`]). What is asked after the chatbot was retired is not answered, so
/// nothing is kept of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListOfChatbot;

impl Handler for ListOfChatbot {
    type Message = ListConversations;
    type Error = ListError;

    async fn handle(&self, list: ListConversations, cx: &Context) -> Result<Emits, ListError> {
        let ListConversations { chatbot, shelf: at } = list;
        let mut number = i32::try_from(at.max(0)).unwrap_or(SHELVES);
        let mut conversations = vec![];
        while number < SHELVES && conversations.len() < AT_ONCE {
            let name = consumer::CONVERSATIONS_ROSTER;
            let row = cx.view(&Roster, name, &shelf(&chatbot, number)).await?;
            conversations.extend(row.conversations.into_keys());
            number += 1;
        }
        Ok(reply(ConversationsListed {
            chatbot,
            conversations,
            next: (number < SHELVES).then_some(number.into()),
        }))
    }
}
