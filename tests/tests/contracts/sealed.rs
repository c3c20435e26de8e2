//! Personal fields: marked in the schema, listed by the type, sealed on the log (G1).
use super::cases::{self, KEY, TENANT};
use super::examples::{self, personal_texts};
use super::shape::{Field, fields};
use super::wire::every_example;
use events::Personal;
use events::personal::{Binding, DoesNotOpen, SubjectKey, open};
use events::record::{Datum, decode_json};

#[test]
fn the_type_lists_what_the_schema_marks() {
    every_example(|case, example| {
        let mut clear = example.clear.clone();
        let marked: Vec<String> = personal_texts(case, &mut clear)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        let mut listed: Vec<String> = (case.personal)(&example.clear)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        listed.sort_unstable();
        let mut sorted = marked.clone();
        sorted.sort_unstable();
        assert_eq!(listed, sorted, "{}", case.schema.name);
    });
}

#[test]
fn what_is_personal_is_about_somebody() {
    for case in cases::all() {
        let personal = fields(&case.json()).iter().any(Field::is_personal);
        for example in examples::of(&case) {
            let key = (case.subject_key)(&example.clear);
            assert_eq!(key.is_some(), personal, "{}", case.schema.name);
            let said = key.as_ref().is_none_or(|key| {
                example
                    .clear
                    .as_object()
                    .is_some_and(|o| o.values().any(|v| v == key))
            });
            assert!(
                said,
                "{}: {key:?} is a field, so that a reader finds the key too",
                case.schema.name
            );
        }
    }
}

#[test]
fn what_the_type_seals_is_what_the_schema_says() {
    every_example(|case, example| {
        let sealed = (case.seal)(&example.clear).expect("it seals");
        assert_eq!(
            Ok(&sealed),
            (case.encode)(&example.sealed).as_ref(),
            "{}",
            case.schema.name
        );
        for (field, clear) in (case.personal)(&example.clear) {
            let Some(clear) = clear else { continue };
            let found = sealed
                .windows(clear.len())
                .any(|bytes| bytes == clear.as_bytes());
            assert!(
                !found,
                "{}: {field} is on the log in the clear",
                case.schema.name
            );
        }
    });
}

#[test]
fn what_is_in_the_clear_is_not_written() {
    let mut seen = 0;
    every_example(|case, example| {
        if (case.personal)(&example.clear)
            .iter()
            .any(|(_, clear)| clear.is_some())
        {
            let said = (case.encode)(&example.clear).expect_err("it is in the clear");
            assert!(
                said.contains("a personal field was not sealed (G1)"),
                "{}: {said}",
                case.schema.name
            );
            seen += 1;
        }
    });
    assert!(seen > 0);
}

#[test]
fn what_was_sealed_opens_with_its_key_and_with_no_other() {
    every_example(|case, example| {
        let bytes = (case.seal)(&example.clear).expect("it seals");
        let datum = Datum {
            record: case.schema.name,
            writer: case.schema.schema,
            bytes: &bytes,
        };
        let mut read = decode_json(&datum).expect("it decodes");
        let subject = (case.subject_key)(&example.clear).unwrap_or_default();
        for (field, text) in personal_texts(case, &mut read) {
            if !text.starts_with("~1.") {
                continue; // erased: there is nothing left to open
            }
            let to = Binding {
                tenant: TENANT,
                subject: &subject,
                field: &field,
            };
            assert_eq!(open(text, &SubjectKey([8; 32]), to), Err(DoesNotOpen));
            assert_eq!(
                open(
                    text,
                    &KEY,
                    Binding {
                        tenant: "globex",
                        ..to
                    }
                ),
                Err(DoesNotOpen)
            );
            let Ok(Personal::Clear(clear)) = open(text, &KEY, to) else {
                panic!("{field} does not open")
            };
            *text = clear;
        }
        assert_eq!(read, example.clear, "{}", case.schema.name);
    });
}
