//! `troupe sagas`.
use super::output::{clip, duration, patiently, say, say_json, say_table};
use super::owner::Owner;
use super::{Common, Failed};
use crate::config::Config;
use crate::look::Look;
use crate::look::sagas::FoundSaga;
use crate::wiring::Where;
use edge::Verb;
use events::Key;
use runtime::time::rfc3339;
use saga::{Phase, Reply, What};
use serde_json::{Value, json};

/// Which sagas, and what to do with them.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
    /// On the servers that the configuration names under [cluster], instead of one file
    #[arg(long, global = true)]
    cluster: bool,
}

/// What to do with sagas.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Where each saga stands
    List {
        /// Only those that wait for a person
        #[arg(long)]
        stuck: bool,
        /// At most so many
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
        /// For a program
        #[arg(long)]
        json: bool,
    },
    /// What one saga did: every command and answer, with times
    Show {
        /// Its id, or <tenant>/<id>
        id: String,
        /// For a program
        #[arg(long)]
        json: bool,
    },
    /// Let a stuck saga try its undo again
    Resume(Asked),
    /// Give a stuck saga up: what it left is yours to put right
    Abandon(Asked),
}

/// What a person asks of a stuck saga.
#[derive(Debug, clap::Args)]
pub(super) struct Asked {
    /// Its id, or <tenant>/<id>
    id: String,
    /// Who asks for it
    #[arg(long)]
    by: String,
    /// The reason, for the saga's history
    #[arg(long)]
    why: String,
}

pub(super) async fn run(args: Args, common: &Common) -> Result<(), Failed> {
    let (config, at) = (common.config()?, Where::from(args.cluster));
    match args.command {
        Command::List { stuck, limit, json } => {
            let look = Look::at(&config, at).await?;
            let wanted = |saga: &FoundSaga| !stuck || matches!(saga.state.phase, Phase::Stuck(_));
            let (found, more) = patiently(look.sagas(wanted, limit as usize)).await?;
            if more {
                eprintln!("troupe: only the first {limit} are shown; --limit shows more");
            }
            if json {
                return say_json(&found.iter().map(as_json).collect::<Vec<_>>());
            }
            if found.is_empty() {
                eprintln!("there are no {}sagas", if stuck { "stuck " } else { "" });
                return Ok(());
            }
            list(&found)
        }
        Command::Show { id, json } => {
            let look = Look::at(&config, at).await?;
            let found = patiently(look.sagas_called(&id)).await?;
            if json {
                return say_json(&found.iter().map(as_json).collect::<Vec<_>>());
            }
            found.iter().try_for_each(show)
        }
        Command::Resume(asked) => ask(&config, at, &asked, Verb::Resume).await,
        Command::Abandon(asked) => ask(&config, at, &asked, Verb::Abandon).await,
    }
}

fn list(found: &[FoundSaga]) -> Result<(), Failed> {
    let row = |saga: &FoundSaga| {
        let why = saga
            .state
            .why
            .as_ref()
            .map(|why| format!("{}: {}", why.code, why.message));
        vec![
            saga.definition.clone(),
            saga.key.clone(),
            saga.state.phase.to_string(),
            saga.state.turn.to_string(),
            rfc3339(saga.last_ms()),
            clip(&why.unwrap_or_default(), 80),
        ]
    };
    say_table(
        &["saga", "key", "phase", "commands", "last", "turned back by"],
        found.iter().map(row).collect(),
    )
}

fn show(found: &FoundSaga) -> Result<(), Failed> {
    let state = &found.state;
    say(format_args!(
        "{} {}: {} ({})",
        found.definition, found.key, state.phase, state.version
    ))?;
    if let Some(why) = &state.why {
        say(format_args!(
            "  turned back by {}: {}",
            why.code, why.message
        ))?;
    }
    if !state.reported.is_empty() {
        say(format_args!(
            "  given up after the pivot: {}",
            state.reported.join(", ")
        ))?;
    }
    let first = state.history.first().map_or(0, |past| past.at);
    for (place, past) in state.history.iter().enumerate() {
        if place == 1 && state.forgotten > 0 {
            say(format_args!(
                "    … {} entries were dropped",
                state.forgotten
            ))?;
        }
        say(format_args!(
            "  {}  {:>8}  {}",
            rfc3339(past.at),
            format!("+{}", duration(past.at - first)),
            told(&past.what)
        ))?;
    }
    if let (Some(awaiting), Some(at)) = (&state.awaiting, state.wake_at) {
        say(format_args!(
            "  waits for the answer to {awaiting}, until {}",
            rfc3339(at)
        ))?;
    }
    if matches!(state.phase, Phase::Stuck(_)) {
        say("  stuck: `troupe sagas resume` tries again, `troupe sagas abandon` gives it up")?;
    }
    Ok(())
}

fn told(what: &What) -> String {
    match what {
        What::Sent { token } => format!("sent      {token}"),
        What::Heard { token, reply } => format!("heard     {token}  {}", said(reply)),
        What::Resumed { by, why } => format!("resumed   by {by}: {why}"),
        What::Abandoned { by, why } => format!("abandoned by {by}: {why}"),
    }
}

fn said(reply: &Reply) -> String {
    match reply {
        Reply::Done => "done".into(),
        Reply::Progress => "progress".into(),
        Reply::Refused { code, message } => format!("refused {code}: {message}"),
        Reply::Failed {
            code,
            message,
            may_have_happened,
        } => {
            let perhaps = if *may_have_happened {
                ", and may have happened"
            } else {
                ""
            };
            format!("failed {code}: {message}{perhaps}")
        }
    }
}

fn as_json(saga: &FoundSaga) -> Value {
    json!({ "saga": saga.definition, "key": saga.key, "state": saga.state, "data": saga.data })
}

/// Tells a stuck saga what a person wants of it.
async fn ask(config: &Config, at: Where, asked: &Asked, verb: Verb) -> Result<(), Failed> {
    let look = Look::at(config, at).await?;
    let stuck: Vec<FoundSaga> = patiently(look.sagas_called(&asked.id)).await?;
    let stuck: Vec<FoundSaga> = stuck
        .into_iter()
        .filter(|saga| matches!(saga.state.phase, Phase::Stuck(_)))
        .collect();
    drop(look);
    let [saga] = stuck.as_slice() else {
        return Err(Failed::Other(match stuck.len() {
            0 => format!(
                "the saga {} is not stuck: see `troupe sagas show {}`",
                asked.id, asked.id
            ),
            several => format!(
                "{several} stuck sagas are called {}: name one as <tenant>/<id>",
                asked.id
            ),
        }));
    };
    let key = Key::parse(&saga.key).map_err(|e| Failed::Other(e.to_string()))?;
    let owner = Owner::of(config, at).await?;
    owner
        .tell_saga(&saga.definition, &key, verb, &asked.by, &asked.why)
        .await?;
    match owner {
        Owner::Running { .. } => {
            eprintln!("noted; `troupe sagas show {}` says what it does", asked.id)
        }
        Owner::Nobody(_) => eprintln!(
            "noted; `troupe sagas show {} --cluster` says what it does",
            asked.id
        ),
        Owner::Ourselves(_) => eprintln!("noted; `troupe up` carries it out"),
    }
    Ok(())
}
