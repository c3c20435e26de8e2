//! What is in the stores, counted by looking at what stands there, not by asking who wrote it: at the tables of the file, or
//! at the topics, the points of the index and the rows on the servers.
mod file;
mod servers;

use super::evidence::Evidence;
use super::material::digest;
use super::trouble::Trouble;
use crate::servers::Servers;
use events::Envelope;
use runtime::ports::log::Message;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

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

/// Where it is kept.
pub enum Stores {
    /// In this file.
    File(PathBuf),
    /// On servers, which hold what is others' too.
    Servers(Box<Servers>),
}

impl Stores {
    /// Looks at everything that `evidence` speaks of.
    ///
    /// # Errors
    /// [`Trouble::Database`] if it cannot be read.
    pub async fn look(&self, evidence: &Evidence) -> Result<Found, Trouble> {
        match self {
            Self::File(database) => file::look(database, evidence).await,
            Self::Servers(servers) => servers::look(servers, evidence).await,
        }
    }
    /// What has not been read to its end, now.
    ///
    /// # Errors
    /// [`Trouble::Database`] if it cannot be read.
    pub async fn unread(&self, evidence: &Evidence) -> Result<Vec<String>, Trouble> {
        match self {
            Self::File(database) => file::unread(database),
            Self::Servers(servers) => servers::unread(servers, evidence).await,
        }
    }
}

/// Counts what the workers emitted for good, and finds what is there more than once. What the edge sends may be sent again
/// under the same id (H2), and pieces of answers, which are not looked at here, may be said again (H3).
#[derive(Default)]
struct Emitted {
    count: u64,
    seen: BTreeSet<(String, String, String)>,
    repeated: Vec<String>,
}

impl Emitted {
    fn see(&mut self, message: &Message) {
        let envelope = Envelope::read(&message.headers);
        let (source, id) = (
            envelope.source.unwrap_or_default(),
            envelope.id.unwrap_or_default(),
        );
        if source == "troupe/edge" {
            return;
        }
        let topic = message.at.topic.to_string();
        self.count += 1;
        if !self
            .seen
            .insert((topic.clone(), source.clone(), id.clone()))
        {
            self.repeated.push(format!("{topic} {source} {id}"));
        }
    }
}
