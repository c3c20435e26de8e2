//! What stands on the log in the end: nothing lost, nothing twice, in order, each under its own tenant.
use super::super::load::TENANTS;
use super::super::run::phases;
use super::{Case, Seen};
use events::map::{TopicKind, TopicMap};
use events::system::{LetterDecided, Woke};
use runtime::rows::{HOLDS, HoldRow};
use std::collections::{BTreeMap, BTreeSet};

/// What the faults of the providers may bring about; a person redrives it.
/// (Whether a chatbot is gone is asked for some minutes only: the views may be behind for longer.)
const ALLOWED: [&str; 5] = [
    "runtime.attempts_exhausted",
    "runtime.held",
    "runtime.parked",
    "knowledge.embedder_refused",
    "chatbots.still_retrievable",
];

/// S7: every saga has ended, or is stuck and says so.
pub fn sagas(case: &Case<'_>) -> Vec<String> {
    let alerts: BTreeSet<&str> = case
        .topic("saga.alerted")
        .iter()
        .map(|alert| alert.key.as_str())
        .collect();
    let mut broken = vec![];
    for (saga, id, phase) in phases(&case.ended.sim) {
        let fine = match phase.as_str() {
            "new" | "completed" | "undone" => true,
            stuck => stuck.starts_with("stuck.") && alerts.contains(id.as_str()),
        };
        if !fine {
            broken.push(format!("{saga} {id} is {phase} in the end"));
        }
    }
    broken
}

/// D: what does not belong is a dead letter, once, with its code; whatever else is one has a reason.
pub fn dead_letters(case: &Case<'_>) -> Vec<String> {
    let mut broken = vec![];
    let mut foreign: BTreeMap<String, &str> = BTreeMap::new();
    for odd in &case.ended.foreign {
        let at = &odd.place;
        foreign.insert(
            format!("{}/{}/{}", at.topic, at.partition, at.offset),
            odd.code,
        );
    }
    for (_, consumer) in TopicMap::embedded().consumers() {
        for letter in case.topic(&TopicMap::dead_topic(&consumer.name)) {
            let code = letter.dead_code();
            let fine = match foreign.remove(&letter.was_at()) {
                Some(expected) => code == expected,
                None => ALLOWED.contains(&code.as_str()),
            };
            if !fine {
                broken.push(format!(
                    "{}: {} {} of {} is a dead letter: {code}",
                    consumer.name, letter.record, letter.id, letter.key
                ));
            }
        }
    }
    let missing = foreign.into_iter();
    broken.extend(missing.map(|(at, code)| format!("{at} should be a dead letter: {code}")));
    broken
}

/// D3, D4: when all dead letters are redriven or discarded, nothing is held.
pub fn holds(case: &Case<'_>) -> Vec<String> {
    let mut broken = vec![];
    let sim = &case.ended.sim;
    for collection in sim.collections() {
        if !collection.starts_with(HOLDS) {
            continue;
        }
        for (id, row) in sim.rows(&collection) {
            let hold: HoldRow = serde_json::from_slice(&row.body).expect("a hold");
            if !hold.held.is_empty() {
                broken.push(format!("{collection} {id} still holds {:?}", hold.held));
            }
        }
    }
    broken
}

/// C1: when all is done, nothing is open.
pub fn checkpoints(case: &Case<'_>) -> Vec<String> {
    let mut broken = vec![];
    for (topic, consumer) in TopicMap::embedded().consumers() {
        let mut ends: BTreeMap<i32, i64> = BTreeMap::new();
        for seen in case.topic(&topic.name) {
            ends.insert(seen.message.at.partition, seen.message.at.offset + 1);
        }
        let committed = case.ended.sim.checkpoints(&consumer.name);
        for (partition, end) in ends {
            let done = committed.get(partition as usize).cloned().flatten();
            if done.as_ref().is_none_or(|done| done.watermark < end) {
                let name = &consumer.name;
                broken.push(format!(
                    "{name} {partition} is done below {done:?} of {end}"
                ));
            }
        }
    }
    broken
}

