//! The example documents: `schemas/examples/<context>/<Record>.<n>.json`.
use super::cases::{self, Case, KEY, MESSAGE, TENANT};
use super::shape::{Field, below, fields};
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use apache_avro::{Schema, from_value};
use events::Personal;
use events::personal::{Binding, seal};
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The directory `schemas/` of this checkout.
pub fn schemas() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas")
}

/// Every file below `dir` as a path relative to it, sorted.
pub fn files_below(dir: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![dir.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).into_iter().flatten() {
            let path = entry.expect("a directory can be read").path();
            if path.is_dir() {
                open.push(path);
            } else {
                let relative = path.strip_prefix(dir).expect("it was found below");
                found.insert(relative.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    found
}

/// One example document.
pub struct Example {
    /// Its number, from 1.
    pub n: u32,
    /// As people read it: personal fields in the clear.
    pub clear: Json,
    /// As it is on the log: personal fields sealed, found by the schema's marks.
    pub sealed: Json,
}

/// The examples of a record, in the order of their numbers, which have no gaps.
pub fn of(case: &Case) -> Vec<Example> {
    let mut examples = vec![];
    for n in 1.. {
        let path = schemas().join(format!("examples/{}.{n}.json", case.file()));
        let Ok(text) = std::fs::read_to_string(&path) else {
            break;
        };
        let clear: Json =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let sealed = sealed(case, &clear);
        examples.push(Example { n, clear, sealed });
    }
    examples
}

fn sealed(case: &Case, clear: &Json) -> Json {
    let subject = (case.subject_key)(clear).unwrap_or_default();
    let mut json = clear.clone();
    for (field, text) in personal_texts(case, &mut json) {
        let Ok(Personal::Clear(is_clear)) = from_value::<Personal>(&Value::String(text.clone()))
        else {
            continue;
        };
        let to = Binding {
            tenant: TENANT,
            subject: &subject,
            field: &field,
        };
        let Ok(Personal::Sealed(sealed)) = seal(&is_clear, &KEY, to, MESSAGE) else {
            panic!("{field} does not seal")
        };
        *text = sealed;
    }
    json
}

/// The texts in `json` that the schema marks as personal, with their names (`turns.3.text`).
pub fn personal_texts<'a>(case: &Case, json: &'a mut Json) -> Vec<(String, &'a mut String)> {
    let marked = |field: &Field| field.is_personal().then(|| field.path.clone());
    let marked: BTreeSet<String> = fields(&case.json()).iter().filter_map(marked).collect();
    let mut found = vec![];
    walk(json, "", "", &mut |name, path, value| {
        if let (true, Json::String(text)) = (marked.contains(path), value) {
            found.push((name.to_owned(), text));
        }
    });
    found
}

/// Visits every text, number and so on in `json` with its name (`turns.3.text`) and its path (`turns.*.text`).
fn walk<'a>(
    json: &'a mut Json,
    name: &str,
    path: &str,
    visit: &mut impl FnMut(&str, &str, &'a mut Json),
) {
    match json {
        Json::Object(fields) => {
            for (field, value) in fields {
                walk(value, &below(name, field), &below(path, field), visit);
            }
        }
        Json::Array(items) => {
            for (i, item) in items.iter_mut().enumerate() {
                walk(item, &below(name, &i.to_string()), &below(path, "*"), visit);
            }
        }
        leaf => visit(name, path, leaf),
    }
}

/// JSON -> Value -> bytes: by the schema alone, without the Rust type.
pub fn encode_by_schema(schema: &Schema, json: &Json) -> Result<Vec<u8>, String> {
    let value = Value::try_from(json.clone())
        .and_then(|v| v.resolve(schema))
        .map_err(|e| e.to_string())?;
    let writer = GenericDatumWriter::builder(schema)
        .build()
        .map_err(|e| e.to_string())?;
    writer.write_value_to_vec(value).map_err(|e| e.to_string())
}

#[test]
fn every_record_has_two_examples_and_every_example_a_record() {
    let mut expected = BTreeSet::new();
    for case in cases::all() {
        let examples = of(&case);
        assert!(
            examples.len() >= 2,
            "{} has {} examples",
            case.schema.name,
            examples.len()
        );
        expected.extend(
            examples
                .iter()
                .map(|e| format!("{}.{}.json", case.file(), e.n)),
        );
    }
    assert_eq!(files_below(&schemas().join("examples")), expected);
}
