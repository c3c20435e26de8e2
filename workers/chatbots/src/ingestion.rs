//! The child entity Ingestion: the sources of a chatbot, brought in and removed as a whole (S8): one command, one
//! answer, and the counting in here.
//!
//! It knows every document of its chatbot: those that its creation brings, and those that people upload afterwards,
//! which the route `chatbots.note` tells it of. So neither a deletion nor the undo of a creation leaves any behind. Once the sources are removed it is
//! closed: whatever comes in later is removed by itself (S4).
mod ingesting;
mod removing;
#[cfg(test)]
mod tests;

use crate::IngestionRefusal;
use events::ReplyAddress;
use events::chatbots::{ForgetSource, IngestSources, NoteSource, RemoveSources};
use events::documents::DocumentReady;
use events::reply::{self, Failed, Progress, Refused};
use events::system::Woke;
use runtime::{Arm, Decision, Entity, Inbox, Moment, arm};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use ingesting::check_sources;

/// Most sources of a creation.
pub const MAX_SOURCES: usize = 200;

/// Most documents of a chatbot: they stand in one row.
pub const MAX_KNOWN: usize = 100_000;

/// Documents that are deleted at a time: what one decision says must stay small.
pub const IN_FLIGHT: usize = 100;

/// Most who may wait for the end of one removal.
pub const MAX_WAITING: usize = 16;

/// The code of sources that were not all brought in.
pub const SOURCES_FAILED: &str = "chatbots.sources_failed";

/// The code of sources that were not all removed.
pub const SOURCES_NOT_REMOVED: &str = "chatbots.sources_not_removed";

/// Most reasons that are kept; whoever asked is told how many there are besides.
const MAX_REASONS: usize = 10;

/// Longest reason that is kept, in characters.
const MAX_REASON: usize = 300;

/// All that arrives on the input of the sources (E1).
#[derive(Clone, Debug, PartialEq)]
pub enum IngestionMessage {
    /// Bring them in.
    Ingest(IngestSources),
    /// Remove all of them.
    Remove(RemoveSources),
    /// A document was uploaded to the chatbot.
    Note(NoteSource),
    /// A document of the chatbot was deleted.
    Forget(ForgetSource),
    /// A search finds a document.
    Ready(DocumentReady),
    /// Nothing finds a document any more.
    Gone(reply::Ok),
    /// A document says no.
    Refused(Refused),
    /// A document failed.
    Failed(Failed),
    /// A document is on its way.
    Progress(Progress),
    /// It waits for documents only, and they answer.
    Woke(Woke),
}

impl Inbox for IngestionMessage {
    fn arms() -> Vec<Arm<Self>> {
        vec![
            arm(Self::Ingest),
            arm(Self::Remove),
            arm(Self::Note),
            arm(Self::Forget),
            arm(Self::Ready),
            arm(Self::Gone),
            arm(Self::Refused),
            arm(Self::Failed),
            arm(Self::Progress),
            arm(Self::Woke),
        ]
    }
}

/// The sources of a chatbot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ingestion {
    /// Every document that is there, or may be.
    pub parts: BTreeMap<String, Part>,
    /// What the creation brings, once it was asked for; none of them when it only opens the sources.
    pub ingest: Option<Ingest>,
    /// A removal that is under way.
    pub removal: Option<Removal>,
    /// Whether the sources were ever removed: nothing comes in any more (S4).
    pub closed: bool,
}

/// How a document of the chatbot is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// It is there, or something of it may be.
    Kept,
    /// It is being brought in. The name is the file's.
    Asked(String),
    /// It is being deleted.
    Removing,
    /// It could not be deleted, this time.
    Left,
}

/// The sources of the creation, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ingest {
    /// Names the effect of bringing them in (O1); deleting them undoes it (S4).
    pub key: String,
    /// Who is told how it ends.
    pub asker: Option<ReplyAddress>,
    /// Sources in all.
    pub total: i64,
    /// Sources that have not ended yet.
    pub open: i64,
    /// Sources that a search finds.
    pub ready: i64,
    /// Passages of them that a search finds.
    pub passages: i64,
    /// Why the others are not found.
    pub reasons: Reasons,
}

