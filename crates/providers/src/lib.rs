//! The outside world: models that write answers, and embedders.
//!
//! - [`LexicalEmbedder`], [`ExtractiveAnswerer`]: the defaults, without any network, the same for ever;
//! - [`openai`]: any endpoint that speaks OpenAI's chat completions and embeddings;
//! - [`Preference`]: several models in order, with a breaker each; [`Guarded`]: an embedder with its breaker;
//! - [`Secret`]: keys that do not print.
//!
//! Base URLs are the operator's configuration, never a tenant's: no guard stands before them.

mod error;
pub mod extractive;
mod guarded;
mod lexical;
pub mod openai;
mod preference;
mod secret;
#[cfg(test)]
mod tests;

pub use error::ProviderError;
pub use extractive::ExtractiveAnswerer;
pub use guarded::Guarded;
pub use lexical::LexicalEmbedder;
pub use openai::{Endpoint, OpenAiChat, OpenAiEmbedder};
pub use preference::{Model, Preference};
pub use secret::Secret;
