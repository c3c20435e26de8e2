//! The roster: which conversations a chatbot has, so that they can end with it.
use crate::RETENTION_MS;
use events::conversations::QuestionAsked;
use events::id::{derived, partition_of};
use runtime::{Moment, View};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Rows a chatbot has: a question rewrites one of them, so none may grow with all conversations.
pub const SHELVES: i32 = 256;

/// How long a conversation is listed after its last question, in milliseconds: longer than anything is kept of it.
const LISTED_MS: i64 = 2 * RETENTION_MS;

/// The key of a chatbot's row.
pub fn shelf(chatbot: &str, number: i32) -> String {
    derived(&[chatbot, "conversations", &number.to_string()]).to_string()
}

/// Some of the conversations of a chatbot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shelf {
    /// Each with its last question, in milliseconds since 1970.
    pub conversations: BTreeMap<String, i64>,
}

/// The view `conversations.roster`; its key is [`shelf`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Roster;

impl View for Roster {
    type Event = QuestionAsked;
    type Row = Shelf;

    fn key(&self, event: &QuestionAsked, _at: &Moment) -> String {
        let number = partition_of(event.conversation.as_bytes(), SHELVES);
        shelf(&event.chatbot, number)
    }
    fn apply(&self, row: &mut Shelf, event: QuestionAsked, at: &Moment) {
        row.conversations.insert(event.conversation, at.now_ms);
        row.conversations
            .retain(|_, asked_ms| asked_ms.saturating_add(LISTED_MS) > at.now_ms);
    }
    fn merge(&self, into: &mut Shelf, other: Shelf) {
        for (conversation, asked_ms) in other.conversations {
            let known = into.conversations.entry(conversation).or_insert(asked_ms);
            *known = asked_ms.max(*known);
        }
    }
    fn expires_at_ms(&self, row: &Shelf) -> Option<i64> {
        let last = row.conversations.values().max();
        last.map(|last| last.saturating_add(LISTED_MS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(chatbot: &str, conversation: &str) -> QuestionAsked {
        QuestionAsked {
            chatbot: chatbot.into(),
            conversation: conversation.into(),
            ..QuestionAsked::default()
        }
    }
    fn at(now_ms: i64) -> Moment {
        Moment {
            now_ms,
            ..Moment::for_tests("c1")
        }
    }

    #[test]
    fn a_conversation_stands_on_one_of_its_own_chatbots_shelves() {
        let key = Roster.key(&asked("bot", "c1"), &at(1));
        let shelves: Vec<String> = (0..SHELVES).map(|n| shelf("bot", n)).collect();
        assert_eq!(shelves.iter().filter(|shelf| **shelf == key).count(), 1);
        assert!(!shelves.contains(&Roster.key(&asked("bot2", "c1"), &at(1))));
    }
    #[test]
    fn a_conversation_is_listed_for_longer_than_it_is_kept() {
        let mut row = Shelf::default();
        Roster.apply(&mut row, asked("bot", "c1"), &at(1));
        Roster.apply(&mut row, asked("bot", "c2"), &at(RETENTION_MS + 2));
        assert_eq!(row.conversations.len(), 2);
        assert_eq!(
            Roster.expires_at_ms(&row),
            Some(RETENTION_MS + 2 + LISTED_MS)
        );
        Roster.apply(&mut row, asked("bot", "c2"), &at(1 + LISTED_MS));
        assert_eq!(row.conversations.len(), 1);
        let mut other = Shelf::default();
        Roster.apply(&mut other, asked("bot", "c2"), &at(5));
        Roster.merge(&mut row, other);
        assert_eq!(row.conversations["c2"], 1 + LISTED_MS);
    }
}
