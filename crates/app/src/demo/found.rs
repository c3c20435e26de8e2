//! What is in the database, counted by looking at its tables, not by asking who wrote them.
use super::evidence::Evidence;
use super::material::digest;
use super::trouble::Trouble;
use crate::clock::SystemClock;
use embedded::{Embedded, Options};
use events::Envelope;
use events::map::{TopicKind, TopicMap};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// Messages read at a time.
const BATCH: usize = 500;

/// What is in the database.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// By the documents' ids.
    pub documents: BTreeMap<String, Shelf>,
    /// Passages in the whole index, whoever they belong to.
    pub passages: u64,
    /// Entries of the full text in the whole index.
    pub full_text: u64,
    /// What is left of the chatbot that could not be.
    pub left: Left,
    /// The log.
    pub log: Log,
}

/// A document in the index.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    /// The passages of the published revision, in order, each with its page.
    pub passages: Vec<(String, Option<i64>)>,
    /// How many of them full text finds.
    pub findable: u64,
    /// Revisions in the index: 1, unless something was left behind.
    pub revisions: u64,
    /// How often it was announced as parsed.
    pub parsed_events: u64,
    /// How often it was announced as ready.
    pub ready_events: u64,
    /// When it became ready, in milliseconds since 1970.
    pub ready_at_ms: i64,
}
impl Shelf {
    /// Which texts, in which order.
    pub fn digest(&self) -> String {
        digest(self.passages.iter().map(|(text, _)| text.as_str()))
    }
}

/// What is left of a chatbot.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Left {
    /// Passages of any of its documents, published or not.
    pub passages: u64,
    /// Entries of the full text in its scope.
    pub full_text: u64,
    /// Revisions of any of its documents.
    pub revisions: u64,
    /// Documents that a search would look at.
    pub published: u64,
    /// Documents of it that are listed.
    pub listed_documents: u64,
    /// Whether it is listed itself.
    pub listed: bool,
    /// Documents of it that ever were: shows that there was something to undo.
    pub tombstones: u64,
    /// Blobs of its documents. What a client put by itself, to refer to it, is the client's.
    pub blobs: u64,
}

/// The log, as it is in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Log {
    /// Messages of all topics.
    pub messages: u64,
    /// Messages of the workers, which never appear twice.
    pub emitted: u64,
    /// Ids of the workers' messages that appear more than once.
    pub repeated: Vec<String>,
    /// Messages that could not be handled.
    pub dead_letters: u64,
    /// Partitions of topics in which a consumer has had something to do.
    pub checkpoints: u64,
    /// Those that were not read to their end: `consumer topic/partition`.
    pub behind: Vec<String>,
}

/// Opens the file for reading, whoever owns it.
///
/// # Errors
/// [`Trouble::Database`].
fn open(database: &Path) -> Result<Connection, Trouble> {
    let sql = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    sql.busy_timeout(std::time::Duration::from_secs(5))?;
    Ok(sql)
}

/// Looks at everything that `evidence` speaks of.
///
/// # Errors
/// [`Trouble::Database`] if it cannot be read.
pub async fn look(database: &Path, evidence: &Evidence) -> Result<Found, Trouble> {
    let sql = open(database)?;
    let (tenant, failed) = (
        &evidence.tenant,
        evidence
            .undone
            .as_ref()
            .map(|undone| undone.chatbot.as_str()),
    );
    let mut found = Found {
        documents: BTreeMap::new(),
        passages: number(&sql, "SELECT count(*) FROM search_passages")?,
        full_text: number(&sql, "SELECT count(*) FROM search_text_docsize")?,
        left: left(&sql, tenant, failed.unwrap_or_default())?,
        log: Log::default(),
    };
    for document in &evidence.documents {
        found
            .documents
            .insert(document.id.clone(), shelf(&sql, tenant, &document.id)?);
    }
    found.log = Log {
        messages: number(&sql, "SELECT count(*) FROM log")?,
        dead_letters: number(
            &sql,
            "SELECT count(*) FROM log WHERE topic IN (SELECT no FROM topics WHERE name LIKE '%.dead')",
        )?,
        checkpoints: number(&sql, "SELECT count(*) FROM checkpoints")?,
        behind: behind(&sql)?,
        ..Log::default()
    };
    drop(sql);
    (found.log.emitted, found.log.repeated) = emitted(database).await?;
    Ok(found)
}

