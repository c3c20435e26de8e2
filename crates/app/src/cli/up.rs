//! `troupe up`: the workers and the edge in one process, until it is told to stop.
use super::output::say;
use super::{Common, Failed, keys};
use crate::config::Config;
use crate::logging;
use crate::wiring::{App, Roles, Selection, StartError, Starting, Unfinished, Where};
use edge::{ApiKey, KeyHash};
use events::TenantId;
use rustix::process::{Signal as Term, getpid, kill_process};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How a process ends that is told to stop twice: as if SIGTERM had killed it.
const KILLED: i32 = 128 + 15;
/// The tenant of `--dev`.
const DEV_TENANT: &str = "demo";

/// How to serve.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where to listen; overrides http.listen. Port 0 is any free one
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Make a key for the tenant `demo` and print it; it is good until this process stops
    #[arg(long)]
    dev: bool,
    /// For the demo on a cluster, which others use too: the tenant of the key that --dev makes
    #[arg(long, value_name = "TENANT", hide = true, requires = "dev")]
    dev_tenant: Option<String>,
    /// For whoever starts it as a part of something: stop when standard input is closed
    #[arg(long, hide = true)]
    with_parent: bool,
    /// On the servers that the configuration names under [cluster], instead of one file
    #[arg(long)]
    cluster: bool,
    /// Serve HTTP only: the workers are processes of their own (`troupe run`)
    #[arg(long, requires = "cluster")]
    no_workers: bool,
    /// For tests: where the process dies, as by SIGKILL
    #[arg(long, value_name = "POINT", hide = true)]
    crash_at: Option<embedded::CrashAt>,
}

pub(super) async fn run(args: Args, common: &Common) -> Result<ExitCode, Failed> {
    let mut config = common.config()?;
    if let Some(listen) = args.listen {
        config.http.listen = listen;
    }
    config.data.crash_at = args.crash_at;
    let key = match args.dev {
        true => {
            let tenant = args.dev_tenant.as_deref().unwrap_or(DEV_TENANT);
            Some(let_in_developer(&mut config, tenant)?)
        }
        false => None,
    };
    if config.access.keys.is_empty() {
        let how = "nobody could come in: the configuration has no API key\n\
                   \x20 make one:       troupe keys new --tenant acme\n\
                   \x20 or just try it: troupe up --dev";
        return Err(Failed::Usage(how.into()));
    }
    logging::start(&config.log).map_err(Failed::Usage)?;
    let mut signals = Signals::listen()?;
    if args.with_parent {
        std::thread::spawn(stop_with_parent);
    }
    let roles = Roles {
        consumers: match args.no_workers {
            true => Selection::These(vec![]),
            false => Selection::All,
        },
        edge: true,
        at: Where::from(args.cluster),
        health: None,
    };
    let starting = Starting::begin(&config, &roles).await?;
    let Some(app) = signals.start(starting).await? else {
        return Ok(ExitCode::SUCCESS);
    };
    if let Some(key) = key {
        say(format_args!("key {key}"))?; // it is of use from now on only
    }
    if let Some(address) = app.address() {
        say(format_args!("ready http://{address}"))?;
    }
    signals.stop(app, config.process.stop()).await
}

/// Standard input is closed when the process that holds its other end is gone, however it ended.
pub(super) fn stop_with_parent() {
    let read = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
    tracing::info!(?read, "the process that started this one is gone");
    if let Err(error) = kill_process(getpid(), Term::TERM) {
        tracing::error!(%error, "cannot be told to stop");
        std::process::exit(KILLED)
    }
}

/// A key that is good as long as this process.
fn let_in_developer(config: &mut Config, tenant: &str) -> Result<String, Failed> {
    let key = keys::new_key();
    let tenant = TenantId::new(tenant).map_err(|e| Failed::Usage(e.to_string()))?;
    config.access.keys.push(ApiKey {
        tenant,
        name: "dev".into(),
        sha256: KeyHash::of(&key),
    });
    Ok(key)
}

/// SIGTERM and ctrl-c. Listened for before anything starts: one that comes early ends the waiting for servers too.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn listen() -> Result<Self, Failed> {
        let (terminate, interrupt) = (SignalKind::terminate(), SignalKind::interrupt());
        Ok(Self {
            terminate: signal(terminate)?,
            interrupt: signal(interrupt)?,
        })
    }

    /// Starts everything; `None` if a signal came first, and nothing runs then.
    pub(super) async fn start(&mut self, starting: Starting) -> Result<Option<App>, StartError> {
        tokio::select! {
            biased;
            started = starting.finish() => started.map(Some),
            () = self.either() => {
                tracing::info!("stopped before anything was started");
                Ok(None)
            }
        }
    }

    /// Waits for a signal, then stops within `deadline`; a second signal ends the process at once.
    pub(super) async fn stop(mut self, app: App, deadline: Duration) -> Result<ExitCode, Failed> {
        self.either().await;
        tracing::info!(
            within_s = deadline.as_secs(),
            "stopping: what is under way is finished first"
        );
        tokio::select! {
            biased;
            () = self.either() => {
                tracing::warn!("stopped at once: what was under way is done after the next start");
                std::process::exit(KILLED)
            }
            unfinished = app.stop(deadline) => {
                report(&unfinished);
                Ok(ExitCode::SUCCESS)
            }
        }
    }

    async fn either(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

fn report(unfinished: &Unfinished) {
    if unfinished.requests {
        tracing::warn!("some requests were cut off; their operations go on");
    }
    if !unfinished.consumers.is_empty() {
        let consumers = unfinished.consumers.join(", ");
        tracing::warn!(
            consumers,
            "not finished in time; it is done after the next start"
        );
    }
    tracing::info!("stopped");
}
