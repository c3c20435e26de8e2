//! What happened outside, and who was answered (O1, D1-D5).
use super::super::business::{Ask, EFFECTS};
use super::{Case, Seen, derived, seen};
use events::ReplyStatus;
use events::documents::ParseUpload;
use events::reply::Failed;
use std::collections::{BTreeMap, BTreeSet};

/// O1, D1, D3: every work has its effect under one idempotency key, in the order of its key, and is answered.
pub fn effects(case: &Case<'_>) -> Vec<String> {
    let mut broken = Vec::new();
    let keys = case.ended.outside.keys_of_messages();
    let mut first_effects: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for effect in case.ended.outside.effects() {
        let order = first_effects.entry(effect.key).or_default();
        if !order.contains(&effect.message) {
            order.push(effect.message);
        }
    }
    let mut expected: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for work in case
        .effects
        .iter()
        .filter(|work| work.envelope.redriven.is_none())
    {
        let refused = Ask::of(&work.read::<ParseUpload>().name) == Ask::Refuse;
        let keys = keys.get(&work.id);
        match keys.map_or(0, BTreeSet::len) {
            0 if refused => {}
            1 if !refused => {}
            count => broken.push(format!(
                "{} had its effect under {count} idempotency keys: {keys:?}",
                work.id
            )),
        }
        if !refused {
            expected.entry(&work.key).or_default().push(&work.id);
        }
        broken.extend(answered_once(case, work, refused));
    }
    for (key, expected) in expected {
        let happened = first_effects.remove(key).unwrap_or_default();
        if happened != expected {
            broken.push(format!(
                "{key}: the outside saw {happened:?}\n  and should have seen {expected:?}"
            ));
        }
    }
    broken
}

/// D5: one answer that counts; before it, one `Failed` that may have happened for each time it was a dead letter.
fn answered_once(case: &Case<'_>, work: &Seen, refused: bool) -> Vec<String> {
    let answers: Vec<&Seen> = case
        .inputs
        .iter()
        .filter(|input| input.envelope.causation.as_deref() == Some(&work.id))
        .collect();
    let letters = seen(&case.ended.sim, "documents.effects.dead");
    let letters = letters.iter().filter(|letter| letter.id == work.id).count();
    let (failed, good): (Vec<&Seen>, Vec<&Seen>) = answers
        .into_iter()
        .partition(|answer| answer.envelope.reply_status == Some(ReplyStatus::Failed));
    let mut broken = Vec::new();
    let wanted = if refused {
        ReplyStatus::Refused
    } else {
        ReplyStatus::Done
    };
    let expected = derived(&work.identity(), EFFECTS, "0");
    if good.len() != 1 || good[0].envelope.reply_status != Some(wanted) || good[0].id != expected {
        let got: Vec<_> = good
            .iter()
            .map(|answer| (&answer.id, answer.envelope.reply_status))
            .collect();
        broken.push(format!(
            "{} should have one answer, {wanted:?} {expected}: {got:?}",
            work.id
        ));
    }
    if failed.len() != letters {
        broken.push(format!(
            "{} was a dead letter {letters} times, and said so {} times",
            work.id,
            failed.len()
        ));
    }
    let may = |answer: &&&Seen| answer.read::<Failed>().may_have_happened;
    if failed.iter().filter(may).count() != failed.len() {
        broken.push(format!(
            "{} failed, and says that it cannot have happened",
            work.id
        ));
    }
    broken
}

/// D5, E6: every command of a client has one final answer, the right one.
pub fn answers(case: &Case<'_>) -> Vec<String> {
    let mut broken = Vec::new();
    for command in &case.ended.sent.commands {
        let (first, different) = case.answer(command);
        let Some(first) = first else {
            broken.push(format!(
                "{} {} was never answered",
                command.key, command.request
            ));
            continue;
        };
        if different > 1 && command.copies == 1 {
            broken.push(format!(
                "{} {} has {different} final answers",
                command.key, command.request
            ));
        }
        let code = first.code();
        let right = match (command.ask, first.envelope.reply_status) {
            (_, Some(ReplyStatus::Refused)) if code.as_deref() == Some("runtime.expired") => true,
            (None, Some(ReplyStatus::Refused)) => code.as_deref() == Some("documents.never_added"),
            (Some(Ask::Refuse), status) => {
                status == Some(ReplyStatus::Refused) || code.as_deref() == Some("runtime.held")
            }
            (Some(Ask::Poison | Ask::Doomed), status) => {
                matches!(status, Some(ReplyStatus::Failed | ReplyStatus::Done))
            }
            (Some(_), Some(ReplyStatus::Failed)) => code.as_deref() == Some("runtime.held"),
            (_, status) => status == Some(ReplyStatus::Done),
        };
        if !right {
            let status = first.envelope.reply_status;
            broken.push(format!(
                "{} {} asked {:?} and was answered {status:?} {code:?}",
                command.key, command.request, command.ask
            ));
        }
    }
    broken
}
