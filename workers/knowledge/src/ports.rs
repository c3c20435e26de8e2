//! What this worker needs from outside besides the runtime's ports: text to vectors.
use runtime::BoxFuture;
use std::time::Duration;

/// Turns texts into vectors; `providers` implements it.
pub trait Embedder: Send + Sync {
    /// The model's name; vectors of two models cannot be compared.
    fn model(&self) -> &str;
    /// How many numbers a vector has.
    fn dimensions(&self) -> usize;
    /// A vector for each text, in the same order.
    ///
    /// # Errors
    /// [`EmbedError`].
    fn embed<'a>(&'a self, texts: &'a [String])
    -> BoxFuture<'a, Result<Vec<Vec<f32>>, EmbedError>>;
}

/// Why there are no vectors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmbedError {
    /// It did not answer, not in time, or said that it cannot now.
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
    /// It answered something else than vectors.
    #[error("{endpoint} answered nonsense: {why}")]
    Nonsense {
        /// The name of its breaker.
        endpoint: String,
        /// What is wrong with it.
        why: String,
    },
}
