//! Confluent framing and schema ids: which bytes are which record (A1, A3).
use crate::PortError;
use crate::ports::schemas::SchemaRegistry;
use apache_avro::Schema;
use events::RecordSchema;
use events::record::Datum;
use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

/// A zero byte and the schema id in 4 bytes, big-endian.
const FRAME: usize = 5;

#[derive(Clone, Copy)]
struct Writer {
    name: &'static str,
    schema: &'static Schema,
}

/// Why a payload has no schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownSchema {
    /// The payload is not framed: the message's fault.
    #[error("not in Confluent framing: {0}")]
    NotFramed(&'static str),
    /// The registry knows no such schema, or it is none that we can read: the message's fault.
    #[error("schema {id}: {why}")]
    NotOurs {
        /// What the frame says.
        id: u32,
        /// What is wrong with it.
        why: String,
    },
    /// The registry could not be asked: nobody's fault; the partition waits.
    #[error(transparent)]
    Registry(#[from] PortError),
}

/// The schemas of this process: ours by name, and every one met so far by id.
pub struct Schemas {
    registry: Arc<dyn SchemaRegistry>,
    ours: BTreeMap<&'static str, u32>,
    met: RwLock<BTreeMap<u32, Writer>>,
}

impl Schemas {
    /// Resolves the ids of our own schemas.
    ///
    /// # Errors
    /// If the registry is down: a process cannot start without it.
    pub async fn start(
        registry: Arc<dyn SchemaRegistry>,
        records: &[&'static RecordSchema],
    ) -> Result<Self, PortError> {
        let (mut ours, mut met) = (BTreeMap::new(), BTreeMap::new());
        for record in records {
            let id = registry.id_of(record.name, record.text).await?;
            ours.insert(record.name, id);
            met.insert(
                id,
                Writer {
                    name: record.name,
                    schema: record.schema,
                },
            );
        }
        Ok(Self {
            registry,
            ours,
            met: RwLock::new(met),
        })
    }

    /// The payload of a record of ours.
    ///
    /// # Errors
    /// If the record was not among those given at start.
    pub fn frame(&self, record: &str, datum: &[u8]) -> Result<Vec<u8>, UnknownSchema> {
        let id = self
            .ours
            .get(record)
            .ok_or_else(|| UnknownSchema::NotOurs {
                id: 0,
                why: format!("{record} was not registered at start"),
            })?;
        let mut payload = Vec::with_capacity(FRAME + datum.len());
        payload.push(0);
        payload.extend_from_slice(&id.to_be_bytes());
        payload.extend_from_slice(datum);
        Ok(payload)
    }

    /// The datum in a payload, with the schema that wrote it.
    ///
    /// # Errors
    /// See [`UnknownSchema`].
    pub async fn datum<'a>(&self, payload: &'a [u8]) -> Result<Datum<'a>, UnknownSchema> {
        if payload.is_empty() {
            return Err(UnknownSchema::NotFramed("it is empty"));
        }
        let Some((head, bytes)) = payload.split_first_chunk::<FRAME>() else {
            return Err(UnknownSchema::NotFramed("shorter than 5 bytes"));
        };
        if head[0] != 0 {
            return Err(UnknownSchema::NotFramed("the first byte is not 0"));
        }
        let id = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        let met = self
            .met
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .get(&id)
            .copied();
        let writer = match met {
            Some(writer) => writer,
            None => self.meet(id).await?,
        };
        Ok(Datum {
            record: writer.name,
            writer: writer.schema,
            bytes,
        })
    }

    async fn meet(&self, id: u32) -> Result<Writer, UnknownSchema> {
        let not_ours = |why: String| UnknownSchema::NotOurs { id, why };
        let text = self.registry.text_of(id).await?;
        let text = text.ok_or_else(|| not_ours("the registry has none with this id".into()))?;
        let schema = Schema::parse_str(&text).map_err(|e| not_ours(e.to_string()))?;
        let Some(name) = schema.name().map(|name| name.fullname(None)) else {
            return Err(not_ours("it is not a record".into()));
        };
        // One leaked schema an id that ever occurs: the registry bounds them, not the messages.
        let writer = Writer {
            name: Box::leak(name.to_string().into_boxed_str()),
            schema: Box::leak(Box::new(schema)),
        };
        let mut met = self
            .met
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok(*met.entry(id).or_insert(writer))
    }
}
