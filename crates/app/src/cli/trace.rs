//! `troupe trace`.
use super::output::{clip, say, say_json, short};
use super::{Common, Failed};
use crate::look::Look;
use crate::look::trace::{MOST, Trace, Traced};

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
}

pub(super) async fn run(args: Args, common: &Common) -> Result<(), Failed> {
    let look = Look::open(&common.config()?.data.path).await?;
    let trace = look.trace(&args.id).await?;
    if trace.cut {
        eprintln!("troupe: only the first {MOST} messages are shown");
    }
    if args.json {
        return say_json(&trace);
    }
    print(&trace)
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
