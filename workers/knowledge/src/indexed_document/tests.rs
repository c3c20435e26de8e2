mod withdrawals;

use super::*;
use events::ReplyStatus;
use events::knowledge::{
    EmbedPassages, EmbeddingFailed, EmbeddingReady, EmbeddingRemoved, PublishRevision,
    RetireDocument,
};
use runtime::testkit::entities::{Given, given};
use runtime::{Emits, emit};

fn asked(revision: &str) -> IndexDocument {
    IndexDocument {
        document: "e1".into(),
        chatbot: "c1".into(),
        revision: revision.into(),
        name: "prices.pdf".into(),
        passages: BlobRef {
            id: format!("passages/e1/{revision}"),
            ..BlobRef::default()
        },
        count: 3,
    }
}
fn work(revision: &str) -> Work {
    let IndexDocument {
        document: _,
        chatbot,
        revision,
        name,
        passages,
        count,
    } = asked(revision);
    Work {
        chatbot,
        revision,
        name,
        passages,
        expected: count,
    }
}
fn embed(revision: &str) -> EmbedPassages {
    let IndexDocument {
        document,
        chatbot,
        revision,
        name,
        passages,
        count,
    } = asked(revision);
    EmbedPassages {
        document,
        chatbot,
        revision,
        name,
        passages,
        count,
    }
}
fn embedded(revision: &str, embedded: i64, stored: i64) -> IndexMessage {
    IndexMessage::Embedded(Embedded {
        document: "e1".into(),
        revision: revision.into(),
        embedded,
        stored,
    })
}
fn publish(revision: &str, version: i64) -> PublishRevision {
    PublishRevision {
        document: "e1".into(),
        chatbot: "c1".into(),
        revision: revision.into(),
        version,
    }
}
fn published(revision: &str, version: i64, retrievable: i64) -> IndexMessage {
    IndexMessage::Published(Published {
        document: "e1".into(),
        revision: revision.into(),
        version,
        retrievable,
    })
}
fn retire(version: i64) -> RetireDocument {
    RetireDocument {
        document: "e1".into(),
        chatbot: "c1".into(),
        version,
    }
}
fn retired(version: i64, remaining: i64) -> IndexMessage {
    IndexMessage::Retired(Retired {
        document: "e1".into(),
        version,
        remaining,
    })
}
fn remove() -> IndexMessage {
    IndexMessage::Remove(RemoveFromIndex {
        document: "e1".into(),
        chatbot: "c1".into(),
    })
}
fn removed(version: i64) -> EmbeddingRemoved {
    EmbeddingRemoved {
        document: "e1".into(),
        chatbot: "c1".into(),
        version,
    }
}
fn failed_event(revision: &str, code: &str, reason: &str) -> EmbeddingFailed {
    EmbeddingFailed {
        document: "e1".into(),
        chatbot: "c1".into(),
        revision: revision.into(),
        code: code.into(),
        reason: reason.into(),
        version: 0,
    }
}

fn failed() -> IndexMessage {
    IndexMessage::Failed(Failed {
        code: "runtime.x".into(),
        message: "why".into(),
        may_have_happened: true,
    })
}
fn absent() -> IndexedDocument {
    IndexedDocument::default()
}
fn embedding(revision: &str) -> IndexedDocument {
    IndexedDocument {
        stage: Stage::Embedding(work(revision)),
        ..absent()
    }
}
fn publishing(revision: &str, version: i64) -> IndexedDocument {
    let staged = Staged {
        work: work(revision),
        embedded: 3,
        stored: 3,
        next: None,
    };
    IndexedDocument {
        version,
        stage: Stage::Publishing(staged),
        ..absent()
    }
}
fn ready(revision: &str, version: i64) -> IndexedDocument {
    IndexedDocument {
        version,
        shown: Some(revision.into()),
        stage: Stage::Ready,
        ..absent()
    }
}
fn after_failure(state: IndexedDocument, revision: &str) -> IndexedDocument {
    IndexedDocument {
        failed: Some(work(revision)),
        ..state
    }
}
fn retiring(version: i64) -> Retirement {
    Retirement {
        chatbot: "c1".into(),
        why: Why::Removed,
        since: version,
        failures: 0,
        next: None,
    }
}

