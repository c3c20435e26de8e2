//! What an operator says of the cluster: the section `[cluster]` of the configuration, and what clients are made of.
//!
//! Nothing here is a secret: passwords and keys are read from the environment variables that the settings name, so that no
//! file and no listing ever holds them. [`Secret`] does not print.
mod kafka;
mod ports;

pub use kafka::{Kafka, Security};

use crate::secret::Secret;
use serde::Deserialize;

/// The section `[cluster]`. Empty means: not there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The installation's name: transactional ids begin with it (K3).
    pub name: String,
    /// Kafka's bootstrap addresses, with commas between; empty: there is no cluster.
    pub kafka: String,
    /// The id of that cluster; nothing is ever applied to another.
    pub kafka_id: String,
    /// `plaintext`, `ssl`, `sasl_plaintext` or `sasl_ssl`.
    pub kafka_security: Security,
    /// `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`.
    pub kafka_mechanism: String,
    /// The user, for SASL.
    pub kafka_user: String,
    /// The environment variable with the user's password.
    pub kafka_password_env: String,
    /// A PEM file with the authorities to be trusted; empty: those of the system.
    pub kafka_ca: String,
    /// On how many brokers each new topic has a copy.
    pub kafka_replication: i32,
    /// Groups of others, which may read beside ours: names, or beginnings followed by `*`.
    pub kafka_groups_of_others: Vec<String>,
    /// The schema registry's base address.
    pub registry: String,
    /// Its user, for basic authentication.
    pub registry_user: String,
    /// The environment variable with that user's password.
    pub registry_password_env: String,
    /// The environment variable with MongoDB's address, which may hold a password; used if `mongodb` is empty.
    pub mongodb_env: String,
    /// MongoDB's address.
    pub mongodb: String,
    /// The database in it.
    pub mongodb_database: String,
    /// Qdrant's address (gRPC).
    pub qdrant: String,
    /// The environment variable with its key; empty: it needs none.
    pub qdrant_key_env: String,
    /// The object store's address; empty: that of AWS.
    pub s3_endpoint: String,
    /// Its region.
    pub s3_region: String,
    /// Where blobs are.
    pub s3_bucket: String,
    /// The environment variable with the access key's id.
    pub s3_key_env: String,
    /// The environment variable with the access key's secret.
    pub s3_secret_env: String,
}

/// Why no client can be made of the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A setting that is needed is empty.
    #[error("cluster.{setting} is not set: {what}")]
    Missing {
        /// Its key under `[cluster]`.
        setting: &'static str,
        /// What it says.
        what: &'static str,
    },
    /// A setting cannot be meant.
    #[error("cluster.{setting} is {found:?}: {expected}")]
    Wrong {
        /// Its key under `[cluster]`.
        setting: &'static str,
        /// As it was written.
        found: String,
        /// What it may be.
        expected: &'static str,
    },
    /// The environment variable that a setting names is not there.
    #[error("cluster.{setting} names the environment variable {variable}, which is not set")]
    NoVariable {
        /// Its key under `[cluster]`.
        setting: &'static str,
        /// The variable.
        variable: String,
    },
}

/// Where secrets are looked up: the process's environment, or a test's table.
pub trait Environment {
    /// The value of a variable.
    fn get(&self, variable: &str) -> Option<String>;
}
/// The environment of this process.
#[derive(Clone, Copy, Debug)]
pub struct Process;
impl Environment for Process {
    fn get(&self, variable: &str) -> Option<String> {
        std::env::var(variable).ok()
    }
}
impl Environment for std::collections::BTreeMap<String, String> {
    fn get(&self, variable: &str) -> Option<String> {
        std::collections::BTreeMap::get(self, variable).cloned()
    }
}

/// Where the schema registry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryAt {
    /// Its base address, without a slash at the end.
    pub url: String,
    /// Name and password, if it wants them.
    pub user: Option<(String, Secret)>,
}

/// Where MongoDB is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MongoAt {
    /// Its address, with the password if there is one.
    pub url: Secret,
    /// The database.
    pub database: String,
}

/// Where Qdrant is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QdrantAt {
    /// Its address.
    pub url: String,
    /// Its key, if it wants one.
    pub key: Option<Secret>,
}

