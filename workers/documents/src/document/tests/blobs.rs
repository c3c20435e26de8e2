//! What becomes of the blobs: none outlives its use, and none goes before.
use super::*;

/// An upload that came over the edge: its blob is its own.
fn brought(document: Given<Document>, revision: &str) -> Then<Document> {
    let add = DocumentMessage::Add(AddDocument {
        document: "e1".into(),
        chatbot: "bot".into(),
        name: "a.pdf".into(),
        media_type: "application/pdf".into(),
        blob: blob(&format!("upload/{revision}")),
    });
    document
        .at(|at| (at.message.id, at.reply_to) = (revision.into(), Some(asker(revision))))
        .when(add)
}
fn brought_first() -> Given<Document> {
    brought(given(Document::default()), "r1").and_then()
}
fn parsed_of(document: Given<Document>, revision: &str) -> Given<Document> {
    let message = DocumentMessage::Parsed(Parsed {
        document: "e1".into(),
        revision: revision.into(),
        passages: blob(&format!("e1/{revision}/passages")),
        count: 7,
        ..Parsed::default()
    });
    answered(document, revision, message).and_then()
}
fn found_as(document: Given<Document>, revision: &str) -> Given<Document> {
    let indexing = parsed_of(document, revision);
    let at_index = indexing.at(|at| (at.request, at.reply_status) = (None, None));
    at_index.when(index_ready(revision)).and_then()
}
fn late(document: Given<Document>) -> Then<Document> {
    let message = DocumentMessage::Parsed(Parsed {
        document: "e1".into(),
        revision: "r1".into(),
        passages: blob("e1/r1/passages"),
        count: 7,
        ..Parsed::default()
    });
    answered(document, "r1", message)
}
#[test]
fn what_cannot_be_read_is_not_kept() {
    let then = answered(brought_first(), "r1", refused());
    let why = "it is encrypted";
    let changed = DocumentChanged {
        reason: why.into(),
        ..changed(DocumentState::Rejected, "r1", 0)
    };
    let said = emit(changed)
        .and(rejected("r1", "document.encrypted", why))
        .and(discard(&["upload/r1"], false));
    let then = then.emits(said.answer_refused(asker("r1"), "document.encrypted", why));
    let then = asked(then.and_then()).when(delete());
    let Document::Deleting(deletion) = then.state() else {
        panic!("it is not being deleted")
    };
    assert_eq!(deletion.blobs, ["upload/r1"], "it goes once more");
}
#[test]
fn what_could_not_be_read_this_time_is_kept_for_the_next() {
    let then = answered(brought_first(), "r1", failed());
    assert!(matches!(then.state(), Document::Rejected(upload) if upload.blob == "upload/r1"));
}
#[test]
fn what_an_older_upload_left_goes_when_the_newer_is_found_and_not_before() {
    let older = found_as(brought_first(), "r1");
    let newer = brought(older, "r2");
    let Document::Parsing(upload) = newer.state() else {
        panic!("it is not being read")
    };
    assert_eq!(upload.overtaken, ["upload/r1", "e1/r1/passages"]);
    let then = parsed_of(newer.and_then(), "r2")
        .at(|at| (at.request, at.reply_status) = (None, None))
        .when(index_ready("r2"));
    let said = emit(changed(DocumentState::Ready, "r2", 7)).answer(asker("r2"), ready("r2"));
    let then = then.emits(said.and(discard(&["upload/r1", "e1/r1/passages"], false)));
    let Document::Ready(upload) = then.state() else {
        panic!("it is not ready")
    };
    assert_eq!(
        (upload.blob.as_str(), upload.overtaken.len()),
        ("upload/r2", 0)
    );
}
#[test]
fn whoever_uploads_again_and_again_does_not_fill_the_row() {
    let mut document = brought_first();
    for n in 2..=MAX_OVERTAKEN / 2 + 1 {
        document = brought(document, &format!("r{n}")).and_then();
    }
    let then = brought(document, "last");
    let Document::Parsing(upload) = then.state() else {
        panic!("it is not being read")
    };
    assert_eq!(upload.overtaken.len(), MAX_OVERTAKEN);
    let said = DocumentUploaded {
        document: "e1".into(),
        chatbot: "bot".into(),
        revision: "last".into(),
        name: "a.pdf".into(),
        media_type: "application/pdf".into(),
        blob: blob("upload/last"),
    };
    let DocumentUploaded {
        document,
        revision,
        name,
        media_type,
        blob,
        ..
    } = said.clone();
    let parse = ParseUpload {
        document,
        revision,
        name,
        media_type,
        blob,
    };
    let before = format!("r{}", MAX_OVERTAKEN / 2 + 1);
    then.emits(
        emit(changed(DocumentState::Parsing, "last", 0))
            .and(said)
            .ask(parse, "last")
            .answer_refused(
                asker(&before),
                SUPERSEDED,
                "a newer upload of the document took its place",
            )
            .and(discard(&["upload/r1", "e1/r1/passages"], false)),
    );
}
/// What the tombstone of a document still names.
fn named(then: &Then<Document>) -> &[String] {
    let Document::Deleted(tombstone) = then.state() else {
        panic!("it is not deleted")
    };
    assert!(tombstone.askers.is_empty());
    &tombstone.blobs
}
/// O2: a process that was stopped while it wrote them, or a store that took its time, writes them all the same, and
/// nobody hears of it.
#[test]
fn what_lands_after_the_blobs_were_removed_is_removed_some_minutes_later() {
    let older = found_as(brought_first(), "r1");
    let newer = brought(older, "r2").and_then();
    let deleting = asked(newer).when(delete()).and_then();
    let then = deleting.when(index_removed());
    let uploads = || discard(&["upload/r1", "upload/r2"], true);
    let then = then.emits(Emits::default().ask(uploads(), BLOBS));
    let then = blobs_gone(then.and_then().at(|at| at.now_ms = 7_000));
    let sweep_at_ms = 7_000 + SWEEP_MS;
    let then = then.wakes_at(sweep_at_ms).and_then();
    let then = then.when(woke(sweep_at_ms));
    let then = then.emits(Emits::default().and(uploads()));
    assert!(named(&then).is_empty(), "no name outlives the last removal");
}
#[test]
fn an_upload_that_lands_after_it_was_overtaken_goes_with_its_document() {
    let older = found_as(brought_first(), "r1");
    let newer = brought(older, "r2").and_then();
    let newer = parsed_of(newer, "r2").at(|at| (at.request, at.reply_status) = (None, None));
    let newer = newer.when(index_ready("r2")).and_then(); // r1 was removed
    let then = asked(newer).when(delete()).and_then().when(index_removed());
    let uploads = discard(&["upload/r1", "upload/r2"], true);
    then.emits(Emits::default().ask(uploads, BLOBS));
}
#[test]
fn passages_that_come_too_late_are_not_kept() {
    let gone = Emits::default().and(discard(&["e1/r1/passages"], false));
    let deleted = blobs_gone(forgotten()).and_then();
    late(deleted).stays().emits(gone);
    let overtaken = found_as(brought(brought_first(), "r2").and_then(), "r2");
    let gone = Emits::default().and(discard(&["e1/r1/passages"], false));
    late(overtaken).stays().emits(gone);
}
#[test]
fn passages_that_are_said_twice_are_kept_where_somebody_may_need_them() {
    late(found()).stays().emits_nothing();
    let overtaken = brought(brought_first(), "r2").and_then();
    late(overtaken).stays().emits_nothing(); // they go when r2 is found
    late(deleting()).stays().emits_nothing(); // they go with all others
}
#[test]
fn an_upload_that_is_not_taken_is_not_kept() {
    let why = "the document was deleted; upload it again under a new id";
    let deleted = blobs_gone(forgotten()).and_then();
    let then = brought(deleted.at(|at| at.now_ms = 500_000), "r9");
    let said = Emits::default().reply_refused("documents.deleted", why);
    let then = then.emits(said.and(discard(&["upload/r9"], false)));
    let sweep_at_ms = 500_000 + SWEEP_MS;
    let then = then.wakes_at(sweep_at_ms).and_then();
    let then = then.when(woke(sweep_at_ms));
    let then = then.emits(Emits::default().and(discard(&["upload/r9"], true)));
    assert!(named(&then).is_empty());
}
#[test]
fn whoever_uploads_to_a_document_that_is_gone_does_not_fill_its_tombstone() {
    let mut deleted = blobs_gone(forgotten());
    for n in 0..300 {
        deleted = brought(deleted.and_then(), &format!("r{n}"));
    }
    let names = named(&deleted);
    assert!(names.len() < 200 && names.contains(&"upload/r299".to_owned()));
}
#[test]
fn blobs_that_cannot_be_removed_are_told_and_can_be_asked_for_again() {
    let (code, why) = ("runtime.blob_missing", "it is not there");
    let then = answered(forgotten(), BLOBS, failed());
    let said = Emits::default().answer_failed(asker("deleter"), code, why, true);
    let again = then.emits(said).and_then();
    let again = asked(again).when(delete()).wakes_at(6_000 + HOUR);
    let then = again.emits(Emits::default().ask(discard(&[], true), BLOBS));
    blobs_gone(then.and_then())
        .emits(emit(gone(DocumentState::Deleted)).answer(asker("deleter"), ok()));
}
#[test]
fn blobs_of_which_nobody_says_that_they_are_gone_are_not_waited_for_for_ever() {
    forgotten().when(woke(HOUR)).stays().emits_nothing();
    let then = forgotten().when(woke(100 * HOUR));
    let why = "nobody said that the document's blobs are gone; ask again";
    then.emits(Emits::default().answer_failed(asker("deleter"), TIMED_OUT, why, true));
}
