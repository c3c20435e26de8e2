//! `troupe run`: some workers only, without HTTP.
use super::output::say;
use super::up::{Signals, stop_with_parent};
use super::{Common, Failed};
use crate::logging;
use crate::wiring::{Roles, Selection, Starting, Where};
use std::net::SocketAddr;
use std::process::ExitCode;

/// What to run.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A context (`documents`) or a consumer (`documents.effects`); may be given several times
    #[arg(long = "worker", value_name = "NAME", required = true, num_args = 1..)]
    workers: Vec<String>,
    /// Where health and metrics are shown; nowhere without it
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// On the servers that the configuration names under [cluster], instead of one file
    #[arg(long)]
    cluster: bool,
    /// For whoever starts it as a part of something: stop when standard input is closed
    #[arg(long, hide = true)]
    with_parent: bool,
}

pub(super) async fn run(args: Args, common: &Common) -> Result<ExitCode, Failed> {
    let config = common.config()?;
    logging::start(&config.log).map_err(Failed::Usage)?;
    let roles = Roles {
        consumers: Selection::These(args.workers),
        edge: false,
        at: Where::from(args.cluster),
        health: args.listen,
    };
    let mut signals = Signals::listen()?;
    if args.with_parent {
        std::thread::spawn(stop_with_parent);
    }
    let starting = Starting::begin(&config, &roles).await?;
    if let Some(address) = starting.address() {
        say(format_args!("health http://{address}"))?; // it tells what is waited for
    }
    let Some(app) = signals.start(starting).await? else {
        return Ok(ExitCode::SUCCESS);
    };
    let running: Vec<String> = app
        .watch()
        .figures()
        .into_iter()
        .map(|figures| figures.consumer)
        .collect();
    say(format_args!("ready {}", running.join(" ")))?;
    signals.stop(app, config.process.stop()).await
}
