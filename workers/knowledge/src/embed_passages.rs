//! Effect: passages become vectors, staged in the index under their revision; nobody finds them yet.
use crate::KnowledgeError;
use crate::passages::{self, Passage};
use events::knowledge::Embedded;
use runtime::ports::providers::Embedder;
use runtime::ports::search::{IndexedPassage, Revision};
use runtime::{Context, Emits, Handler, reply};
use std::sync::Arc;

/// Passages embedded and staged at a time: what a request to a remote model holds, and short enough for the index's
/// write transaction.
const BATCH: usize = 32;

/// Embeds the passages of a revision and stages them.
///
/// Effects: reads one blob; stages under (document, revision), which never overwrites (O2). Again is the same.
pub struct EmbedPassages {
    embedder: Arc<dyn Embedder>,
}

impl EmbedPassages {
    /// With this embedder.
    pub fn with(embedder: Arc<dyn Embedder>) -> Self {
        Self { embedder }
    }

    async fn vectors(&self, passages: &[Passage]) -> Result<Vec<Vec<f32>>, KnowledgeError> {
        let texts: Vec<String> = passages.iter().map(embedded_text).collect();
        let mut vectors = self.embedder.embed(&texts).await?;
        let bad = |why: String| KnowledgeError::BadVectors {
            model: self.embedder.model().to_owned(),
            why,
        };
        if vectors.len() != texts.len() {
            return Err(bad(format!("{} for {} texts", vectors.len(), texts.len())));
        }
        for vector in &mut vectors {
            if vector.len() != self.embedder.dimensions() {
                return Err(bad(format!(
                    "{} numbers, not {}",
                    vector.len(),
                    self.embedder.dimensions()
                )));
            }
            to_unit_length(vector).ok_or_else(|| bad("one of no length".into()))?;
        }
        Ok(vectors)
    }
}

impl Handler for EmbedPassages {
    type Message = events::knowledge::EmbedPassages;
    type Error = KnowledgeError;

    async fn handle(&self, asked: Self::Message, cx: &Context) -> Result<Emits, KnowledgeError> {
        let bytes = cx.blobs().read(&asked.passages.id).await?;
        let passages = cx.compute(move || passages::decode(&bytes)).await??;
        let revision = Revision {
            chatbot: asked.chatbot,
            document: asked.document,
            name: asked.name,
            revision: asked.revision,
        };
        if passages.is_empty() {
            cx.search().stage(&revision, Vec::new()).await?; // so that there is a revision to publish
        }
        let mut embedded = 0;
        for batch in passages.chunks(BATCH) {
            let vectors = self.vectors(batch).await?;
            embedded += vectors.len();
            let staged = batch
                .iter()
                .zip(vectors)
                .map(|(passage, vector)| indexed(passage, vector))
                .collect();
            cx.search().stage(&revision, staged).await?;
        }
        let stored = cx
            .search()
            .count(&revision.document, &revision.revision)
            .await?
            .stored;
        let Revision {
            document, revision, ..
        } = revision;
        Ok(reply(Embedded {
            document,
            revision,
            embedded: count(embedded as u64),
            stored: count(stored),
        }))
    }
}

/// A count as it travels.
pub(crate) fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Headings say what a passage is about; its own words often do not.
fn embedded_text(passage: &Passage) -> String {
    if passage.headings.is_empty() {
        return passage.text.clone();
    }
    format!("{}\n{}", passage.headings.join("\n"), passage.text)
}

fn indexed(passage: &Passage, vector: Vec<f32>) -> IndexedPassage {
    IndexedPassage {
        ordinal: passage.ordinal,
        text: passage.text.clone(),
        heading: passage.headings.join(" › "),
        page: passage.page,
        vector,
    }
}

/// `None` if it has no length, or is not made of numbers.
fn to_unit_length(vector: &mut [f32]) -> Option<()> {
    let length = vector
        .iter()
        .map(|x| f64::from(*x) * f64::from(*x))
        .sum::<f64>()
        .sqrt();
    if !length.is_finite() || length <= 0.0 {
        return None;
    }
    for x in vector {
        *x = (f64::from(*x) / length) as f32;
    }
    Some(())
}
