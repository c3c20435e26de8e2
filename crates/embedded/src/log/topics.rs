//! The topics of the file, loaded at open; they do not change while it is open.
use crate::{OpenError, Options, TopicSpec};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// A topic.
pub(crate) struct Topic {
    /// Its number in the file.
    pub no: i64,
    pub name: Arc<str>,
    /// Names its present life (E2).
    pub id: Arc<str>,
    pub partitions: i32,
    pub retention: Option<Duration>,
    pub max_message_bytes: usize,
    /// The slot of its partition 0: slots count the partitions of all topics.
    first_slot: usize,
    /// Told when messages, assignments or pauses change.
    pub changed: Notify,
}

impl Topic {
    /// Where the partition is among all partitions; `None` if the topic has no such partition.
    pub(crate) fn slot(&self, partition: i32) -> Option<usize> {
        let index = usize::try_from(partition).ok()?;
        (partition < self.partitions).then_some(self.first_slot + index)
    }
}

/// All topics by name.
pub(crate) struct Topics {
    by_name: BTreeMap<Arc<str>, Arc<Topic>>,
    by_no: BTreeMap<i64, Arc<Topic>>,
    /// The next offset of each slot at open, and the first that may still be there.
    pub ends: Vec<i64>,
    pub starts: Vec<i64>,
}

impl Topics {
    pub(crate) fn get(&self, name: &str) -> Option<&Arc<Topic>> {
        self.by_name.get(name)
    }
    pub(crate) fn by_no(&self, no: i64) -> Option<&Arc<Topic>> {
        self.by_no.get(&no)
    }
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Topic>> {
        self.by_name.values()
    }

    /// Reads what the file holds.
    pub(crate) fn load(sql: &Connection) -> rusqlite::Result<Self> {
        let mut topics = Self {
            by_name: BTreeMap::new(),
            by_no: BTreeMap::new(),
            ends: vec![],
            starts: vec![],
        };
        let mut found = sql.prepare(
            "SELECT no, name, id, partitions, retention_ms, max_message_bytes FROM topics ORDER BY no",
        )?;
        let mut rows = found.query([])?;
        while let Some(row) = rows.next()? {
            let retention: Option<i64> = row.get(4)?;
            let topic = Topic {
                no: row.get(0)?,
                name: row.get::<_, String>(1)?.into(),
                id: row.get::<_, String>(2)?.into(),
                partitions: row.get(3)?,
                retention: retention.map(|ms| Duration::from_millis(ms.unsigned_abs())),
                max_message_bytes: usize::try_from(row.get::<_, i64>(5)?).unwrap_or(usize::MAX),
                first_slot: topics.ends.len(),
                changed: Notify::new(),
            };
            for partition in 0..topic.partitions {
                let (start, end) = bounds(sql, topic.no, partition)?;
                topics.starts.push(start);
                topics.ends.push(end);
            }
            let topic = Arc::new(topic);
            topics.by_no.insert(topic.no, Arc::clone(&topic));
            topics.by_name.insert(Arc::clone(&topic.name), topic);
        }
        Ok(topics)
    }
}

/// The first offset that may still be there, and the next one.
pub(crate) fn bounds(sql: &Connection, topic: i64, partition: i32) -> rusqlite::Result<(i64, i64)> {
    let floor: Option<i64> = sql
        .prepare_cached("SELECT floor FROM log_floors WHERE topic = ?1 AND partition = ?2")?
        .query_row(params![topic, partition], |row| row.get(0))
        .optional()?;
    let last: Option<i64> = sql
        .prepare_cached("SELECT max(offset) FROM log WHERE topic = ?1 AND partition = ?2")?
        .query_row(params![topic, partition], |row| row.get(0))?;
    let start = floor.unwrap_or(0);
    Ok((start, last.map_or(start, |last| start.max(last + 1))))
}

/// Creates what is absent; refuses what would break the order of keys (I5).
pub(crate) fn create(sql: &mut Connection, options: &Options) -> Result<(), OpenError> {
    let tx = sql.transaction()?;
    for spec in &options.topics {
        check(spec)?;
        let found: Option<i32> = tx
            .prepare_cached("SELECT partitions FROM topics WHERE name = ?1")?
            .query_row([&spec.name], |row| row.get(0))
            .optional()?;
        let retention = spec
            .retention
            .map(|time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX));
        let max = i64::try_from(spec.max_message_bytes).unwrap_or(i64::MAX);
        match found {
            Some(found) if found != spec.partitions => {
                let (topic, wanted) = (spec.name.clone(), spec.partitions);
                return Err(OpenError::Partitions {
                    topic,
                    found,
                    wanted,
                });
            }
            Some(_) => {
                tx.prepare_cached(
                    "UPDATE topics SET retention_ms = ?2, max_message_bytes = ?3
                     WHERE name = ?1 AND (retention_ms IS NOT ?2 OR max_message_bytes <> ?3)",
                )?
                .execute(params![spec.name, retention, max])?;
            }
            None => {
                let id: String = options.clock.random()[..16]
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                tx.prepare_cached(
                    "INSERT INTO topics(name, id, partitions, retention_ms, max_message_bytes)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![
                    spec.name,
                    id,
                    spec.partitions,
                    retention,
                    max
                ])?;
            }
        }
    }
    tx.commit()?;
    Ok(())
}

fn check(spec: &TopicSpec) -> Result<(), OpenError> {
    let why = match spec {
        TopicSpec { name, .. } if name.is_empty() => "a topic needs a name",
        TopicSpec { partitions, .. } if *partitions < 1 => "a topic has at least one partition",
        TopicSpec {
            max_message_bytes: 0,
            ..
        } => "a topic takes messages of at least one byte",
        _ => return Ok(()),
    };
    Err(OpenError::Topic {
        topic: spec.name.clone(),
        why,
    })
}
