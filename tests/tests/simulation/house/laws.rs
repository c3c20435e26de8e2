//! What holds in the house after any storm.
use super::super::load as ports_of;
use super::super::seen::{Seen, seen};
use super::load::{Command, Kind, TENANTS, mark, told};
use super::run::{Ended, phases};
use documents::directory::{Directory, Listed};
use events::documents::DocumentState;
use events::map::TopicMap;
use events::{ReplyStatus, TenantId};
use knowledge::ledger::{Ledger, LedgerRow};
use runtime::Ports;
use runtime::View;
use runtime::ports::search::Query;
use runtime::rows::ViewRow;
use runtime::testkit::sim::Sim;
use std::collections::{BTreeMap, BTreeSet};

/// Every law that the run broke, in words.
pub async fn broken(ended: &Ended) -> Vec<String> {
    let mut broken = ended.faults.clone();
    broken.extend(answers(ended));
    broken.extend(sagas(ended));
    broken.extend(dead_letters(ended));
    broken.extend(tenants(ended));
    broken.extend(checkpoints(ended));
    let ports = ports_of::ports(&ended.sim.outside("checker")).await;
    broken.extend(ledgers(ended, &ports).await);
    broken.extend(gone(ended, &ports).await);
    broken
}

/// The final answers to a command: the first one counts (H1).
fn final_answers<'a>(replies: &'a [Seen], command: &Command) -> Vec<&'a Seen> {
    let key = format!("{}/{}", command.tenant, command.request);
    replies
        .iter()
        .filter(|reply| reply.key == key && reply.is_final())
        .collect()
}

/// How each command went.
pub fn outcomes(ended: &Ended) -> Vec<(Kind, &'static str)> {
    let replies = told(&ended.sim);
    let how = |command: &Command| {
        let first = final_answers(&replies, command).first().copied()?;
        Some(match first.envelope.reply_status {
            Some(ReplyStatus::Done) => "done",
            Some(ReplyStatus::Refused) => "refused",
            _ => "failed",
        })
    };
    let commands = ended.commands.iter();
    commands
        .map(|command| (command.kind, how(command).unwrap_or("unanswered")))
        .collect()
}

/// D5: every command has one final answer.
fn answers(ended: &Ended) -> Vec<String> {
    let replies = told(&ended.sim);
    let mut broken = vec![];
    for command in &ended.commands {
        let answers = final_answers(&replies, command);
        // The copy of a command from outside is told the same once more.
        let what = |answer: &&Seen| match answer.envelope.command {
            Some(_) => (None, answer.message.payload.clone()),
            None => (Some(answer.id.clone()), vec![]),
        };
        let ids: BTreeSet<_> = answers.iter().map(what).collect();
        if ids.len() != 1 {
            let told: Vec<_> = answers
                .iter()
                .map(|answer| (&answer.id, answer.envelope.reply_status, answer.code()))
                .collect();
            broken.push(format!(
                "{:?} {} of {} has {} final answers: {told:?}",
                command.kind,
                command.request,
                command.tenant,
                ids.len()
            ));
        }
    }
    broken
}

/// S7: every saga has ended, or is stuck and says so.
fn sagas(ended: &Ended) -> Vec<String> {
    let alerts: BTreeSet<String> = seen(&ended.sim, "saga.alerted")
        .into_iter()
        .map(|alert| alert.key)
        .collect();
    let mut broken = vec![];
    for (saga, id, phase) in phases(&ended.sim) {
        let fine = match phase.as_str() {
            "new" | "completed" | "undone" => true,
            stuck => stuck.starts_with("stuck.") && alerts.contains(&id),
        };
        if !fine {
            broken.push(format!("{saga} {id} is {phase} in the end"));
        }
    }
    broken
}

/// Nothing here goes wrong for good: whatever fails is a port, and waiting for one burns no attempt (D2).
fn dead_letters(ended: &Ended) -> Vec<String> {
    let mut broken = vec![];
    for (_, consumer) in TopicMap::embedded().consumers() {
        for letter in seen(&ended.sim, &TopicMap::dead_topic(&consumer.name)) {
            let code = letter.dead_code();
            let record = &letter.record;
            broken.push(format!(
                "{}: {record} {} of {} is a dead letter: {code}",
                consumer.name, letter.id, letter.key
            ));
        }
    }
    broken
}

/// G4, I4: whatever stands anywhere stands under its own tenant.
fn tenants(ended: &Ended) -> Vec<String> {
    let mut broken = vec![];
    for topic in ended.sim.topics() {
        for message in seen(&ended.sim, &topic) {
            let tenant = message.key.split_once('/').map(|(tenant, _)| tenant);
            let known = tenant.is_some_and(|tenant| TENANTS.contains(&tenant));
            if tenant != message.envelope.tenant.as_deref() || !known {
                let of = &message.envelope.tenant;
                broken.push(format!(
                    "{} under {} is of {of:?}",
                    message.place(),
                    message.key
                ));
            }
        }
    }
    broken
}

