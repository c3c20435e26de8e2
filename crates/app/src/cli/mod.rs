//! The command line: one file a command. Results go to stdout, everything else to stderr; 0 is success, 1 a failure,
//! 2 a wrong use or configuration.
mod asyncapi;
mod config;
mod dead_letters;
mod explain;
mod keys;
mod output;
mod owner;
mod run;
mod sagas;
mod state;
mod topics;
mod trace;
mod up;

use crate::config::{Config, ConfigError, FILE_VARIABLE, Sources};
use crate::demo;
use crate::look::LookError;
use crate::wiring::StartError;
use clap::{Args, Parser, Subcommand};
use cluster::admin::AdminError;
use cluster::cluster::ConnectError;
use edge::OperatorError;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Event-driven backend for AI chatbots: documents become a chatbot that answers with citations.
#[derive(Debug, Parser)]
#[command(name = "troupe", version, about, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// The configuration file; without it ./troupe.toml, if it is there
    #[arg(long, value_name = "FILE", global = true, env = FILE_VARIABLE)]
    config: Option<PathBuf>,
    /// The database file; overrides data.path
    #[arg(long, value_name = "FILE", global = true)]
    data: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Turn real documents into a chatbot, ask it, break it, and check every claim
    Demo(demo::Args),
    /// Serve HTTP and run all workers, in one process
    Up(up::Args),
    /// Run some workers only, without HTTP
    Run(run::Args),
    /// The map: every topic, who writes it, who reads it
    #[command(subcommand)]
    Topics(topics::Command),
    /// The stores of the cluster: collections and indexes, before workers run
    #[command(subcommand)]
    State(state::Command),
    /// Sagas: where each stands, and what it did
    Sagas(sagas::Args),
    /// Messages that could not be handled, with the reason
    DeadLetters(dead_letters::Args),
    /// What a code means and what to do: the page of docs/errors
    Explain(explain::Args),
    /// All that one request caused, in order, with times
    Trace(trace::Args),
    /// The configuration
    #[command(subcommand)]
    Config(config::Command),
    /// API keys
    #[command(subcommand)]
    Keys(keys::Command),
}

/// Why a command did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The configuration, or what was asked, is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Nothing could be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The database could not be looked at.
    #[error(transparent)]
    Look(#[from] LookError),
    /// What was asked cannot be.
    #[error("{0}")]
    Usage(String),
    /// It did not succeed.
    #[error("{0}")]
    Other(String),
}
impl Failed {
    fn code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Usage(_) => 2,
            Self::Start(error) | Self::Look(LookError::Start(error)) => match error {
                StartError::Config(_)
                | StartError::NoWorker { .. }
                | StartError::Cluster(ConnectError::Settings(_))
                | StartError::Admin(
                    AdminError::Settings(_)
                    | AdminError::NoId { .. }
                    | AdminError::OtherCluster { .. },
                ) => 2,
                _ => 1,
            },
            Self::Look(_) | Self::Other(_) => 1,
        }
    }
}
impl From<runtime::PortError> for Failed {
    fn from(error: runtime::PortError) -> Self {
        Self::Other(error.to_string())
    }
}
impl From<OperatorError> for Failed {
    fn from(error: OperatorError) -> Self {
        match error {
            OperatorError::NoWorker(_) => Self::Other(format!(
                "{error}; `troupe topics show` prints all there are"
            )),
            OperatorError::Wrong(why) => Self::Usage(why),
            error => Self::Other(error.to_string()),
        }
    }
}
impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self::Other(error.to_string())
    }
}

impl Common {
    /// The configuration, all layers together.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn config(&self) -> Result<Config, ConfigError> {
        let mut config = self.sources().read()?;
        if let Some(path) = &self.data {
            config.data.path.clone_from(path);
        }
        Ok(config)
    }
    /// The configuration file, if one is named.
    pub fn config_file(&self) -> Option<&Path> {
        self.config.as_deref()
    }
    /// Whether a database is named.
    pub fn names_data(&self) -> bool {
        self.data.is_some()
    }
    fn sources(&self) -> Sources {
        Sources::of_process(self.config.as_deref())
    }
}

/// Whether `troupe` would accept a command line, as `["troupe", "up"]`: for files that hold some.
///
/// # Errors
/// What it would say instead.
pub fn accepts<'a>(line: impl IntoIterator<Item = &'a str>) -> Result<(), String> {
    match Cli::try_parse_from(line) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// How long closing may take when everything has stopped.
const CLOSING: Duration = Duration::from_secs(2);

/// The whole program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    events::record::limit_allocations(); // before anything is decoded (A2)
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("troupe: cannot start threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(dispatch(cli));
    // Whoever holds the database still lets go of it, and it is closed as it should be.
    runtime.shutdown_timeout(CLOSING);
    match ended {
        Ok(code) => code,
        // A reader that has seen enough (`| head`) is no failure.
        Err(Failed::Other(why)) if why.contains("Broken pipe") => ExitCode::SUCCESS,
        Err(failed) => {
            eprintln!("troupe: {failed}");
            ExitCode::from(failed.code())
        }
    }
}

async fn dispatch(cli: Cli) -> Result<ExitCode, Failed> {
    let common = cli.common;
    match cli.command {
        Command::Demo(args) => return demo::run(args, &common).await,
        Command::Up(args) => return up::run(args, &common).await,
        Command::Run(args) => return run::run(args, &common).await,
        Command::Topics(command) => return topics::run(command, &common).await,
        Command::State(command) => return state::run(command, &common).await,
        Command::Sagas(args) => sagas::run(args, &common).await?,
        Command::DeadLetters(args) => dead_letters::run(args, &common).await?,
        Command::Explain(args) => explain::run(args)?,
        Command::Trace(args) => trace::run(args, &common).await?,
        Command::Config(command) => config::run(command, &common)?,
        Command::Keys(command) => keys::run(command)?,
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
