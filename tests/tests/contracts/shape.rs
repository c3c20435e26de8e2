//! What a schema may look like (A3, A4, G1, G2), and a way to walk through one.
use super::cases;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// A field somewhere in a schema.
pub struct Field {
    /// `turns.*.text`: `*` stands for the items of an array.
    pub path: String,
    /// Its definition.
    pub json: Json,
}
impl Field {
    pub fn is_personal(&self) -> bool {
        self.json["personal"] == true
    }
}

/// `part` below `path`.
pub fn below(path: &str, part: &str) -> String {
    if path.is_empty() {
        part.to_owned()
    } else {
        format!("{path}.{part}")
    }
}

/// The full name of a record or an enum.
fn full_name(definition: &Json) -> String {
    let part = |field: &str| definition[field].as_str().unwrap_or_default();
    format!("{}.{}", part("namespace"), part("name"))
}

/// Every record and every enum that is defined in a schema, itself included, in the order of their definition.
pub fn definitions(schema: &Json) -> Vec<&Json> {
    let mut found = vec![];
    let mut open = vec![schema];
    while let Some(next) = open.pop() {
        match next {
            Json::Array(union) => open.extend(union.iter().rev()),
            Json::Object(of) if of.get("type").is_some_and(|t| t == "array") => {
                open.extend(of.get("items"))
            }
            Json::Object(of) => {
                found.push(next);
                let fields = of
                    .get("fields")
                    .and_then(Json::as_array)
                    .into_iter()
                    .flatten();
                open.extend(fields.filter_map(|field| field.get("type")).rev());
            }
            _ => {}
        }
    }
    found
}

/// Every field of a schema, those of nested records included, in their order.
pub fn fields(schema: &Json) -> Vec<Field> {
    fn walk(json: &Json, path: &str, named: &BTreeMap<String, &Json>, found: &mut Vec<Field>) {
        assert!(path.len() < 200, "{path}: a record must not contain itself");
        match json {
            Json::String(name) => {
                if let Some(definition) = named.get(name) {
                    walk(definition, path, named, found);
                }
            }
            Json::Array(union) => union
                .iter()
                .for_each(|variant| walk(variant, path, named, found)),
            Json::Object(of) if of.get("type").is_some_and(|t| t == "array") => {
                walk(&json["items"], &below(path, "*"), named, found);
            }
            _ => {
                for field in json["fields"].as_array().into_iter().flatten() {
                    let path = below(path, field["name"].as_str().unwrap_or_default());
                    found.push(Field {
                        path: path.clone(),
                        json: field.clone(),
                    });
                    walk(&field["type"], &path, named, found);
                }
            }
        }
    }
    let named = definitions(schema)
        .into_iter()
        .map(|d| (full_name(d), d))
        .collect();
    let mut found = vec![];
    walk(schema, "", &named, &mut found);
    found
}

/// A type in a word: what must never change about a field.
pub fn type_of(json: &Json) -> String {
    match json {
        Json::String(name) => name.clone(),
        Json::Array(union) => format!(
            "[{}]",
            union.iter().map(type_of).collect::<Vec<_>>().join(", ")
        ),
        array if array["type"] == "array" => format!("array of {}", type_of(&array["items"])),
        definition => full_name(definition),
    }
}

