//! What is found of a document when a switch of the index failed.
use super::*;

fn ready_by(revision: &str, version: i64) -> DocumentMessage {
    let DocumentMessage::IndexReady(ready) = index_ready(revision) else {
        panic!("it is ready")
    };
    DocumentMessage::IndexReady(IndexReady { version, ..ready })
}
/// `r1` is found by switch 1, and `r2` is being indexed.
fn replacing() -> Given<Document> {
    let found = indexing().when(ready_by("r1", 1)).and_then();
    answered(uploaded(found, "r2").and_then(), "r2", parsed("r2")).and_then()
}
fn listed(then: &Then<Document>) -> (DocumentState, String) {
    let changed = then.state().changed("e1");
    (changed.state, changed.revision)
}

#[test]
fn a_revision_that_could_not_be_embedded_leaves_the_older_one_found() {
    let then = replacing().when(withdrawn("r2", 0));
    assert_eq!(listed(&then), (DocumentState::Ready, "r1".into()));
}
#[test]
fn a_switch_that_failed_leaves_nothing_found_and_the_document_says_so() {
    let then = replacing().when(withdrawn("r2", 3));
    assert_eq!(listed(&then), (DocumentState::Rejected, "r2".into()));
    // Of the older one it was heard late; that it was found is over.
    for late in [ready_by("r1", 1), withdrawn("r2", 3)] {
        let again = replacing().when(withdrawn("r2", 3)).and_then();
        again.when(late).stays().emits_nothing();
    }
}
#[test]
fn a_switch_of_an_overtaken_upload_that_failed_took_the_older_one_with_it() {
    let overtaken = || uploaded(replacing(), "r3").and_then();
    let then = overtaken().when(withdrawn("r2", 3)).emits_nothing();
    let then = answered(then.and_then(), "r3", refused());
    assert_eq!(listed(&then), (DocumentState::Rejected, "r3".into()));
    let then = overtaken().when(withdrawn("r2", 0)).stays();
    let then = answered(then.emits_nothing().and_then(), "r3", refused());
    assert_eq!(listed(&then), (DocumentState::Ready, "r1".into()));
    // The later upload was rejected before it was heard of.
    let rejected = answered(overtaken(), "r3", refused()).and_then();
    let then = rejected.when(withdrawn("r2", 3));
    let said = emit(then.state().changed("e1"));
    assert_eq!(listed(&then), (DocumentState::Rejected, "r3".into()));
    then.emits(said);
}
#[test]
fn a_later_switch_is_what_is_found() {
    let withdrawn = replacing().when(withdrawn("r2", 3)).and_then();
    let indexing = answered(uploaded(withdrawn, "r3").and_then(), "r3", parsed("r3"));
    let then = indexing.and_then().when(ready_by("r3", 4));
    assert_eq!(listed(&then), (DocumentState::Ready, "r3".into()));
}
