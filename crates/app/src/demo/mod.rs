//! `troupe demo`: real documents become a chatbot that answers with citations; a process that does the work is killed in the
//! middle; every claim is checked.
//!
//! This process only looks on. The work is done by another one, `troupe up`, to which it speaks HTTP like any client; on a
//! cluster by several, the groups of workers and an edge, under a tenant of this demo's own.
//! - [`material`], [`questions`]: what it works on; [`house`], [`process`], [`client`]: the other processes, and how to speak
//!   with them; [`prepared`]: whether a cluster is ready for them;
//! - [`story`]: the steps; what they saw is [`evidence`]; [`show`] tells of it;
//! - [`found`]: what is in the stores, counted by looking at them; [`claims`]: the one held against the other;
//! - [`report`]: what came out.
pub mod claims;
pub mod client;
pub mod evidence;
pub mod found;
pub mod house;
pub mod material;
pub mod prepared;
pub mod process;
pub mod questions;
pub mod report;
pub mod show;
pub mod story;
#[cfg(test)]
mod tests;
pub mod trouble;

use crate::cli::{Common, Failed};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::servers::Servers;
use documents::parse::Limits;
use evidence::{BrokeOff, Evidence};
use found::Stores;
use house::{House, Site};
use runtime::ports::clock::Clock;
use show::Show;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use story::Story;
use trouble::Trouble;

/// What was seen, beside the database.
const EVIDENCE: &str = "demo.json";
const DATABASE: &str = "troupe.db";
const LOG: &str = "worker.log";

/// What to show.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Your own documents instead of those that ship with Troupe
    #[arg(long, value_name = "DIR")]
    documents: Option<PathBuf>,
    /// Your own question; may be given several times
    #[arg(long = "question", value_name = "TEXT")]
    questions: Vec<String>,
    /// Keep the database (of a cluster: what was seen) in this directory, which must be new or empty
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// On the servers that the configuration names under [cluster], each group of workers a process of its own
    #[arg(long)]
    cluster: bool,
    /// Do nothing but check the claims again on what --keep kept
    #[arg(long, requires = "keep", conflicts_with_all = ["documents", "questions"])]
    check_only: bool,
    /// For a program: the claims and all figures on stdout
    #[arg(long)]
    json: bool,
}

impl From<Trouble> for Failed {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Usage(why) => Self::Usage(why),
            trouble => Self::Other(trouble.to_string()),
        }
    }
}

/// Runs it: 0 only if every claim that it printed was checked and holds. On a file the demo has a database and a
/// configuration of its own, so that it is the same everywhere; on a cluster a tenant of its own, so that it can be done again
/// and others are not disturbed.
///
/// # Errors
/// [`Failed`] if it cannot begin, or what it kept cannot be read.
pub async fn run(args: Args, common: &Common) -> Result<ExitCode, Failed> {
    if common.names_data() {
        return Err(Failed::Usage("the demo makes a database of its own: leave --data out, and say with --keep where it shall stay".into()));
    }
    let show = Show::new(args.json);
    let config = match args.cluster {
        true => Some(common.config()?),
        false => None,
    };
    if let (true, Some(kept)) = (args.check_only, &args.keep) {
        let seen = read_evidence(kept)?;
        if seen.cluster != args.cluster {
            let was = if seen.cluster {
                "a cluster: add"
            } else {
                "a file: leave out"
            };
            let why = format!("--check-only: that demo was on {was} --cluster");
            return Err(Failed::Usage(why));
        }
        let stores = stores(kept, config.as_ref()).await?;
        return Ok(judge(&show, args.json, &stores, &seen).await);
    }
    let sources = material::documents(args.documents.as_deref())?;
    let questions = questions::questions(&args.questions);
    if let Some(config) = &config {
        prepared::check(config).await?;
    }
    // Dropped, and so removed, at the end.
    let temporary = match &args.keep {
        Some(_) => None,
        None => Some(tempfile::Builder::new().prefix("troupe-demo-").tempdir()?),
    };
    let directory = match (&args.keep, &temporary) {
        (Some(keep), _) => fresh(keep)?,
        (None, Some(temporary)) => temporary.path().to_owned(),
        (None, None) => return Err(Failed::Other("there is nowhere to work".into())),
    };
    let site = match &config {
        None => Site::File(directory.join(DATABASE)),
        Some(_) => Site::Servers {
            config: common.config_file().map(Path::to_owned),
            tenant: new_tenant(),
        },
    };
    let mut story = Story {
        show: &show,
        house: House::new(site, directory.join(LOG)),
        stores: stores(&directory, config.as_ref()).await?,
        limits: config
            .as_ref()
            .map_or_else(Limits::default, |config| config.parsing.limits()),
        sources,
        questions,
        seen: Evidence::default(),
        step: String::new(),
    };
    let told = tokio::select! {
        biased;
        () = interrupted() => Err(Trouble::Interrupted),
        told = story.tell() => told,
    };
    // Whatever became of the story: from here on nobody writes, and nobody is left behind.
    story.house.end().await;
    match told {
        Ok(()) => {}
        Err(Trouble::Usage(why)) => return Err(Failed::Usage(why)),
        Err(Trouble::Interrupted) => return Err(Trouble::Interrupted.into()),
        Err(trouble) => {
            let broke_off = BrokeOff {
                step: story.step.clone(),
                why: trouble.to_string(),
                log: story.house.tail(),
            };
            show.broke_off(&broke_off);
            story.seen.broke_off = Some(broke_off);
        }
    }
    if args.keep.is_some() {
        write_evidence(&directory, &story.seen)?;
    }
    let code = judge(&show, args.json, &story.stores, &story.seen).await;
    match (story.house.site(), &args.keep) {
        (Site::File(database), Some(_)) => show.note(format_args!(
            "\nkept in {}; look at it with `troupe --data {} sagas list`",
            directory.display(),
            database.display()
        )),
        (Site::Servers { tenant, .. }, keep) => {
            show.note(format_args!(
                "\nwhat it made stays on the servers, as the tenant {tenant}: `troupe sagas list --cluster`"
            ));
            if keep.is_some() {
                show.note(format_args!(
                    "what was seen is kept in {}; --check-only --cluster checks it again",
                    directory.display()
                ));
            }
        }
        (Site::File(_), None) => {}
    }
    Ok(code)
}

