//! Versions: what others wrote before us, and what they will write after us (A1, A2, A3).
use super::cases::{self, Case};
use super::examples::encode_by_schema;
use super::shape::{Field, fields, type_of};
use super::wire::{at, every_example};
use apache_avro::Schema;
use apache_avro::schema_compatibility::{Compatibility, SchemaCompatibility};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

fn parsed(schema: &Json) -> Schema {
    Schema::parse_str(&schema.to_string()).unwrap_or_else(|e| panic!("{e}: {schema}"))
}

/// Why two versions of a record cannot live side by side, in words.
pub fn breaks(old: &Json, new: &Json) -> Vec<String> {
    let mut said = vec![];
    for (writer, reader, which) in [
        (old, new, "the new version cannot read the old"),
        (new, old, "the old version cannot read the new"),
    ] {
        match SchemaCompatibility::can_read(&parsed(writer), &parsed(reader)) {
            Ok(Compatibility::Full) => {}
            Ok(Compatibility::Partial) => said.push(format!("{which} always")),
            Err(e) => said.push(format!(
                "{which}: {}",
                e.to_string().lines().next().unwrap_or_default()
            )),
        }
    }
    let before: BTreeMap<String, Json> =
        fields(old).into_iter().map(|f| (f.path, f.json)).collect();
    for Field { path, json } in fields(new) {
        let Some(was) = before.get(&path) else {
            continue;
        };
        if type_of(&was["type"]) != type_of(&json["type"]) {
            said.push(format!(
                "{path}: was {}, is {}; a type never changes (A3)",
                type_of(&was["type"]),
                type_of(&json["type"])
            ));
        }
        if was["personal"] != json["personal"] {
            said.push(format!(
                "{path}: what is personal never changes: sealed and clear would be mixed (G1)"
            ));
        }
    }
    said
}

/// The field `path` (`turns.*.text`) of a schema, to be changed; `change` gets the fields among which it stands.
fn change_field(schema: &mut Json, path: &str, change: &mut dyn FnMut(&mut Vec<Json>, usize)) {
    let schema = match schema {
        Json::Array(union) => &mut union[1],
        other => other,
    };
    if let Some(rest) = path.strip_prefix("*.") {
        return change_field(&mut schema["items"], rest, change);
    }
    let (name, rest) = path
        .split_once('.')
        .map_or((path, None), |(name, rest)| (name, Some(rest)));
    let fields = schema["fields"]
        .as_array_mut()
        .unwrap_or_else(|| panic!("no record at {path}"));
    let place = fields
        .iter()
        .position(|f| f["name"] == name)
        .unwrap_or_else(|| panic!("no field {path}"));
    match rest {
        Some(rest) => change_field(&mut fields[place]["type"], rest, change),
        None => change(fields, place),
    }
}

/// `json` with what stands at `path` replaced, or taken away.
fn with(json: &Json, path: &str, value: Option<&Json>) -> Json {
    let mut changed = json.clone();
    let (part, rest) = path
        .split_once('.')
        .map_or((path, None), |(part, rest)| (part, Some(rest)));
    match (part, &mut changed) {
        ("*", Json::Array(items)) => {
            for item in items {
                *item = rest.map_or_else(
                    || value.cloned().unwrap_or_default(),
                    |rest| with(item, rest, value),
                );
            }
        }
        (_, Json::Object(fields)) if fields.contains_key(part) => match (rest, value) {
            (Some(rest), _) => fields[part] = with(&fields[part], rest, value),
            (None, Some(value)) => fields[part] = value.clone(),
            (None, None) => drop(fields.shift_remove(part)),
        },
        _ => {}
    }
    changed
}

/// The schema as a later version may have it: every record has new fields, first and last, of types that we do
/// not know; every enum has a new symbol, not at its end.
fn later(schema: &Json, count: &mut u32) -> Json {
    let mut grown = schema.clone();
    match &mut grown {
        Json::Array(union) => union
            .iter_mut()
            .for_each(|variant| *variant = later(variant, count)),
        Json::Object(of) if of.get("type").is_some_and(|t| t == "enum") => {
            if let Some(symbols) = of["symbols"].as_array_mut() {
                symbols.insert(1, json!("Later"));
            }
        }
        Json::Object(of) if of.get("type").is_some_and(|t| t == "array") => {
            of["items"] = later(&of["items"], count)
        }
        Json::Object(of) => {
            *count += 1;
            let (record, symbols) = (format!("Record{count}"), format!("Enum{count}"));
            let Some(fields) = of.get_mut("fields").and_then(Json::as_array_mut) else {
                return grown;
            };
            for field in fields.iter_mut() {
                field["type"] = later(&field["type"], count);
            }
            let nested = json!({ "type": "record", "name": record, "namespace": "troupe.later", "fields": [
                { "name": "a", "type": "long" }, { "name": "b", "type": ["null", "string"], "default": null }
            ] });
            let choice = json!({ "type": "enum", "name": symbols, "namespace": "troupe.later", "symbols": ["Unknown", "Other"], "default": "Unknown" });
            fields.insert(
                0,
                json!({ "name": "added_first", "type": nested, "default": { "a": 1, "b": null } }),
            );
            fields.push(json!({ "name": "added_last", "type": choice, "default": "Other" }));
        }
        _ => {}
    }
    grown
}