/// C1: when all is done, nothing is open.
fn checkpoints(ended: &Ended) -> Vec<String> {
    let mut broken = vec![];
    for (topic, consumer) in TopicMap::embedded().consumers() {
        let mut ends: BTreeMap<i32, i64> = BTreeMap::new();
        for message in ended.sim.messages(&topic.name) {
            ends.insert(message.at.partition, message.at.offset + 1);
        }
        let committed = ended.sim.checkpoints(&consumer.name);
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

/// The rows of a view, merged, by `<tenant>/<key>`.
fn view<V: View>(sim: &Sim, view: &V, name: &str) -> BTreeMap<String, V::Row> {
    let mut rows: BTreeMap<String, V::Row> = BTreeMap::new();
    for (id, row) in sim.rows(name) {
        let row: ViewRow<V::Row> = serde_json::from_slice(&row.body).expect("a view's row");
        let key = id.rsplit_once('/').map_or(id.as_str(), |(key, _)| key);
        view.merge(rows.entry(key.to_owned()).or_default(), row.row);
    }
    rows
}

/// Passages expected = embedded = stored = retrievable; of a deleted document, none.
async fn ledgers(ended: &Ended, ports: &Ports) -> Vec<String> {
    let sim = &ended.sim;
    let ledgers: BTreeMap<String, LedgerRow> = view(sim, &Ledger, knowledge::ledger::NAME);
    let listed: BTreeMap<String, Listed> = view(sim, &Directory, "documents.directory");
    let mut broken = vec![];
    for (key, document) in &listed {
        let (tenant, id) = key.split_once('/').expect("a key");
        let tenant = TenantId::new(tenant).expect("a tenant");
        let counted = ports.search.count(&tenant, id, &document.revision).await;
        let counted = counted.expect("no faults");
        match document.state {
            DocumentState::Ready => {
                let ledger = ledgers.get(key).cloned().unwrap_or_default();
                let fits = ledger.balances()
                    && ledger.revision == document.revision
                    && ledger.expected == document.passages
                    && ledger.expected > 0
                    && counted.retrievable == ledger.expected as u64
                    && counted.stored == counted.retrievable;
                if !fits {
                    broken.push(format!("{key}: {ledger:?}, {document:?}, {counted:?}"));
                }
            }
            DocumentState::Deleted => {
                let blobs = passages(ports, &tenant, id).await;
                if (counted.stored, counted.retrievable) != (0, 0) || !blobs.is_empty() {
                    broken.push(format!("{key} is deleted, and {counted:?}, {blobs:?}"));
                }
            }
            // An earlier revision may still be found.
            DocumentState::Rejected => {}
            state => broken.push(format!("{key} is {state:?} in the end")),
        }
    }
    broken
}

/// The blobs with passages of a document.
async fn passages(ports: &Ports, tenant: &TenantId, document: &str) -> Vec<String> {
    let prefix = format!("{document}/");
    let listed = ports.blobs.list(tenant, &prefix, "", 1_000).await;
    let mut blobs = listed.expect("no faults");
    blobs.retain(|blob| blob.ends_with("/passages"));
    blobs
}

/// Of a chatbot that was deleted, or never came to be, nothing is found; of any other, only its tenant's own.
async fn gone(ended: &Ended, ports: &Ports) -> Vec<String> {
    let replies = told(&ended.sim);
    let went = |kind: Kind, bot: &str, status: ReplyStatus| {
        ended.commands.iter().any(|command| {
            let first = final_answers(&replies, command).first().copied();
            command.kind == kind
                && command.chatbot == bot
                && first.and_then(|first| first.envelope.reply_status) == Some(status)
        })
    };
    let mut broken = vec![];
    for bot in &ended.bots {
        let created = went(Kind::Create, &bot.id, ReplyStatus::Done);
        let deleted = went(Kind::Delete, &bot.id, ReplyStatus::Done);
        for name in TENANTS {
            let tenant = TenantId::new(name).expect("a tenant");
            let query = Query {
                chatbot: bot.id.clone(),
                text: "observatory".to_owned(),
                vector: vec![],
                limit: 1_000,
            };
            let found = ports
                .search
                .query(&tenant, &query)
                .await
                .expect("no faults");
            let counted = ports.search.count_chatbot(&tenant, &bot.id).await;
            let counted = counted.expect("no faults");
            let none = name != bot.tenant || deleted || !created;
            if none && (counted > 0 || !found.is_empty()) {
                broken.push(format!(
                    "{name} finds {counted} passages of {}/{} (created: {created}, deleted: {deleted})",
                    bot.tenant, bot.id
                ));
            }
            let foreign = found.iter().filter(|hit| !hit.text.contains(&mark(name)));
            broken.extend(foreign.map(|hit| format!("{name} finds {:?}", hit.text)));
        }
    }
    broken
}
