//! Who writes answers and who embeds passages: the endpoints of the configuration, or nobody outside.
use super::StartError;
use crate::config::{self, Endpoint};
use providers::{
    ExtractiveAnswerer, Guarded, LexicalEmbedder, Model, OpenAiChat, OpenAiEmbedder, Preference,
};
use runtime::breaker::Breakers;
use runtime::ports::providers::Embedder;
use std::sync::Arc;

/// The cosine from which on a passage is worth a look although it shares no word with the question.
const SIMILAR_FROM: f32 = 0.3;

/// What the workers are given.
pub(super) struct Models {
    /// For passages.
    pub of_passages: Arc<dyn Embedder>,
    /// For questions: the same embedder.
    pub of_questions: Arc<dyn Embedder>,
    /// In order of preference.
    pub writers: Arc<dyn answers::ports::Models>,
}

impl Models {
    /// As configured.
    ///
    /// # Errors
    /// If an endpoint cannot be used.
    pub(super) fn of(models: &config::Models, breakers: &Breakers) -> Result<Self, StartError> {
        let mut writers = vec![];
        for endpoint in &models.chat {
            let chat = OpenAiChat::new(called(endpoint)?)
                .map_err(|e| StartError::Models(e.to_string()))?;
            writers.push(Model::OpenAi(chat));
        }
        if models.offline_fallback || writers.is_empty() {
            writers.push(Model::Extractive(ExtractiveAnswerer));
        }
        let writers = Arc::new(Preference::new(writers, breakers.clone()));
        Ok(match models.embedding.as_slice() {
            [] => {
                let embedder = Arc::new(LexicalEmbedder);
                Self {
                    of_passages: embedder.clone(),
                    of_questions: embedder,
                    writers,
                }
            }
            [endpoint] => {
                let embedder = Arc::new(Guarded::new(embedder(endpoint)?, breakers.clone()));
                Self {
                    of_passages: embedder.clone(),
                    of_questions: embedder,
                    writers,
                }
            }
            _ => {
                let why = "models.embedding names several endpoints, and an index belongs to one model: keep one";
                return Err(StartError::Models(why.into()));
            }
        })
    }
}

/// The model that embeds: an index belongs to one.
///
/// # Errors
/// If its endpoint cannot be used.
pub(super) fn model(models: &config::Models) -> Result<cluster::cluster::Model, StartError> {
    let (name, dimensions) = match models.embedding.first() {
        None => (LexicalEmbedder.model(), LexicalEmbedder.dimensions()),
        Some(endpoint) => (endpoint.model.as_str(), dimensions(endpoint)?),
    };
    Ok(cluster::cluster::Model {
        name: name.to_owned(),
        dimensions,
    })
}

fn dimensions(endpoint: &Endpoint) -> Result<usize, StartError> {
    endpoint.dimensions.ok_or_else(|| {
        let name = &endpoint.name;
        StartError::Models(format!("models.embedding {name} needs `dimensions`"))
    })
}

fn embedder(endpoint: &Endpoint) -> Result<OpenAiEmbedder, StartError> {
    OpenAiEmbedder::new(called(endpoint)?, dimensions(endpoint)?, SIMILAR_FROM)
        .map_err(|e| StartError::Models(e.to_string()))
}

/// As the provider wants it, with its key.
fn called(endpoint: &Endpoint) -> Result<providers::Endpoint, StartError> {
    let mut called = providers::Endpoint::new(&endpoint.name, &endpoint.url, &endpoint.model);
    called.api_key = endpoint.key()?.map(Into::into);
    called.first_ms = endpoint.first_s * 1_000;
    called.total_ms = endpoint.timeout_s * 1_000;
    Ok(called)
}
