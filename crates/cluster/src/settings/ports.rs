//! From the settings to what each port is opened with.
use super::{Environment, Settings, SettingsError};
use crate::blobs::S3Options;
use crate::log;
use crate::search::QdrantOptions;
use crate::state::MongoOptions;
use events::map::{TopicKind, TopicMap};

impl Settings {
    /// What the log is opened with. Topics outside transactions are read uncommitted, as the map has them (H3).
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn log(
        &self,
        env: &dyn Environment,
        map: &TopicMap,
    ) -> Result<log::Options, SettingsError> {
        let ephemeral = map
            .topics()
            .filter(|topic| topic.kind == TopicKind::Ephemeral);
        Ok(log::Options {
            read_uncommitted: ephemeral.map(|topic| topic.name.clone()).collect(),
            ..log::Options::new(self.kafka(env)?, self.name.clone())
        })
    }

    /// What the state is opened with.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn state(&self, env: &dyn Environment) -> Result<MongoOptions, SettingsError> {
        let at = self.mongodb(env)?;
        Ok(MongoOptions::new(at.url, &at.database))
    }

    /// What the index is opened with, for an embedding model and the numbers in one of its vectors.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn search(
        &self,
        env: &dyn Environment,
        model: &str,
        dimension: usize,
    ) -> Result<QdrantOptions, SettingsError> {
        let at = self.qdrant(env)?;
        Ok(QdrantOptions {
            key: at.key,
            ..QdrantOptions::new(&at.url, model, dimension)
        })
    }

    /// What the blobs are opened with.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn blobs(&self, env: &dyn Environment) -> Result<S3Options, SettingsError> {
        let at = self.s3(env)?;
        Ok(S3Options {
            key: at.key,
            ..S3Options::new(at.endpoint.as_deref(), &at.region, &at.bucket)
        })
    }
}
