//! The compose file, read as compose reads it: merge keys and variables with their defaults.
use serde_yaml_ng::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The repository.
pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
/// A file of it.
pub(super) fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The file.
pub(super) struct Compose {
    pub services: BTreeMap<String, Service>,
    pub volumes: BTreeSet<String>,
}

/// One service.
pub(super) struct Service {
    pub image: String,
    pub command: Vec<String>,
    pub environment: BTreeMap<String, String>,
    pub depends_on: BTreeMap<String, String>,
    pub volumes: Vec<String>,
    pub ports: Vec<String>,
    /// Whether it says how it is.
    pub healthy: bool,
    restarts: bool,
}

impl Compose {
    pub fn read() -> Self {
        let mut file: Value =
            serde_yaml_ng::from_str(&text("docker-compose.kafka.yml")).expect("YAML");
        file.apply_merge().expect("merge keys");
        let services = entries(&file["services"]);
        let services = services.map(|(name, service)| (name, Service::of(service)));
        Self {
            services: services.collect(),
            volumes: entries(&file["volumes"]).map(|(name, _)| name).collect(),
        }
    }
}

impl Service {
    fn of(service: &Value) -> Self {
        let condition = |needed: &Value| scalar(&needed["condition"]);
        let health = &service["healthcheck"];
        Self {
            image: scalar(&service["image"]),
            command: list(&service["command"]),
            environment: entries(&service["environment"])
                .map(|(name, value)| (name, scalar(value)))
                .collect(),
            depends_on: entries(&service["depends_on"])
                .map(|(name, needed)| (name, condition(needed)))
                .collect(),
            volumes: list(&service["volumes"]),
            ports: list(&service["ports"]),
            healthy: health.get("test").is_some() && health.get("disable").is_none(),
            restarts: service["restart"].as_str().is_some_and(|when| when != "no"),
        }
    }
    /// Whether it does something and ends.
    pub fn ends(&self) -> bool {
        !self.restarts
    }
    /// The variables that are settings of Troupe.
    pub fn of_troupe(&self) -> BTreeMap<String, String> {
        let ours = self.environment.iter();
        ours.filter(|(name, _)| name.starts_with("TROUPE_"))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }
    /// What follows an option, each time that it is there.
    pub fn options(&self, option: &str) -> Vec<&str> {
        let pairs = self.command.windows(2);
        pairs
            .filter(|pair| pair[0] == option)
            .map(|pair| pair[1].as_str())
            .collect()
    }
}

fn entries(value: &Value) -> impl Iterator<Item = (String, &Value)> {
    let entries = value.as_mapping().into_iter().flatten();
    entries.map(|(name, value)| (name.as_str().expect("a name").to_owned(), value))
}
fn list(value: &Value) -> Vec<String> {
    value
        .as_sequence()
        .into_iter()
        .flatten()
        .map(scalar)
        .collect()
}
fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => filled(text),
        Value::Number(number) => number.to_string(),
        other => {
            panic!("a scalar is expected, and quoted if compose would read it otherwise: {other:?}")
        }
    }
}

/// `${NAME:-default}` is its default; `${NAME:?why}` must be set by whoever starts it, to a list of keys here.
fn filled(text: &str) -> String {
    let Some((before, rest)) = text.split_once("${") else {
        return text.to_owned();
    };
    let (inner, after) = rest.split_once('}').expect("closed");
    let value = match (inner.split_once(":-"), inner.split_once(":?")) {
        (Some((_, default)), _) => default,
        (None, Some(_)) => "[]",
        (None, None) => panic!("{inner} has no default, and says nothing if it is missing"),
    };
    format!("{before}{value}{}", filled(after))
}

/// The names of the files in a directory of the repository.
pub(super) fn names(directory: &str) -> Vec<String> {
    let entries =
        std::fs::read_dir(root().join(directory)).unwrap_or_else(|e| panic!("{directory}: {e}"));
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.expect("a file");
        entry.file_name().to_string_lossy().into_owned()
    };
    entries.map(name).collect()
}
