//! `troupe run`: some workers only, without HTTP.
use super::output::say;
use super::up::Signals;
use super::{Common, Failed};
use crate::logging;
use crate::wiring::{App, Roles, Selection};
use std::process::ExitCode;

/// What to run.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A context (`documents`) or a consumer (`documents.effects`); may be given several times
    #[arg(long = "worker", value_name = "NAME", required = true, num_args = 1..)]
    workers: Vec<String>,
}

pub(super) async fn run(args: Args, common: &Common) -> Result<ExitCode, Failed> {
    let config = common.config()?;
    logging::start(&config.log).map_err(Failed::Usage)?;
    let roles = Roles {
        consumers: Selection::These(args.workers),
        edge: false,
    };
    let signals = Signals::listen()?;
    let app = App::start(&config, &roles).await?;
    let running: Vec<String> = app
        .watch()
        .figures()
        .into_iter()
        .map(|figures| figures.consumer)
        .collect();
    say(format_args!("ready {}", running.join(" ")))?;
    signals.stop(app, config.process.stop()).await
}
