//! The endings: which conversations were ended. Their rows in the history go by age only, so whoever shows the history
//! asks here whether it is over.
use crate::RETENTION_MS;
use events::conversations::ConversationEnded;
use runtime::{Moment, View};
use serde::{Deserialize, Serialize};

/// The latest ending of a conversation. What the history holds from before it is forgotten: see
/// [`crate::history::Conversed::endings`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// When it was noted, in milliseconds since 1970.
    pub ended_at_ms: i64,
    /// How often the conversation was ended.
    pub endings: i64,
}

/// The view `conversations.endings`; its key is the conversation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Endings;

impl View for Endings {
    type Event = ConversationEnded;
    type Row = Ended;

    fn key(&self, event: &ConversationEnded, _at: &Moment) -> String {
        event.conversation.clone()
    }
    fn apply(&self, row: &mut Ended, event: ConversationEnded, at: &Moment) {
        let ended = Ended {
            ended_at_ms: at.now_ms,
            endings: event.endings,
        };
        self.merge(row, ended);
    }
    fn merge(&self, into: &mut Ended, other: Ended) {
        into.ended_at_ms = into.ended_at_ms.max(other.ended_at_ms);
        into.endings = into.endings.max(other.endings);
    }
    /// Twice as long as the history may keep what was said before it: neither view follows the other.
    fn expires_at_ms(&self, row: &Ended) -> Option<i64> {
        Some(row.ended_at_ms.saturating_add(2 * RETENTION_MS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::History;
    use events::conversations::QuestionAnswered;

    fn at(now_ms: i64) -> Moment {
        Moment {
            now_ms,
            ..Moment::for_tests("c1")
        }
    }
    fn ended(endings: i64) -> ConversationEnded {
        ConversationEnded {
            conversation: "c1".into(),
            endings,
            ..ConversationEnded::default()
        }
    }

    #[test]
    fn the_latest_ending_counts() {
        let mut row = Ended::default();
        assert_eq!(Endings.key(&ended(1), &at(5)), "c1");
        for (endings, now) in [(1, 5), (2, 9)] {
            Endings.apply(&mut row, ended(endings), &at(now));
        }
        let latest = Ended {
            ended_at_ms: 9,
            endings: 2,
        };
        assert_eq!(row, latest);
        let older = Ended {
            ended_at_ms: 5,
            endings: 1,
        };
        Endings.merge(&mut row, older);
        assert_eq!(row, latest);
    }
    #[test]
    fn an_ending_is_known_for_longer_than_what_was_said_before_it() {
        let (mut history, mut row) = Default::default();
        History.apply(&mut history, QuestionAnswered::default(), &at(7));
        Endings.apply(&mut row, ended(1), &at(7));
        assert!(Endings.expires_at_ms(&row) > History.expires_at_ms(&history));
    }
}
