//! How little and how much each number may be: beyond that it is a slip of the pen.
use super::ConfigError;
use toml::{Table, Value};

const KIB: i64 = 1 << 10;
const GIB: i64 = 1 << 30;
const DAY_S: i64 = 86_400;

/// Setting, least, most. Every number of the default file stands here; a test looks.
pub(super) const BOUNDS: &[(&str, i64, i64)] = &[
    ("limits.upload_bytes", 1, GIB),
    ("limits.files", 1, 1_000),
    ("limits.body_bytes", KIB, 64 << 20),
    ("limits.question_bytes", KIB, 240 * KIB), // an event over 256 KiB is refused (G2)
    ("limits.question_chars", 1, 50_000),
    ("limits.default_wait_s", 0, 600),
    ("limits.max_wait_s", 0, 600),
    ("limits.concurrency", 1, 100_000),
    ("limits.concurrency_per_tenant", 1, 100_000),
    ("limits.documents_per_tenant", 1, 100_000),
    ("limits.body_silence_s", 1, 3_600),
    ("limits.keep_alive_s", 1, 3_600),
    ("parsing.passage_chars", 100, 20_000),
    ("parsing.file_bytes", 1, 256 << 20), // a handler reads at most so much at once
    ("parsing.pages", 1, 100_000),
    ("parsing.unpacked_bytes", KIB, 4 * GIB),
    ("parsing.text_chars", 1, 1_000_000_000),
    ("parsing.passages", 1, 1 << 20),
    ("cluster.kafka_replication", 1, 15),
    ("process.stop_s", 0, 3_600),
    ("process.sweep_rows_s", 1, DAY_S),
    ("process.sweep_log_s", 1, DAY_S),
];
/// Of an endpoint, wherever it stands.
const ENDPOINT: &[(&str, i64, i64)] = &[
    ("first_s", 1, 3_600),
    ("timeout_s", 1, 3_600),
    ("dimensions", 1, 65_536),
];

/// Holds every number against its bounds.
pub(super) fn check(settings: &Table) -> Result<(), ConfigError> {
    for (name, least, most) in BOUNDS {
        let value = name
            .split_once('.')
            .and_then(|(section, key)| settings.get(section)?.get(key));
        within(name, value, *least, *most)?;
    }
    for list in ["chat", "embedding"] {
        let endpoints = settings
            .get("models")
            .and_then(|models| models.get(list)?.as_array());
        for endpoint in endpoints.into_iter().flatten() {
            for (key, least, most) in ENDPOINT {
                within(
                    &format!("models.{list}.{key}"),
                    endpoint.get(key),
                    *least,
                    *most,
                )?;
            }
        }
    }
    Ok(())
}

fn within(name: &str, value: Option<&Value>, least: i64, most: i64) -> Result<(), ConfigError> {
    match value {
        Some(Value::Integer(found)) if !(least..=most).contains(found) => {
            let (setting, found) = (name.to_owned(), *found);
            Err(ConfigError::OutOfBounds {
                setting,
                found,
                least,
                most,
            })
        }
        _ => Ok(()), // what is no number is refused by its type
    }
}
