//! The layers: the default file, a file, the environment. What is not known is refused, with what was probably meant.
use super::{Config, DEFAULT, bounds};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// A file in the working directory that is read if nobody names another.
pub const FILE: &str = "troupe.toml";
/// What the names of variables begin with.
const PREFIX: &str = "TROUPE_";
/// What the names of variables begin with that are meant for the tests and their servers.
const OF_TESTS: [&str; 2] = ["TROUPE_TEST_", "TROUPE_SERVICES_"];
/// Names the file, and is no setting itself.
pub const FILE_VARIABLE: &str = "TROUPE_CONFIG";

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not TOML.
    #[error("{origin} is not TOML: {why}")]
    Syntax {
        /// The file or the variable.
        origin: String,
        /// What is wrong with it.
        why: String,
    },
    /// A setting that there is not.
    #[error("{origin} sets {setting}, which is not a setting{}; `troupe config show` prints all there are", meant(.like))]
    Unknown {
        /// The file or the environment.
        origin: String,
        /// As it was written.
        setting: String,
        /// What was probably meant.
        like: Option<String>,
    },
    /// A value of another type.
    #[error("{origin}: {why}")]
    Invalid {
        /// The file or the variable.
        origin: String,
        /// What is wrong with it.
        why: String,
    },
    /// A number that cannot be meant.
    #[error("{setting} is {found}; it must be between {least} and {most}")]
    OutOfBounds {
        /// Its name.
        setting: String,
        /// Its value.
        found: i64,
        /// The least there may be.
        least: i64,
        /// The most there may be.
        most: i64,
    },
    /// An endpoint's key is not in the environment.
    #[error(
        "models: {endpoint} has its key in the environment variable {variable}, which is not set"
    )]
    NoSecret {
        /// The endpoint.
        endpoint: String,
        /// The variable.
        variable: String,
    },
}

fn meant(like: &Option<String>) -> String {
    like.as_ref()
        .map_or_else(String::new, |like| format!(" (did you mean {like}?)"))
}

/// Where settings come from, besides the default file.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// A file and whether it must be there.
    pub file: Option<PathBuf>,
    /// Environment variables; those that do not begin with `TROUPE_` are left alone.
    pub variables: BTreeMap<String, String>,
}

impl Sources {
    /// The file that was named, or `troupe.toml` if it is there; and the environment of this process.
    pub fn of_process(named: Option<&Path>) -> Self {
        let found = || Some(PathBuf::from(FILE)).filter(|file| file.exists());
        let variables =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        let of_tests = |name: &str| OF_TESTS.iter().any(|prefix| name.starts_with(prefix));
        let ours = variables.filter(|(name, _)| {
            name.starts_with(PREFIX) && name != FILE_VARIABLE && !of_tests(name)
        });
        Self {
            file: named.map(Path::to_owned).or_else(found),
            variables: ours
                .map(|(name, value)| (name, value.to_string_lossy().into_owned()))
                .collect(),
        }
    }

    /// All layers together.
    ///
    /// # Errors
    /// [`ConfigError`] for the first thing that is wrong.
    pub fn read(&self) -> Result<Config, ConfigError> {
        let settings = self.merged()?;
        bounds::check(&settings)?;
        let invalid = |e: toml::de::Error| ConfigError::Invalid {
            origin: "the configuration".into(),
            why: e.message().to_owned(),
        };
        Value::Table(settings).try_into().map_err(invalid)
    }

    /// All layers as one table: for reading, and to be shown.
    ///
    /// # Errors
    /// [`ConfigError`] for the first thing that is wrong.
    pub fn merged(&self) -> Result<Table, ConfigError> {
        let mut settings = parse("the default configuration", DEFAULT)?;
        if let Some(path) = &self.file {
            let unreadable = |source| ConfigError::Unreadable {
                path: path.clone(),
                source,
            };
            let text = std::fs::read_to_string(path).map_err(unreadable)?;
            let origin = path.display().to_string();
            lay_over(&mut settings, parse(&origin, &text)?, &origin)?;
        }
        for (variable, text) in &self.variables {
            set(&mut settings, variable, text)?;
        }
        Ok(settings)
    }
}