/// What consumers emit in transactions, by topic: not what is appended beside them (an edge's commands, wakes, deltas, what a person did) and
/// may stand there twice, nor what a person redrove.
fn emitted<'a>(case: &'a Case<'_>) -> impl Iterator<Item = (&'a str, &'a Seen)> {
    let map = TopicMap::embedded();
    let ours = |name: &str| {
        let kind = map.topic(name).map(|topic| topic.kind);
        !matches!(kind, Some(TopicKind::Inbox | TopicKind::Ephemeral)) && !name.ends_with(".dead")
    };
    let topics = case.topics.iter().filter(move |(name, _)| ours(name));
    topics
        .flat_map(|(name, all)| all.iter().map(move |seen| (name.as_str(), seen)))
        .filter(|(_, seen)| {
            let source = seen.envelope.source.as_deref().unwrap_or_default();
            !["troupe/edge", "troupe/operator"].contains(&source)
                && seen.envelope.redriven.is_none()
                && !seen.is::<Woke>()
        })
}

/// By consumer, as it calls itself: the key and the offset of each message of its input; none if it stands there twice (sent
/// again, redriven, parked).
type Inputs<'a> = BTreeMap<String, BTreeMap<&'a str, Option<(&'a str, i64)>>>;

fn inputs<'a>(case: &'a Case<'_>) -> Inputs<'a> {
    let mut inputs = Inputs::new();
    for (topic, consumer) in TopicMap::embedded().consumers() {
        let mut places: BTreeMap<&str, Option<(&str, i64)>> = BTreeMap::new();
        for seen in case.topic(&topic.name) {
            let place = Some((seen.key.as_str(), seen.message.at.offset));
            let at = places.entry(&seen.id);
            at.and_modify(|place| *place = None).or_insert(place);
        }
        inputs.insert(format!("troupe/{}", consumer.name), places);
    }
    inputs
}

/// Where the message stands that made a consumer say something; `None` if it stands in several places, or is not known.
fn cause<'a>(inputs: &Inputs<'a>, seen: &Seen) -> Option<(&'a str, i64)> {
    let source = seen.envelope.source.as_deref()?;
    let id = seen.envelope.causation.as_deref()?;
    inputs.get(source)?.get(id).copied().flatten()
}

/// I2, E3: what a message brings about is said once, however often the message was tried. Only answers are given again, to a
/// command that comes again (E2).
pub fn said_once(case: &Case<'_>) -> Vec<String> {
    let inputs = inputs(case);
    let mut count: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
    for (topic, seen) in emitted(case) {
        if seen.envelope.reply_status.is_none() || cause(&inputs, seen).is_some() {
            *count.entry((topic, &seen.key, &seen.id)).or_default() += 1;
        }
    }
    let twice = count.into_iter().filter(|(_, times)| *times > 1);
    twice
        .map(|((topic, key, id), times)| {
            format!("{topic}: {id} of {key} stands there {times} times")
        })
        .collect()
}

/// E1, C3: what a consumer says because of one key stands, wherever it says it, in the order of what made it say so.
pub fn order(case: &Case<'_>) -> Vec<String> {
    let inputs = inputs(case);
    let mut broken = vec![];
    // By consumer, topic, partition, key of what was said, key of its cause: the latest cause.
    let mut latest: BTreeMap<(&str, &str, i32, &str, &str), i64> = BTreeMap::new();
    for (topic, seen) in emitted(case) {
        let Some((key, offset)) = cause(&inputs, seen) else {
            continue;
        };
        let source = seen.envelope.source.as_deref().unwrap_or_default();
        let partition = seen.message.at.partition;
        let of = (source, topic, partition, seen.key.as_str(), key);
        let before = latest.insert(of, offset).unwrap_or(-1);
        if before > offset {
            broken.push(format!(
                "{source} said {} {} because of {key} at {offset} after what it said because of {before}",
                seen.place(),
                seen.id
            ));
        }
    }
    broken
}

/// G4, I4: whatever stands anywhere stands under its own tenant.
pub fn tenants(case: &Case<'_>) -> Vec<String> {
    let odd: BTreeSet<String> = case
        .ended
        .foreign
        .iter()
        .map(|odd| {
            format!(
                "{}/{}/{}",
                odd.place.topic, odd.place.partition, odd.place.offset
            )
        })
        .collect();
    let mut broken = vec![];
    for seen in case.topics.values().flatten() {
        if odd.contains(&seen.place()) || odd.contains(&seen.was_at()) {
            continue;
        }
        let tenant = seen.key.split_once('/').map(|(tenant, _)| tenant);
        // What became of a letter whose key is none is nobody's.
        let nobodys = tenant == Some("troupe") && seen.is::<LetterDecided>();
        let known = nobodys || tenant.is_some_and(|tenant| TENANTS.contains(&tenant));
        if tenant != seen.envelope.tenant.as_deref() || !known {
            let of = &seen.envelope.tenant;
            broken.push(format!("{} under {} is of {of:?}", seen.place(), seen.key));
        }
    }
    broken
}