/// What has not been read to its end, now.
///
/// # Errors
/// [`Trouble::Database`] if it cannot be read.
pub fn unread(database: &Path) -> Result<Vec<String>, Trouble> {
    behind(&open(database)?)
}

fn number(sql: &Connection, query: &str) -> Result<u64, Trouble> {
    Ok(sql
        .query_row(query, [], |row| row.get::<_, i64>(0))?
        .unsigned_abs())
}

fn shelf(sql: &Connection, tenant: &str, document: &str) -> Result<Shelf, Trouble> {
    let count = |query: &str| -> Result<u64, Trouble> {
        Ok(sql
            .query_row(query, params![tenant, document], |row| row.get::<_, i64>(0))?
            .unsigned_abs())
    };
    let key = format!("{tenant}/{document}");
    let announced = |topic: &str| -> Result<(u64, i64), Trouble> {
        let query = "SELECT count(*), coalesce(max(timestamp_ms), 0) FROM log
                     WHERE topic = (SELECT no FROM topics WHERE name = ?1) AND key = ?2";
        let counted = sql.query_row(query, params![topic, key.as_bytes()], |row| {
            Ok((row.get::<_, i64>(0)?, row.get(1)?))
        })?;
        Ok((counted.0.unsigned_abs(), counted.1))
    };
    let mut shelf = Shelf {
        revisions: count(
            "SELECT count(*) FROM search_revisions WHERE tenant = ?1 AND document = ?2",
        )?,
        parsed_events: announced("document.parsed")?.0,
        ..Shelf::default()
    };
    (shelf.ready_events, shelf.ready_at_ms) = announced("embedding.ready")?;
    let published: Option<(i64, i64)> = sql
        .query_row(
            "SELECT published, scope FROM search_documents WHERE tenant = ?1 AND document = ?2 AND published IS NOT NULL",
            params![tenant, document],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let Some((revision, scope)) = published else {
        return Ok(shelf);
    };
    let mut passages =
        sql.prepare("SELECT text, page FROM search_passages WHERE id / 1048576 = ?1 ORDER BY id")?;
    let rows = passages.query_map([revision], |row| Ok((row.get(0)?, row.get(1)?)))?;
    shelf.passages = rows.collect::<Result<_, _>>()?;
    shelf.findable = sql
        .query_row(
            "SELECT count(*) FROM search_text WHERE search_text MATCH ?1
             AND rowid IN (SELECT id FROM search_passages WHERE id / 1048576 = ?2)",
            params![format!("scope:s{scope}"), revision],
            |row| row.get::<_, i64>(0),
        )?
        .unsigned_abs();
    Ok(shelf)
}

fn left(sql: &Connection, tenant: &str, chatbot: &str) -> Result<Left, Trouble> {
    let of_scope = |query: &str| -> Result<u64, Trouble> {
        let scope = "(SELECT no FROM search_scopes WHERE tenant = ?1 AND chatbot = ?2)";
        let query = query.replace("SCOPE", scope);
        Ok(sql
            .query_row(&query, params![tenant, chatbot], |row| row.get::<_, i64>(0))?
            .unsigned_abs())
    };
    let directory = |view: &str| -> Result<Vec<(String, String)>, Trouble> {
        // A row's body is bytes to SQLite, which takes bytes for its own binary JSON.
        let mut rows =
            sql.prepare("SELECT id, CAST(body AS TEXT) FROM state WHERE collection = ?1")?;
        let rows = rows.query_map([view], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    };
    let field = |body: &str, name: &str| -> String {
        let row: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
        row["row"][name].as_str().unwrap_or_default().to_owned()
    };
    let mut left = Left {
        passages: of_scope(
            "SELECT count(*) FROM search_passages WHERE id / 1048576 IN (SELECT no FROM search_revisions WHERE scope = SCOPE)",
        )?,
        full_text: of_scope(
            "SELECT count(*) FROM search_text WHERE search_text MATCH 'scope:s' || coalesce(SCOPE, 'none')",
        )?,
        revisions: of_scope("SELECT count(*) FROM search_revisions WHERE scope = SCOPE")?,
        published: of_scope(
            "SELECT count(*) FROM search_documents WHERE scope = SCOPE AND published IS NOT NULL",
        )?,
        ..Left::default()
    };
    for (id, body) in directory("documents.directory")? {
        if field(&body, "chatbot") == chatbot {
            // `<tenant>/<document>/<topic and partition>` here, `<document>/<revision>/…` there.
            let document = id.split('/').nth(1).unwrap_or_default();
            let texts = "SELECT count(*) FROM blobs WHERE tenant = ?1 AND id GLOB ?2 || '/*'";
            left.blobs += sql
                .query_row(texts, params![tenant, document], |row| row.get::<_, i64>(0))?
                .unsigned_abs();
            match field(&body, "state").as_str() {
                "Deleted" => left.tombstones += 1,
                _ => left.listed_documents += 1,
            }
        }
    }
    let own = format!("{tenant}/{chatbot}/");
    left.listed = directory("chatbots.directory")?
        .iter()
        .any(|(id, body)| id.starts_with(&own) && field(body, "state") != "Removed");
    Ok(left)
}

/// Consumers that have not read a partition of their topic to its end.
fn behind(sql: &Connection) -> Result<Vec<String>, Trouble> {
    let mut query = sql.prepare(
        "SELECT log.partition, max(log.offset) + 1, coalesce((SELECT watermark FROM checkpoints
           WHERE consumer = ?2 AND topic = log.topic AND partition = log.partition), 0)
         FROM log WHERE log.topic = (SELECT no FROM topics WHERE name = ?1) GROUP BY log.partition",
    )?;
    let mut behind = Vec::new();
    for (topic, consumer) in TopicMap::embedded().consumers() {
        let mut rows = query.query(params![topic.name, consumer.name])?;
        while let Some(row) = rows.next()? {
            let (partition, end, watermark): (i64, i64, i64) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            if watermark < end {
                behind.push(format!("{} {}/{partition}", consumer.name, topic.name));
            }
        }
    }
    Ok(behind)
}

