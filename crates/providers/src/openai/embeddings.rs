//! Embeddings.
use super::http::{Caller, within};
use super::{Endpoint, InvalidEndpoint};
use crate::ProviderError;
use serde::Deserialize;
use serde_json::json;

/// Bytes that a number of a vector may have as JSON.
const NUMBER: usize = 32;
/// Bytes that the rest of an answer may have.
const REST: usize = 1 << 20;

/// An embedding model behind an endpoint.
#[derive(Clone, Debug)]
pub struct OpenAiEmbedder {
    caller: Caller,
    dimensions: usize,
    similar_from: f32,
}

impl OpenAiEmbedder {
    /// Its vectors have `dimensions` numbers; passages are worth a look from the cosine `similar_from` on, which is a
    /// matter of the model (0.3 suits most).
    ///
    /// # Errors
    /// [`InvalidEndpoint`].
    pub fn new(
        endpoint: Endpoint,
        dimensions: usize,
        similar_from: f32,
    ) -> Result<Self, InvalidEndpoint> {
        Ok(Self {
            caller: Caller::new(endpoint, "embeddings")?,
            dimensions,
            similar_from,
        })
    }
    /// What we call it.
    pub fn endpoint(&self) -> &str {
        &self.caller.endpoint.name
    }
    /// As the endpoint calls it.
    pub fn model(&self) -> &str {
        &self.caller.endpoint.model
    }
    /// Numbers of a vector.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }
    /// The cosine from which on a passage is worth a look.
    pub fn similar_from(&self) -> f32 {
        self.similar_from
    }

    /// A vector for each text, in order.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn vectors(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, ProviderError> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let endpoint = &self.caller.endpoint;
        let call = async {
            let body = json!({ "model": endpoint.model, "input": texts });
            let response = self.caller.post(&body).await?;
            let limit = REST + texts.len() * self.dimensions * NUMBER;
            self.caller.whole(response, limit).await
        };
        let bytes = within(endpoint.first(), "for embeddings", call).await?;
        self.read(&bytes, texts.len())
    }

    fn read(&self, bytes: &[u8], wanted: usize) -> Result<Vec<Vec<f32>>, ProviderError> {
        let nonsense = |why: String| Err(ProviderError::Nonsense(why));
        let answer: Answer = match serde_json::from_slice(bytes) {
            Ok(answer) => answer,
            Err(e) => return nonsense(e.to_string()),
        };
        let mut data = answer.data;
        data.sort_by_key(|one| one.index);
        if data.len() != wanted || !data.iter().map(|one| one.index).eq(0..wanted) {
            return nonsense(format!(
                "{} vectors for {wanted} texts, or not one for each",
                data.len()
            ));
        }
        for one in &data {
            if one.embedding.len() != self.dimensions
                || !one.embedding.iter().all(|x| x.is_finite())
            {
                return nonsense(format!(
                    "a vector of {} numbers, not {}",
                    one.embedding.len(),
                    self.dimensions
                ));
            }
        }
        Ok(data.into_iter().map(|one| one.embedding).collect())
    }
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<One>,
}
#[derive(Deserialize)]
struct One {
    index: usize,
    embedding: Vec<f32>,
}
