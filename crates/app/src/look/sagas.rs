//! Sagas: where each stands and what it did, from its row.
use super::{Look, LookError};
use events::map::{ConsumerKind, TopicMap};
use runtime::PortError;
use runtime::ports::state::Row;
use runtime::rows::EntityRow;
use saga::State;
use serde::Deserialize;
use serde_json::Value;

/// Rows read at a time.
const PAGE: usize = 500;

/// A saga.
#[derive(Clone, Debug)]
pub struct FoundSaga {
    /// Which saga it is: the consumer, such as `chatbots.creation`.
    pub definition: String,
    /// `<tenant>/<id>`.
    pub key: String,
    /// Where it stands, with its history.
    pub state: State,
    /// What its commands are made from.
    pub data: Value,
}

/// As `saga` writes it.
#[derive(Deserialize)]
struct SagaRow {
    saga: State,
    #[serde(default)]
    data: Value,
}

impl FoundSaga {
    fn read(definition: &str, key: String, row: &Row) -> Result<Option<Self>, LookError> {
        let corrupt = |e: serde_json::Error| PortError::Corrupt {
            port: "state",
            why: format!("the saga {definition} {key}: {e}"),
        };
        let row: EntityRow = serde_json::from_slice(&row.body).map_err(corrupt)?;
        let Some(state) = row.state else {
            return Ok(None); // only refusals so far
        };
        let SagaRow { saga, data } = serde_json::from_str(state.get()).map_err(corrupt)?;
        Ok(Some(Self {
            definition: definition.to_owned(),
            key,
            state: saga,
            data,
        }))
    }
    /// When it last sent or heard anything, in milliseconds since 1970.
    pub fn last_ms(&self) -> i64 {
        self.state.history.last().map_or(0, |past| past.at)
    }
}

/// The sagas there are, by name of their consumer.
pub fn definitions() -> Vec<&'static str> {
    let consumers = TopicMap::embedded().consumers();
    let sagas = consumers.filter(|(_, consumer)| consumer.kind == ConsumerKind::Saga);
    sagas.map(|(_, consumer)| consumer.name.as_str()).collect()
}

impl Look {
    /// Sagas for which `wanted` holds, by definition, tenant and id; at most `limit`, and whether there are more.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn sagas(
        &self,
        wanted: impl Fn(&FoundSaga) -> bool,
        limit: usize,
    ) -> Result<(Vec<FoundSaga>, bool), LookError> {
        let (state, mut found) = (&self.ports.state, vec![]);
        for definition in definitions() {
            let mut after = String::new();
            loop {
                let rows = state.scan(definition, "", &after, PAGE).await?;
                let Some((last, _)) = rows.last() else { break };
                after.clone_from(last);
                for (key, row) in rows {
                    let Some(saga) = FoundSaga::read(definition, key, &row)? else {
                        continue;
                    };
                    if !wanted(&saga) {
                        continue;
                    }
                    if found.len() == limit {
                        return Ok((found, true));
                    }
                    found.push(saga);
                }
            }
        }
        Ok((found, false))
    }

    /// The sagas called `id`, or `<tenant>/<id>`: a chatbot's creation and its deletion have the same id.
    ///
    /// # Errors
    /// [`LookError::NotFound`] if there is none.
    pub async fn sagas_called(&self, id: &str) -> Result<Vec<FoundSaga>, LookError> {
        let found = match id.contains('/') {
            true => self.sagas_with_key(id).await?,
            false => {
                let own =
                    |saga: &FoundSaga| saga.key.split_once('/').is_some_and(|(_, own)| own == id);
                self.sagas(own, PAGE).await?.0
            }
        };
        if found.is_empty() {
            return Err(LookError::NotFound(format!(
                "there is no saga {id}: `troupe sagas list` names them"
            )));
        }
        Ok(found)
    }
    async fn sagas_with_key(&self, key: &str) -> Result<Vec<FoundSaga>, LookError> {
        let (ids, mut found) = ([key.to_owned()], vec![]);
        for definition in definitions() {
            let rows = self.ports.state.load(definition, &ids).await?;
            for row in rows.into_iter().flatten() {
                found.extend(FoundSaga::read(definition, key.to_owned(), &row)?);
            }
        }
        Ok(found)
    }
}
