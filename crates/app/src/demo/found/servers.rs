//! The topics, the points of the index, the rows and the blobs on servers: of one tenant, since the demo began. Others may use
//! the same servers meanwhile.
use super::{Emitted, Found, Left, Log, Shelf};
use crate::demo::evidence::Evidence;
use crate::demo::trouble::Trouble;
use crate::servers::Servers;
use cluster::log::Scan;
use cluster::search::{Stored, StoredPassage};
use events::envelope::name;
use events::map::{TopicKind, TopicMap};
use events::{TenantId, topic};
use runtime::ports::log::Message;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

/// Rows or blobs read at a time.
const PAGE: usize = 500;

fn failed(error: impl Display) -> Trouble {
    Trouble::Database(error.to_string())
}

/// All that was said of the tenant.
fn said(servers: &Servers, seen: &Evidence) -> Scan {
    let tenant = seen.tenant.clone();
    let of_tenant = move |message: &Message| {
        let named = message.headers.text(name::TENANT) == Some(&tenant);
        let key = message.key.strip_prefix(tenant.as_bytes());
        named || key.is_some_and(|rest| rest.starts_with(b"/"))
    };
    let topics = TopicMap::embedded().topics();
    let topics = topics.map(|topic| topic.name.clone());
    let log = &servers.cluster.log;
    log.scan(topics, seen.began_ms, of_tenant)
}

/// What there is on the log.
#[derive(Default)]
struct History {
    messages: u64,
    dead: u64,
    emitted: Emitted,
    /// The last message of each partition.
    last: BTreeMap<(String, i32), i64>,
    /// How often an event was announced under a key, and when it was last.
    announced: BTreeMap<(String, Vec<u8>), (u64, i64)>,
}

impl History {
    async fn read(servers: &Servers, seen: &Evidence) -> Result<Self, Trouble> {
        let (mut history, mut scan) = (Self::default(), said(servers, seen));
        while let Some(message) = scan.next().await.map_err(failed)? {
            history.see(message);
        }
        Ok(history)
    }
    fn see(&mut self, message: Message) {
        let name = message.at.topic.to_string();
        let kind = TopicMap::embedded().topic(&name).map(|topic| topic.kind);
        self.messages += 1;
        self.dead += u64::from(kind == Some(TopicKind::Dead));
        if kind != Some(TopicKind::Ephemeral) {
            self.emitted.see(&message);
        }
        let last = self.last.entry((name.clone(), message.at.partition));
        let last = last.or_default();
        *last = message.at.offset.max(*last);
        let (count, at_ms) = self
            .announced
            .entry((name, message.key.into()))
            .or_default();
        *count += 1;
        *at_ms = message.timestamp_ms.max(*at_ms);
    }
    fn announced(&self, topic: &str, key: &str) -> (u64, i64) {
        let key = (topic.to_owned(), key.as_bytes().to_vec());
        self.announced.get(&key).copied().unwrap_or_default()
    }

    /// Partitions in which a consumer has had something to do, and those that it has not read past it.
    async fn progress(&self, servers: &Servers) -> Result<(u64, Vec<String>), Trouble> {
        let (mut checkpoints, mut behind) = (0, vec![]);
        for (topic, consumer) in TopicMap::embedded().consumers() {
            let of_topic = (topic.name.clone(), i32::MIN)..=(topic.name.clone(), i32::MAX);
            let mut last = self.last.range(of_topic).peekable();
            if last.peek().is_none() {
                continue;
            }
            let watermarks = match servers
                .cluster
                .log
                .watermarks(&consumer.name, &topic.name)
                .await
            {
                Ok(watermarks) => watermarks,
                Err(error) => {
                    // A commit is under way, or the group has lost its coordinator for a moment.
                    behind.push(format!("{} {} ({error})", consumer.name, topic.name));
                    continue;
                }
            };
            for ((_, partition), last) in last {
                checkpoints += 1;
                if watermarks.get(partition).is_none_or(|done| done <= last) {
                    behind.push(format!("{} {}/{partition}", consumer.name, topic.name));
                }
            }
        }
        Ok((checkpoints, behind))
    }
}

pub(super) async fn unread(servers: &Servers, seen: &Evidence) -> Result<Vec<String>, Trouble> {
    let history = History::read(servers, seen).await?;
    Ok(history.progress(servers).await?.1)
}

