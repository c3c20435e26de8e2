//! A call through its endpoint's breaker (D2).
use crate::ProviderError;
use crate::error::{breaker, model_error};
use crate::openai::OpenAiEmbedder;
use runtime::BoxFuture;
use runtime::breaker::Breakers;
use runtime::ports::providers::{Embedder, ModelError};

/// Calls if the breaker lets it, and tells the breaker what came of it.
pub(crate) async fn guarded<T>(
    breakers: &Breakers,
    endpoint: &str,
    call: impl Future<Output = Result<T, ProviderError>>,
) -> Result<T, ProviderError> {
    let dependency = breaker(endpoint);
    breakers
        .admit(&dependency)
        .map_err(|_| ProviderError::Open)?;
    let result = call.await;
    match &result {
        Ok(_) => breakers.succeeded(&dependency),
        Err(e) if e.is_up() => breakers.succeeded(&dependency),
        Err(e) => breakers.failed(&dependency, &e.to_string()),
    }
    result
}

/// An embedder with its breaker.
#[derive(Clone)]
pub struct Guarded {
    embedder: OpenAiEmbedder,
    breakers: Breakers,
}

impl Guarded {
    /// Of the process's breakers, so that whoever waits for the endpoint is woken when it is up.
    pub fn new(embedder: OpenAiEmbedder, breakers: Breakers) -> Self {
        Self { embedder, breakers }
    }
    async fn vectors(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, ModelError> {
        let name = self.embedder.endpoint();
        let vectors = guarded(&self.breakers, name, self.embedder.vectors(texts)).await;
        vectors.map_err(|e| model_error(name, e))
    }
}

impl Embedder for Guarded {
    fn model(&self) -> &str {
        self.embedder.model()
    }
    fn dimensions(&self) -> usize {
        self.embedder.dimensions()
    }
    fn similar_from(&self) -> Option<f32> {
        Some(self.embedder.similar_from())
    }
    fn embed<'a>(
        &'a self,
        texts: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Vec<f32>>, ModelError>> {
        Box::pin(self.vectors(texts))
    }
}
