//! Where Kafka is, and how its clients prove who they are.
use super::{Environment, Settings, SettingsError, missing, needed, secret};
use crate::secret::Secret;
use rdkafka::ClientConfig;
use serde::Deserialize;

/// What stands between us and a broker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// Nothing.
    #[default]
    Plaintext,
    /// TLS.
    Ssl,
    /// A password, sent over an open connection.
    SaslPlaintext,
    /// TLS, and a password.
    SaslSsl,
}
impl Security {
    fn word(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Ssl => "ssl",
            Self::SaslPlaintext => "sasl_plaintext",
            Self::SaslSsl => "sasl_ssl",
        }
    }
    fn wants_user(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }
}

const MECHANISMS: &[&str] = &["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];

/// How Kafka is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kafka {
    /// Its bootstrap addresses, with commas between.
    pub bootstrap: String,
    /// What stands between.
    pub security: Security,
    /// Mechanism, user and password, where the security wants them.
    pub user: Option<(String, String, Secret)>,
    /// A PEM file with authorities; `None`: those of the system.
    pub ca: Option<String>,
}

impl Kafka {
    /// An open one, as tests have it.
    pub fn plaintext(bootstrap: impl Into<String>) -> Self {
        Self {
            bootstrap: bootstrap.into(),
            security: Security::Plaintext,
            user: None,
            ca: None,
        }
    }

    /// What every client of this cluster begins with.
    pub fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.bootstrap)
            .set("security.protocol", self.security.word());
        if let Some((mechanism, user, password)) = &self.user {
            config
                .set("sasl.mechanism", mechanism)
                .set("sasl.username", user)
                .set("sasl.password", password.expose());
        }
        if let Some(ca) = &self.ca {
            config.set("ssl.ca.location", ca);
        }
        config
    }
}

impl Settings {
    /// Kafka.
    ///
    /// # Errors
    /// [`SettingsError`] if it is not set, or not as its security wants it.
    pub fn kafka(&self, env: &dyn Environment) -> Result<Kafka, SettingsError> {
        let bootstrap = needed("kafka", &self.kafka, "Kafka's bootstrap addresses")?;
        let user = match self.kafka_security.wants_user() {
            false => None,
            true => Some(self.kafka_user(env)?),
        };
        Ok(Kafka {
            bootstrap: bootstrap.to_owned(),
            security: self.kafka_security,
            user,
            ca: Some(self.kafka_ca.clone()).filter(|ca| !ca.is_empty()),
        })
    }

    fn kafka_user(&self, env: &dyn Environment) -> Result<(String, String, Secret), SettingsError> {
        if !MECHANISMS.contains(&self.kafka_mechanism.as_str()) {
            return Err(SettingsError::Wrong {
                setting: "kafka_mechanism",
                found: self.kafka_mechanism.clone(),
                expected: "it may be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512",
            });
        }
        let user = needed("kafka_user", &self.kafka_user, "SASL wants a user")?;
        let password = secret(env, "kafka_password_env", &self.kafka_password_env)?
            .ok_or_else(|| missing("kafka_password_env", "the variable with the password"))?;
        Ok((self.kafka_mechanism.clone(), user.to_owned(), password))
    }
}
