//! The keys that personal fields are sealed with: one a subject, in State, never in the log (G1).
use crate::PortError;
use crate::inbox::Opening;
use crate::ports::clock::Clock;
use crate::ports::state::{Row, Save, Saved, State};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use events::personal::SubjectKey;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// The collection of the keys; ids are `<tenant>/<subject>`.
pub const COLLECTION: &str = "keys";
/// Keys kept in memory, so that an erasure by another process is seen: few, and only for a while.
const CACHED: usize = 10_000;
/// How long a key is kept in memory, in milliseconds.
const CACHED_FOR_MS: i64 = 5_000;

#[derive(Serialize, Deserialize)]
enum Stored {
    Key(String),
    /// Destroyed; the row stays, so that no new key takes its place.
    Erased,
}

/// The key store.
pub struct Keys {
    state: Arc<dyn State>,
    clock: Arc<dyn Clock>,
    cache: Mutex<BTreeMap<String, (i64, Option<SubjectKey>)>>,
}

impl Keys {
    /// On this state.
    pub fn new(state: Arc<dyn State>, clock: Arc<dyn Clock>) -> Self {
        Self {
            state,
            clock,
            cache: Mutex::default(),
        }
    }

    /// The key to open what is about `subject`; without one nothing can have been sealed.
    ///
    /// # Errors
    /// If State cannot be asked.
    pub async fn opening(&self, tenant: &str, subject: Option<&str>) -> Result<Opening, PortError> {
        let Some(subject) = subject else {
            return Ok(Opening::Nobody);
        };
        Ok(match self.find(&format!("{tenant}/{subject}")).await? {
            Some(Some(key)) => Opening::Key(key),
            Some(None) => Opening::Erased,
            None => Opening::Nobody,
        })
    }

    /// The key to seal with, made if there is none; `None` if it was destroyed.
    ///
    /// # Errors
    /// If State cannot be asked.
    pub async fn sealing(
        &self,
        tenant: &str,
        subject: &str,
    ) -> Result<Option<SubjectKey>, PortError> {
        let id = format!("{tenant}/{subject}");
        loop {
            if let Some(found) = self.find(&id).await? {
                return Ok(found);
            }
            let stored = Stored::Key(STANDARD_NO_PAD.encode(self.clock.random()));
            // Whoever loses the race reads the winner's key.
            let _: Saved = self.write(&id, 0, &stored).await?;
        }
    }

    /// Destroys the key: what it sealed reads as erased from now on (within seconds, in every process).
    ///
    /// # Errors
    /// If State cannot be asked.
    pub async fn erase(&self, tenant: &str, subject: &str) -> Result<(), PortError> {
        let id = format!("{tenant}/{subject}");
        loop {
            let rows = self
                .state
                .load(COLLECTION, std::slice::from_ref(&id))
                .await?;
            let version = rows
                .into_iter()
                .next()
                .flatten()
                .map_or(0, |row| row.version);
            if self.write(&id, version, &Stored::Erased).await? == Saved::Done {
                self.cache().remove(&id);
                return Ok(());
            }
        }
    }

    async fn write(&self, id: &str, expected: u64, stored: &Stored) -> Result<Saved, PortError> {
        let body = serde_json::to_vec(stored).map_err(|e| corrupt(&e))?;
        let row = Row {
            version: expected + 1,
            partition: -1,
            body,
            ..Row::default()
        };
        let save = Save {
            collection: COLLECTION.into(),
            id: id.into(),
            expected,
            row: Some(row),
        };
        Ok(self
            .state
            .save(vec![save])
            .await?
            .into_iter()
            .next()
            .unwrap_or(Saved::Lost))
    }

    async fn find(&self, id: &str) -> Result<Option<Option<SubjectKey>>, PortError> {
        let now = self.clock.now_ms();
        if let Some((at, key)) = self.cache().get(id)
            && (0..CACHED_FOR_MS).contains(&(now - at))
        {
            return Ok(Some(key.clone()));
        }
        let rows = self.state.load(COLLECTION, &[id.to_owned()]).await?;
        let Some(row) = rows.into_iter().next().flatten() else {
            return Ok(None);
        };
        let key = match serde_json::from_slice(&row.body).map_err(|e| corrupt(&e))? {
            Stored::Erased => None,
            Stored::Key(text) => {
                let bytes = STANDARD_NO_PAD.decode(text).map_err(|e| corrupt(&e))?;
                Some(SubjectKey(
                    bytes
                        .try_into()
                        .map_err(|_| corrupt(&"a key of another length"))?,
                ))
            }
        };
        let mut cache = self.cache();
        if cache.len() >= CACHED {
            cache.clear();
        }
        cache.insert(id.to_owned(), (now, key.clone()));
        Ok(Some(key))
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, (i64, Option<SubjectKey>)>> {
        self.cache
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn corrupt(why: &dyn std::fmt::Display) -> PortError {
    PortError::Corrupt {
        port: "state",
        why: format!("a subject key: {why}"),
    }
}
