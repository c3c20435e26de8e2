//! Several models in order of preference: the first that can answers.
use crate::error::{breaker, model_error};
use crate::guarded::guarded;
use crate::{ExtractiveAnswerer, OpenAiChat, ProviderError};
use answers::ports::{Models, Pieces, Written};
use answers::prompt::Prompt;
use runtime::BoxFuture;
use runtime::breaker::Breakers;
use runtime::ports::providers::ModelError;

/// A model that can be asked.
#[derive(Clone)]
#[allow(clippy::large_enum_variant)] // a process has a handful
pub enum Model {
    /// Over the network.
    OpenAi(OpenAiChat),
    /// Without one.
    Extractive(ExtractiveAnswerer),
}

impl Model {
    /// Its provider's name.
    fn endpoint(&self) -> &str {
        match self {
            Self::OpenAi(chat) => chat.endpoint(),
            Self::Extractive(_) => crate::extractive::PROVIDER,
        }
    }
    async fn write(&self, prompt: &Prompt, to: &mut Pieces) -> Result<Written, ProviderError> {
        match self {
            Self::OpenAi(chat) => chat.write(prompt, to).await,
            Self::Extractive(answerer) => Ok(answerer.write(prompt, to).await),
        }
    }
}

/// Models in order of preference, each with its breaker, `model/<endpoint>`. Who answered is in the answer.
#[derive(Clone)]
pub struct Preference {
    models: Vec<Model>,
    breakers: Breakers,
}

impl Preference {
    /// The preferred one first. The breakers are the process's.
    pub fn new(models: Vec<Model>, breakers: Breakers) -> Self {
        Self { models, breakers }
    }

    async fn first_that_can(
        &self,
        prompt: &Prompt,
        to: &mut Pieces,
    ) -> Result<Written, ModelError> {
        let mut first_failure: Option<ModelError> = None;
        for model in &self.models {
            let name = model.endpoint();
            match guarded(&self.breakers, name, model.write(prompt, to)).await {
                Ok(written) => return Ok(written),
                Err(e) => {
                    tracing::warn!(endpoint = name, error = %e, "a model did not answer; the next is asked");
                    to.begin_again().await;
                    let failure = model_error(name, e);
                    // Worth trying again outweighs not: what can be waited for is waited for.
                    let better = first_failure
                        .as_ref()
                        .is_none_or(|first| is_final(first) && !is_final(&failure));
                    if better {
                        first_failure = Some(failure);
                    }
                }
            }
        }
        let none = || ModelError::Refused {
            endpoint: breaker("none"),
            why: "no model is configured".into(),
        };
        Err(first_failure.unwrap_or_else(none))
    }
}

fn is_final(e: &ModelError) -> bool {
    match e {
        ModelError::Refused { .. } => true,
        ModelError::Unavailable { .. } | ModelError::Busy { .. } | ModelError::Nonsense { .. } => {
            false
        }
    }
}

impl Models for Preference {
    fn answer<'a>(
        &'a self,
        prompt: &'a Prompt,
        to: &'a mut Pieces,
    ) -> BoxFuture<'a, Result<Written, ModelError>> {
        Box::pin(self.first_that_can(prompt, to))
    }
}
