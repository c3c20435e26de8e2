//! How sources are brought in and removed.
use super::*;
use events::chatbots::{Source, SourcesIngested};
use events::documents::{AddDocument, DeleteDocument};
use events::{BlobRef, ReplyStatus};
use runtime::Emits;
use runtime::testkit::entities::{Given, Then, asker, given};

const KEY: &str = "chatbots.creation/e1/doing.ingest";
const UNDO: &str = "chatbots.creation/e1/undoing.ingest";

fn source(document: &str) -> Source {
    let blob = BlobRef {
        id: format!("up/{document}"),
        size: 9,
        sha256: String::new(),
    };
    let (document, name) = (document.to_owned(), format!("{document}.pdf"));
    Source {
        document,
        name,
        media_type: "application/pdf".into(),
        blob,
    }
}
fn ingest(documents: &[&str]) -> IngestionMessage {
    let sources = documents.iter().map(|document| source(document)).collect();
    IngestionMessage::Ingest(IngestSources {
        chatbot: "e1".into(),
        sources,
    })
}
fn add(document: &str) -> AddDocument {
    let Source {
        document,
        name,
        media_type,
        blob,
    } = source(document);
    AddDocument {
        document,
        chatbot: "e1".into(),
        name,
        media_type,
        blob,
    }
}
fn delete(document: &str) -> DeleteDocument {
    DeleteDocument {
        document: document.into(),
        chatbot: "e1".into(),
    }
}
fn asked(sources: Given<Ingestion>, by: &str, key: &str) -> Given<Ingestion> {
    sources.at(|at| {
        (at.request, at.reply_status, at.reply_to) = (None, None, Some(asker(by)));
        at.idempotency_key = key.into();
    })
}
fn begin(documents: &[&str]) -> Then<Ingestion> {
    asked(given(Ingestion::default()), "saga", KEY).when(ingest(documents))
}
fn ingesting(documents: &[&str]) -> Given<Ingestion> {
    begin(documents).and_then()
}
fn ready(sources: Given<Ingestion>, document: &str) -> Then<Ingestion> {
    let ready = DocumentReady {
        document: document.into(),
        passages: 4,
        ..DocumentReady::default()
    };
    let answering = sources.answering(&add_request(document), ReplyStatus::Done);
    answering.when(IngestionMessage::Ready(ready))
}
fn refused(sources: Given<Ingestion>, request: &str, code: &str, why: &str) -> Then<Ingestion> {
    let refused = Refused {
        code: code.into(),
        message: why.into(),
    };
    sources
        .answering(request, ReplyStatus::Refused)
        .when(IngestionMessage::Refused(refused))
}
fn encrypted(sources: Given<Ingestion>, document: &str) -> Then<Ingestion> {
    refused(
        sources,
        &add_request(document),
        "document.encrypted",
        "it is encrypted",
    )
}
fn failed(sources: Given<Ingestion>, request: &str, why: &str) -> Then<Ingestion> {
    let (code, message) = ("documents.timed_out".into(), why.into());
    let failed = Failed {
        code,
        message,
        may_have_happened: true,
    };
    sources
        .answering(request, ReplyStatus::Failed)
        .when(IngestionMessage::Failed(failed))
}
fn gone(sources: Given<Ingestion>, document: &str) -> Then<Ingestion> {
    let ok = reply::Ok {
        id: document.into(),
    };
    let answering = sources.answering(&delete_request(document), ReplyStatus::Done);
    answering.when(IngestionMessage::Gone(ok))
}
fn remove(sources: Given<Ingestion>, by: &str) -> Then<Ingestion> {
    let asked = asked(sources, by, UNDO);
    asked.when(IngestionMessage::Remove(RemoveSources {
        chatbot: "e1".into(),
    }))
}
fn note(sources: Given<Ingestion>, document: &str) -> Then<Ingestion> {
    let sources = sources.at(|at| {
        (at.request, at.reply_status, at.reply_to) = (None, None, None);
        at.idempotency_key = "noted".into();
    });
    let note = NoteSource {
        chatbot: "e1".into(),
        document: document.into(),
    };
    sources.when(IngestionMessage::Note(note))
}
fn forget(sources: Given<Ingestion>, document: &str) -> Then<Ingestion> {
    let forget = ForgetSource {
        chatbot: "e1".into(),
        document: document.into(),
    };
    sources.when(IngestionMessage::Forget(forget))
}
fn says() -> Emits {
    Emits::default()
}
fn deleting(said: Emits, document: &str) -> Emits {
    said.ask(delete(document), delete_request(document))
        .keyed(UNDO)
        .undoing(KEY)
}
fn ingested(documents: i64, passages: i64) -> Emits {
    let done = SourcesIngested {
        chatbot: "e1".into(),
        documents,
        passages,
    };
    says().answer(asker("saga"), done)
}
fn removed(by: &str) -> Emits {
    says().answer(asker(by), reply::Ok { id: "e1".into() })
}
/// `a` is found, `b` is not: half an ingestion.
fn half() -> Given<Ingestion> {
    encrypted(ready(ingesting(&["a", "b"]), "a").and_then(), "b").and_then()
}

