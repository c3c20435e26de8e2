//! `troupe state`: what MongoDB and Qdrant of the cluster must have before workers run: collections and indexes.
use super::output::say;
use super::{Common, Failed};
use crate::wiring::Collections;
use std::process::ExitCode;

/// Nothing is missing.
const NOTHING: &str = "nothing is missing";
/// As of `troupe topics drift`.
const DRIFT: u8 = 2;

/// What to do with the state of the cluster.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make the collections and indexes that are missing; what is there stays as it is
    Prepare,
    /// Say what is missing: 0 if nothing is, 2 otherwise
    Drift,
}

pub(super) async fn run(command: Command, common: &Common) -> Result<ExitCode, Failed> {
    let config = common.config()?;
    let collections = Collections::open(&config).await?;
    let missing = collections.missing().await?;
    for missing in &missing {
        say(format_args!("{missing}"))?;
    }
    if missing.is_empty() {
        say(format_args!("{NOTHING}"))?;
        return Ok(ExitCode::SUCCESS);
    }
    match command {
        Command::Drift => Ok(ExitCode::from(DRIFT)),
        Command::Prepare => {
            collections.prepare().await?;
            let left = collections.missing().await?;
            if !left.is_empty() {
                return Err(Failed::Other(format!("still missing: {}", left.join(", "))));
            }
            eprintln!("{} made", missing.len());
            Ok(ExitCode::SUCCESS)
        }
    }
}
