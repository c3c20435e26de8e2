//! What can go wrong with an endpoint, told apart as finely as somebody can act on it.
use runtime::ports::providers::ModelError;
use std::time::Duration;

/// How long to wait if an endpoint that has had enough does not say.
const WAIT: Duration = Duration::from_secs(5);

/// Why a call to an endpoint did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// No connection: nobody listens, no such name, no trust.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// It did not say anything for too long.
    #[error("nothing came within {} ms, {while_}", limit.as_millis())]
    Timeout {
        /// What was waited for.
        while_: &'static str,
        /// How long.
        limit: Duration,
    },
    /// 429: it has had enough for now.
    #[error("too many requests")]
    Busy {
        /// Its `Retry-After`.
        wait: Option<Duration>,
    },
    /// 5xx: it cannot now.
    #[error("status {status}: {said}")]
    Broken {
        /// The status.
        status: u16,
        /// The beginning of what it said.
        said: String,
    },
    /// 4xx and redirects: it does not take what it is given.
    #[error("status {status}: {said}")]
    Refused {
        /// The status.
        status: u16,
        /// The beginning of what it said.
        said: String,
    },
    /// It answered something else than was agreed.
    #[error("not what was agreed: {0}")]
    Nonsense(String),
    /// The answer broke off.
    #[error("the answer broke off after {0} bytes")]
    Truncated(usize),
    /// Its breaker is open.
    #[error("it failed a moment ago")]
    Open,
}

impl ProviderError {
    /// Whether the endpoint did its part: then its breaker stays closed.
    pub(crate) fn is_up(&self) -> bool {
        match self {
            Self::Refused { .. } => true,
            Self::Unreachable(_)
            | Self::Timeout { .. }
            | Self::Busy { .. }
            | Self::Broken { .. }
            | Self::Nonsense(_)
            | Self::Truncated(_)
            | Self::Open => false,
        }
    }
}

/// The name of an endpoint's breaker.
pub(crate) fn breaker(endpoint: &str) -> String {
    format!("model/{endpoint}")
}

/// As the workers understand it.
pub(crate) fn model_error(endpoint: &str, e: ProviderError) -> ModelError {
    let (endpoint, why) = (breaker(endpoint), e.to_string());
    match e {
        ProviderError::Unreachable(_)
        | ProviderError::Timeout { .. }
        | ProviderError::Broken { .. }
        | ProviderError::Truncated(_)
        | ProviderError::Open => ModelError::Unavailable { endpoint, why },
        ProviderError::Busy { wait } => ModelError::Busy {
            endpoint,
            wait: wait.unwrap_or(WAIT),
        },
        ProviderError::Refused { .. } => ModelError::Refused { endpoint, why },
        ProviderError::Nonsense(_) => ModelError::Nonsense { endpoint, why },
    }
}