fn answering(state: IndexedDocument, request: &str) -> Given<IndexedDocument> {
    given(state).answering(request, ReplyStatus::Failed)
}
fn nothing() -> Emits {
    Emits::default()
}

#[test]
fn a_revision_is_embedded_then_published_then_ready_with_its_ledger() {
    let ready_event = EmbeddingReady {
        document: "e1".into(),
        chatbot: "c1".into(),
        revision: "r1".into(),
        version: 1,
        expected: 3,
        embedded: 3,
        stored: 3,
        retrievable: 3,
    };
    given(absent())
        .when(IndexMessage::Index(asked("r1")))
        .becomes(embedding("r1"))
        .emits(nothing().ask(embed("r1"), "embed/r1"))
        .and_then()
        .when(embedded("r1", 3, 3))
        .becomes(publishing("r1", 1))
        .emits(nothing().ask(publish("r1", 1), "publish/1"))
        .and_then()
        .when(published("r1", 1, 3))
        .becomes(ready("r1", 1))
        .emits(emit(ready_event));
}

#[test]
fn a_new_upload_replaces_the_one_under_way_whose_answers_mean_nothing_any_more() {
    given(embedding("r1"))
        .when(IndexMessage::Index(asked("r2")))
        .becomes(embedding("r2"))
        .emits(nothing().ask(embed("r2"), "embed/r2"))
        .and_then()
        .when(embedded("r1", 3, 3))
        .stays()
        .emits_nothing();
    answering(embedding("r2"), "embed/r1")
        .when(failed())
        .stays()
        .emits_nothing();
    let replaced = IndexedDocument {
        version: 1,
        ..embedding("r2")
    };
    given(replaced)
        .when(published("r1", 1, 3))
        .stays()
        .emits_nothing();
}

#[test]
fn the_same_revision_again_changes_nothing() {
    for state in [embedding("r1"), publishing("r1", 1), ready("r1", 1)] {
        given(state)
            .when(IndexMessage::Index(asked("r1")))
            .stays()
            .emits_nothing();
    }
}

#[test]
fn a_passage_that_was_lost_or_doubled_on_the_way_is_a_failure_and_nothing_is_published() {
    for (embedded_count, stored) in [(2, 3), (3, 2), (3, 4)] {
        let found =
            format!("3 passages were expected, {embedded_count} embedded and {stored} stored");
        given(embedding("r1"))
            .when(embedded("r1", embedded_count, stored))
            .becomes(after_failure(absent(), "r1"))
            .emits(emit(failed_event(
                "r1",
                "knowledge.ledger_mismatch",
                &found,
            )));
    }
}

#[test]
fn what_was_found_before_is_still_found_if_the_new_revision_cannot_be_embedded() {
    let replacing = IndexedDocument {
        stage: Stage::Embedding(work("r2")),
        ..ready("r1", 1)
    };
    answering(replacing.clone(), "embed/r2")
        .when(failed())
        .becomes(after_failure(ready("r1", 1), "r2"))
        .emits(emit(failed_event("r2", "runtime.x", "why")));
    let refused = events::reply::Refused {
        code: "knowledge.no".into(),
        message: "why".into(),
    };
    answering(replacing, "embed/r2")
        .when(IndexMessage::Refused(refused))
        .becomes(after_failure(ready("r1", 1), "r2"))
        .emits(emit(failed_event("r2", "knowledge.no", "why")));
}

#[test]
fn a_removed_document_is_retired_and_then_gone() {
    let going = IndexedDocument {
        version: 2,
        stage: Stage::Retiring(retiring(2)),
        ..ready("r1", 1)
    };
    given(ready("r1", 1))
        .when(remove())
        .becomes(going.clone())
        .emits(nothing().ask(retire(2), "retire/2"))
        .and_then()
        .when(retired(2, 0))
        .becomes(IndexedDocument {
            shown: None,
            stage: Stage::Gone,
            ..going
        })
        .emits(emit(removed(2)));
}

