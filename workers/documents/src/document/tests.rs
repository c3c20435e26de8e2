//! What may happen to a document.
mod blobs;
mod switches;

use super::*;
use events::documents::{
    DiscardBlobs, DocumentDeleted, DocumentParsed, DocumentRejected, DocumentUploaded, ParseUpload,
};
use events::{BlobRef, ReplyStatus, reply};
use runtime::testkit::entities::{Given, Then, asker, given};
use runtime::{Emits, emit};

const HOUR: i64 = SILENCE_MS;

fn blob(id: &str) -> BlobRef {
    BlobRef {
        id: id.into(),
        size: 9,
        sha256: String::new(),
    }
}
fn add() -> DocumentMessage {
    DocumentMessage::Add(AddDocument {
        document: "e1".into(),
        chatbot: "bot".into(),
        name: "a.pdf".into(),
        media_type: "application/pdf".into(),
        blob: blob("up"),
    })
}
fn delete() -> DocumentMessage {
    DocumentMessage::Delete(DeleteDocument {
        document: "e1".into(),
        chatbot: "bot".into(),
    })
}
fn parsed(revision: &str) -> DocumentMessage {
    DocumentMessage::Parsed(Parsed {
        document: "e1".into(),
        revision: revision.into(),
        passages: blob("p"),
        count: 7,
        ..Parsed::default()
    })
}
fn index_ready(revision: &str) -> DocumentMessage {
    DocumentMessage::IndexReady(IndexReady {
        document: "e1".into(),
        revision: revision.into(),
        expected: 7,
        embedded: 7,
        stored: 7,
        retrievable: 7,
        version: 0,
    })
}
fn index_failed(revision: &str) -> DocumentMessage {
    withdrawn(revision, 0)
}
/// A revision that could not be indexed, and the switch that took all out of the index.
fn withdrawn(revision: &str, version: i64) -> DocumentMessage {
    DocumentMessage::IndexFailed(IndexFailed {
        document: "e1".into(),
        revision: revision.into(),
        code: "knowledge.no".into(),
        reason: "no room".into(),
        version,
    })
}
fn index_removed() -> DocumentMessage {
    DocumentMessage::IndexRemoved(IndexRemoved {
        document: "e1".into(),
        version: 2,
    })
}
fn refused() -> DocumentMessage {
    let (code, message) = ("document.encrypted".into(), "it is encrypted".into());
    DocumentMessage::Refused(Refused { code, message })
}
fn failed() -> DocumentMessage {
    let (code, message) = ("runtime.blob_missing".into(), "it is not there".into());
    DocumentMessage::Failed(Failed {
        code,
        message,
        may_have_happened: true,
    })
}
fn woke(at_ms: i64) -> DocumentMessage {
    DocumentMessage::Woke(Woke { at_ms })
}
fn changed(state: DocumentState, revision: &str, passages: i64) -> DocumentChanged {
    DocumentChanged {
        document: "e1".into(),
        chatbot: "bot".into(),
        revision: revision.into(),
        name: "a.pdf".into(),
        state,
        reason: String::new(),
        passages,
        size: 9,
    }
}
fn gone(state: DocumentState) -> DocumentChanged {
    DocumentChanged {
        size: 0,
        ..changed(state, "", 0)
    }
}
fn deleted() -> DocumentDeleted {
    DocumentDeleted {
        document: "e1".into(),
        chatbot: "bot".into(),
    }
}
fn ready(revision: &str) -> DocumentReady {
    DocumentReady {
        document: "e1".into(),
        chatbot: "bot".into(),
        revision: revision.into(),
        name: "a.pdf".into(),
        passages: 7,
    }
}
fn rejected(revision: &str, code: &str, reason: &str) -> DocumentRejected {
    DocumentRejected {
        document: "e1".into(),
        chatbot: "bot".into(),
        revision: revision.into(),
        name: "a.pdf".into(),
        code: code.into(),
        reason: reason.into(),
    }
}
fn ok() -> reply::Ok {
    reply::Ok { id: "e1".into() }
}
fn discard(blobs: &[&str], all: bool) -> DiscardBlobs {
    DiscardBlobs {
        document: "e1".into(),
        blobs: blobs.iter().map(|&blob| blob.to_owned()).collect(),
        all,
    }
}
/// What removing the blobs of a deleted document is called in its answer.
const BLOBS: &str = "deletion/blobs";

