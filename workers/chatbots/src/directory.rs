//! The directory: what chatbots there are, and how each of them is.
use events::chatbots::{ChatbotChanged, ChatbotState, Settings};
use runtime::{Moment, View};
use serde::{Deserialize, Serialize};

/// How long the row of a removed chatbot is kept, in milliseconds (30 days): long enough to see that it is gone.
pub const KEEP_REMOVED_MS: i64 = 30 * 24 * 3_600_000;

/// A chatbot as the directory lists it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Listed {
    /// Counts its changes; 0 if nothing was heard of it yet.
    pub version: i64,
    /// Where it is in its life.
    pub state: ChatbotState,
    /// What people call it.
    pub name: String,
    /// How it looks, sounds and answers.
    pub settings: Settings,
    /// The built system prompt; empty until it is built.
    pub system_prompt: String,
    /// When it last changed, in milliseconds since 1970.
    pub updated_ms: i64,
}

/// The view `chatbots.directory`; its key is the chatbot.
#[derive(Clone, Copy, Debug, Default)]
pub struct Directory;

impl View for Directory {
    type Event = ChatbotChanged;
    type Row = Listed;

    fn key(&self, event: &ChatbotChanged, _at: &Moment) -> String {
        event.chatbot.clone()
    }
    fn apply(&self, row: &mut Listed, event: ChatbotChanged, at: &Moment) {
        let ChatbotChanged {
            chatbot: _,
            version,
            state,
            name,
            settings,
            system_prompt,
        } = event;
        let updated_ms = at.now_ms;
        self.merge(
            row,
            Listed {
                version,
                state,
                name,
                settings,
                system_prompt,
                updated_ms,
            },
        );
    }
    fn merge(&self, into: &mut Listed, other: Listed) {
        if other.version > into.version {
            *into = other;
        }
    }
    fn expires_at_ms(&self, row: &Listed) -> Option<i64> {
        (row.state == ChatbotState::Removed).then_some(row.updated_ms + KEEP_REMOVED_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_change_counts() {
        let change = |version, state| ChatbotChanged {
            version,
            state,
            ..ChatbotChanged::default()
        };
        let (at, mut row) = (Moment::for_tests("bot"), Listed::default());
        Directory.apply(&mut row, change(2, ChatbotState::Active), &at);
        Directory.apply(&mut row, change(1, ChatbotState::Registered), &at);
        assert_eq!((row.version, row.state), (2, ChatbotState::Active));
        assert_eq!(Directory.expires_at_ms(&row), None);
        Directory.apply(&mut row, change(3, ChatbotState::Removed), &at);
        assert_eq!(Directory.expires_at_ms(&row), Some(KEEP_REMOVED_MS));
    }
}
