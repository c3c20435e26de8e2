//! How each chatbot answers, from what is said of its changes: workers meet only through messages.
use events::chatbots::{ChatbotChanged, ChatbotState};
use runtime::{Moment, View};
use serde::{Deserialize, Serialize};

/// The view's name in State.
pub const NAME: &str = events::consumer::ANSWERS_SETTINGS;

/// A row a chatbot.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChatbotSettings;

/// How a chatbot answers. `version` 0: nothing was heard of it yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsRow {
    /// Counts the chatbot's changes.
    pub version: i64,
    /// Where it is in its life.
    pub state: ChatbotState,
    /// What people call it.
    pub name: String,
    /// BCP 47 tags that it answers in, the preferred one first.
    pub languages: Vec<String>,
    /// What models are told of who they are.
    pub system_prompt: String,
    /// At most so many sentences in an answer; 0 leaves it to the answerer.
    pub max_sentences: i64,
}

impl View for ChatbotSettings {
    type Event = ChatbotChanged;
    type Row = SettingsRow;

    fn key(&self, event: &ChatbotChanged, _: &Moment) -> String {
        event.chatbot.clone()
    }
    fn apply(&self, row: &mut SettingsRow, event: ChatbotChanged, _: &Moment) {
        let ChatbotChanged {
            chatbot: _,
            version,
            state,
            name,
            settings,
            system_prompt,
        } = event;
        let (languages, max_sentences) = (settings.languages, settings.answer.max_sentences);
        self.merge(
            row,
            SettingsRow {
                version,
                state,
                name,
                languages,
                system_prompt,
                max_sentences,
            },
        );
    }
    fn merge(&self, into: &mut SettingsRow, other: SettingsRow) {
        if other.version > into.version {
            *into = other;
        }
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
        let (at, mut row) = (Moment::for_tests("c1"), SettingsRow::default());
        ChatbotSettings.apply(&mut row, change(2, ChatbotState::Active), &at);
        ChatbotSettings.apply(&mut row, change(1, ChatbotState::Registered), &at);
        assert_eq!((row.version, row.state), (2, ChatbotState::Active));
    }
}
