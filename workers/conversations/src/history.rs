//! The history: what was asked and answered in each conversation.
use crate::RETENTION_MS;
use events::Personal;
use events::answers::{Citation, Usage};
use events::conversations::QuestionAnswered;
use events::personal::ERASED_TEXT;
use runtime::{Moment, View};
use serde::{Deserialize, Serialize};

/// Most questions that a history shows: the latest.
pub const MAX_ENTRIES: usize = 200;

/// One conversation. Its texts are clear; an erasure sweeps the row (G1).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conversed {
    /// The chatbot that was asked.
    pub chatbot: String,
    /// The visitor who asked.
    pub visitor: String,
    /// What was asked and answered, the oldest first.
    pub entries: Vec<Entry>,
    /// How often the conversation had been ended before these entries. If it was ended more often than that, they are
    /// forgotten: the view `conversations.endings` says so until they are swept.
    #[serde(default)]
    pub endings: i64,
}

/// A question and its answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The question's id.
    pub question: String,
    /// What was asked.
    pub asked: String,
    /// The answer, whole.
    pub text: String,
    /// False if nothing relevant was found, and the answer says so.
    pub known: bool,
    /// What the answer rests on, best first.
    pub citations: Vec<Cited>,
    /// The model that answered.
    pub model: String,
    /// Which of the configured providers answered.
    pub provider: String,
    /// What the model used.
    pub usage: Usage,
    /// When it was answered, in milliseconds since 1970.
    pub answered_ms: i64,
}

/// A passage that an answer rests on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cited {
    /// The document it stands in.
    pub document: String,
    /// The document's name.
    pub name: String,
    /// The page, from 1.
    pub page: Option<i64>,
    /// The headings above it.
    pub heading: String,
    /// The passage's words.
    pub quote: String,
    /// How relevant; comparable within one answer only.
    pub score: f64,
}

fn clear(text: &Personal) -> String {
    text.reveal().unwrap_or(ERASED_TEXT).to_owned()
}
fn cited(citation: &Citation) -> Cited {
    Cited {
        document: citation.document.clone(),
        name: citation.name.clone(),
        page: citation.page,
        heading: citation.heading.clone(),
        quote: clear(&citation.quote),
        score: citation.score,
    }
}

/// The view `conversations.history`; its key is the conversation.
#[derive(Clone, Copy, Debug, Default)]
pub struct History;

impl View for History {
    type Event = QuestionAnswered;
    type Row = Conversed;

    fn key(&self, event: &QuestionAnswered, _at: &Moment) -> String {
        event.conversation.clone()
    }
    fn apply(&self, row: &mut Conversed, event: QuestionAnswered, at: &Moment) {
        // Whoever goes on after an ending does not bring back what was forgotten.
        if event.endings > row.endings {
            row.entries.clear();
            row.endings = event.endings;
        }
        row.entries.push(Entry {
            question: event.question,
            asked: clear(&event.asked),
            text: clear(&event.text),
            known: event.known,
            citations: event.citations.iter().map(cited).collect(),
            model: event.model,
            provider: event.provider,
            usage: event.usage,
            answered_ms: at.now_ms,
        });
        (row.chatbot, row.visitor) = (event.chatbot, event.visitor);
        keep_latest(row);
    }
    fn merge(&self, into: &mut Conversed, other: Conversed) {
        if into.entries.is_empty() || other.endings > into.endings {
            *into = other;
            return;
        }
        if other.endings < into.endings {
            return;
        }
        into.entries.extend(other.entries);
        into.entries.sort_by_key(|entry| entry.answered_ms);
        keep_latest(into);
    }
    fn expires_at_ms(&self, row: &Conversed) -> Option<i64> {
        row.entries
            .last()
            .map(|last| last.answered_ms.saturating_add(RETENTION_MS))
    }
}

fn keep_latest(row: &mut Conversed) {
    let excess = row.entries.len().saturating_sub(MAX_ENTRIES);
    row.entries.drain(..excess);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(n: usize) -> QuestionAnswered {
        QuestionAnswered {
            question: format!("q{n}"),
            conversation: "c1".into(),
            chatbot: "bot".into(),
            visitor: "v1".into(),
            asked: "When do you open?".into(),
            text: Personal::Erased,
            citations: vec![Citation {
                quote: "We open at nine.".into(),
                ..Citation::default()
            }],
            ..QuestionAnswered::default()
        }
    }
    fn at(now_ms: i64) -> Moment {
        Moment {
            now_ms,
            ..Moment::for_tests("c1")
        }
    }

    #[test]
    fn a_history_shows_what_was_asked_and_answered_with_citations() {
        let mut row = Conversed::default();
        assert_eq!(History.key(&answered(1), &at(1)), "c1");
        History.apply(&mut row, answered(1), &at(1));
        assert_eq!((row.chatbot.as_str(), row.visitor.as_str()), ("bot", "v1"));
        let entry = &row.entries[0];
        assert_eq!(
            (entry.asked.as_str(), entry.text.as_str()),
            ("When do you open?", ERASED_TEXT)
        );
        assert_eq!(entry.citations[0].quote, "We open at nine.");
        assert!(
            serde_json::to_string(&row).is_ok(),
            "no sealed field is left in it"
        );
        assert_eq!(History.expires_at_ms(&row), Some(1 + RETENTION_MS));
    }
    #[test]
    fn what_was_said_before_an_ending_is_forgotten_when_the_conversation_goes_on() {
        let (mut row, mut before) = (Conversed::default(), Conversed::default());
        History.apply(&mut row, answered(1), &at(1));
        History.apply(&mut before, answered(0), &at(9));
        let again = QuestionAnswered {
            endings: 1,
            ..answered(2)
        };
        History.apply(&mut row, again, &at(2));
        let is_the_later = |row: &Conversed| {
            assert_eq!((row.entries.len(), row.endings), (1, 1));
            assert_eq!(row.entries[0].question, "q2");
        };
        is_the_later(&row);
        History.merge(&mut before, row.clone());
        is_the_later(&before);
        let mut older = Conversed::default();
        History.apply(&mut older, answered(3), &at(10));
        History.merge(&mut row, older);
        is_the_later(&row);
    }
    #[test]
    fn a_history_keeps_the_latest_questions() {
        let mut row = Conversed::default();
        for n in 0..=MAX_ENTRIES {
            History.apply(&mut row, answered(n), &at(1));
        }
        assert_eq!(
            (row.entries.len(), row.entries[0].question.as_str()),
            (MAX_ENTRIES, "q1")
        );
    }
    #[test]
    fn rows_of_two_partitions_are_one_history_in_order() {
        let (mut one, mut two, mut merged) = Default::default();
        History.apply(&mut one, answered(2), &at(2));
        History.apply(&mut two, answered(1), &at(1));
        for row in [one, two] {
            History.merge(&mut merged, row);
        }
        let questions: Vec<_> = merged.entries.iter().map(|entry| &entry.question).collect();
        assert_eq!(questions, ["q1", "q2"]);
    }
}
