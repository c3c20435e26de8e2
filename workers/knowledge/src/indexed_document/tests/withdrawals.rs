//! A publication that failed is withdrawn, and what comes meanwhile waits.
use super::*;

/// Of a publication that failed: all is taken out by this switch.
fn withdrawn_event(revision: &str, code: &str, reason: &str, version: i64) -> EmbeddingFailed {
    EmbeddingFailed {
        version,
        ..failed_event(revision, code, reason)
    }
}

/// A publication that is being withdrawn, perhaps with an upload that waits for that.
fn withdrawing(next: Option<&str>) -> IndexedDocument {
    let retirement = Retirement {
        why: Why::Withdrawn,
        next: next.map(work),
        ..retiring(2)
    };
    IndexedDocument {
        stage: Stage::Retiring(retirement),
        ..ready("r1", 2)
    }
}

#[test]
fn a_publication_that_shows_less_than_all_is_withdrawn() {
    let withdrawing = Retirement {
        why: Why::Withdrawn,
        ..retiring(2)
    };
    let reason = "3 passages were expected, 2 can be found";
    given(publishing("r1", 1))
        .when(published("r1", 1, 2))
        .becomes(IndexedDocument {
            version: 2,
            stage: Stage::Retiring(withdrawing),
            ..absent()
        })
        .emits(nothing().ask(retire(2), "retire/2").and(withdrawn_event(
            "r1",
            "knowledge.ledger_mismatch",
            reason,
            2,
        )))
        .and_then()
        .when(retired(2, 0))
        .becomes(IndexedDocument {
            version: 2,
            ..absent()
        })
        .emits_nothing();
}

#[test]
fn a_publication_that_failed_and_may_have_happened_is_withdrawn_too() {
    answering(publishing("r1", 1), "publish/1")
        .when(failed())
        .emits(nothing().ask(retire(2), "retire/2").and(withdrawn_event(
            "r1",
            "runtime.x",
            "why",
            2,
        )));
}

/// Else nobody would know what the switch showed.
#[test]
fn an_upload_during_a_publication_waits_until_it_is_known_what_is_found() {
    let waiting = || {
        given(publishing("r1", 4))
            .when(IndexMessage::Index(asked("r2")))
            .emits_nothing()
            .and_then()
    };
    let then = waiting().when(published("r1", 4, 3));
    let indexed = IndexedDocument {
        stage: Stage::Embedding(work("r2")),
        ..ready("r1", 4)
    };
    let ready_event = EmbeddingReady {
        document: "e1".into(),
        chatbot: "c1".into(),
        revision: "r1".into(),
        version: 4,
        expected: 3,
        embedded: 3,
        stored: 3,
        retrievable: 3,
    };
    let said = nothing().ask(embed("r2"), "embed/r2").and(ready_event);
    let then = then.becomes(indexed).emits(said).and_then();
    then.when(embedded("r2", 3, 3))
        .emits(nothing().ask(publish("r2", 5), "publish/5"));
    // Nor is it lost if the publication fails.
    let withdrawn = waiting().answering("publish/4", ReplyStatus::Failed);
    let then = withdrawn.when(failed()).and_then().when(retired(5, 0));
    then.emits(nothing().ask(embed("r2"), "embed/r2"));
}

#[test]
fn an_upload_during_a_withdrawal_waits_until_nothing_of_the_old_is_left() {
    given(withdrawing(None))
        .when(IndexMessage::Index(asked("r2")))
        .becomes(withdrawing(Some("r2")))
        .emits_nothing()
        .and_then()
        .when(retired(2, 0))
        .emits(nothing().ask(embed("r2"), "embed/r2"))
        .becomes(IndexedDocument {
            version: 2,
            ..embedding("r2")
        });
}

#[test]
fn a_removal_drops_the_upload_that_waits_for_a_withdrawal() {
    let then = given(withdrawing(Some("r2"))).when(remove());
    let then = then.emits_nothing();
    assert_eq!(then.state().stage, Stage::Retiring(retiring(2)));
    let then = then.and_then().when(retired(2, 0));
    then.emits(emit(removed(2))).becomes(IndexedDocument {
        version: 2,
        stage: Stage::Gone,
        ..absent()
    });
}