/// An upload `r1` that is being read.
fn parsing() -> Given<Document> {
    uploaded(given(Document::default()), "r1").and_then()
}
fn uploaded(document: Given<Document>, revision: &str) -> Then<Document> {
    document
        .at(|at| (at.message.id, at.reply_to) = (revision.into(), Some(asker(revision))))
        .when(add())
}
fn answered(document: Given<Document>, revision: &str, message: DocumentMessage) -> Then<Document> {
    document
        .answering(revision, ReplyStatus::Done)
        .when(message)
}
fn indexing() -> Given<Document> {
    answered(parsing(), "r1", parsed("r1")).and_then()
}
fn found() -> Given<Document> {
    indexing()
        .at(|at| (at.request, at.reply_status) = (None, None))
        .when(index_ready("r1"))
        .and_then()
}
/// Found as `r1`, while `r2` is being read.
fn reading_anew() -> Given<Document> {
    uploaded(found(), "r2").and_then()
}
fn asked(document: Given<Document>) -> Given<Document> {
    document.at(|at| {
        (at.request, at.reply_status, at.reply_to) = (None, None, Some(asker("deleter")));
    })
}
fn deleting() -> Given<Document> {
    asked(found()).when(delete()).and_then()
}
/// Out of the index, while its blobs are being removed.
fn forgotten() -> Given<Document> {
    deleting().when(index_removed()).and_then()
}
fn blobs_gone(document: Given<Document>) -> Then<Document> {
    answered(document, BLOBS, DocumentMessage::Discarded(ok()))
}

/// What an upload says before anything came of it.
fn taken_in(revision: &str) -> Emits {
    let event = DocumentUploaded {
        document: "e1".into(),
        chatbot: "bot".into(),
        revision: revision.into(),
        name: "a.pdf".into(),
        media_type: "application/pdf".into(),
        blob: blob("up"),
    };
    let parse = ParseUpload {
        document: "e1".into(),
        revision: revision.into(),
        name: "a.pdf".into(),
        media_type: "application/pdf".into(),
        blob: blob("up"),
    };
    emit(changed(DocumentState::Parsing, revision, 0))
        .and(event)
        .ask(parse, revision)
}

