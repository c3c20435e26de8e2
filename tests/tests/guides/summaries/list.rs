//! The list: the latest summary of each document.
use super::records::SummaryReady;
use runtime::{Moment, View};
use serde::{Deserialize, Serialize};

/// A summary as the list has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// The chatbot it belongs to.
    pub chatbot: String,
    /// The summary.
    pub text: String,
    /// When it was written, in milliseconds since 1970.
    pub written_ms: i64,
}

/// The view `summaries.list`; its key is the document.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summaries;

impl View for Summaries {
    type Event = SummaryReady;
    type Row = Listed;

    fn key(&self, event: &SummaryReady, _at: &Moment) -> String {
        event.document.clone()
    }
    fn apply(&self, row: &mut Listed, event: SummaryReady, at: &Moment) {
        *row = Listed {
            chatbot: event.chatbot,
            text: event.text,
            written_ms: at.now_ms,
        };
    }
    fn merge(&self, into: &mut Listed, other: Listed) {
        if other.written_ms >= into.written_ms {
            *into = other;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_summary_is_listed() {
        let (mut row, mut at) = (Listed::default(), Moment::for_tests("d1"));
        for (text, now_ms) in [("Old.", 1), ("New.", 2)] {
            at.now_ms = now_ms;
            let event = SummaryReady {
                document: "d1".into(),
                text: text.into(),
                ..SummaryReady::default()
            };
            assert_eq!(Summaries.key(&event, &at), "d1");
            Summaries.apply(&mut row, event, &at);
        }
        assert_eq!((row.text.as_str(), row.written_ms), ("New.", 2));
    }
}
