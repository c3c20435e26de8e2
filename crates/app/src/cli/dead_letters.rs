//! `troupe dead-letters`.
use super::output::{clip, say, say_json, say_table, short};
use super::{Common, Failed};
use crate::look::Look;
use crate::look::dead_letters::{DeadLetter, Filter};

/// What to do with dead letters.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// The messages that could not be handled
    List {
        /// Of this consumer, or of this context
        #[arg(long, value_name = "NAME")]
        worker: Option<String>,
        /// With this code
        #[arg(long)]
        code: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
        /// For a program
        #[arg(long)]
        json: bool,
    },
    /// One of them, whole; personal fields stay sealed
    Show {
        /// As `list` names it: <topic>/<partition>/<offset>
        place: String,
        /// For a program
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(command: Command, common: &Common) -> Result<(), Failed> {
    let look = Look::open(&common.config()?.data.path).await?;
    match command {
        Command::List {
            worker,
            code,
            limit,
            json,
        } => {
            let (found, more) = look
                .dead_letters(&Filter { worker, code }, limit as usize)
                .await?;
            if more {
                eprintln!("troupe: only the first {limit} are shown; --limit shows more");
            }
            match (json, found.is_empty()) {
                (true, _) => say_json(&found),
                (false, true) => {
                    eprintln!("there are no dead letters");
                    Ok(())
                }
                (false, false) => list(&found),
            }
        }
        Command::Show { place, json } => {
            let letter = look.dead_letter_at(&place).await?;
            if json {
                say_json(&letter)
            } else {
                show(&letter)
            }
        }
    }
}

fn list(found: &[DeadLetter]) -> Result<(), Failed> {
    let row = |letter: &DeadLetter| {
        vec![
            letter.place.clone(),
            letter.at.clone(),
            letter.code.clone(),
            short(letter.payload.record.as_deref().unwrap_or("?")).to_owned(),
            letter.key.clone(),
            letter.attempts.to_string(),
            clip(&letter.message, 80),
        ]
    };
    say_table(
        &["place", "at", "code", "record", "key", "tries", "message"],
        found.iter().map(row).collect(),
    )
}

fn show(letter: &DeadLetter) -> Result<(), Failed> {
    say(format_args!(
        "{}: {} at {}",
        letter.place, letter.code, letter.at
    ))?;
    say(format_args!("  {}", letter.message))?;
    say(format_args!(
        "  {} failed attempts in {}; see docs/errors/{}.md",
        letter.attempts, letter.worker, letter.code
    ))?;
    say("headers")?;
    for (name, value) in &letter.headers {
        say(format_args!("  {name}: {value}"))?;
    }
    say(format_args!(
        "payload  {}",
        letter.payload.record.as_deref().unwrap_or("unknown")
    ))?;
    match (&letter.payload.body, &letter.payload.unreadable) {
        (Some(body), _) => say_json(body),
        (None, Some(why)) => say(format_args!("  unreadable: {why}")),
        (None, None) => Ok(()),
    }
}
