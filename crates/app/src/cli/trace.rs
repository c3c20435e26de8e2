//! `troupe trace`.
use super::output::{clip, say, say_json, short};
use super::{Common, Failed};
use crate::clock::SystemClock;
use crate::look::Look;
use crate::look::trace::{Cut, Looked, MOST, Trace, Traced};
use edge::when;
use runtime::ports::clock::Clock;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// Pieces of an answer in a row, of which only the first is shown.
const EPHEMERAL: &str = events::topic::ANSWERS_DELTAS;

/// What to trace.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The id of the operation that a request began
    #[arg(value_name = "CORRELATION-ID")]
    id: String,
    /// For a program
    #[arg(long)]
    json: bool,
    /// On the servers that the configuration names under [cluster], instead of one file: all topics are read
    #[arg(long)]
    cluster: bool,
    /// On a cluster: from this time on, as 2026-01-31T12:00:00Z, or how long ago: 90m, 12h, 7d
    #[arg(long, value_name = "TIME", default_value = "1d", requires = "cluster")]
    since: String,
    /// On a cluster: look no longer than so many seconds; what was found until then is shown
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 120,
        requires = "cluster"
    )]
    within: u64,
}

pub(super) async fn run(args: Args, common: &Common) -> Result<(), Failed> {
    let now_ms = SystemClock.now_ms();
    let since_ms = when(&args.since, now_ms).map_err(|e| Failed::Usage(e.to_string()))?;
    let config = common.config()?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let look = tokio::select! {
        biased;
        _ = interrupt.recv() => {
            return Err(Failed::Other("stopped before anything was looked at".into()));
        }
        look = Look::at(&config, args.cluster.into()) => look?,
    };
    let until = async {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(args.within)) => Cut::Late,
            _ = interrupt.recv() => Cut::Stopped,
        }
    };
    let trace = look.trace(&args.id, since_ms, until, tell).await?;
    match trace.why_cut {
        None => {}
        Some(Cut::Many) => eprintln!("troupe: only {MOST} messages are shown, there are more"),
        Some(Cut::Late) => {
            let within = args.within;
            eprintln!(
                "troupe: only what was found in {within} s is shown; --within gives it longer"
            );
        }
        Some(Cut::Stopped) => eprintln!("troupe: only what was found until then is shown"),
    }
    if args.json {
        return say_json(&trace);
    }
    print(&trace)
}

/// On stderr, for a person who waits.
fn tell(looked: Looked) {
    let Looked {
        looked_at,
        of,
        found,
    } = looked;
    eprintln!("looked at {looked_at} of {of} offsets, {found} messages found; Ctrl-C shows them");
}

fn print(trace: &Trace) -> Result<(), Failed> {
    let messages = &trace.messages;
    say(format_args!(
        "{}: {} messages in {} ms",
        trace.correlation,
        messages.len(),
        trace.took_ms
    ))?;
    let lines = lines(messages);
    let widest = lines
        .iter()
        .map(|(_, left, _)| left.chars().count())
        .max()
        .unwrap_or_default();
    for (after_ms, left, right) in lines {
        let space = " ".repeat(widest - left.chars().count());
        say(format!("{:>9}  {left}{space}  {right}", format!("+{after_ms} ms")).trim_end())?;
    }
    Ok(())
}

/// When, the tree, and what is said of the message.
fn lines(messages: &[Traced]) -> Vec<(i64, String, String)> {
    let (mut lines, mut place) = (vec![], 0);
    while place < messages.len() {
        let message = &messages[place];
        let alike = |other: &&Traced| {
            other.topic == EPHEMERAL && other.topic == message.topic && other.depth == message.depth
        };
        let count = messages[place..].iter().take_while(alike).count().max(1);
        let mut said = vec![short(&message.record).to_owned(), message.key.clone()];
        if count > 1 {
            said.push(format!("and {} more", count - 1));
        }
        if let Some(reply) = &message.reply {
            said.push(match &message.code {
                Some(code) => format!("→ {reply} {code}"),
                None => format!("→ {reply}"),
            });
        }
        if message.redriven {
            said.push("sent on again".into());
        }
        if let Some(dead) = &message.dead {
            said.push(format!("✗ {}: {}", dead.code, clip(&dead.message, 100)));
        }
        lines.push((
            message.after_ms,
            format!("{}{}", branch(messages, place), message.topic),
            said.join("  "),
        ));
        place += count;
    }
    lines
}

/// `│  ├─ `: whether more siblings follow, at each depth above and at its own.
fn branch(messages: &[Traced], place: usize) -> String {
    let depth = messages[place].depth;
    let more_at = |level: usize| {
        let after = messages[place + 1..].iter().map(|message| message.depth);
        after
            .take_while(|&below| below >= level)
            .any(|below| below == level)
    };
    let above = (1..depth).map(|level| if more_at(level) { "│  " } else { "   " });
    let own = match depth {
        0 => "",
        _ if more_at(depth) => "├─ ",
        _ => "└─ ",
    };
    above.collect::<String>() + own
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_drawn_with_its_branches() {
        let at = |depth: usize, topic: &str| Traced {
            depth,
            topic: topic.into(),
            ..Traced::default()
        };
        let messages = [
            at(0, "a"),
            at(1, "b"),
            at(2, "c"),
            at(1, "d"),
            at(2, EPHEMERAL),
            at(2, EPHEMERAL),
        ];
        let drawn: Vec<String> = lines(&messages)
            .into_iter()
            .map(|(_, left, _)| left)
            .collect();
        assert_eq!(
            drawn,
            ["a", "├─ b", "│  └─ c", "└─ d", "   ├─ answers.deltas"]
        );
    }
}
