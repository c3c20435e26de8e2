//! Schema ids from a registry that speaks Confluent's interface.
//!
//! [`Registry`] is the port: it looks up what `troupe topics apply` has registered, and never registers anything itself.
//! `confluent.rs` is the rest of the interface, for `apply`; `subjects.rs` says which record stands under which subject.
mod confluent;
mod subjects;

pub use confluent::{Confluent, RegistryError};
pub use subjects::{Subject, subject_of, subjects};

use crate::settings::RegistryAt;
use events::map::TopicMap;
use runtime::ports::schemas::SchemaRegistry;
use runtime::{BoxFuture, PortError};
use schema_registry_converter::async_impl::schema_registry::{
    SrSettings, get_schema_by_id, perform_sr_call,
};
use schema_registry_converter::error::SRCError;
use schema_registry_converter::schema_registry_common::{RawError, SrCall};
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// How long the registry may take to answer.
pub const TIME_OUT: Duration = Duration::from_secs(5);
/// How [`PortError`] calls it.
const PORT: &str = "schemas";

/// What registries answer when there is no such subject, no such version, no such schema.
const NO_SUBJECT: u32 = 40401;
const NO_SCHEMA: u32 = 40403;

/// The schema registry.
///
/// What it said once is kept: an id never means another schema. That something is not known is never kept, since it may
/// be known a moment later; and only the registry's own "there is none" counts as that, not the 404 of a proxy.
pub struct Registry {
    settings: SrSettings,
    /// record -> one of the subjects under which it is registered
    subjects: BTreeMap<String, String>,
    texts: RwLock<BTreeMap<u32, Arc<str>>>,
}

impl Registry {
    /// The registry at an address, with the subjects of a map. Nothing is asked yet.
    ///
    /// # Errors
    /// If the address cannot be used.
    pub fn new(at: &RegistryAt, map: &TopicMap) -> Result<Self, PortError> {
        let mut builder = SrSettings::new_builder(at.url.clone());
        builder.set_timeout(TIME_OUT);
        if let Some((user, password)) = &at.user {
            builder.set_basic_authorization(user, Some(password.expose()));
        }
        let settings = builder.build().map_err(|error| unreachable(&error))?;
        let subjects = subjects(map)
            .into_iter()
            .rev() // the first subject of a record is the one that stays
            .map(|subject| (subject.record.to_owned(), subject.name))
            .collect();
        Ok(Self {
            settings,
            subjects,
            texts: RwLock::default(),
        })
    }

    async fn look_up(&self, record: &str, text: &str) -> Result<u32, PortError> {
        let subject = match self.subjects.get(record) {
            Some(subject) => subject.clone(),
            // A record that no topic carries stands under its own name.
            None => record.to_owned(),
        };
        let body = serde_json::json!({ "schema": text, "schemaType": "AVRO" }).to_string();
        match perform_sr_call(&self.settings, SrCall::PostForVersion(&subject, &body)).await {
            Ok(found) => found.id.ok_or_else(|| PortError::Corrupt {
                port: PORT,
                why: format!("the registry's answer for {subject} has no id"),
            }),
            Err(error) if matches!(code(&error), Some(NO_SUBJECT | NO_SCHEMA)) => {
                Err(PortError::Unreachable {
                    port: PORT,
                    why: format!(
                        "{record} as this version has it is not registered under {subject}: `troupe topics plan` \
                         says what is missing, `troupe topics apply` registers it"
                    ),
                })
            }
            Err(error) => Err(unreachable(&error)),
        }
    }

    async fn fetch(&self, id: u32) -> Result<Option<String>, PortError> {
        let known = self
            .texts
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
            .cloned();
        if let Some(text) = known {
            return Ok(Some(text.as_ref().to_owned()));
        }
        match get_schema_by_id(id, &self.settings).await {
            Ok(found) => {
                self.texts
                    .write()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(id, found.schema.as_str().into());
                Ok(Some(found.schema))
            }
            Err(error) if code(&error) == Some(NO_SCHEMA) => Ok(None),
            Err(error) => Err(unreachable(&error)),
        }
    }
}

impl SchemaRegistry for Registry {
    fn id_of<'a>(
        &'a self,
        record: &'a str,
        text: &'a str,
    ) -> BoxFuture<'a, Result<u32, PortError>> {
        Box::pin(self.look_up(record, text))
    }

    fn text_of(&self, id: u32) -> BoxFuture<'_, Result<Option<String>, PortError>> {
        Box::pin(self.fetch(id))
    }
}

/// The registry's own code, if it was the registry that refused.
fn code(error: &SRCError) -> Option<u32> {
    let raw = error.source()?.downcast_ref::<RawError>()?;
    Some(raw.error_code).filter(|code| *code != 0) // 0: the answer was not the registry's
}

fn unreachable(error: &SRCError) -> PortError {
    PortError::Unreachable {
        port: PORT,
        why: match &error.cause {
            Some(cause) => format!("{}: {cause}", error.error),
            None => error.error.clone(),
        },
    }
}

#[cfg(all(test, feature = "servers"))]
mod tests;
