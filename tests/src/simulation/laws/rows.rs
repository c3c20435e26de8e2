//! What had effect on rows, and what they said (E1-E7).
use super::super::business::{Ask, DOCUMENT, Document};
use super::{Case, Command, Seen, derived};
use events::documents::{AddDocument, DeleteDocument};
use events::system::Woke;
use std::collections::{BTreeMap, BTreeSet};

/// E1-E4, C3: what had effect on a row is what stands on its input, in that order, each once.
pub fn rows(case: &Case<'_>) -> Vec<String> {
    let mut broken = Vec::new();
    let without_effect = |command: &&Command| {
        matches!(
            case.code_of_answer(command).as_deref(),
            Some("runtime.expired" | "documents.never_added")
        )
    };
    let refused: BTreeSet<(&str, &str)> = case
        .ended
        .sent
        .commands
        .iter()
        .filter(without_effect)
        .map(|command| (command.key.as_str(), command.identity.id.as_str()))
        .collect();
    let mut expected: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for input in &case.inputs {
        let log = expected.entry(&input.key).or_default();
        let copy = log.contains(&input.id.as_str());
        if !input.is::<Woke>()
            && !copy
            && !refused.contains(&(input.key.as_str(), input.id.as_str()))
        {
            log.push(&input.id);
        }
    }
    for (key, expected) in expected {
        let empty = Document::default();
        let document = case.documents.get(key).unwrap_or(&empty);
        if document.log != expected {
            broken.push(format!(
                "{key}: had effect {:?}\n  and should {expected:?}",
                document.log
            ));
        }
        broken.extend(
            document
                .faults
                .iter()
                .map(|fault| format!("{key}: {fault}")),
        );
        if !document.late.is_empty() || document.armed_ms.is_some() {
            broken.push(format!("{key} was never woken (E7)"));
        }
        if document.asked.values().next().is_some() {
            broken.push(format!("{key} still waits for {:?}", document.asked));
        }
    }
    broken
}

/// E3, I2: what a row's messages say is said once, under ids that follow from their causes.
pub fn said_once(case: &Case<'_>) -> Vec<String> {
    let mut broken = Vec::new();
    let sent_once: BTreeMap<(&str, &str), &Seen> = case
        .inputs
        .iter()
        .rev()
        .map(|input| ((input.key.as_str(), input.id.as_str()), input))
        .collect();
    let (mut changes, mut work) = (BTreeSet::new(), BTreeSet::new());
    let mut woken = 0;
    for (key, document) in &case.documents {
        woken += document.woken;
        for id in &document.log {
            let Some(cause) = sent_once.get(&(key.as_str(), id.as_str())) else {
                continue;
            };
            if cause.is::<AddDocument>() || cause.is::<DeleteDocument>() {
                changes.insert(derived(&cause.identity(), DOCUMENT, "0"));
            }
            if cause.is::<AddDocument>() && Ask::of(&cause.read::<AddDocument>().name) != Ask::Late
            {
                work.insert(derived(&cause.identity(), DOCUMENT, "1"));
            }
        }
    }
    let first = |work: &&Seen| work.envelope.redriven.is_none();
    broken.extend(once(
        "documents.effects",
        &work,
        case.effects.iter().filter(first),
        0,
    ));
    broken.extend(once(
        "document.changed",
        &changes,
        case.changes.iter(),
        woken,
    ));
    broken
}

/// Each of `expected` once, and of others only `besides`, each once too.
fn once<'a>(
    topic: &str,
    expected: &BTreeSet<String>,
    messages: impl Iterator<Item = &'a Seen>,
    besides: u64,
) -> Vec<String> {
    let mut count: BTreeMap<&str, u64> = BTreeMap::new();
    for message in messages {
        *count.entry(&message.id).or_default() += 1;
    }
    let mut broken: Vec<String> = count
        .iter()
        .filter(|(_, times)| **times > 1)
        .map(|(id, times)| format!("{topic}: {id} stands there {times} times"))
        .collect();
    let missing = expected
        .iter()
        .filter(|id| !count.contains_key(id.as_str()));
    broken.extend(missing.map(|id| format!("{topic}: {id} is missing")));
    let others: Vec<&&str> = count.keys().filter(|id| !expected.contains(**id)).collect();
    if others.len() as u64 != besides {
        broken.push(format!("{topic}: {besides} more were expected: {others:?}"));
    }
    broken
}
