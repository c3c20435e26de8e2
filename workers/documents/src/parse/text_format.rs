//! Which of the formats that are all text a text is: they flow into each other, so this is a guess with reasons.
use super::{Format, csv_table};

/// What the uploader says of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Hint {
    Docx,
    Xlsx,
    Csv,
    Html,
    Markdown,
    Plain,
    None,
}

impl Hint {
    pub(super) fn of(file_name: &str, declared: &str) -> Self {
        let extension = file_name
            .rsplit_once('.')
            .map(|(_, extension)| extension.to_ascii_lowercase());
        match extension.as_deref() {
            Some("docx") => return Self::Docx,
            Some("xlsx") => return Self::Xlsx,
            Some("csv" | "tsv" | "tab") => return Self::Csv,
            Some("html" | "htm" | "xhtml") => return Self::Html,
            Some("md" | "markdown" | "mdown" | "mkd") => return Self::Markdown,
            Some("txt" | "text" | "log") => return Self::Plain,
            _ => {}
        }
        let media_type = declared
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        match media_type.as_str() {
            "text/csv" | "text/tab-separated-values" => Self::Csv,
            "text/html" | "application/xhtml+xml" => Self::Html,
            "text/markdown" | "text/x-markdown" => Self::Markdown,
            "text/plain" => Self::Plain,
            _ => Self::None,
        }
    }
}

/// Formats that are all text flow into each other, so a hint counts where the content does not contradict it.
pub(super) fn sniff_text(text: &str, hint: Hint) -> Format {
    if is_page(text) {
        return Format::Html;
    }
    let marks = markdown_marks(text);
    match hint {
        Hint::Html if html_tags(text) > 0 => Format::Html,
        Hint::Csv if csv_table::delimiter(text).is_some() => Format::Csv,
        Hint::Markdown => Format::Markdown,
        Hint::Plain if csv_table::is_surely(text) => Format::Csv,
        Hint::Plain if marks < 3 => Format::Plain,
        _ if html_tags(text) >= 3 && marks == 0 => Format::Html,
        _ if csv_table::is_surely(text) => Format::Csv,
        _ if marks >= 2 => Format::Markdown,
        _ => Format::Plain,
    }
}

/// How much of a text is looked at, in characters.
const SAMPLE: usize = 16_384;

fn sample(text: &str) -> &str {
    text.char_indices()
        .nth(SAMPLE)
        .map_or(text, |(end, _)| &text[..end])
}

/// Whether a text begins as a web page does, comments and an XML declaration aside.
fn is_page(text: &str) -> bool {
    let mut rest = sample(text).trim_start();
    while let Some((_, after)) = if rest.starts_with("<!--") {
        rest.split_once("-->")
    } else if rest.starts_with("<?") {
        rest.split_once("?>")
    } else {
        None
    } {
        rest = after.trim_start();
    }
    let begin: String = rest
        .chars()
        .take(15)
        .collect::<String>()
        .to_ascii_lowercase();
    ["<!doctype html", "<html", "<head", "<body"]
        .iter()
        .any(|mark| begin.starts_with(mark))
}

fn html_tags(text: &str) -> usize {
    let text = sample(text).to_ascii_lowercase();
    let tags = [
        "</p>",
        "</div>",
        "</h1>",
        "</h2>",
        "</table>",
        "</ul>",
        "</ol>",
        "</span>",
        "</a>",
        "</section>",
        "<br",
    ];
    tags.iter().map(|tag| text.matches(tag).count()).sum()
}

/// Counts what only Markdown has: headings, fences, links, table rules; a heading in the first line counts twice.
fn markdown_marks(text: &str) -> usize {
    let lines = || {
        sample(text)
            .lines()
            .map(str::trim_end)
            .filter(|line| !line.is_empty())
    };
    let heading = |line: &str| {
        let level = line.chars().take_while(|c| *c == '#').count();
        (1..=6).contains(&level) && line[level..].starts_with(' ')
    };
    let mark = |line: &str| {
        let rule =
            line.contains("--") && line.contains('|') && line.chars().all(|c| "|-: ".contains(c));
        heading(line) || line.starts_with("```") || line.contains("](") || rule
    };
    lines().filter(|line| mark(line)).count() + usize::from(lines().next().is_some_and(heading))
}
