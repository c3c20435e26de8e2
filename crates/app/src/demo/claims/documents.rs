//! Claims about documents: they are there, whole, once, whatever happened to the process.
use super::{Against, Claim, claim};
use crate::demo::evidence::{Document, Evidence};
use crate::demo::found::{Found, Shelf};

/// SIGKILL, as the system numbers it.
const SIGKILL: i32 = 9;

pub(super) fn ingested(seen: &Evidence) -> Claim {
    let mut against = Against::default();
    let ready = seen
        .documents
        .iter()
        .filter(|document| document.state == "ready")
        .count();
    against.unless(!seen.documents.is_empty(), || {
        "there are no documents".into()
    });
    for document in seen
        .documents
        .iter()
        .filter(|document| document.state != "ready")
    {
        against.0.push(format!(
            "{} is {:?}, not ready",
            document.name, document.state
        ));
    }
    let created = seen.created.as_deref().unwrap_or("not answered");
    against.unless(created == "done", || {
        format!("the creation of the chatbot is {created}")
    });
    let figures = format!("{ready} of {} documents ready", seen.documents.len());
    claim(
        "ingested",
        "the documents became a chatbot",
        figures,
        against,
    )
}

pub(super) fn crashed(seen: &Evidence, found: &Found) -> Claim {
    let title = "killed in mid-ingestion, it went on by itself";
    let mut against = Against::default();
    let Some(crash) = &seen.crash else {
        against.0.push("there was no crash".into());
        return claim("crash", title, "none".into(), against);
    };
    against.unless(crash.signal == Some(SIGKILL), || {
        format!(
            "the process ended with signal {:?}, not SIGKILL",
            crash.signal
        )
    });
    against.unless(crash.killed_pid != crash.restarted_pid, || {
        "it is the same process afterwards".into()
    });
    against.unless(crash.ready_before > 0, || {
        "no document was ready before".into()
    });
    let after = found
        .documents
        .values()
        .filter(|shelf| shelf.ready_at_ms > crash.killed_at_ms)
        .count();
    against.unless(after > 0, || {
        "no document became ready afterwards: it was not in the middle".into()
    });
    let figures = format!(
        "SIGKILL to process {} with {} of {} documents ready; process {} brought in {after} more",
        crash.killed_pid, crash.ready_before, crash.of, crash.restarted_pid,
    );
    claim("crash", title, figures, against)
}

/// The passages of a document as they are in the database.
fn shelf<'a>(found: &'a Found, document: &Document) -> std::borrow::Cow<'a, Shelf> {
    use std::borrow::Cow;
    found
        .documents
        .get(&document.id)
        .map_or_else(|| Cow::Owned(Shelf::default()), Cow::Borrowed)
}

pub(super) fn ledger(seen: &Evidence, found: &Found) -> Claim {
    let mut against = Against::default();
    against.unless(!seen.documents.is_empty(), || {
        "there are no documents".into()
    });
    let mut total = 0;
    for document in &seen.documents {
        let (name, shelf) = (&document.name, shelf(found, document));
        let read = i64::try_from(document.read).unwrap_or(i64::MAX);
        let Some(ledger) = document.ledger else {
            against.0.push(format!("{name} has no ledger"));
            continue;
        };
        let told = [
            ledger.expected,
            ledger.embedded,
            ledger.stored,
            ledger.retrievable,
        ];
        against.unless(told.iter().all(|count| *count == read), || {
            let [expected, embedded, stored, retrievable] = told;
            format!("{name} has {read} passages; told: expected {expected}, embedded {embedded}, stored {stored}, retrievable {retrievable}")
        });
        let (stored, findable) = (shelf.passages.len() as u64, shelf.findable);
        against.unless(stored == document.read && findable == document.read, || {
            format!("{name} has {} passages; the database holds {stored}, and full text finds {findable}", document.read)
        });
        total += document.read;
    }
    against.unless(found.passages == total, || {
        format!("the index holds {} passages, not {total}", found.passages)
    });
    against.unless(found.full_text == total, || {
        format!(
            "the full text holds {} entries, not {total}",
            found.full_text
        )
    });
    let figures = format!(
        "{total} passages of {} documents: expected = embedded = stored = retrievable",
        seen.documents.len()
    );
    claim("ledger", "nothing was lost", figures, against)
}

pub(super) fn not_doubled(seen: &Evidence, found: &Found) -> Claim {
    let mut against = Against::default();
    against.unless(!seen.documents.is_empty(), || {
        "there are no documents".into()
    });
    for document in &seen.documents {
        let (name, shelf) = (&document.name, shelf(found, document));
        against.unless(shelf.digest() == document.digest, || {
            format!("{name}: its passages are not those of the file, each once and in order")
        });
        against.unless(shelf.revisions == 1, || {
            format!("{name} has {} revisions in the index", shelf.revisions)
        });
        against.unless(shelf.parsed_events == 1, || {
            format!(
                "{name} was announced as parsed {} times",
                shelf.parsed_events
            )
        });
        against.unless(shelf.ready_events == 1, || {
            format!("{name} was announced as ready {} times", shelf.ready_events)
        });
    }
    against.unless(found.log.emitted > 0, || "no worker said anything".into());
    against.0.extend(
        found
            .log
            .repeated
            .iter()
            .take(5)
            .map(|message| format!("on the log twice: {message}")),
    );
    let figures = format!(
        "{} messages of the workers, {} of them twice",
        found.log.emitted,
        found.log.repeated.len()
    );
    claim("not-doubled", "nothing was doubled", figures, against)
}
