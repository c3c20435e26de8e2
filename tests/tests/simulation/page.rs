//! docs/PROTOCOL.md names tests that are there, and every sabotage in its rule's row.
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use tests::simulation::Sabotage;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect("it is there")
}

/// The names of all functions of the sources.
fn functions() -> BTreeSet<String> {
    let mut folders = ["crates", "workers", "tests"]
        .map(|folder| root().join(folder))
        .to_vec();
    let mut names = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                names.extend(declared(&fs::read_to_string(path).expect("text")));
            }
        }
    }
    names
}

fn declared(source: &str) -> Vec<String> {
    let after = source.split("fn ").skip(1);
    let name = |text: &str| {
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    after.map(name).collect()
}

/// The rules with the names in their last column.
fn rules(page: &str) -> Vec<(String, Vec<String>)> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| "));
    let rows = rows.filter(|row| {
        row.starts_with(|c: char| c.is_ascii_uppercase()) && !row.starts_with("Rule")
    });
    let columns = |row: &str| {
        row.split('|')
            .map(|column| column.trim().to_owned())
            .collect::<Vec<_>>()
    };
    rows.map(columns)
        .map(|columns| {
            let names = columns[2].split('`').skip(1).step_by(2).map(str::to_owned);
            (columns[0].clone(), names.collect())
        })
        .collect()
}

#[test]
fn every_rule_names_tests_that_are_there() {
    let (page, functions) = (read("docs/PROTOCOL.md"), functions());
    let sagas = read("crates/saga/src/testkit/sabotage.rs");
    let ours: BTreeSet<String> = Sabotage::all().map(Sabotage::name).collect();
    let mut wrong = Vec::new();
    for (rule, names) in rules(&page) {
        if names.is_empty() {
            wrong.push(format!("{rule} names no test"));
        }
        for name in names {
            let there = match (
                name.strip_prefix("Sabotage::"),
                name.strip_prefix("saga Sabotage::"),
            ) {
                (Some(variant), _) => ours.contains(variant) && variant.starts_with(&rule),
                (_, Some(variant)) => sagas.contains(&format!("    {variant},")),
                (None, None) => functions.contains(&name),
            };
            if !there {
                wrong.push(format!("{rule} names {name}, which is not there"));
            }
        }
    }
    let missing = ours
        .iter()
        .filter(|variant| !page.contains(&format!("`Sabotage::{variant}`")));
    wrong.extend(missing.map(|variant| format!("no rule names Sabotage::{variant}")));
    assert!(wrong.is_empty(), "docs/PROTOCOL.md:\n{}", wrong.join("\n"));
}

/// O4, G4: all that a handler can call of its context; none of it is State, and none takes a tenant.
#[test]
fn what_a_handler_reaches_has_no_state() {
    let source = read("crates/runtime/src/context.rs");
    let (_, after) = source.split_once("impl Context {").expect("the context");
    let (of_it, rest) = after.split_once("\n}\n").expect("its end");
    let public = |text: &str| -> Vec<String> {
        text.split("pub ")
            .skip(1)
            .flat_map(|item| declared(item.lines().next().unwrap_or_default()))
            .collect()
    };
    let known = [
        "new", "blobs", "search", "breakers", "now_ms", "view", "say", "compute",
    ];
    assert_eq!(
        public(of_it),
        known,
        "what is new here: is it the tenant's own, and no State?"
    );
    let (_, tenants) = rest
        .split_once("impl TenantBlobs")
        .expect("the tenant's own ports");
    assert!(
        !tenants.contains("tenant: &TenantId"),
        "a worker would name a tenant"
    );
}