#[test]
fn what_a_later_version_writes_is_read() {
    every_example(|case, example| {
        let later = later(&case.json(), &mut 0);
        assert_eq!(
            breaks(&case.json(), &later),
            Vec::<String>::new(),
            "{}",
            case.schema.name
        );
        let later = parsed(&later);
        let bytes = encode_by_schema(&later, &example.sealed).expect("it fits the later schema");
        assert_eq!(
            (case.again)(&later, &bytes),
            (case.encode)(&example.sealed),
            "{} {}",
            case.schema.name,
            example.n
        );
    });
}

#[test]
fn a_symbol_of_a_later_version_is_unknown() {
    let mut seen = 0;
    every_example(|case, example| {
        for Field { path, json } in fields(&case.json()) {
            if json["type"]["type"] != "enum" || at(&example.sealed, &path).is_empty() {
                continue;
            }
            let later = parsed(&later(&case.json(), &mut 0));
            let said = with(&example.sealed, &path, Some(&json!("Later")));
            let read = with(&example.sealed, &path, Some(&json!("Unknown")));
            let bytes = encode_by_schema(&later, &said).expect("it fits the later schema");
            assert_eq!(
                (case.again)(&later, &bytes),
                (case.encode)(&read),
                "{} {path}",
                case.schema.name
            );
            seen += 1;
        }
    });
    assert!(seen > 0);
}

/// An earlier version had no such field yet: Avro fills in the schema's default, serde the type's; they agree.
#[test]
fn a_field_of_which_an_earlier_version_knew_nothing_has_its_default() {
    let mut seen = 0;
    every_example(|case, example| {
        for (path, default) in defaults(case) {
            let mut earlier = case.json();
            change_field(&mut earlier, &path, &mut |fields, place| {
                drop(fields.remove(place))
            });
            if earlier["fields"] == json!([]) {
                continue;
            }
            assert_eq!(
                breaks(&earlier, &case.json()),
                Vec::<String>::new(),
                "{} {path}",
                case.schema.name
            );
            let earlier = parsed(&earlier);
            let bytes =
                encode_by_schema(&earlier, &example.sealed).expect("it fits the earlier schema");
            let expected = (case.encode)(&with(&example.sealed, &path, Some(&default)));
            assert_eq!(
                (case.again)(&earlier, &bytes),
                expected,
                "{} {path}: Avro's default",
                case.schema.name
            );
            let missing = with(&example.sealed, &path, None);
            assert_eq!(
                (case.encode)(&missing),
                expected,
                "{} {path}: serde's default",
                case.schema.name
            );
            seen += 1;
        }
    });
    assert!(seen > 0);
}

/// The fields with a default.
fn defaults(case: &Case) -> Vec<(String, Json)> {
    let default = |field: Field| Some((field.path, field.json.get("default")?.clone()));
    fields(&case.json())
        .into_iter()
        .filter_map(default)
        .collect()
}

#[test]
fn a_change_that_breaks_others_is_told() {
    let case = cases::all()
        .into_iter()
        .find(|c| c.schema.name == "troupe.answers.WriteAnswer")
        .expect("it is there");
    let old = case.json();
    let changed = |path: &str, change: &mut dyn FnMut(&mut Vec<Json>, usize)| {
        let mut new = old.clone();
        change_field(&mut new, path, change);
        breaks(&old, &new).join("; ")
    };
    let required = changed("text", &mut |fields, at| {
        fields.insert(at, json!({ "name": "new", "type": "string" }))
    });
    assert!(
        required.contains("the new version cannot read the old"),
        "{required}"
    );
    let dropped = changed("visitor", &mut |fields, at| drop(fields.remove(at)));
    assert!(
        dropped.contains("the old version cannot read the new"),
        "{dropped}"
    );
    let renamed = changed("visitor", &mut |fields, at| {
        fields[at]["name"] = json!("guest")
    });
    assert!(
        renamed.contains("the new version cannot read the old"),
        "{renamed}"
    );
    // the registry calls string and bytes compatible, both ways; the fast path does not
    let bytes = changed("question", &mut |fields, at| {
        fields[at]["type"] = json!("bytes")
    });
    assert_eq!(
        bytes,
        "question: was string, is bytes; a type never changes (A3)"
    );
    let optional = changed("turns.*.text", &mut |fields, at| {
        fields[at]["type"] = json!(["null", "string"])
    });
    assert!(
        optional.contains("turns.*.text: was string, is [null, string]"),
        "{optional}"
    );
    let personal = changed("turns.*.text", &mut |fields, at| {
        fields[at]["personal"] = json!(false)
    });
    assert!(
        personal.contains("what is personal never changes"),
        "{personal}"
    );
    let fine = changed("turns.*.text", &mut |fields, _| {
        fields.push(json!({ "name": "new", "type": "long", "default": 3 }))
    });
    assert_eq!(fine, "");
}
