//! Bytes: the schema and the Rust type write the same, and read back what was written (A2, A4).
use super::cases::{self, Case};
use super::examples::{self, Example, encode_by_schema};
use super::shape::{Field, fields};
use apache_avro::Schema;
use serde_json::{Value as Json, json};

/// Visits every example of every record.
pub fn every_example(mut visit: impl FnMut(&Case, &Example)) {
    for case in cases::all() {
        for example in examples::of(&case) {
            visit(&case, &example);
        }
    }
}

/// Our schema at another address: what is read with it is resolved, as what another version wrote (A1).
fn another(case: &Case) -> Schema {
    case.schema.schema.clone()
}

#[test]
fn the_schema_and_the_rust_type_write_the_same_bytes() {
    every_example(|case, example| {
        let by_schema =
            encode_by_schema(case.schema.schema, &example.sealed).expect("it fits its schema");
        let by_rust = (case.encode)(&example.sealed).expect("it fits its type");
        assert_eq!(by_schema, by_rust, "{} {}", case.schema.name, example.n);
    });
}

#[test]
fn both_readers_read_what_was_written() {
    every_example(|case, example| {
        let bytes = (case.encode)(&example.sealed).expect("it fits its type");
        assert_eq!(
            (case.again)(case.schema.schema, &bytes).as_ref(),
            Ok(&bytes),
            "{} straight",
            case.schema.name
        );
        assert_eq!(
            (case.again)(&another(case), &bytes).as_ref(),
            Ok(&bytes),
            "{} resolved",
            case.schema.name
        );
    });
}

#[test]
fn bytes_left_over_or_missing_are_an_error_for_both_readers() {
    every_example(|case, example| {
        let bytes = (case.encode)(&example.sealed).expect("it fits its type");
        for writer in [case.schema.schema, &another(case)] {
            let more = [&bytes[..], &[0]].concat();
            let left_over = Err("1 bytes left over".to_owned());
            assert_eq!(
                (case.again)(writer, &more),
                left_over,
                "{}",
                case.schema.name
            );
            for cut in 0..bytes.len() {
                let read = (case.again)(writer, &bytes[..cut]);
                assert!(
                    read.is_err(),
                    "{} of {} bytes: {read:?}",
                    cut,
                    case.schema.name
                );
            }
        }
    });
}

/// An example says every field of its schema and no other: what it lacked, a type could lack too.
#[test]
fn examples_say_every_field_and_no_other() {
    fn names(json: &Json, of: &Json, case: &Case) {
        match (json, of) {
            (Json::Null, Json::Array(_)) => {}
            (_, Json::Array(union)) => names(json, &union[1], case),
            (Json::Array(items), _) => items
                .iter()
                .for_each(|item| names(item, &of["items"], case)),
            (Json::Object(said), _) => {
                let fields = of["fields"]
                    .as_array()
                    .expect("an object stands for a record");
                let known: Vec<&str> = fields.iter().filter_map(|f| f["name"].as_str()).collect();
                assert_eq!(
                    said.keys().collect::<Vec<_>>(),
                    known,
                    "an example of {}",
                    case.schema.name
                );
                fields.iter().for_each(|f| {
                    names(
                        &said[f["name"].as_str().unwrap_or_default()],
                        &f["type"],
                        case,
                    )
                });
            }
            _ => {}
        }
    }
    every_example(|case, example| names(&example.clear, &case.json(), case));
}

/// What is optional is there in one example and absent in another, and no list is always empty.
#[test]
fn examples_exercise_every_field() {
    for case in cases::all() {
        for Field { path, json } in fields(&case.json()) {
            let said: Vec<Json> = examples::of(&case)
                .iter()
                .flat_map(|e| at(&e.clear, &path))
                .collect();
            assert!(
                !said.is_empty(),
                "{}: no example has {path}",
                case.schema.name
            );
            if json["type"].is_array() {
                let absent = |value: &&Json| value.is_null();
                assert!(
                    said.iter().any(|v| absent(&v)) && !said.iter().all(|v| absent(&v)),
                    "{}: {path}",
                    case.schema.name
                );
            }
            if json["type"]["type"] == "array" {
                assert!(
                    said.iter().any(|v| v != &json!([])),
                    "{}: {path} is always empty",
                    case.schema.name
                );
            }
        }
    }
}

/// The values that stand at `path` (`turns.*.text`).
pub fn at(json: &Json, path: &str) -> Vec<Json> {
    let (part, rest) = path
        .split_once('.')
        .map_or((path, None), |(part, rest)| (part, Some(rest)));
    let here: Vec<Json> = match (part, json) {
        ("*", Json::Array(items)) => items.clone(),
        (_, Json::Object(fields)) => fields.get(part).cloned().into_iter().collect(),
        _ => vec![],
    };
    match rest {
        Some(rest) => here.iter().flat_map(|value| at(value, rest)).collect(),
        None => here,
    }
}

/// A newer edge or an upstream system may say more than we know (A4: no `deny_unknown_fields`).
#[test]
fn a_field_that_we_do_not_know_is_passed_over() {
    every_example(|case, example| {
        let mut more = example.sealed.clone();
        more["said_by_a_newer_version"] = json!({ "a": 1 });
        assert_eq!(
            (case.encode)(&more),
            (case.encode)(&example.sealed),
            "{}",
            case.schema.name
        );
    });
}
