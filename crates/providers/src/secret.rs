//! Keys that do not print.
use serde::Deserialize;
use std::fmt;

/// A key. It can be read from configuration and sent in a header; it is never printed and never written.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The key itself, for the header.
    pub fn expose(&self) -> &str {
        &self.0
    }
}
impl From<String> for Secret {
    fn from(key: String) -> Self {
        Self(key)
    }
}
impl From<&str> for Secret {
    fn from(key: &str) -> Self {
        Self(key.to_owned())
    }
}
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print() {
        let secret = Secret::from("sk-123");
        assert_eq!(
            (format!("{secret:?}").as_str(), secret.expose()),
            ("Secret", "sk-123")
        );
    }
}
