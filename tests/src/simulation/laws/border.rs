//! What passes the border, and what does not (I1-I4).
use super::super::business::BORDER;
use super::{Case, Seen, derived, seen};
use std::collections::BTreeSet;

/// I1-I3: every upload passes the border once, however often it was sent, under an id that follows from its own.
pub fn border(case: &Case<'_>) -> Vec<String> {
    let mut broken = Vec::new();
    let mut expected = BTreeSet::new();
    for upload in &case.ended.sent.uploads {
        let id = derived(&upload.identity, BORDER, "0");
        let passed = case
            .inputs
            .iter()
            .filter(|input| input.id == id && input.key == upload.key)
            .count();
        if passed != 1 {
            broken.push(format!(
                "{:?} at {:?} passed the border {passed} times",
                upload.identity, upload.places
            ));
        }
        expected.insert(id);
    }
    let from_border = case
        .inputs
        .iter()
        .filter(|input| input.envelope.source.as_deref() == Some("troupe/documents.border"));
    for input in from_border.filter(|input| !expected.contains(&input.id)) {
        broken.push(format!(
            "the border passed on {}, and nobody sent it",
            input.id
        ));
    }
    broken
}

/// I4, D: what does not belong is a dead letter, once, with its code.
pub fn foreign(case: &Case<'_>) -> Vec<String> {
    let letters = seen(&case.ended.sim, "documents.border.dead");
    let mut broken = Vec::new();
    for foreign in &case.ended.sent.foreign {
        let at = format!(
            "{}/{}/{}",
            foreign.place.topic, foreign.place.partition, foreign.place.offset
        );
        let codes: Vec<String> = letters
            .iter()
            .filter(|letter| letter.was_at() == at)
            .map(Seen::dead_code)
            .collect();
        if codes != [foreign.code] {
            broken.push(format!(
                "{at} should be a dead letter with {}: {codes:?}",
                foreign.code
            ));
        }
    }
    if letters.len() != case.ended.sent.foreign.len() {
        broken.push(format!(
            "{} dead letters at the border for {} foreign messages",
            letters.len(),
            case.ended.sent.foreign.len()
        ));
    }
    broken
}
