//! The laws that hold after any storm: nothing lost, nothing twice, order per key, every command answered.
use super::business::{
    Ask, BORDER, CONSUMERS, DIRECTORY, DOCUMENT, Directory, DirectoryRow, Document, EFFECTS,
};
use super::load::Command;
use super::run::Ended;
use super::seen::{Seen, seen};
use events::documents::{AddDocument, DocumentChanged, ParseUpload};
use events::system::Woke;
use events::{MessageId, ReplyStatus};
use runtime::rows::{EntityRow, HoldRow, ViewRow};
use std::collections::{BTreeMap, BTreeSet};

/// Every law that the run broke, in words.
pub fn broken(ended: &Ended) -> Vec<String> {
    let case = Case::read(ended);
    let mut broken = ended.faults.clone();
    broken.extend(ended.outside.faults());
    for law in [
        border,
        foreign,
        rows,
        said_once,
        effects,
        answers,
        views,
        checkpoints,
        holds,
        tenants,
    ] {
        broken.extend(law(&case));
    }
    broken
}

struct Case<'a> {
    ended: &'a Ended,
    inputs: Vec<Seen>,
    effects: Vec<Seen>,
    changes: Vec<Seen>,
    replies: Vec<Seen>,
    documents: BTreeMap<String, Document>,
}

impl<'a> Case<'a> {
    fn read(ended: &'a Ended) -> Self {
        let sim = &ended.sim;
        let documents = sim.rows(DOCUMENT).into_iter().map(|(id, row)| {
            let row: EntityRow = serde_json::from_slice(&row.body).expect("a row of ours");
            let state = row
                .state
                .map(|state| serde_json::from_str(state.get()).expect("a document"));
            (id, state.unwrap_or_default())
        });
        Self {
            documents: documents.collect(),
            inputs: seen(sim, DOCUMENT),
            effects: seen(sim, EFFECTS),
            changes: seen(sim, "document.changed"),
            replies: seen(sim, "replies"),
            ended,
        }
    }
    /// The first final answer to a command, and how many different ones there are.
    fn answer(&self, command: &Command) -> (Option<&Seen>, usize) {
        let to = |reply: &&Seen| {
            reply.is_final()
                && reply.envelope.tenant.as_deref() == Some(&command.identity.tenant)
                && reply.envelope.request.as_deref() == Some(&command.request)
        };
        let answers: Vec<&Seen> = self.replies.iter().filter(to).collect();
        let different: BTreeSet<&str> = answers.iter().map(|answer| answer.id.as_str()).collect();
        (
            answers
                .into_iter()
                .min_by_key(|answer| answer.message.at.offset),
            different.len(),
        )
    }
    fn code_of_answer(&self, command: &Command) -> Option<String> {
        self.answer(command).0.and_then(Seen::code)
    }
}

fn derived(cause: &MessageId, consumer: &str, part: &str) -> String {
    cause.derive(consumer, part).to_string()
}

