//! Golden files: bytes that were once written, with the schema that wrote them. They decode for ever.
//!
//! `schemas/golden/<context>/<Record>.<n>.avro` are the bytes of example `n`, `….avsc` is the schema of that day.
use super::cases::{self, Case};
use super::evolution::breaks;
use super::examples::{self, files_below, schemas};
use apache_avro::Schema;
use events::record::{Datum, decode_json};
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::fs;
use std::sync::OnceLock;

const WRITE: &str = "TROUPE_WRITE_GOLDEN";

struct Golden {
    n: u32,
    bytes: Vec<u8>,
    writer: Json,
}

/// Writes the golden files that are missing, if it is asked for; once, before any is read.
fn write_missing() {
    static WRITTEN: OnceLock<()> = OnceLock::new();
    WRITTEN.get_or_init(|| {
        if std::env::var_os(WRITE).is_none() {
            return;
        }
        for case in cases::all() {
            for example in examples::of(&case) {
                let path = schemas().join(format!("golden/{}.{}.avro", case.file(), example.n));
                if path.exists() {
                    continue;
                }
                let bytes = (case.encode)(&example.sealed).expect("an example fits its type");
                fs::create_dir_all(path.parent().expect("it has a directory"))
                    .expect("a directory can be made");
                fs::write(path.with_extension("avsc"), case.schema.text)
                    .expect("a file can be written");
                fs::write(path, bytes).expect("a file can be written");
            }
        }
    });
}

fn of(case: &Case) -> Vec<Golden> {
    write_missing();
    let read = |n: u32, ending: &str| {
        let path = schemas().join(format!("golden/{}.{n}.{ending}", case.file()));
        fs::read(&path)
            .unwrap_or_else(|e| panic!("{}: {e}; {WRITE}=1 writes what is missing", path.display()))
    };
    let golden = |n: u32| Golden {
        n,
        bytes: read(n, "avro"),
        writer: serde_json::from_slice(&read(n, "avsc")).expect("a schema is JSON"),
    };
    examples::of(case)
        .iter()
        .map(|example| golden(example.n))
        .collect()
}

#[test]
fn every_example_has_golden_bytes_and_no_others_are_there() {
    write_missing();
    let mut expected = BTreeSet::new();
    for case in cases::all() {
        for example in examples::of(&case) {
            expected.extend(
                ["avro", "avsc"].map(|ending| format!("{}.{}.{ending}", case.file(), example.n)),
            );
        }
    }
    let found = files_below(&schemas().join("golden"));
    let missing: Vec<_> = expected.difference(&found).collect();
    assert!(
        missing.is_empty(),
        "{WRITE}=1 writes what is missing: {} files, first {:?}",
        missing.len(),
        missing[0]
    );
    let more: Vec<_> = found.difference(&expected).collect();
    assert!(
        more.is_empty(),
        "bytes of these are on somebody's log, keep their records and examples: {more:?}"
    );
}

#[test]
fn old_bytes_are_read_as_what_they_say() {
    for case in cases::all() {
        for (golden, example) in of(&case).iter().zip(examples::of(&case)) {
            let what = format!("{} {}", case.schema.name, golden.n);
            let writer =
                Schema::parse_str(&golden.writer.to_string()).expect("a golden schema is one");
            let datum = Datum {
                record: case.schema.name,
                writer: &writer,
                bytes: &golden.bytes,
            };
            let said = decode_json(&datum).expect("golden bytes are whole");
            assert_eq!(
                (case.again)(&writer, &golden.bytes),
                (case.encode)(&said),
                "{what}"
            );
            assert_eq!(
                common(&example.sealed, &said),
                said,
                "{what}: an example may gain fields, not change them"
            );
        }
    }
}

/// Of `json`, the fields that `like` has.
fn common(json: &Json, like: &Json) -> Json {
    match (json, like) {
        (Json::Object(all), Json::Object(some)) => {
            let keep =
                |(name, like): (&String, &Json)| Some((name.clone(), common(all.get(name)?, like)));
            some.iter().filter_map(keep).collect()
        }
        (Json::Array(all), Json::Array(some)) if all.len() == some.len() => all
            .iter()
            .zip(some)
            .map(|(json, like)| common(json, like))
            .collect(),
        _ => json.clone(),
    }
}

/// FULL_TRANSITIVE: any version beside any other (A3).
#[test]
fn every_version_reads_every_other() {
    for case in cases::all() {
        let mut versions: Vec<Json> = of(&case).into_iter().map(|golden| golden.writer).collect();
        versions.push(case.json());
        versions.dedup();
        for (i, old) in versions.iter().enumerate() {
            for new in &versions[i..] {
                assert_eq!(
                    breaks(old, new),
                    Vec::<String>::new(),
                    "{}",
                    case.schema.name
                );
            }
        }
    }
}

/// Of every version of a schema there are bytes, or the next change could forget this one.
#[test]
fn this_version_of_every_schema_has_golden_bytes() {
    fn without_docs(json: &Json) -> Json {
        match json {
            Json::Object(fields) => {
                let kept = fields
                    .iter()
                    .filter(|(name, value)| *name != "doc" || !value.is_string());
                kept.map(|(name, value)| (name.clone(), without_docs(value)))
                    .collect()
            }
            Json::Array(items) => items.iter().map(without_docs).collect(),
            other => other.clone(),
        }
    }
    for case in cases::all() {
        let now = without_docs(&case.json());
        let kept = of(&case)
            .iter()
            .any(|golden| without_docs(&golden.writer) == now);
        assert!(
            kept,
            "{} has changed: add an example with the next number, and let {WRITE}=1 write its bytes",
            case.schema.name
        );
    }
}