/// Where the object store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3At {
    /// Its address; `None` for AWS.
    pub endpoint: Option<String>,
    /// Its region.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// Id and secret of the access key; `None`: whatever the machine is given by its surroundings.
    pub key: Option<(Secret, Secret)>,
}

impl Settings {
    /// Whether there is a cluster at all.
    pub fn is_configured(&self) -> bool {
        !self.kafka.is_empty()
    }

    /// The schema registry.
    ///
    /// # Errors
    /// [`SettingsError`] if it is not set, or the variable with its password is not there.
    pub fn registry(&self, env: &dyn Environment) -> Result<RegistryAt, SettingsError> {
        let url = needed("registry", &self.registry, "the schema registry's address")?;
        let password = secret(env, "registry_password_env", &self.registry_password_env)?;
        let user = match (self.registry_user.as_str(), password) {
            ("", None) => None,
            ("", Some(_)) => {
                return Err(missing("registry_user", "the user of that password"));
            }
            (_, None) => {
                return Err(missing(
                    "registry_password_env",
                    "the variable with the user's password",
                ));
            }
            (user, Some(password)) => Some((user.to_owned(), password)),
        };
        Ok(RegistryAt {
            url: url.trim_end_matches('/').to_owned(),
            user,
        })
    }

    /// MongoDB.
    ///
    /// # Errors
    /// [`SettingsError`] if it is not set, or the variable with its address is not there.
    pub fn mongodb(&self, env: &dyn Environment) -> Result<MongoAt, SettingsError> {
        let url = match self.mongodb.as_str() {
            "" => secret(env, "mongodb_env", &self.mongodb_env)?
                .ok_or_else(|| missing("mongodb", "MongoDB's address"))?,
            url => Secret::from(url),
        };
        let database = needed(
            "mongodb_database",
            &self.mongodb_database,
            "the database in it",
        )?;
        Ok(MongoAt {
            url,
            database: database.to_owned(),
        })
    }

    /// Qdrant.
    ///
    /// # Errors
    /// [`SettingsError`] if it is not set, or the variable with its key is not there.
    pub fn qdrant(&self, env: &dyn Environment) -> Result<QdrantAt, SettingsError> {
        Ok(QdrantAt {
            url: needed("qdrant", &self.qdrant, "Qdrant's address")?.to_owned(),
            key: secret(env, "qdrant_key_env", &self.qdrant_key_env)?,
        })
    }

    /// The object store.
    ///
    /// # Errors
    /// [`SettingsError`] if there is no bucket, or a variable is not there.
    pub fn s3(&self, env: &dyn Environment) -> Result<S3At, SettingsError> {
        let id = secret(env, "s3_key_env", &self.s3_key_env)?;
        let secret = secret(env, "s3_secret_env", &self.s3_secret_env)?;
        let key = match (id, secret) {
            (Some(id), Some(secret)) => Some((id, secret)),
            (None, None) => None,
            (Some(_), None) => {
                return Err(missing("s3_secret_env", "the variable with the secret"));
            }
            (None, Some(_)) => return Err(missing("s3_key_env", "the variable with the id")),
        };
        Ok(S3At {
            endpoint: Some(self.s3_endpoint.clone()).filter(|endpoint| !endpoint.is_empty()),
            region: needed("s3_region", &self.s3_region, "the object store's region")?.to_owned(),
            bucket: needed("s3_bucket", &self.s3_bucket, "where blobs are kept")?.to_owned(),
            key,
        })
    }
}

fn missing(setting: &'static str, what: &'static str) -> SettingsError {
    SettingsError::Missing { setting, what }
}
fn needed<'a>(
    setting: &'static str,
    value: &'a str,
    what: &'static str,
) -> Result<&'a str, SettingsError> {
    if value.is_empty() {
        return Err(missing(setting, what));
    }
    Ok(value)
}
/// What stands in the variable that a setting names; `None` if it names none.
fn secret(
    env: &dyn Environment,
    setting: &'static str,
    variable: &str,
) -> Result<Option<Secret>, SettingsError> {
    if variable.is_empty() {
        return Ok(None);
    }
    let found = env.get(variable).filter(|value| !value.is_empty());
    let found = found.ok_or_else(|| SettingsError::NoVariable {
        setting,
        variable: variable.to_owned(),
    })?;
    Ok(Some(Secret::from(found)))
}

#[cfg(test)]
mod tests;
