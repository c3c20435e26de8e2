//! What is said in this context. In the repository this is `crates/events/src/summaries.rs`.
use crate::guides::record;
use events::addressed;
use serde::{Deserialize, Serialize};

/// Names of topics; in the repository they stand in `crates/events/src/topic.rs`.
pub mod topic {
    pub const SUMMARIES_SUMMARY: &str = "summaries.summary";
    pub const SUMMARIES_EFFECTS: &str = "summaries.effects";
    pub const SUMMARY_READY: &str = "summary.ready";
}

/// Names of consumers that are not called as their topic.
pub mod consumer {
    pub const SUMMARIES_START: &str = "summaries.start";
    pub const SUMMARIES_LIST: &str = "summaries.list";
}

/// Command: summarise a revision of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summarize {
    /// The document.
    pub document: String,
    /// The chatbot it belongs to.
    pub chatbot: String,
    /// Which upload of the document.
    pub revision: String,
    /// The blob of its passages.
    pub passages: String,
}
record!(
    Summarize,
    "troupe.summaries.Summarize",
    "summaries/Summarize.avsc"
);
addressed!(Summarize, topic::SUMMARIES_SUMMARY, document);

/// Command: read the passages and write the summary. Done is [`SummaryWritten`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteSummary {
    /// The document.
    pub document: String,
    /// The blob of its passages.
    pub passages: String,
}
record!(
    WriteSummary,
    "troupe.summaries.WriteSummary",
    "summaries/WriteSummary.avsc"
);
addressed!(WriteSummary, topic::SUMMARIES_EFFECTS, document);

/// Reply to [`WriteSummary`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummaryWritten {
    /// The summary.
    pub text: String,
}
record!(
    SummaryWritten,
    "troupe.summaries.SummaryWritten",
    "summaries/SummaryWritten.avsc"
);

/// Event: a document was summarised.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummaryReady {
    /// The document.
    pub document: String,
    /// The chatbot it belongs to.
    pub chatbot: String,
    /// Which upload of the document.
    pub revision: String,
    /// The summary.
    pub text: String,
}
record!(
    SummaryReady,
    "troupe.summaries.SummaryReady",
    "summaries/SummaryReady.avsc"
);
addressed!(SummaryReady, topic::SUMMARY_READY, document);
