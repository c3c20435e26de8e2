//! Summaries: what a document says in a few sentences. In the repository this is `workers/summaries/src/lib.rs`.

mod error;
mod list; // view: the summaries there are
pub mod records;
mod start; // document.parsed -> Summarize
mod summary; // the entity: what became of a document's summary
mod whole;
mod write_summary; // effect: passages -> a few sentences

use records::{Summarize, SummaryReady, WriteSummary, consumer, topic};
use runtime::Consumer;

/// What this worker consumes and emits. The architecture test holds it against topics.yaml.
pub fn consumers(sentences: usize) -> Vec<Consumer> {
    vec![
        Consumer::route(consumer::SUMMARIES_START, start::document_parsed).emits::<Summarize>(),
        Consumer::entity::<summary::Summary>(topic::SUMMARIES_SUMMARY)
            .emits::<WriteSummary>()
            .emits::<SummaryReady>(),
        Consumer::handlers(topic::SUMMARIES_EFFECTS)
            .handler(write_summary::WriteSummary::of(sentences)),
        Consumer::view(consumer::SUMMARIES_LIST, list::Summaries),
    ]
}