/// What is wrong with a schema, in words.
fn faults(schema: &Json) -> Vec<String> {
    let mut faults = vec![];
    let mut say = |of: &str, what: &str| faults.push(format!("{of}: {what}"));
    let named: Vec<String> = definitions(schema).into_iter().map(full_name).collect();
    let documented = |json: &Json| {
        json["doc"]
            .as_str()
            .is_some_and(|doc| doc.len() > 5 && doc.ends_with('.'))
    };
    for definition in definitions(schema) {
        let name = &full_name(definition);
        if !name.starts_with("troupe.") {
            say(name, "names its namespace, below troupe");
        }
        if !documented(definition) {
            say(name, "has a doc, a sentence");
        }
        if definition["type"] == "enum"
            && (definition["default"] != "Unknown" || definition["symbols"][0] != "Unknown")
        {
            say(
                name,
                "is an enum: Unknown is its first symbol and its default (A3)",
            );
        }
        if definition["type"] != "enum" && definition["type"] != "record" {
            say(
                name,
                &format!("{} is not a type that we use (A4)", definition["type"]),
            );
        }
        if definition.get("aliases").is_some() {
            say(name, "has aliases, which the fast path does not know");
        }
    }
    for Field { path, json } in fields(schema) {
        let snake = |name: &str| {
            name.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        if !snake(json["name"].as_str().unwrap_or("?")) {
            say(&path, "is not in snake case");
        }
        if !documented(&json) {
            say(&path, "has a doc, a sentence");
        }
        if json.get("aliases").is_some() {
            say(&path, "has aliases, which the fast path does not know");
        }
        if json["personal"] == true && (json["type"] != "string" || json.get("default").is_some()) {
            say(&path, "is personal: a string without a default (G1)");
        }
        let kind = match &json["type"] {
            Json::Array(union) => {
                if union.len() != 2
                    || union[0] != "null"
                    || json.get("default") != Some(&Json::Null)
                {
                    say(&path, "is a union: [null, T] with null as its default (A3)");
                }
                union.last().unwrap_or(&Json::Null)
            }
            array if array["type"] == "array" => &array["items"],
            other => other,
        };
        let plain = ["string", "long", "double", "boolean"]
            .iter()
            .any(|plain| kind == plain);
        let fits = match kind {
            Json::String(name) => plain || named.contains(name),
            Json::Object(of) => of.contains_key("name") && !of.contains_key("logicalType"),
            _ => false,
        };
        if !fits {
            say(&path, &format!("{kind} is not a type that we use (A4, G2)"));
        }
    }
    faults
}

#[test]
fn our_schemas_keep_the_rules() {
    for case in cases::all() {
        assert_eq!(
            faults(&case.json()),
            Vec::<String>::new(),
            "{}",
            case.schema.name
        );
    }
}

#[test]
fn a_schema_stands_under_its_own_name() {
    for case in cases::all() {
        assert_eq!(full_name(&case.json()), case.schema.name);
        let rust: Vec<&str> = case.rust_name.split("::").collect();
        let avro: Vec<&str> = case.schema.name.split('.').collect();
        assert_eq!(
            (rust[1], rust.last()),
            (avro[1], avro.last()),
            "the Rust name is the record's name (A4)"
        );
        let path = super::examples::schemas().join(format!("{}.avsc", case.file()));
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert_eq!(text, case.schema.text, "{}", path.display());
    }
}

#[test]
fn every_schema_file_is_a_record() {
    let files = super::examples::files_below(&super::examples::schemas());
    let mut found: Vec<String> = files
        .into_iter()
        .filter(|f| !f.starts_with("examples/") && !f.starts_with("golden/"))
        .collect();
    let mut expected: Vec<String> = cases::all()
        .iter()
        .map(|case| format!("{}.avsc", case.file()))
        .collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn what_is_nested_in_several_schemas_is_the_same_in_all() {
    let mut known: BTreeMap<String, (String, Json)> = BTreeMap::new();
    for case in cases::all() {
        for definition in definitions(&case.json()) {
            let here = (case.schema.name.to_owned(), definition.clone());
            let (first, same) = known.entry(full_name(definition)).or_insert_with(|| here);
            assert_eq!(
                definition,
                same,
                "{} in {} and in {first}",
                full_name(definition),
                case.schema.name
            );
        }
    }
}

#[test]
fn a_schema_that_breaks_a_rule_is_told() {
    let field = |field: Json| json!({ "type": "record", "name": "R", "namespace": "troupe.x", "doc": "A record.", "fields": [field] });
    let typed = |of: Json| field(json!({ "name": "f", "type": of, "doc": "A field." }));
    let nested = |of: Json| typed(json!({ "type": "array", "items": of }));
    for (schema, said) in [
        (
            typed(json!("bytes")),
            "f: \"bytes\" is not a type that we use (A4, G2)",
        ),
        (
            typed(json!("int")),
            "f: \"int\" is not a type that we use (A4, G2)",
        ),
        (
            typed(json!("troupe.x.Elsewhere")),
            "f: \"troupe.x.Elsewhere\" is not a type that we use (A4, G2)",
        ),
        (
            nested(json!("bytes")),
            "f: \"bytes\" is not a type that we use (A4, G2)",
        ),
        (
            typed(json!(["null", "string"])),
            "f: is a union: [null, T] with null as its default (A3)",
        ),
        (
            field(
                json!({ "name": "f", "type": ["null", "string", "long"], "default": null, "doc": "A field." }),
            ),
            "f: is a union: [null, T] with null as its default (A3)",
        ),
        (
            field(json!({ "name": "f", "type": "long", "personal": true, "doc": "A field." })),
            "f: is personal: a string without a default (G1)",
        ),
        (
            field(json!({ "name": "f", "type": "long" })),
            "f: has a doc, a sentence",
        ),
        (
            field(json!({ "name": "fF", "type": "long", "doc": "A field." })),
            "fF: is not in snake case",
        ),
        (
            field(json!({ "name": "f", "aliases": ["g"], "type": "long", "doc": "A field." })),
            "f: has aliases, which the fast path does not know",
        ),
        (
            nested(
                json!({ "type": "enum", "name": "E", "namespace": "troupe.x", "doc": "An enum.", "symbols": ["A"] }),
            ),
            "troupe.x.E: is an enum: Unknown is its first symbol and its default (A3)",
        ),
        (
            nested(json!({ "type": "record", "name": "N", "doc": "A record.", "fields": [] })),
            ".N: names its namespace, below troupe",
        ),
        (
            nested(
                json!({ "type": "fixed", "name": "F", "namespace": "troupe.x", "doc": "A hash.", "size": 32 }),
            ),
            "troupe.x.F: \"fixed\" is not a type that we use (A4)",
        ),
    ] {
        assert_eq!(faults(&schema), [said]);
    }
    assert!(faults(&typed(json!("string"))).is_empty());
}