#[test]
fn every_source_is_added_under_one_key() {
    let said = says()
        .ask(add("a"), "add/a")
        .keyed(KEY)
        .ask(add("b"), "add/b")
        .keyed(KEY);
    begin(&["a", "b"]).emits(said);
}
#[test]
fn the_deadline_goes_with_every_source() {
    let asked = asked(given(Ingestion::default()), "saga", KEY).at(|at| at.deadline_ms = Some(9));
    asked
        .when(ingest(&["a"]))
        .emits(says().ask(add("a"), "add/a").keyed(KEY).by(9));
}
#[test]
fn no_sources_are_all_there() {
    begin(&[]).emits(ingested(0, 0));
}
#[test]
fn each_that_ends_is_progress_and_the_last_is_the_answer() {
    let then = ready(ingesting(&["a", "b"]), "b");
    let then = then.emits(says().answer_progress(asker("saga"), "1 of 2 sources", 1, 2));
    ready(then.and_then(), "a").emits(ingested(2, 8));
}
#[test]
fn the_progress_of_a_document_is_a_sign_of_life() {
    let said = Progress {
        message: "a.pdf: 4 passages".into(),
        done: 1,
        total: 2,
    };
    let answering = ingesting(&["a", "b"]).answering("add/a", ReplyStatus::Progress);
    let then = answering.when(IngestionMessage::Progress(said)).stays();
    then.emits(says().answer_progress(asker("saga"), "a.pdf: 4 passages", 0, 2));
}
/// S8.
#[test]
fn half_an_ingestion_failed_and_says_why() {
    let then = encrypted(ready(ingesting(&["a", "b"]), "a").and_then(), "b");
    let why = "b.pdf: it is encrypted";
    then.emits(says().answer_failed(asker("saga"), SOURCES_FAILED, why, true));
}
/// S8: the document is there, if only as one that cannot be read; so it is to be undone.
#[test]
fn even_if_every_source_is_refused_something_may_be_there() {
    let then = encrypted(encrypted(ingesting(&["a", "b"]), "b").and_then(), "a");
    let why = "b.pdf: it is encrypted\na.pdf: it is encrypted";
    then.emits(says().answer_failed(asker("saga"), SOURCES_FAILED, why, true));
}
#[test]
fn a_source_that_failed_waits_for_the_others_to_end() {
    let then = failed(ingesting(&["a", "b"]), "add/a", "it took too long");
    let then = then.emits(says().answer_progress(asker("saga"), "1 of 2 sources", 1, 2));
    let why = "a.pdf: it took too long";
    let said = says().answer_failed(asker("saga"), SOURCES_FAILED, why, true);
    ready(then.and_then(), "b").emits(said);
}
#[test]
fn of_many_reasons_the_first_are_told() {
    let documents: Vec<String> = (0..13).map(|n| format!("d{n}")).collect();
    let ids: Vec<&str> = documents.iter().map(String::as_str).collect();
    let mut sources = ingesting(&ids);
    for id in &ids {
        sources = encrypted(sources, id).and_then();
    }
    let then = note(sources, "another");
    let reasons = then
        .state()
        .ingest
        .as_ref()
        .map(|ingest| ingest.reasons.lines());
    let lines = reasons.expect("it was asked");
    assert_eq!(
        (lines.lines().count(), lines.lines().last()),
        (11, Some("and 3 more"))
    );
}
#[test]
fn the_same_command_again_joins_or_hears_how_it_ended() {
    let again = |sources| asked(sources, "again", KEY).when(ingest(&["a", "b"]));
    again(ingesting(&["a", "b"])).emits_nothing();
    let why = "b.pdf: it is encrypted";
    again(half()).emits(says().answer_failed(asker("again"), SOURCES_FAILED, why, true));
    asked(half(), "other", "another-key")
        .when(ingest(&["c"]))
        .refuses("chatbots.already_ingested");
}
#[test]
fn sources_that_were_opened_without_any_are_brought_in_later_and_once() {
    let open = "chatbots.creation/e1/doing.open-sources";
    let opened = asked(given(Ingestion::default()), "saga", open).when(ingest(&[]));
    let again = asked(opened.and_then(), "saga", open).when(ingest(&[]));
    let noted = note(again.emits(ingested(0, 0)).and_then(), "z").emits_nothing();
    let then = asked(noted.and_then(), "saga", KEY).when(ingest(&["a"]));
    let then = then.emits(says().ask(add("a"), "add/a").keyed(KEY));
    // What was uploaded meanwhile goes with the rest.
    let brought = ready(then.and_then(), "a").and_then();
    remove(brought, "undo").emits(deleting(deleting(says(), "a"), "z"));
}
#[test]
fn sources_are_opened_before_they_are_brought_in_and_not_again() {
    let open = "chatbots.creation/e1/doing.open-sources";
    let late = asked(ingesting(&["a"]), "saga", open).when(ingest(&[]));
    late.refuses("chatbots.already_ingested");
}
#[test]
fn sources_that_cannot_be_asked_for_are_refused_before_any_begins() {
    let refuses = |message, code| given(Ingestion::default()).when(message).refuses(code);
    let many: Vec<String> = (0..=MAX_SOURCES).map(|n| format!("d{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    refuses(ingest(&many), "chatbots.too_many_sources");
    refuses(ingest(&["a", "a"]), "chatbots.same_source");
    refuses(ingest(&["No id"]), "chatbots.invalid_source");
    let nameless = Source {
        name: " ".into(),
        ..source("a")
    };
    let ask = IngestSources {
        chatbot: "e1".into(),
        sources: vec![nameless],
    };
    refuses(IngestionMessage::Ingest(ask), "chatbots.invalid_source");
}

#[test]
fn every_document_is_deleted_whatever_became_of_it() {
    let then = remove(half(), "saga").emits(deleting(deleting(says(), "a"), "b"));
    let then = gone(then.and_then(), "a");
    let message = "1 of 2 documents are gone";
    let then = then.emits(says().answer_progress(asker("saga"), message, 1, 2));
    gone(then.and_then(), "b").emits(removed("saga"));
}
#[test]
fn documents_that_people_uploaded_are_deleted_too() {
    let noted = note(ready(ingesting(&["a"]), "a").and_then(), "z")
        .emits_nothing()
        .and_then();
    remove(noted, "saga").emits(deleting(deleting(says(), "a"), "z"));
    let only = note(given(Ingestion::default()), "z").and_then();
    remove(only, "saga").emits(says().ask(delete("z"), "delete/z").keyed(UNDO));
}
#[test]
fn a_document_that_somebody_deleted_is_forgotten() {
    let sources = forget(note(given(Ingestion::default()), "z").and_then(), "z").and_then();
    remove(sources, "saga").emits(removed("saga"));
    forget(ingesting(&["a"]), "a").stays().emits_nothing();
    forget(given(Ingestion::default()), "z")
        .stays()
        .emits_nothing();
}
/// S3, O3.
#[test]
fn sources_that_are_still_being_brought_in_are_deleted_and_who_waits_is_told() {
    let then = remove(ingesting(&["a"]), "undo");
    let why = "the sources were removed before all of them were found";
    let said = says().answer_failed(asker("saga"), "chatbots.sources_removed", why, true);
    let then = then.emits(deleting(said, "a"));
    let late = refused(
        then.and_then(),
        "add/a",
        "documents.deleted",
        "it was deleted",
    );
    let late = ready(late.stays().emits_nothing().and_then(), "a")
        .stays()
        .emits_nothing();
    gone(late.and_then(), "a").emits(removed("undo"));
}
/// S4.
#[test]
fn removing_what_never_came_is_done_and_what_comes_later_is_removed() {
    let then = remove(given(Ingestion::default()), "undo").emits(removed("undo"));
    let then = note(then.and_then(), "late");
    let then = then.emits(says().ask(delete("late"), "delete/late").keyed("noted"));
    let closed = gone(then.and_then(), "late").emits_nothing().and_then();
    asked(closed, "saga", KEY)
        .when(ingest(&["a"]))
        .refuses("chatbots.sources_removed");
}
/// S4.
#[test]
fn a_success_after_the_undo_is_undone_too() {
    let closed = gone(remove(ingesting(&["a"]), "undo").and_then(), "a").and_then();
    let then = ready(closed.at(|at| at.idempotency_key = UNDO.into()), "a");
    let then = then.emits(deleting(says(), "a"));
    gone(then.and_then(), "a").emits_nothing();
}
#[test]
fn what_comes_in_during_a_removal_is_removed_with_it() {
    let then = note(remove(ingesting(&["a"]), "undo").and_then(), "z");
    let said = says()
        .ask(delete("z"), "delete/z")
        .keyed("noted")
        .undoing(KEY);
    let then = gone(then.emits(said).and_then(), "a");
    let message = "1 of 2 documents are gone";
    let then = then.emits(says().answer_progress(asker("undo"), message, 1, 2));
    gone(then.and_then(), "z").emits(removed("undo"));
}
#[test]
fn a_removal_that_left_something_failed_and_is_tried_again() {
    let then = failed(
        remove(half(), "saga").and_then(),
        "delete/a",
        "it took too long",
    );
    let then = gone(then.emits_nothing().and_then(), "b");
    let why = "a: it took too long";
    let said = says().answer_failed(asker("saga"), SOURCES_NOT_REMOVED, why, true);
    let then = remove(then.emits(said).and_then(), "saga").emits(deleting(says(), "a"));
    gone(then.and_then(), "a").emits(removed("saga"));
}
#[test]
fn a_second_removal_joins_the_first() {
    let then = remove(remove(ingesting(&["a"]), "one").and_then(), "two").emits_nothing();
    let both = removed("one").append(removed("two"));
    gone(then.and_then(), "a").emits(both);
}
#[test]
fn the_document_of_another_chatbot_is_none_of_ours() {
    let code = "documents.other_chatbot";
    let then = refused(ingesting(&["a"]), "add/a", code, "it is another chatbot's");
    let removing = remove(then.and_then(), "saga").and_then();
    refused(removing, "delete/a", code, "it is another chatbot's").emits(removed("saga"));
}
#[test]
fn many_documents_are_deleted_some_at_a_time() {
    let mut sources = given(Ingestion::default());
    for n in 0..=IN_FLIGHT {
        sources = note(sources, &format!("d{n:03}")).and_then();
    }
    let then = remove(sources, "saga");
    let removing = |then: &Then<Ingestion>| {
        then.state()
            .parts
            .values()
            .filter(|part| **part == Part::Removing)
            .count()
    };
    assert_eq!(removing(&then), IN_FLIGHT);
    let then = gone(then.and_then(), "d000");
    assert_eq!(
        (removing(&then), then.state().parts.len()),
        (IN_FLIGHT, IN_FLIGHT)
    );
}
#[test]
fn too_many_who_wait_for_a_removal_are_sent_away() {
    let mut sources = remove(ingesting(&["a"]), "first").and_then();
    for n in 1..MAX_WAITING {
        sources = remove(sources, &n.to_string()).and_then();
    }
    remove(sources, "last").refuses("chatbots.busy");
}
#[test]
fn an_answer_to_nothing_it_asked_changes_nothing() {
    for request in ["add/x", "delete/x", "delete/a", "x", ""] {
        failed(ingesting(&["a"]), request, "no")
            .stays()
            .emits_nothing();
    }
    ready(ingesting(&["a"]), "x").stays().emits_nothing();
    gone(ingesting(&["a"]), "a").stays().emits_nothing();
    let woke = IngestionMessage::Woke(Woke::default());
    ingesting(&["a"]).when(woke).stays().emits_nothing();
}
#[test]
fn a_row_is_read_back() {
    let then = failed(
        remove(half(), "saga").and_then(),
        "delete/a",
        "it took too long",
    );
    let row = serde_json::to_string(then.state()).expect("it is written");
    assert_eq!(
        serde_json::from_str::<Ingestion>(&row).expect("it is read"),
        *then.state()
    );
}
