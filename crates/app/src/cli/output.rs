//! How results look on stdout.
use super::Failed;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use std::io::Write;
use std::time::{Duration, Instant};

/// How often somebody who waits is told that he waits for something.
const NOW_AND_THEN: Duration = Duration::from_secs(5);

/// Writes a line of the result. A closed pipe is an error, not a panic.
pub(super) fn say(text: impl std::fmt::Display) -> Result<(), Failed> {
    Ok(writeln!(std::io::stdout().lock(), "{text}")?)
}

/// Writes the result for a program.
pub(super) fn say_json(value: &impl Serialize) -> Result<(), Failed> {
    let text = serde_json::to_string_pretty(value).map_err(|e| Failed::Other(e.to_string()))?;
    say(text)
}

/// Writes rows under a head, aligned.
pub(super) fn say_table(head: &[&str], rows: Vec<Vec<String>>) -> Result<(), Failed> {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(head.iter().map(|name| name.to_uppercase()));
    table.add_rows(rows);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((u16::from(index > 0), 1));
    }
    let text = table.to_string();
    say(text
        .lines()
        .map(str::trim_end)
        .collect::<Vec<_>>()
        .join("\n"))
}

/// Does what may take its time on a cluster, and says on stderr now and then that it does.
pub(super) async fn patiently<T>(work: impl Future<Output = T>) -> T {
    let (began, mut work) = (Instant::now(), std::pin::pin!(work));
    loop {
        match tokio::time::timeout(NOW_AND_THEN, &mut work).await {
            Ok(done) => return done,
            Err(_) => {
                let seconds = began.elapsed().as_secs();
                eprintln!("at it for {seconds} s; Ctrl-C ends it");
            }
        }
    }
}

/// `Parsed` of `troupe.documents.Parsed`.
pub(super) fn short(record: &str) -> &str {
    record.rsplit('.').next().unwrap_or(record)
}

/// A text on one line, of at most `max` characters.
pub(super) fn clip(text: &str, max: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= max {
        return line;
    }
    let mut cut: String = line.chars().take(max.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// `3 d`, `2 h`, `5 min`, `7 s`, `12 ms`: the largest unit that fits without losing more than it says.
pub(super) fn duration(ms: i64) -> String {
    match ms {
        ..1_000 => format!("{ms} ms"),
        1_000..120_000 => format!("{:.1} s", ms as f64 / 1_000.0),
        120_000..7_200_000 => format!("{} min", ms / 60_000),
        7_200_000..172_800_000 => format!("{} h", ms / 3_600_000),
        _ => format!("{} d", ms / 86_400_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        let all = [5, 1_500, 180_000, 7_200_000, 604_800_000].map(duration);
        assert_eq!(all, ["5 ms", "1.5 s", "3 min", "2 h", "7 d"]);
    }
    #[test]
    fn texts_are_clipped_to_a_line() {
        assert_eq!(clip("one\n two", 20), "one two");
        assert_eq!(clip("abcdef", 4), "abc…");
        assert_eq!(short("troupe.documents.Parsed"), "Parsed");
    }
}