#[test]
fn an_upload_is_told_to_everybody_and_read() {
    uploaded(given(Document::default()), "r1")
        .wakes_at(HOUR)
        .emits(taken_in("r1"));
}
#[test]
fn what_was_read_is_handed_to_the_index_and_who_asked_hears_of_progress() {
    let then = answered(parsing(), "r1", parsed("r1")).wakes_at(1_000 + HOUR);
    let event = DocumentParsed {
        document: "e1".into(),
        chatbot: "bot".into(),
        revision: "r1".into(),
        name: "a.pdf".into(),
        passages: blob("p"),
        count: 7,
    };
    let message = "a.pdf: 7 passages are being indexed";
    let said = emit(changed(DocumentState::Indexing, "r1", 7)).and(event);
    then.emits(said.answer_progress(asker("r1"), message, 1, 2));
}
#[test]
fn who_asked_is_answered_when_a_search_finds_it() {
    let then = indexing().when(index_ready("r1"));
    then.emits(emit(changed(DocumentState::Ready, "r1", 7)).answer(asker("r1"), ready("r1")));
}
#[test]
fn a_file_that_cannot_be_read_is_refused_with_the_reason() {
    let then = answered(parsing(), "r1", refused());
    let why = "it is encrypted";
    let changed = DocumentChanged {
        reason: why.into(),
        ..changed(DocumentState::Rejected, "r1", 0)
    };
    let said = emit(changed).and(rejected("r1", "document.encrypted", why));
    then.emits(said.answer_refused(asker("r1"), "document.encrypted", why));
}
#[test]
fn reading_that_failed_may_have_happened_and_goes_on_when_it_is_redriven() {
    let then = answered(parsing(), "r1", failed());
    let (code, why) = ("runtime.blob_missing", "it is not there");
    let changed = DocumentChanged {
        reason: why.into(),
        ..changed(DocumentState::Rejected, "r1", 0)
    };
    let said = emit(changed).and(rejected("r1", code, why));
    let then = then.emits(said.answer_failed(asker("r1"), code, why, true));
    let then = answered(then.and_then(), "r1", parsed("r1"));
    assert!(matches!(then.state(), Document::Indexing(upload) if upload.asker.is_none()));
}
#[test]
fn an_index_that_failed_may_still_come_round() {
    let then = indexing().when(index_failed("r1"));
    let why = "no room";
    let said = DocumentChanged {
        reason: why.into(),
        ..changed(DocumentState::Rejected, "r1", 7)
    };
    let said = emit(said).and(rejected("r1", "knowledge.no", why));
    let then = then.emits(said.answer_failed(asker("r1"), "knowledge.no", why, true));
    let then = then.and_then().when(index_ready("r1"));
    then.emits(emit(changed(DocumentState::Ready, "r1", 7)));
}
#[test]
fn silence_ends_in_a_rejection_and_an_old_waking_means_nothing() {
    parsing().when(woke(HOUR - 1)).stays().emits_nothing();
    indexing().when(woke(HOUR)).stays().emits_nothing();
    let then = parsing().when(woke(HOUR));
    assert!(
        matches!(then.state(), Document::Rejected(upload) if upload.why.as_ref().is_some_and(|why| why.code == TIMED_OUT))
    );
    found().when(woke(10 * HOUR)).stays().emits_nothing();
}
#[test]
fn a_newer_upload_overtakes_and_whoever_asked_for_the_older_is_refused() {
    let then = uploaded(parsing(), "r2").wakes_at(1_000 + HOUR);
    let why = "a newer upload of the document took its place";
    then.emits(taken_in("r2").answer_refused(asker("r1"), SUPERSEDED, why));
}
#[test]
fn answers_about_an_overtaken_upload_mean_nothing() {
    for message in [parsed("r1"), refused(), failed()] {
        let overtaken = uploaded(parsing(), "r2").and_then();
        answered(overtaken, "r1", message).stays().emits_nothing();
    }
    let overtaken = || uploaded(indexing(), "r2").and_then();
    overtaken().when(index_failed("r1")).stays().emits_nothing();
}
#[test]
fn the_older_upload_is_found_until_the_switch() {
    let Document::Parsing(upload) = reading_anew().when(woke(0)).state().clone() else {
        panic!("it is not being read")
    };
    assert_eq!(
        upload.found.map(|found| found.revision).as_deref(),
        Some("r1")
    );
    let indexing = answered(reading_anew(), "r2", parsed("r2")).and_then();
    let then = indexing.when(index_ready("r2"));
    let said = emit(changed(DocumentState::Ready, "r2", 7)).answer(asker("r2"), ready("r2"));
    then.emits(said.and(discard(&["e1/r1/passages"], false)));
}
#[test]
fn when_the_newer_upload_cannot_be_read_the_older_is_still_ready() {
    let then = answered(reading_anew(), "r2", refused());
    let why = "it is encrypted";
    let still = DocumentChanged {
        reason: why.into(),
        ..changed(DocumentState::Ready, "r1", 7)
    };
    let said = emit(still).and(rejected("r2", "document.encrypted", why));
    then.emits(said.answer_refused(asker("r2"), "document.encrypted", why));
}
#[test]
fn an_overtaken_upload_that_reached_the_index_is_what_people_find() {
    let overtaken = uploaded(indexing(), "r2").and_then();
    let found = overtaken.when(index_ready("r1")).emits_nothing().and_then();
    let rejected = answered(found, "r2", refused());
    let changed = rejected.state().changed("e1");
    assert_eq!(
        (changed.state, changed.revision.as_str()),
        (DocumentState::Ready, "r1")
    );
}
#[test]
fn the_same_command_again_begins_nothing_anew() {
    let again = |document: Given<Document>| {
        asked(document)
            .at(|at| at.message.id = "r1".into())
            .when(add())
    };
    again(parsing()).emits_nothing();
    again(indexing()).emits_nothing();
    again(found())
        .stays()
        .emits(Emits::default().answer(asker("deleter"), ready("r1")));
    let rejected = answered(parsing(), "r1", refused()).and_then();
    let said = Emits::default();
    let said = said.answer_refused(asker("deleter"), "document.encrypted", "it is encrypted");
    again(rejected).stays().emits(said);
}
#[test]
fn a_document_belongs_to_one_chatbot_for_its_whole_life() {
    let other = |message: DocumentMessage| match message {
        DocumentMessage::Add(add) => DocumentMessage::Add(AddDocument {
            chatbot: "other".into(),
            ..add
        }),
        DocumentMessage::Delete(delete) => DocumentMessage::Delete(DeleteDocument {
            chatbot: "other".into(),
            ..delete
        }),
        message => message,
    };
    asked(found())
        .when(other(add()))
        .refuses("documents.other_chatbot");
    asked(found())
        .when(other(delete()))
        .refuses("documents.other_chatbot");
}
#[test]
fn deleting_is_done_when_the_index_has_forgotten_it_and_its_blobs_are_gone() {
    let then = asked(found()).when(delete()).wakes_at(3_000 + HOUR);
    let then = then.emits(emit(gone(DocumentState::Deleting)).and(deleted()));
    let then = then.and_then().when(index_removed());
    let then = then.emits(Emits::default().ask(discard(&[], true), BLOBS));
    let then = blobs_gone(then.and_then());
    then.emits(emit(gone(DocumentState::Deleted)).answer(asker("deleter"), ok()));
}
#[test]
fn deleting_what_the_index_never_had_does_not_wait_for_it_and_its_uploader_is_refused() {
    let then = asked(parsing()).when(delete());
    let said = emit(gone(DocumentState::Deleting)).and(deleted());
    let why = "the document was deleted meanwhile";
    let said = said.answer_refused(asker("r1"), "documents.deleted", why);
    let then = then.emits(said.ask(discard(&[], true), BLOBS));
    let then = then.and_then().when(index_removed()).stays();
    let then = blobs_gone(then.emits_nothing().and_then());
    let said = emit(gone(DocumentState::Deleted)).answer(asker("deleter"), ok());
    let then = then.emits(said).and_then().when(index_removed());
    then.stays().emits_nothing();
}
/// S4.
#[test]
fn deleting_what_never_was_leaves_a_tombstone_and_is_done() {
    let then = given(Document::default()).when(delete());
    let never = DocumentChanged {
        document: "e1".into(),
        chatbot: "bot".into(),
        state: DocumentState::Deleted,
        ..DocumentChanged::default()
    };
    let then = then.emits(emit(never).reply(ok()));
    then.and_then().when(add()).refuses("documents.deleted");
}
#[test]
fn a_deleted_document_never_comes_back() {
    asked(deleting()).when(add()).refuses("documents.deleted");
    for late in [
        refused(),
        failed(),
        index_ready("r1"),
        index_failed("r1"),
        woke(0),
    ] {
        for document in [deleting(), forgotten(), blobs_gone(forgotten()).and_then()] {
            answered(document, "r1", late.clone())
                .stays()
                .emits_nothing();
        }
    }
    let removed = blobs_gone(forgotten()).and_then();
    removed
        .when(delete())
        .stays()
        .emits(Emits::default().reply(ok()));
}
#[test]
fn everybody_who_deletes_it_is_answered() {
    let second = deleting()
        .at(|at| at.reply_to = Some(asker("second")))
        .when(delete());
    let then = second.emits_nothing().and_then().when(index_removed());
    let third = then
        .and_then()
        .at(|at| at.reply_to = Some(asker("third")))
        .when(delete());
    let then = blobs_gone(third.emits_nothing().and_then());
    let said = emit(gone(DocumentState::Deleted)).answer(asker("deleter"), ok());
    then.emits(
        said.answer(asker("second"), ok())
            .answer(asker("third"), ok()),
    );
}
#[test]
fn too_many_who_wait_for_a_deletion_are_sent_away() {
    let mut document = deleting();
    for n in 1..MAX_WAITING {
        let another = asker(&n.to_string());
        document = document
            .at(|at| at.reply_to = Some(another))
            .when(delete())
            .and_then();
    }
    document
        .at(|at| at.reply_to = Some(asker("last")))
        .when(delete())
        .refuses("documents.busy");
}
#[test]
fn a_deletion_that_the_index_does_not_answer_fails_and_can_be_asked_for_again() {
    let silent = deleting().when(woke(100 * HOUR));
    let why = "the index did not say that the document is gone; ask again";
    let said = Emits::default().answer_failed(asker("deleter"), TIMED_OUT, why, true);
    let again = silent
        .emits(said)
        .and_then()
        .at(|at| at.now_ms = 100 * HOUR)
        .when(delete());
    again.wakes_at(101 * HOUR).emits(emit(deleted()));
}
#[test]
fn a_row_is_read_back() {
    for then in [
        found().when(woke(0)),
        reading_anew().when(woke(0)),
        deleting().when(woke(0)),
        forgotten().when(woke(0)),
    ] {
        let row = serde_json::to_string(then.state()).expect("it is written");
        assert_eq!(
            serde_json::from_str::<Document>(&row).expect("it is read"),
            *then.state()
        );
    }
}