/// How many messages the workers emitted for good, and the ids of those that are there more than once. What the edge
/// sends may be sent again under the same id (H2), and pieces of answers may be said again (H3).
async fn emitted(database: &Path) -> Result<(u64, Vec<String>), Trouble> {
    let failed = |e: &dyn std::fmt::Display| Trouble::Database(e.to_string());
    let path = database.to_owned();
    let options = Options {
        readers: 1,
        ..Options::new(Arc::new(SystemClock), vec![])
    };
    let opening = tokio::task::spawn_blocking(move || Embedded::open_readonly(&path, options));
    let log = opening
        .await
        .map_err(|e| failed(&e))?
        .map_err(|e| failed(&e))?
        .log();
    let (mut count, mut seen, mut repeated) = (0, BTreeSet::new(), Vec::new());
    for topic in TopicMap::embedded()
        .topics()
        .filter(|topic| topic.kind != TopicKind::Ephemeral)
    {
        for partition in 0..topic.partitions {
            let mut from = 0;
            loop {
                let messages = log
                    .read(&topic.name, partition, from, BATCH)
                    .await
                    .map_err(|e| failed(&e))?;
                let Some(last) = messages.last() else { break };
                from = last.at.offset + 1;
                for message in &messages {
                    let envelope = Envelope::read(&message.headers);
                    let (source, id) = (
                        envelope.source.unwrap_or_default(),
                        envelope.id.unwrap_or_default(),
                    );
                    if source == "troupe/edge" {
                        continue;
                    }
                    count += 1;
                    if !seen.insert((topic.name.as_str(), source.clone(), id.clone())) {
                        repeated.push(format!("{} {source} {id}", topic.name));
                    }
                }
            }
        }
    }
    Ok((count, repeated))
}
