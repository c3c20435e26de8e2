//! What is left in the stores: views, checkpoints, holds, and whose it is (V1, C1, D3, G4).
use super::super::business::{CONSUMERS, DIRECTORY, DOCUMENT, Directory, DirectoryRow, map};
use super::Case;
use events::documents::DocumentChanged;
use runtime::rows::{HOLDS, HoldRow, ViewRow};
use std::collections::BTreeMap;

/// V1: a view counts every event once.
pub fn views(case: &Case<'_>) -> Vec<String> {
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
pub fn checkpoints(case: &Case<'_>) -> Vec<String> {
    let mut broken = Vec::new();
    for consumer in CONSUMERS {
        let map = map();
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

/// D3, D4: when all dead letters are redriven or discarded, nothing is held.
pub fn holds(case: &Case<'_>) -> Vec<String> {
    let mut broken = Vec::new();
    for collection in case
        .ended
        .sim
        .collections()
        .iter()
        .filter(|name| name.starts_with(HOLDS))
    {
        for (id, row) in case.ended.sim.rows(collection) {
            let hold: HoldRow = serde_json::from_slice(&row.body).expect("a hold");
            if !hold.held.is_empty() {
                broken.push(format!("{collection} {id} still holds {:?}", hold.held));
            }
        }
    }
    broken
}

/// G4, I4: no tenant but those who may be named, and each only under its own keys.
pub fn tenants(case: &Case<'_>) -> Vec<String> {
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