fn parse(origin: &str, text: &str) -> Result<Table, ConfigError> {
    text.parse()
        .map_err(|e: toml::de::Error| ConfigError::Syntax {
            origin: origin.to_owned(),
            why: e.to_string(),
        })
}

/// Every setting by its name, `section.key`.
pub(super) fn names(settings: &Table) -> Vec<String> {
    let keys = settings
        .iter()
        .filter_map(|(section, keys)| Some((section, keys.as_table()?)));
    keys.flat_map(|(section, keys)| keys.keys().map(move |key| format!("{section}.{key}")))
        .collect()
}

fn lay_over(settings: &mut Table, over: Table, origin: &str) -> Result<(), ConfigError> {
    for (section, keys) in over {
        let Value::Table(keys) = keys else {
            return Err(unknown(settings, origin, section));
        };
        for (key, value) in keys {
            let slot = settings
                .get_mut(&section)
                .and_then(|section| section.get_mut(&key));
            let Some(slot) = slot else {
                return Err(unknown(settings, origin, format!("{section}.{key}")));
            };
            *slot = same_type(slot, value, &format!("{origin}: {section}.{key}"))?;
        }
    }
    Ok(())
}

fn same_type(default: &Value, value: Value, origin: &str) -> Result<Value, ConfigError> {
    if default.same_type(&value) {
        return Ok(value);
    }
    let why = format!("expected {}, not {}", a(default), a(&value));
    Err(ConfigError::Invalid {
        origin: origin.to_owned(),
        why,
    })
}

fn a(value: &Value) -> String {
    match value.type_str() {
        "integer" => "a whole number".into(),
        "array" => "a list".into(),
        other => format!("a {other}"),
    }
}

/// One environment variable: a text as it is, anything else as TOML.
fn set(settings: &mut Table, variable: &str, text: &str) -> Result<(), ConfigError> {
    let name = names(settings)
        .into_iter()
        .find(|name| variable_of(name) == variable);
    let Some(name) = name else {
        return Err(unknown_variable(settings, variable));
    };
    let slot = name
        .split_once('.')
        .and_then(|(section, key)| settings.get_mut(section)?.get_mut(key));
    let Some(slot) = slot else {
        return Err(unknown_variable(settings, variable));
    };
    let value = if slot.is_str() {
        Value::String(text.to_owned())
    } else {
        let line = format!("value = {text}").parse::<Table>().ok();
        line.and_then(|mut line| line.remove("value"))
            .unwrap_or_else(|| Value::String(text.to_owned()))
    };
    *slot = same_type(slot, value, variable)?;
    Ok(())
}

fn variable_of(name: &str) -> String {
    format!("{PREFIX}{}", name.replace('.', "_").to_uppercase())
}

fn unknown(settings: &Table, origin: &str, setting: String) -> ConfigError {
    let mut known = names(settings);
    known.extend(settings.keys().cloned());
    let like = closest(&setting, known);
    ConfigError::Unknown {
        origin: origin.to_owned(),
        setting,
        like,
    }
}

fn unknown_variable(settings: &Table, variable: &str) -> ConfigError {
    let like = closest(
        variable,
        names(settings)
            .iter()
            .map(|name| variable_of(name))
            .collect(),
    );
    ConfigError::Unknown {
        origin: "the environment".into(),
        setting: variable.to_owned(),
        like,
    }
}

/// The known name that is most like what was written, if one is.
pub(crate) fn closest(written: &str, known: Vec<String>) -> Option<String> {
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let alike = |name: &String| {
        let whole = strsim::jaro_winkler(written, name);
        // The right key in the wrong section is alike too.
        whole.max(if last(written) == last(name) {
            0.95
        } else {
            0.0
        })
    };
    let best = known
        .into_iter()
        .map(|name| (alike(&name), name))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(alike, _)| *alike >= 0.85)
        .map(|(_, name)| name)
}
