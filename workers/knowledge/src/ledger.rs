//! The ledger: of each document, how many passages were expected, embedded, stored, and can be found.
use events::knowledge::EmbeddingReady;
use runtime::{Moment, View};
use serde::{Deserialize, Serialize};

/// The view's name in State.
pub const NAME: &str = events::consumer::KNOWLEDGE_LEDGER;

/// A row a document.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ledger;

/// What is known of the latest revision that became ready. `version` 0: none did yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRow {
    /// The chatbot that may find it.
    pub chatbot: String,
    /// Which upload.
    pub revision: String,
    /// Counts the document's switches in the index.
    pub version: i64,
    /// Passages that parsing found.
    pub expected: i64,
    /// Passages that have an embedding.
    pub embedded: i64,
    /// Passages stored in the index.
    pub stored: i64,
    /// Passages that a search could find, counted by looking.
    pub retrievable: i64,
}

impl LedgerRow {
    /// Whether nothing was lost and nothing doubled.
    pub fn balances(&self) -> bool {
        [self.embedded, self.stored, self.retrievable]
            .iter()
            .all(|count| *count == self.expected)
    }
}

impl View for Ledger {
    type Event = EmbeddingReady;
    type Row = LedgerRow;

    fn key(&self, event: &EmbeddingReady, _: &Moment) -> String {
        event.document.clone()
    }
    fn apply(&self, row: &mut LedgerRow, event: EmbeddingReady, _: &Moment) {
        let EmbeddingReady {
            document: _,
            chatbot,
            revision,
            version,
            expected,
            embedded,
            stored,
            retrievable,
        } = event;
        self.merge(
            row,
            LedgerRow {
                chatbot,
                revision,
                version,
                expected,
                embedded,
                stored,
                retrievable,
            },
        );
    }
    fn merge(&self, into: &mut LedgerRow, other: LedgerRow) {
        if other.version > into.version {
            *into = other;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(version: i64, expected: i64, retrievable: i64) -> EmbeddingReady {
        let document = "d1".into();
        let counts = EmbeddingReady {
            version,
            expected,
            retrievable,
            embedded: expected,
            stored: expected,
            ..Default::default()
        };
        EmbeddingReady { document, ..counts }
    }

    #[test]
    fn the_latest_switch_counts_whatever_order_the_events_come_in() {
        let (at, mut row) = (Moment::for_tests("d1"), LedgerRow::default());
        Ledger.apply(&mut row, ready(2, 5, 5), &at);
        Ledger.apply(&mut row, ready(1, 3, 3), &at);
        assert_eq!((row.version, row.expected), (2, 5));
        Ledger.merge(
            &mut row,
            LedgerRow {
                version: 3,
                ..LedgerRow::default()
            },
        );
        assert_eq!(row.version, 3);
    }
    #[test]
    fn it_balances_only_if_all_four_counts_are_equal() {
        let (at, mut row) = (Moment::for_tests("d1"), LedgerRow::default());
        Ledger.apply(&mut row, ready(1, 5, 5), &at);
        assert!(row.balances());
        Ledger.apply(&mut row, ready(2, 5, 4), &at);
        assert!(!row.balances());
    }
}
