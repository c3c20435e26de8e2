//! Sources are brought in: every one, or whoever asked is told why not.
use super::{
    Decided, Ingest, Ingestion, MAX_SOURCES, Part, Request, SOURCES_FAILED, add_request, request,
};
use crate::IngestionRefusal as Refusal;
use events::chatbots::{IngestSources, Source, SourcesIngested};
use events::documents::{AddDocument, DocumentReady};
use events::id::check_part;
use events::reply::Progress;
use runtime::{Decision, Emits, Moment};
use std::collections::BTreeSet;

/// Longest name of a source's file, in characters.
const MAX_NAME: usize = 255;

impl Ingestion {
    pub(super) fn ingest(&self, ask: IngestSources, at: &Moment) -> Decided {
        if self.closed {
            return Err(Refusal::Removed);
        }
        // One without sources only opens them.
        let is_this = |ingest: &&Ingest| ingest.total > 0 || ingest.key == at.idempotency_key;
        if let Some(ingest) = self.ingest.as_ref().filter(is_this) {
            return self.asked_again(ingest, at);
        }
        check_sources(&ask.sources)?;
        let total = i64::try_from(ask.sources.len()).unwrap_or(i64::MAX);
        let key = at.idempotency_key.clone();
        let mut next = self.clone();
        let mut emits = Emits::default();
        for source in ask.sources {
            let Source {
                document,
                name,
                media_type,
                blob,
            } = source;
            next.parts
                .insert(document.clone(), Part::Asked(name.clone()));
            let (chatbot, request) = (at.id.to_string(), add_request(&document));
            emits = emits.ask(
                AddDocument {
                    document,
                    chatbot,
                    name,
                    media_type,
                    blob,
                },
                request,
            );
            emits = emits.keyed(key.clone());
            if let Some(deadline_ms) = at.deadline_ms {
                emits = emits.by(deadline_ms);
            }
        }
        let asker = at.reply_to.clone();
        let ingest = Ingest {
            key,
            asker,
            total,
            open: total,
            ..Ingest::default()
        };
        let ended = ingest.outcome(at);
        next.ingest = Some(ingest);
        Ok(Decision::to(next).saying(|_| emits.append(ended)))
    }

    /// The same command once more joins what is under way (O1), or hears how it ended.
    fn asked_again(&self, ingest: &Ingest, at: &Moment) -> Decided {
        if ingest.key != at.idempotency_key {
            return Err(Refusal::AlreadyIngested);
        }
        let asker = at.reply_to.clone().or(ingest.asker.clone());
        let joined = Ingest {
            asker,
            ..ingest.clone()
        };
        let said = joined.outcome(at);
        let next = Self {
            ingest: Some(joined),
            ..self.clone()
        };
        Ok(Decision::to(next).saying(|_| said))
    }

    pub(super) fn part_ready(&self, ready: &DocumentReady, at: &Moment) -> Decision<Self> {
        let Some(Request::Add(document)) = request(at) else {
            return Decision::stay();
        };
        if matches!(self.parts.get(document), Some(Part::Asked(_))) {
            return self.part_ended(document, at, |ingest, _| {
                ingest.ready += 1;
                ingest.passages += ready.passages;
            });
        }
        // A success after the undo is undone too (S4).
        if self.closed && !self.parts.contains_key(document) {
            return self.remove_late(document, at);
        }
        Decision::stay()
    }

    pub(super) fn part_not_ready(&self, document: &str, why: &str, at: &Moment) -> Decision<Self> {
        self.part_ended(document, at, |ingest, name| ingest.reasons.add(name, why))
    }

    /// One source has ended, and is counted. Something of it may be there, however it ended.
    fn part_ended(
        &self,
        document: &str,
        at: &Moment,
        count: impl FnOnce(&mut Ingest, &str),
    ) -> Decision<Self> {
        let (Some(ingest), Some(Part::Asked(name))) = (&self.ingest, self.parts.get(document))
        else {
            return Decision::stay();
        };
        let mut counted = ingest.clone();
        counted.open -= 1;
        count(&mut counted, name);
        let said = counted.outcome(at);
        let mut next = Self {
            ingest: Some(counted),
            ..self.clone()
        };
        next.parts.insert(document.to_owned(), Part::Kept);
        Decision::to(next).saying(|_| said)
    }

    /// Whoever waits hears that it goes on, so that they do not take it for silence (S8).
    pub(super) fn part_goes_on(&self, said: &Progress, at: &Moment) -> Decision<Self> {
        let Some(Request::Add(document)) = request(at) else {
            return Decision::stay();
        };
        let waits = matches!(self.parts.get(document), Some(Part::Asked(_)));
        match self.ingest.as_ref().filter(|_| waits) {
            Some(ingest) => Decision::stay().saying(|_| ingest.progress(&said.message)),
            None => Decision::stay(),
        }
    }
}

impl Ingest {
    /// How it ended, or that it goes on. Never `Refused`: documents were asked, so something of them may be there (S8).
    fn outcome(&self, at: &Moment) -> Emits {
        if self.open > 0 {
            let message = format!("{} of {} sources", self.total - self.open, self.total);
            return if self.open == self.total {
                Emits::default()
            } else {
                self.progress(&message)
            };
        }
        let Some(asker) = self.asker.clone() else {
            return Emits::default();
        };
        if self.reasons.count > 0 {
            let why = self.reasons.lines();
            return Emits::default().answer_failed(asker, SOURCES_FAILED, &why, true);
        }
        let done = SourcesIngested {
            chatbot: at.id.to_string(),
            documents: self.ready,
            passages: self.passages,
        };
        Emits::default().answer(asker, done)
    }
    fn progress(&self, message: &str) -> Emits {
        match self.asker.clone() {
            Some(asker) => {
                let done = self.total - self.open;
                Emits::default().answer_progress(asker, message, done, self.total)
            }
            None => Emits::default(),
        }
    }
}

/// Checks the sources of a creation.
///
/// # Errors
/// What is the matter with them, or with the first that is wrong.
pub fn check_sources(sources: &[Source]) -> Result<(), Refusal> {
    if sources.len() > MAX_SOURCES {
        return Err(Refusal::TooManySources);
    }
    let mut ids = BTreeSet::new();
    for source in sources {
        check_part(&source.document).map_err(|e| Refusal::InvalidSource(e.to_string()))?;
        if !ids.insert(&source.document) {
            return Err(Refusal::SameSource(source.document.clone()));
        }
        let wrong = |why: String| Refusal::InvalidSource(format!("{}: {why}", source.document));
        let name = &source.name;
        if name.trim().is_empty() || name.chars().nth(MAX_NAME).is_some() {
            return Err(wrong(format!("its name has 1 to {MAX_NAME} characters")));
        }
        if source.blob.id.is_empty() {
            return Err(wrong("it names no blob".into()));
        }
    }
    Ok(())
}
