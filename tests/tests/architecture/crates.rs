//! Rules 1-3: who may depend on whom, and who may name which library.
use super::sources::rust_files;
use super::{directories, name, root};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use toml::Table;

/// What workers may use: libraries that compute, and reach nothing outside.
const PURE: &[&str] = &[
    "base64",
    "bytes",
    "calamine",
    "chardetng",
    "csv",
    "ego-tree",
    "encoding_rs",
    "flate2",
    "futures",
    "memchr",
    "pdf-extract",
    "pulldown-cmark",
    "quick-xml",
    "rust-stemmers",
    "scraper",
    "serde",
    "serde_bytes",
    "serde_json",
    "sha2",
    "thiserror",
    "tracing",
    "unicode-normalization",
    "unicode-segmentation",
    "weezl",
    "zip",
];

/// A library that only these crates may name; `tests` and `bench` may name anything.
const KEPT_TO: &[(&str, &[&str])] = &[
    ("axum", &["edge"]),
    ("tower-http", &["edge"]),
    ("rusqlite", &["embedded", "app"]), // in app for the demo only, which checks its claims by looking: see below
    ("rdkafka", &["cluster"]),
    ("schema_registry_converter", &["cluster"]),
    ("mongodb", &["cluster"]),
    ("qdrant-client", &["cluster"]),
    ("clap", &["app"]),
    ("getrandom", &["app"]),
    ("apache-avro", &["events", "runtime"]),
    ("backoff", &["app", "runtime"]),
];

/// What a crate names: everything, and what it needs beyond its tests.
struct Crate {
    needs: BTreeSet<String>,
    needs_for_tests: BTreeSet<String>,
}

fn read(dir: &Path) -> Crate {
    let path = dir.join("Cargo.toml");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let manifest: Table = text
        .parse()
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let names = |section: &str| -> BTreeSet<String> {
        let table = manifest.get(section).and_then(|section| section.as_table());
        table
            .into_iter()
            .flat_map(|table| table.keys().cloned())
            .collect()
    };
    assert!(
        !manifest.contains_key("target"),
        "{}: dependencies by target would not be seen here",
        path.display()
    );
    let mut needs = names("dependencies");
    needs.extend(names("build-dependencies"));
    Crate {
        needs,
        needs_for_tests: names("dev-dependencies"),
    }
}

fn all() -> BTreeMap<String, Crate> {
    let dirs = [
        directories("crates"),
        directories("workers"),
        vec![root().join("tests"), root().join("bench")],
    ];
    dirs.into_iter()
        .flatten()
        .map(|dir| (name(&dir), read(&dir)))
        .collect()
}
fn workers() -> BTreeSet<String> {
    directories("workers").iter().map(|dir| name(dir)).collect()
}

#[test]
fn rule_1_a_worker_never_depends_on_another_worker() {
    let (all, workers) = (all(), workers());
    for worker in &workers {
        let seen = &all[worker];
        for other in workers.iter().filter(|other| *other != worker) {
            let depends = seen.needs.contains(other) || seen.needs_for_tests.contains(other);
            assert!(
                !depends,
                "{worker} depends on {other}: workers meet only through messages"
            );
        }
    }
}

#[test]
fn rule_2_workers_depend_on_the_machine_and_on_pure_libraries() {
    let all = all();
    for worker in workers() {
        for needed in &all[&worker].needs {
            let ours = ["events", "runtime", "saga"].contains(&needed.as_str());
            assert!(
                ours || PURE.contains(&needed.as_str()),
                "{worker} depends on {needed}, which is not on the list of pure libraries: what reaches outside is a \
                 trait in ports.rs, which `providers` implements"
            );
        }
    }
}

#[test]
fn rule_3_only_app_wires_things_together() {
    let (all, workers) = (all(), workers());
    let worker_names: Vec<&str> = workers.iter().map(String::as_str).collect();
    let of_providers = [vec!["events", "runtime"], worker_names].concat();
    let may: &[(&str, &[&str])] = &[
        ("events", &[]),
        ("runtime", &["events"]),
        ("saga", &["events", "runtime"]),
        ("embedded", &["events", "runtime"]),
        ("cluster", &["events", "runtime"]),
        ("edge", &["events", "runtime"]),
        ("providers", &of_providers),
    ];
    for (name, seen) in &all {
        let free = ["app", "tests", "bench"].contains(&name.as_str()) || workers.contains(name);
        if free {
            continue;
        }
        let allowed = may
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, allowed)| *allowed);
        let allowed = allowed
            .unwrap_or_else(|| panic!("{name} is a new crate: say here what it may depend on"));
        for ours in seen.needs.iter().filter(|needed| all.contains_key(*needed)) {
            assert!(
                allowed.contains(&ours.as_str()),
                "{name} depends on {ours}, and may on {allowed:?} only"
            );
        }
    }
    for (name, seen) in &all {
        let may = ["tests", "bench"].contains(&name.as_str());
        assert!(may || !seen.needs.contains("app"), "{name} depends on app");
    }
}

#[test]
fn rule_3_a_library_of_the_outside_world_is_named_in_one_place() {
    for (name, seen) in &all() {
        if ["tests", "bench"].contains(&name.as_str()) {
            continue;
        }
        for (library, places) in KEPT_TO {
            let fine = places.contains(&name.as_str()) || !seen.needs.contains(*library);
            assert!(fine, "{name} names {library}, which belongs to {places:?}");
        }
    }
}

#[test]
fn rule_3_app_speaks_sql_only_where_the_demo_checks_its_claims() {
    let app = root().join("crates/app/src");
    for path in rust_files(&app) {
        let text = std::fs::read_to_string(&path).expect("a source");
        let in_demo = path.starts_with(app.join("demo"));
        assert!(
            in_demo || !text.contains("rusqlite"),
            "{} names rusqlite",
            path.display()
        );
    }
}