pub(super) async fn look(servers: &Servers, seen: &Evidence) -> Result<Found, Trouble> {
    let tenant = TenantId::new(&seen.tenant).map_err(failed)?;
    let history = History::read(servers, seen).await?;
    let (checkpoints, behind) = history.progress(servers).await?;
    let stored = servers
        .cluster
        .search
        .stored(&tenant)
        .await
        .map_err(failed)?;
    let search = &servers.ports.search;
    let mut found = Found {
        passages: stored.passages.len() as u64,
        ..Found::default()
    };
    for document in &seen.documents {
        let key = format!("{}/{}", seen.tenant, document.id);
        let mut shelf = shelf(&stored, &document.id);
        shelf.parsed_events = history.announced(topic::DOCUMENT_PARSED, &key).0;
        (shelf.ready_events, shelf.ready_at_ms) = history.announced(topic::EMBEDDING_READY, &key);
        let revision = published(&stored, &document.id).next();
        if let Some(revision) = revision.map(|passage| &passage.of.revision) {
            let counted = search.count(&tenant, &document.id, revision).await;
            shelf.findable = counted.map_err(failed)?.retrievable;
        }
        found.documents.insert(document.id.clone(), shelf);
    }
    let failed_chatbot = seen.undone.as_ref().map(|undone| undone.chatbot.as_str());
    let chatbots: BTreeSet<&str> = failed_chatbot.into_iter().chain([&*seen.chatbot]).collect();
    for chatbot in chatbots {
        let counted = search.count_chatbot(&tenant, chatbot).await;
        found.full_text += counted.map_err(failed)?;
    }
    found.left = left(
        servers,
        &tenant,
        &stored,
        failed_chatbot.unwrap_or_default(),
    )
    .await?;
    found.log = Log {
        messages: history.messages,
        emitted: history.emitted.count,
        repeated: history.emitted.repeated,
        dead_letters: history.dead,
        checkpoints,
        behind,
    };
    Ok(found)
}

/// The passages of a document's published revision.
fn published<'a>(stored: &'a Stored, document: &str) -> impl Iterator<Item = &'a StoredPassage> {
    let passages = stored.passages.iter();
    passages.filter(move |passage| passage.published && passage.of.document == document)
}

fn shelf(stored: &Stored, document: &str) -> Shelf {
    let mut passages: Vec<&StoredPassage> = published(stored, document).collect();
    passages.sort_by_key(|passage| passage.ordinal);
    let revisions = stored.revisions.iter();
    Shelf {
        passages: passages
            .into_iter()
            .map(|passage| (passage.text.clone(), passage.page.map(i64::from)))
            .collect(),
        revisions: revisions.filter(|r| r.document == document).count() as u64,
        ..Shelf::default()
    }
}

async fn left(
    servers: &Servers,
    tenant: &TenantId,
    stored: &Stored,
    chatbot: &str,
) -> Result<Left, Trouble> {
    let ports = &servers.ports;
    let passages = stored.passages.iter();
    let revisions = stored.revisions.iter();
    let mut left = Left {
        passages: passages.filter(|p| p.of.chatbot == chatbot).count() as u64,
        revisions: revisions.filter(|r| r.chatbot == chatbot).count() as u64,
        published: stored
            .published
            .values()
            .filter(|by| *by == chatbot)
            .count() as u64,
        full_text: ports
            .search
            .count_chatbot(tenant, chatbot)
            .await
            .map_err(failed)?,
        ..Left::default()
    };
    for (id, row) in rows(servers, tenant, "documents.directory").await? {
        if row["chatbot"] != chatbot {
            continue;
        }
        // `<tenant>/<document>/<topic and partition>` here, `<document>/<revision>/…` there.
        let document = id.split('/').nth(1).unwrap_or_default();
        let of_document = format!("{document}/");
        let blobs = ports.blobs.list(tenant, &of_document, "", PAGE).await;
        left.blobs += blobs.map_err(failed)?.len() as u64;
        match row["state"].as_str() {
            Some("Deleted") => left.tombstones += 1,
            _ => left.listed_documents += 1,
        }
    }
    let own = format!("{}/{chatbot}/", tenant.as_str());
    left.listed = rows(servers, tenant, "chatbots.directory")
        .await?
        .iter()
        .any(|(id, row)| id.starts_with(&own) && row["state"] != "Removed");
    Ok(left)
}

/// The rows of a view that are the tenant's, by id.
async fn rows(
    servers: &Servers,
    tenant: &TenantId,
    view: &str,
) -> Result<Vec<(String, Value)>, Trouble> {
    let (mut all, mut after) = (vec![], String::new());
    let own = format!("{}/", tenant.as_str());
    loop {
        let page = servers.ports.state.scan(view, &own, &after, PAGE).await;
        let page = page.map_err(failed)?;
        let Some((last, _)) = page.last() else {
            return Ok(all);
        };
        after.clone_from(last);
        for (id, row) in page {
            let body: Value = serde_json::from_slice(&row.body).map_err(failed)?;
            all.push((id, body["row"].clone()));
        }
    }
}
