//! Writes a summary: the first sentences of a document.
use super::error::SummaryError;
use super::records::{self, SummaryWritten};
use runtime::{Context, Emits, Handler, reply};
use serde::Deserialize;

/// Writes a summary.
///
/// Effects: reads one blob. The same passages give the same summary.
pub struct WriteSummary {
    /// At most so many.
    sentences: usize,
}

impl WriteSummary {
    /// Of at most so many sentences.
    pub fn of(sentences: usize) -> Self {
        Self { sentences }
    }
}

impl Handler for WriteSummary {
    type Message = records::WriteSummary;
    type Error = SummaryError;

    async fn handle(
        &self,
        ask: records::WriteSummary,
        cx: &Context,
    ) -> Result<Emits, SummaryError> {
        let bytes = cx.blobs().read(&ask.passages).await?; // the tenant's own: another's cannot be named
        let most = self.sentences;
        let text = cx.compute(move || summary(&bytes, most)).await??; // blocks, may panic
        Ok(reply(SummaryWritten { text }))
    }
}

/// What is read of a passage.
#[derive(Deserialize)]
struct Passage {
    text: String,
}

/// The first sentences; pure.
fn summary(bytes: &[u8], most: usize) -> Result<String, SummaryError> {
    let passages: Vec<Passage> = serde_json::from_slice(bytes)?;
    let sentences = passages
        .iter()
        .flat_map(|passage| passage.text.split_inclusive('.'));
    let first: Vec<&str> = sentences
        .map(str::trim)
        .filter(|sentence| sentence.len() > 1)
        .take(most)
        .collect();
    if first.is_empty() {
        return Err(SummaryError::NothingToSay);
    }
    Ok(first.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::testkit::handlers::given;
    use runtime::{Retry, Verdict};

    fn ask() -> records::WriteSummary {
        records::WriteSummary {
            document: "d1".into(),
            passages: "p".into(),
        }
    }

    #[tokio::test]
    async fn the_first_sentences_are_the_summary() {
        let passages = br#"[{"text":"It opens at nine. It closes at five. Dogs wait."}]"#;
        let then = given(WriteSummary::of(2)).await.with_blob("p", passages);
        then.when(ask()).await.emits(reply(SummaryWritten {
            text: "It opens at nine. It closes at five.".into(),
        }));
    }
    #[tokio::test]
    async fn a_document_without_a_sentence_is_refused() {
        let then = given(WriteSummary::of(2)).await.with_blob("p", b"[]");
        let refused = Verdict::Refuse("summaries.nothing_to_say");
        then.when(ask()).await.fails(refused);
    }
    #[tokio::test]
    async fn passages_that_are_none_are_a_dead_letter() {
        let then = given(WriteSummary::of(2)).await.with_blob("p", b"{");
        let dead = Verdict::DeadLetter("summaries.passages_unreadable");
        then.when(ask()).await.fails(dead);
    }
    #[tokio::test]
    async fn a_store_that_is_down_is_waited_for() {
        let then = given(WriteSummary::of(2)).await.with_blobs_unreachable();
        let waits = Verdict::Retry(Retry::WhenUp("blobs".into()));
        then.when(ask()).await.fails(waits);
    }
}
