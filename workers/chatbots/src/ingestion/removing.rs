//! Sources are removed: all of them, whatever came of each, some at a time.
use super::{
    Decided, IN_FLIGHT, Ingest, Ingestion, MAX_WAITING, Part, Removal, SOURCES_NOT_REMOVED,
    delete_request,
};
use crate::IngestionRefusal as Refusal;
use events::documents::DeleteDocument;
use events::reply;
use runtime::{Decision, Emits, Moment};

impl Ingestion {
    /// Undoes `ingest`, and ends a deletion. A second one joins the first.
    pub(super) fn remove(&self, at: &Moment) -> Decided {
        let mut next = Self {
            closed: true,
            ..self.clone()
        };
        let mut emits = Emits::default();
        // Whoever still waits for the sources is told: D5.
        if let Some(ingest) = next.ingest.as_mut().filter(|ingest| ingest.open > 0) {
            if let Some(asker) = ingest.asker.take() {
                let why = "the sources were removed before all of them were found";
                emits = emits.answer_failed(asker, "chatbots.sources_removed", why, true);
            }
            *ingest = Ingest {
                open: 0,
                ..ingest.clone()
            };
        }
        let asker = at.reply_to.clone();
        if let Some(removal) = &mut next.removal {
            if let Some(asker) = asker.filter(|asker| !removal.askers.contains(asker)) {
                if removal.askers.len() >= MAX_WAITING {
                    return Err(Refusal::Busy);
                }
                removal.askers.push(asker);
            }
            return Ok(Decision::to(next).saying(|_| emits));
        }
        // One that could not be deleted is tried again; one that is still being brought in is deleted after it (O3).
        for part in next
            .parts
            .values_mut()
            .filter(|part| **part != Part::Removing)
        {
            *part = Part::Kept;
        }
        next.removal = Some(Removal {
            key: at.idempotency_key.clone(),
            askers: asker.into_iter().collect(),
            total: i64::try_from(next.parts.len()).unwrap_or(i64::MAX),
            ..Removal::default()
        });
        Ok(next.go_on(emits, at))
    }

    /// A document that came in after the removal.
    pub(super) fn remove_late(&self, document: &str, at: &Moment) -> Decision<Self> {
        let mut next = self.clone();
        next.parts.insert(document.to_owned(), Part::Removing);
        if let Some(removal) = &mut next.removal {
            removal.total += 1;
        }
        let emits = next.delete(Emits::default(), document, &at.idempotency_key, at);
        Decision::to(next).saying(|_| emits)
    }

    pub(super) fn part_gone(&self, document: &str, at: &Moment) -> Decision<Self> {
        // What could not be deleted may be gone all the same: a person redrove it.
        if !matches!(self.parts.get(document), Some(Part::Removing | Part::Left)) {
            return Decision::stay();
        }
        let mut next = self.clone();
        next.parts.remove(document);
        if let Some(removal) = &mut next.removal {
            removal.gone += 1;
        }
        next.go_on(Emits::default(), at)
    }

    pub(super) fn part_left(&self, document: &str, why: &str, at: &Moment) -> Decision<Self> {
        if self.parts.get(document) != Some(&Part::Removing) {
            return Decision::stay();
        }
        let mut next = self.clone();
        next.parts.insert(document.to_owned(), Part::Left);
        if let Some(removal) = &mut next.removal {
            removal.reasons.add(document, why);
        }
        next.go_on(Emits::default(), at)
    }

    /// The next documents of a removal; at its end, the answer.
    fn go_on(mut self, mut emits: Emits, at: &Moment) -> Decision<Self> {
        let Some(removal) = self.removal.clone() else {
            return Decision::to(self);
        };
        let is = |wanted: Part| move |part: &&Part| **part == wanted;
        let under_way = self.parts.values().filter(is(Part::Removing)).count();
        let kept = self.parts.iter().filter(|(_, part)| **part == Part::Kept);
        let room = IN_FLIGHT.saturating_sub(under_way);
        let turn: Vec<String> = kept
            .take(room)
            .map(|(document, _)| document.clone())
            .collect();
        for document in &turn {
            self.parts.insert(document.clone(), Part::Removing);
            emits = self.delete(emits, document, &removal.key, at);
        }
        if under_way + turn.len() > 0 {
            let Removal { gone, total, .. } = removal;
            if gone > 0 {
                let message = format!("{gone} of {total} documents are gone");
                for asker in removal.askers {
                    emits = emits.answer_progress(asker, &message, gone, total);
                }
            }
            return Decision::to(self).saying(|_| emits);
        }
        self.removal = None;
        let left = self.parts.values().any(|part| *part == Part::Left);
        for asker in removal.askers {
            emits = if left {
                emits.answer_failed(asker, SOURCES_NOT_REMOVED, &removal.reasons.lines(), true)
            } else {
                emits.answer(
                    asker,
                    reply::Ok {
                        id: at.id.to_string(),
                    },
                )
            };
        }
        Decision::to(self).saying(|_| emits)
    }

    fn delete(&self, emits: Emits, document: &str, key: &str, at: &Moment) -> Emits {
        let (document, chatbot) = (document.to_owned(), at.id.to_string());
        let request = delete_request(&document);
        let emits = emits
            .ask(DeleteDocument { document, chatbot }, request)
            .keyed(key);
        match &self.ingest {
            Some(ingest) => emits.undoing(ingest.key.clone()), // S4
            None => emits,
        }
    }
}
