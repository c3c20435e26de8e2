//! What several workers ask of the models outside: vectors of texts; and why a model does not do its work.
use super::BoxFuture;
use std::time::Duration;

/// Turns texts into vectors. What builds the index and what searches in it need the same one.
pub trait Embedder: Send + Sync {
    /// The model's name; vectors of two models cannot be compared.
    fn model(&self) -> &str;
    /// How many numbers a vector has.
    fn dimensions(&self) -> usize;
    /// The cosine from which on a passage may be about a question although they share no word. `None`: this
    /// embedder compares words only, and its similarity alone says nothing.
    fn similar_from(&self) -> Option<f32>;
    /// A vector for each text, in the same order.
    ///
    /// # Errors
    /// [`ModelError`].
    fn embed<'a>(&'a self, texts: &'a [String])
    -> BoxFuture<'a, Result<Vec<Vec<f32>>, ModelError>>;
}

/// Why a model, of words or of vectors, did not do its work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// It did not answer, not in time, not to the end, or said that it cannot now.
    #[error("{endpoint} is not available: {why}")]
    Unavailable {
        /// The name of its breaker, `model/<endpoint>`.
        endpoint: String,
        /// What happened.
        why: String,
    },
    /// It has had enough for now.
    #[error("{endpoint} asks to wait {} s", wait.as_secs())]
    Busy {
        /// The name of its breaker.
        endpoint: String,
        /// How long it asks to wait.
        wait: Duration,
    },
    /// It does not take what it is given: a wrong key, a wrong model, a text that is too long.
    #[error("{endpoint} refuses: {why}")]
    Refused {
        /// The name of its breaker.
        endpoint: String,
        /// What it said.
        why: String,
    },
    /// It answered something else than was agreed.
    #[error("{endpoint} answered nonsense: {why}")]
    Nonsense {
        /// The name of its breaker.
        endpoint: String,
        /// What is wrong with it.
        why: String,
    },
}
