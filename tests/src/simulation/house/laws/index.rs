//! What the index finds: ledgers that balance, nothing that is gone, nothing of another tenant.
use super::super::load::{Kind, TENANTS, mark};
use super::Case;
use super::told::went;
use conversations::endings::{Ended, Endings};
use conversations::history::{Conversed, History};
use documents::directory::{Directory, Listed};
use events::TenantId;
use events::consumer;
use events::documents::{AddDocument, DocumentState};
use knowledge::ledger::{Ledger, LedgerRow};
use runtime::Ports;
use runtime::View;
use runtime::ports::search::Query;
use runtime::rows::ViewRow;
use runtime::testkit::sim::Sim;
use std::collections::BTreeMap;

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
pub async fn ledgers(case: &Case<'_>, ports: &Ports) -> Vec<String> {
    let sim = &case.ended.sim;
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

/// What was uploaded for a document that is gone is gone too, also what landed after it.
pub async fn uploads(case: &Case<'_>, ports: &Ports) -> Vec<String> {
    let sim = &case.ended.sim;
    let listed: BTreeMap<String, Listed> = view(sim, &Directory, "documents.directory");
    let mut needed: BTreeMap<String, bool> = BTreeMap::new();
    for add in case.topic("documents.document") {
        if add.is::<AddDocument>() {
            let document = listed.get(&add.key);
            let there = document.is_some_and(|of| of.state != DocumentState::Deleted);
            let tenant = add.envelope.tenant.as_deref().unwrap_or_default();
            let blob = format!("{tenant}/{}", add.read::<AddDocument>().blob.id);
            *needed.entry(blob).or_default() |= there;
        }
    }
    let mut broken = vec![];
    for name in TENANTS {
        let tenant = TenantId::new(name).expect("a tenant");
        let left = ports.blobs.list(&tenant, "upload/", "", 1_000).await;
        for blob in left.expect("no faults") {
            let blob = format!("{name}/{blob}");
            if needed.get(&blob) == Some(&false) {
                broken.push(format!("{blob} is left, and its document is gone"));
            }
        }
    }
    broken
}

/// What was said to a chatbot that was deleted is shown no more.
pub fn shown(case: &Case<'_>) -> Vec<String> {
    let sim = &case.ended.sim;
    let histories: BTreeMap<String, Conversed> =
        view(sim, &History, consumer::CONVERSATIONS_HISTORY);
    let endings: BTreeMap<String, Ended> = view(sim, &Endings, consumer::CONVERSATIONS_ENDINGS);
    let mut broken = vec![];
    for bot in &case.ended.bots {
        if !went(case, Kind::Delete, &bot.id, "done") {
            continue;
        }
        let of_it = histories.iter().filter(|(key, history)| {
            let ended = endings.get(*key).map_or(0, |ended| ended.endings);
            let tenant = key.split_once('/').map(|(tenant, _)| tenant);
            let ours = tenant == Some(bot.tenant) && history.chatbot == bot.id;
            ours && !history.entries.is_empty() && ended <= history.endings
        });
        broken.extend(of_it.map(|(key, _)| format!("{key} is shown, and {} is deleted", bot.id)));
    }
    broken
}

/// Of a chatbot that was deleted, or never came to be, nothing is found; of any other, only its tenant's own.
pub async fn gone(case: &Case<'_>, ports: &Ports) -> Vec<String> {
    let mut broken = vec![];
    for bot in &case.ended.bots {
        let created = went(case, Kind::Create, &bot.id, "done");
        let deleted = went(case, Kind::Delete, &bot.id, "done");
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