#[test]
fn removing_what_never_came_leaves_a_tombstone_in_the_index_too() {
    given(absent())
        .when(remove())
        .emits(nothing().ask(retire(1), "retire/1"))
        .and_then()
        .when(retired(1, 0))
        .becomes(IndexedDocument {
            version: 1,
            stage: Stage::Gone,
            ..absent()
        })
        .emits(emit(removed(1)))
        .and_then()
        .when(remove())
        .stays()
        .emits(emit(removed(1)));
}

/// Two routes feed the index, so that a revision may come after the removal that it was parsed before.
#[test]
fn a_removed_document_never_comes_back_however_late_its_revisions_come() {
    let going = IndexedDocument {
        version: 2,
        stage: Stage::Retiring(retiring(2)),
        ..ready("r1", 1)
    };
    let gone = IndexedDocument {
        version: 2,
        stage: Stage::Gone,
        ..absent()
    };
    for removed in [going, gone] {
        for revision in ["r1", "r2"] {
            given(removed.clone())
                .when(IndexMessage::Index(asked(revision)))
                .refuses("knowledge.removed");
            for late in [embedded(revision, 3, 3), published(revision, 1, 3)] {
                given(removed.clone()).when(late).stays().emits_nothing();
            }
        }
    }
    // Removed before it ever came, and while it was on its way.
    for before in [absent(), embedding("r1"), publishing("r1", 1)] {
        let version = before.version + 1;
        let removing = given(before).when(remove()).and_then();
        let gone = removing.when(retired(version, 0)).and_then();
        gone.when(IndexMessage::Index(asked("r1")))
            .refuses("knowledge.removed");
    }
}

#[test]
fn a_removal_that_did_not_work_is_tried_again_with_a_higher_version() {
    let going = IndexedDocument {
        version: 2,
        stage: Stage::Retiring(retiring(2)),
        ..ready("r1", 1)
    };
    answering(going.clone(), "retire/2")
        .when(failed())
        .wakes_at(30_000)
        .emits_nothing();
    given(going)
        .when(retired(2, 1))
        .wakes_at(30_000)
        .emits_nothing()
        .and_then()
        .when(IndexMessage::Woke(Woke { at_ms: 30_000 }))
        .emits(nothing().ask(retire(3), "retire/3"))
        .and_then()
        .when(retired(3, 0))
        .emits(emit(removed(3)));
}

#[test]
fn an_answer_to_an_earlier_removal_proves_nothing_now() {
    let going = IndexedDocument {
        version: 7,
        stage: Stage::Retiring(retiring(7)),
        ..ready("r1", 6)
    };
    given(going).when(retired(2, 0)).stays().emits_nothing();
}

#[test]
fn waking_without_a_failed_removal_means_nothing() {
    let going = IndexedDocument {
        version: 2,
        stage: Stage::Retiring(retiring(2)),
        ..absent()
    };
    for state in [absent(), embedding("r1"), ready("r1", 1), going] {
        given(state)
            .when(IndexMessage::Woke(Woke { at_ms: 1 }))
            .stays()
            .emits_nothing();
    }
}

#[test]
fn an_embedding_that_a_person_redrove_goes_on_unless_something_came_between() {
    let failed = || after_failure(ready("r1", 1), "r2");
    given(failed())
        .when(embedded("r2", 3, 3))
        .emits(nothing().ask(publish("r2", 2), "publish/2"))
        .and_then()
        .when(published("r2", 2, 3))
        .becomes(ready("r2", 2));
    given(failed())
        .when(IndexMessage::Index(asked("r3")))
        .becomes(IndexedDocument {
            stage: Stage::Embedding(work("r3")),
            ..ready("r1", 1)
        })
        .and_then()
        .when(embedded("r2", 3, 3))
        .stays()
        .emits_nothing();
    given(failed())
        .when(remove())
        .and_then()
        .when(retired(2, 0))
        .and_then()
        .when(embedded("r2", 3, 3))
        .stays()
        .emits_nothing();
}
