//! What an operator decides about the edge.
use events::TenantId;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use subtle::ConstantTimeEq;

/// The SHA-256 of an API key. The key itself is kept nowhere (G3).
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct KeyHash([u8; 32]);

/// A text that is not a SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sha256 of a key is 64 hexadecimal digits")]
pub struct NotAHash;

impl KeyHash {
    /// Of a key in the clear.
    pub fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }
    /// Takes the same time whatever the keys have in common.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}
impl TryFrom<String> for KeyHash {
    type Error = NotAHash;
    fn try_from(text: String) -> Result<Self, NotAHash> {
        let digit = |c: u8| {
            (c as char)
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        };
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let bytes: Option<Vec<u8>> = pairs
            .iter()
            .map(|[a, b]| Some(digit(*a)? << 4 | digit(*b)?))
            .collect();
        let bytes = bytes.filter(|_| rest.is_empty()).ok_or(NotAHash)?;
        bytes.try_into().map(Self).map_err(|_| NotAHash)
    }
}
impl std::fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyHash(…)")
    }
}

/// Who may come in, and as whom.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKey {
    /// Whose data the key opens: this tenant's, and nobody else's.
    pub tenant: TenantId,
    /// Names the principal, for logs and for idempotency: two keys of a tenant never share an `Idempotency-Key`.
    pub name: String,
    /// Of the key.
    pub sha256: KeyHash,
}

/// Who looks after the whole house: dead letters and stuck sagas of every tenant, and nothing else.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorKey {
    /// Names the operator, for logs.
    pub name: String,
    /// Of the key.
    pub sha256: KeyHash,
}

/// Bounds on what may come in.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The largest uploaded file, in bytes.
    pub upload_bytes: u64,
    /// The most files in one multipart upload.
    pub files: usize,
    /// The largest JSON body, in bytes.
    pub body_bytes: usize,
    /// The largest body of a question, in bytes.
    pub question_bytes: usize,
    /// The longest question, in characters.
    pub question_chars: usize,
    /// How long a request waits for its answer if it does not say, in seconds.
    pub default_wait_s: u64,
    /// The longest that a request may wait, in seconds.
    pub max_wait_s: u64,
    /// Requests and streams at once; above it 503.
    pub concurrency: usize,
    /// Requests and streams of one tenant at once; above it 429.
    pub concurrency_per_tenant: usize,
    /// Documents of one tenant that are brought in at once; more wait at the door, and above that 429.
    pub documents_per_tenant: usize,
    /// How long requests in flight may take to finish when the edge stops, in seconds.
    pub stop_s: u64,
    /// How long a body may be silent while it is sent, in seconds.
    pub body_silence_s: u64,
    /// A silent stream of events says so often that it is alive, in seconds.
    pub keep_alive_s: u64,
}
impl Default for Limits {
    fn default() -> Self {
        Self {
            upload_bytes: 64 << 20,
            files: 50,
            body_bytes: 1 << 20,
            question_bytes: 64 << 10,
            question_chars: 4_000,
            default_wait_s: 10,
            max_wait_s: 60,
            concurrency: 2_048,
            concurrency_per_tenant: 512,
            documents_per_tenant: 32,
            stop_s: 10,
            body_silence_s: 30,
            keep_alive_s: 15,
        }
    }
}
impl Limits {
    pub(crate) fn default_wait(&self) -> Duration {
        Duration::from_secs(self.default_wait_s.min(self.max_wait_s))
    }
    pub(crate) fn max_wait(&self) -> Duration {
        Duration::from_secs(self.max_wait_s)
    }
}

/// What an operator decides about the edge.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EdgeConfig {
    /// Where it listens; for whoever opens the listener.
    pub listen: SocketAddr,
    /// Who may come in. None: nobody.
    pub keys: Vec<ApiKey>,
    /// Who looks after it. None: nobody, over HTTP.
    pub operators: Vec<OperatorKey>,
    /// Bounds on what may come in.
    pub limits: Limits,
    /// The web pages that may call it from a browser, as origins (`https://example.org`); `*` for any.
    pub cors_origins: Vec<String>,
}
impl Default for EdgeConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            keys: vec![],
            operators: vec![],
            limits: Limits::default(),
            cors_origins: vec![],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_its_hash_in_hexadecimal() {
        let hash = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"; // of "secret"
        let read = KeyHash::try_from(hash.to_owned()).expect("a hash");
        assert!(read.matches(&KeyHash::of("secret")));
        assert!(!read.matches(&KeyHash::of("Secret")));
        for wrong in ["", "2b", "zz", &hash[1..], &format!("{hash}00")] {
            assert_eq!(
                KeyHash::try_from(wrong.to_owned()),
                Err(NotAHash),
                "{wrong}"
            );
        }
    }
    #[test]
    fn unknown_settings_are_refused() {
        assert!(serde_json::from_str::<EdgeConfig>(r#"{"lisen": "127.0.0.1:1"}"#).is_err());
        assert!(serde_json::from_str::<EdgeConfig>("{}").is_ok());
    }
}