/// Another one each time.
fn new_tenant() -> String {
    let some = SystemClock.random();
    let hex = some[..4].iter().map(|byte| format!("{byte:02x}"));
    format!("{}-{}", story::TENANT, hex.collect::<String>())
}

async fn stores(directory: &Path, config: Option<&Config>) -> Result<Stores, Failed> {
    Ok(match config {
        None => Stores::File(directory.join(DATABASE)),
        Some(config) => Stores::Servers(Box::new(Servers::open(config).await?)),
    })
}

/// Holds what was seen against the stores, prints every claim, and decides.
async fn judge(show: &Show, json: bool, stores: &Stores, seen: &Evidence) -> ExitCode {
    let found = match stores.look(seen).await {
        Ok(found) => Some(found),
        Err(trouble) => {
            show.note(format_args!(
                "\nwhat is stored cannot be checked: {trouble}"
            ));
            None
        }
    };
    let claims = claims::claims(seen, found.as_ref());
    let report = report::json(&claims, seen, found.as_ref());
    show.result(format_args!("\n{}", report::claims(&claims)));
    let holds = report.holds;
    let all = claims.len();
    show.note(match claims.iter().filter(|claim| !claim.holds).count() {
        0 => format!("\nall {all} claims hold"),
        failed => format!("\n{failed} of {all} claims do not hold"),
    });
    let printed = !json || print_json(&report);
    if holds && printed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn print_json(report: &report::Json<'_>) -> bool {
    use std::io::Write;
    let text = serde_json::to_string_pretty(report);
    text.is_ok_and(|text| writeln!(std::io::stdout().lock(), "{text}").is_ok())
}

/// A directory for the database, as an absolute path.
fn fresh(directory: &Path) -> Result<PathBuf, Trouble> {
    let failed = |source| Trouble::File {
        path: directory.to_owned(),
        source,
    };
    std::fs::create_dir_all(directory).map_err(failed)?;
    if std::fs::read_dir(directory)
        .map_err(failed)?
        .next()
        .is_some()
    {
        let why = "is not empty: name a new one, or check what it holds with --check-only";
        return Err(Trouble::Usage(format!(
            "--keep: {} {why}",
            directory.display()
        )));
    }
    directory.canonicalize().map_err(failed)
}

fn write_evidence(directory: &Path, seen: &Evidence) -> Result<(), Failed> {
    let text = serde_json::to_string_pretty(seen).map_err(|e| Failed::Other(e.to_string()))?;
    let path = directory.join(EVIDENCE);
    Ok(std::fs::write(&path, text).map_err(|source| Trouble::File { path, source })?)
}

fn read_evidence(directory: &Path) -> Result<Evidence, Trouble> {
    let path = directory.join(EVIDENCE);
    let unreadable = |why: String| {
        Trouble::Usage(format!(
            "--check-only: {} is not what a demo kept: {why}",
            path.display()
        ))
    };
    let text = std::fs::read_to_string(&path).map_err(|e| unreadable(e.to_string()))?;
    serde_json::from_str(&text).map_err(|e| unreadable(e.to_string()))
}

/// Returns when the demo is told to stop.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let both = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    );
    let (Ok(mut interrupt), Ok(mut terminate)) = both else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