/// I1-I3: every upload passes the border once, however often it was sent, under an id that follows from its own.
fn border(case: &Case<'_>) -> Vec<String> {
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
fn foreign(case: &Case<'_>) -> Vec<String> {
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

/// E1-E4, C3: what had effect on a row is what stands on its input, in that order, each once.
fn rows(case: &Case<'_>) -> Vec<String> {
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
fn said_once(case: &Case<'_>) -> Vec<String> {
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
            if cause.is::<AddDocument>() || cause.is::<events::documents::DeleteDocument>() {
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

/// O1, D1, D3: every work has its effect under one idempotency key, in the order of its key, and is answered.
fn effects(case: &Case<'_>) -> Vec<String> {
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
    let may = |answer: &&&Seen| answer.read::<events::reply::Failed>().may_have_happened;
    if failed.iter().filter(may).count() != failed.len() {
        broken.push(format!(
            "{} failed, and says that it cannot have happened",
            work.id
        ));
    }
    broken
}

/// D5, E6: every command of a client has one final answer, the right one.
fn answers(case: &Case<'_>) -> Vec<String> {
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

/// V1: a view counts every event once.
fn views(case: &Case<'_>) -> Vec<String> {
    let mut expected: BTreeMap<String, i64> = BTreeMap::new();
    for change in &case.changes {
        let tenant = change.envelope.tenant.clone().unwrap_or_default();
        *expected
            .entry(format!(
                "{tenant}/{}",
                change.read::<DocumentChanged>().chatbot
            ))
            .or_default() += 1;
    }
    let mut counted: BTreeMap<String, DirectoryRow> = BTreeMap::new();
    for (id, row) in case.ended.sim.rows(DIRECTORY) {
        let row: ViewRow<DirectoryRow> = serde_json::from_slice(&row.body).expect("a view's row");
        let key = id.splitn(3, '/').take(2).collect::<Vec<_>>().join("/");
        runtime::View::merge(&Directory, counted.entry(key).or_default(), row.row);
    }
    let counted: BTreeMap<String, i64> = counted
        .into_iter()
        .map(|(key, row)| (key, row.changes))
        .collect();
    if counted == expected {
        vec![]
    } else {
        vec![format!(
            "the directory counted {counted:?}\n  and should have {expected:?}"
        )]
    }
}

/// C1: when all is done, nothing is open.
fn checkpoints(case: &Case<'_>) -> Vec<String> {
    let mut broken = Vec::new();
    for consumer in CONSUMERS {
        let map = super::business::map();
        let topic = &map.consumer(consumer).expect("of the map").0.name;
        let mut ends: BTreeMap<i32, i64> = BTreeMap::new();
        for message in case.ended.sim.messages(topic) {
            ends.insert(message.at.partition, message.at.offset + 1);
        }
        let committed = case.ended.sim.checkpoints(consumer);
        for (partition, end) in ends {
            let checkpoint = committed.get(partition as usize).cloned().flatten();
            if checkpoint
                .as_ref()
                .is_none_or(|checkpoint| checkpoint.watermark < end)
            {
                broken.push(format!("{consumer} {partition} is done below {checkpoint:?}, and {end} messages are there"));
            }
        }
    }
    broken
}

/// D3, D4: nothing is held but behind what is still a dead letter.
fn holds(case: &Case<'_>) -> Vec<String> {
    let mut broken = Vec::new();
    for collection in case
        .ended
        .sim
        .collections()
        .iter()
        .filter(|name| name.starts_with(runtime::rows::HOLDS))
    {
        for (id, row) in case.ended.sim.rows(collection) {
            let hold: HoldRow = serde_json::from_slice(&row.body).expect("a hold");
            if !hold.held.is_empty() && !collection.ends_with(BORDER) {
                broken.push(format!("{collection} {id} still holds {:?}", hold.held));
            }
        }
    }
    broken
}

/// G4, I4: no tenant but those who may be named, and each only under its own keys.
fn tenants(case: &Case<'_>) -> Vec<String> {
    let mut broken = Vec::new();
    let all = case
        .inputs
        .iter()
        .chain(&case.effects)
        .chain(&case.changes)
        .chain(&case.replies);
    for message in all {
        let tenant = message.key.split_once('/').map(|(tenant, _)| tenant);
        if tenant != message.envelope.tenant.as_deref() || !matches!(tenant, Some("acme" | "bolt"))
        {
            broken.push(format!(
                "{} under {} is of {:?}",
                message.place(),
                message.key,
                message.envelope.tenant
            ));
        }
    }
    for collection in [DOCUMENT, DIRECTORY] {
        for (id, _) in case.ended.sim.rows(collection) {
            if !id.starts_with("acme/") && !id.starts_with("bolt/") {
                broken.push(format!("{collection} has a row {id}"));
            }
        }
    }
    broken
}
