//! `troupe config`.
use super::output::say;
use super::{Common, Failed};
use crate::config::{ConfigError, DEFAULT};

/// What to do with the configuration.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Print every setting with its default and what it means: a file to start from
    Show {
        /// Print what holds here instead: defaults, file and environment together
        #[arg(long)]
        effective: bool,
    },
}

pub(super) fn run(command: Command, common: &Common) -> Result<(), Failed> {
    let Command::Show { effective } = command;
    if !effective {
        return say(DEFAULT.trim_end());
    }
    common.config()?; // what cannot be used is not shown as if it could
    let sources = common.sources();
    match &sources.file {
        Some(file) => say(format_args!("# {} over the defaults", file.display()))?,
        None => say("# the defaults")?,
    }
    for variable in sources.variables.keys() {
        say(format_args!("# {variable} from the environment"))?;
    }
    let mut settings = sources.merged()?;
    if let Some(path) = &common.data
        && let Some(slot) = settings
            .get_mut("data")
            .and_then(|data| data.get_mut("path"))
    {
        *slot = path.display().to_string().into();
    }
    hide(&mut settings);
    let invalid = |e: toml::ser::Error| ConfigError::Invalid {
        origin: "the configuration".into(),
        why: e.to_string(),
    };
    say(toml::to_string(&settings).map_err(invalid)?.trim_end())
}

/// Hashes of keys are no secrets that open anything, but nobody needs to see them either. An address of MongoDB may hold a
/// password.
fn hide(settings: &mut toml::Table) {
    let mongodb = settings
        .get_mut("cluster")
        .and_then(|cluster| cluster.get_mut("mongodb"));
    if let Some(address) = mongodb
        && address.as_str().is_some_and(|text| text.contains('@'))
    {
        *address = "(not shown)".into();
    }
    let keys = settings
        .get_mut("access")
        .and_then(|access| access.get_mut("keys")?.as_array_mut());
    for key in keys.into_iter().flatten() {
        if let Some(hash) = key.get_mut("sha256") {
            *hash = "(not shown)".into();
        }
    }
}