/// A removal, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    /// Names the effect of removing them (O1).
    pub key: String,
    /// Who is told how it ends.
    pub askers: Vec<ReplyAddress>,
    /// Documents in all.
    pub total: i64,
    /// Documents that are gone.
    pub gone: i64,
    /// Why others are not.
    pub reasons: Reasons,
}

/// Sentences for a person, the first few of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reasons {
    /// How many there are.
    pub count: i64,
    /// The first of them, each of at most 300 characters.
    pub first: Vec<String>,
}

impl Reasons {
    fn add(&mut self, about: &str, why: &str) {
        self.count += 1;
        if self.first.len() < MAX_REASONS {
            let line = format!("{about}: {}", why.replace('\n', " "));
            self.first.push(line.chars().take(MAX_REASON).collect());
        }
    }
    /// A line each.
    fn lines(&self) -> String {
        let mut lines = self.first.clone();
        let more = self.count - i64::try_from(lines.len()).unwrap_or(self.count);
        if more > 0 {
            lines.push(format!("and {more} more"));
        }
        lines.join("\n")
    }
}

/// What is called what in the answers of documents.
enum Request<'a> {
    Add(&'a str),
    Delete(&'a str),
}
fn add_request(document: &str) -> String {
    format!("add/{document}")
}
fn delete_request(document: &str) -> String {
    format!("delete/{document}")
}
fn request(at: &Moment) -> Option<Request<'_>> {
    match at.request.as_deref()?.split_once('/')? {
        ("add", document) => Some(Request::Add(document)),
        ("delete", document) => Some(Request::Delete(document)),
        _ => None,
    }
}

type Decided = Result<Decision<Ingestion>, IngestionRefusal>;

impl Entity for Ingestion {
    type Message = IngestionMessage;
    type Refusal = IngestionRefusal;

    fn decide(&self, message: IngestionMessage, at: &Moment) -> Decided {
        use IngestionMessage as M;
        match message {
            M::Ingest(ingest) => self.ingest(ingest, at),
            M::Remove(_) => self.remove(at),
            M::Note(note) => self.note(note.document, at),
            M::Forget(forget) => Ok(self.forget(&forget.document)),
            M::Ready(ready) => Ok(self.part_ready(&ready, at)),
            M::Gone(_) => Ok(match request(at) {
                Some(Request::Delete(document)) => self.part_gone(document, at),
                Some(Request::Add(_)) | None => Decision::stay(),
            }),
            M::Refused(said) => Ok(self.part_failed(&said.code, &said.message, at)),
            M::Failed(said) => Ok(self.part_failed(&said.code, &said.message, at)),
            M::Progress(said) => Ok(self.part_goes_on(&said, at)),
            M::Woke(_) => Ok(Decision::stay()),
        }
    }
}

impl Ingestion {
    /// A document of the chatbot, by whatever way it came.
    fn note(&self, document: String, at: &Moment) -> Decided {
        if self.parts.contains_key(&document) {
            return Ok(Decision::stay());
        }
        if self.closed {
            return Ok(self.remove_late(&document, at));
        }
        if self.parts.len() >= MAX_KNOWN {
            return Err(IngestionRefusal::TooManyKnown);
        }
        let mut next = self.clone();
        next.parts.insert(document, Part::Kept);
        Ok(Decision::to(next))
    }

    /// A document that somebody else deleted. One that waits for an answer gets it.
    fn forget(&self, document: &str) -> Decision<Self> {
        match self.parts.get(document) {
            Some(Part::Kept | Part::Left) => {
                let mut next = self.clone();
                next.parts.remove(document);
                Decision::to(next)
            }
            Some(Part::Asked(_) | Part::Removing) | None => Decision::stay(),
        }
    }

    fn part_failed(&self, code: &str, why: &str, at: &Moment) -> Decision<Self> {
        match request(at) {
            Some(Request::Add(document)) => self.part_not_ready(document, why, at),
            // Another chatbot's document is none of ours: nothing of it is left here.
            Some(Request::Delete(document)) if code == "documents.other_chatbot" => {
                self.part_gone(document, at)
            }
            Some(Request::Delete(document)) => self.part_left(document, why, at),
            None => Decision::stay(),
        }
    }
}
