//! `troupe topics plan|apply|drift|delete`: the cluster, made after the map.
use super::super::output::{say, say_json};
use super::super::{Common, Failed};
use cluster::admin::{Admin, AdminError, Plan};
use cluster::settings::Process;
use events::map::TopicMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Where a plan goes if nobody says.
const FILE: &str = "troupe-plan.json";

/// What to do with the cluster.
#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Command {
    /// Say what would make the cluster what the map says, and keep it in a file; changes nothing
    Plan {
        /// The file
        #[arg(long, value_name = "FILE", default_value = FILE)]
        out: PathBuf,
        /// For a program: what goes into the file
        #[arg(long)]
        json: bool,
    },
    /// Apply exactly that plan; nothing, if the cluster has changed since
    Apply {
        /// What `plan` wrote
        #[arg(default_value = FILE)]
        plan: PathBuf,
    },
    /// Whether the cluster is what the map says: exits 0, or 2 if it is not
    Drift,
    /// Delete one topic with all its messages. Nothing else ever does
    Delete {
        /// The topic
        name: String,
        /// Its name once more: there is no way back
        #[arg(long, value_name = "NAME")]
        yes_delete: Option<String>,
    },
}

pub(super) async fn run(command: Command, common: &Common) -> Result<ExitCode, Failed> {
    match command {
        Command::Plan { out, json } => plan(&out, json, common).await,
        Command::Apply { plan } => apply(&plan, common).await,
        Command::Drift => drift(common).await,
        Command::Delete { name, yes_delete } => delete(&name, yes_delete, common).await,
    }
}

async fn open(common: &Common) -> Result<Admin, Failed> {
    let settings = common.config()?.cluster;
    let records = events::all_records();
    let admin = Admin::open(&settings, &Process, TopicMap::embedded(), &records);
    Ok(admin.await?)
}

async fn plan(out: &Path, json: bool, common: &Common) -> Result<ExitCode, Failed> {
    let plan = open(common).await?.plan().await?;
    let text = plan.to_json().map_err(|e| Failed::Other(e.to_string()))?;
    std::fs::write(out, text).map_err(|e| Failed::Other(format!("{}: {e}", out.display())))?;
    if json {
        say_json(&plan)?;
    } else {
        say(&plan)?;
        if !plan.actions.is_empty() {
            say(format_args!("troupe topics apply {}", out.display()))?;
        }
    }
    Ok(match plan.refused().next() {
        Some(_) => ExitCode::FAILURE,
        None => ExitCode::SUCCESS,
    })
}

async fn apply(file: &Path, common: &Common) -> Result<ExitCode, Failed> {
    let unreadable = |why: String| Failed::Usage(format!("{}: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|e| unreadable(e.to_string()))?;
    let plan = Plan::from_json(&text).map_err(|e| unreadable(e.to_string()))?;
    let admin = open(common).await?;
    let mut said = Ok(());
    let done = admin.apply(&plan, |action| {
        if said.is_ok() {
            said = say(action);
        }
    });
    done.await?;
    said?;
    say(format_args!("{} changes made", plan.actions.len()))?;
    Ok(ExitCode::SUCCESS)
}

async fn drift(common: &Common) -> Result<ExitCode, Failed> {
    // 2 says drift here, so nothing else may.
    let failed = |failed: Failed| Failed::Other(failed.to_string());
    let admin = open(common).await.map_err(failed)?;
    let plan = admin.plan().await.map_err(|e| failed(e.into()))?;
    say(&plan)?;
    Ok(if plan.is_drift() {
        ExitCode::from(2)
    } else {
        ExitCode::SUCCESS
    })
}

async fn delete(name: &str, typed: Option<String>, common: &Common) -> Result<ExitCode, Failed> {
    if typed.as_deref() != Some(name) {
        return Err(Failed::Usage(format!(
            "this deletes {name} with all its messages, and there is no way back: type its name once more, \
             --yes-delete {name}"
        )));
    }
    open(common).await?.delete(name).await?;
    say(format_args!("{name} is deleted"))?;
    Ok(ExitCode::SUCCESS)
}

impl From<AdminError> for Failed {
    fn from(error: AdminError) -> Self {
        let text = error.to_string();
        match error {
            AdminError::Settings(_)
            | AdminError::NoId { .. }
            | AdminError::OtherCluster { .. }
            | AdminError::OtherPlan { .. }
            | AdminError::NoTopic(_) => Self::Usage(text),
            _ => Self::Other(text),
        }
    }
}
