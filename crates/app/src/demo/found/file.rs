//! The tables of the file.
use super::{Emitted, Found, Left, Log, Shelf};
use crate::clock::SystemClock;
use crate::demo::evidence::Evidence;
use crate::demo::trouble::Trouble;
use embedded::{Embedded, Options};
use events::map::{TopicKind, TopicMap};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Messages read at a time.
const BATCH: usize = 500;

/// Opens the file for reading, whoever owns it.
fn open(database: &Path) -> Result<Connection, Trouble> {
    let sql = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    sql.busy_timeout(std::time::Duration::from_secs(5))?;
    Ok(sql)
}

pub(super) async fn look(database: &Path, evidence: &Evidence) -> Result<Found, Trouble> {
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
    let emitted = emitted(database).await?;
    (found.log.emitted, found.log.repeated) = (emitted.count, emitted.repeated);
    Ok(found)
}

pub(super) fn unread(database: &Path) -> Result<Vec<String>, Trouble> {
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

async fn emitted(database: &Path) -> Result<Emitted, Trouble> {
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
    let mut emitted = Emitted::default();
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
                messages.iter().for_each(|message| emitted.see(message));
            }
        }
    }
    Ok(emitted)
}
