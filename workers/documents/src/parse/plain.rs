//! Plain text: paragraphs between empty lines; headings where the author made them visible.
use super::text::one_line;
use super::{Block, Content, Extract};

/// Longest line that may be a heading, in characters.
const HEADING: usize = 80;
/// Lines at least this long, in characters, were wrapped by an editor; shorter ones end where their author ended them.
const WRAPPED: usize = 50;

pub(super) fn extract(text: &str) -> Extract {
    let mut blocks = Vec::new();
    for paragraph in paragraphs(text) {
        let (heading, body) = heading(&paragraph);
        if let Some((level, text)) = heading {
            blocks.push(Block::unpaged(Content::Heading {
                level,
                text: one_line(text),
            }));
        }
        if !body.is_empty() {
            blocks.push(Block::unpaged(Content::Paragraph(unwrap(body))));
        }
    }
    // A heading promises text below it: the last line of a letter in capitals is none.
    if let Some(Block { content, .. }) = blocks.last_mut()
        && let Content::Heading { text, .. } = content
    {
        *content = Content::Paragraph(std::mem::take(text));
    }
    let title = blocks.first().and_then(|block| match &block.content {
        Content::Heading { text, .. } => Some(text.clone()),
        _ => None,
    });
    Extract { title, blocks }
}

fn paragraphs(text: &str) -> Vec<Vec<&str>> {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines
        .split(|line| line.is_empty())
        .filter(|lines| !lines.is_empty())
        .map(<[&str]>::to_vec)
        .collect()
}

/// Underlined with `=` or `-`, or a line of capitals standing alone.
fn heading<'a, 'b>(lines: &'b [&'a str]) -> (Option<(u8, &'a str)>, &'b [&'a str]) {
    match lines {
        [line, rule, rest @ ..] if is_rule(rule, '=') && line.chars().count() <= HEADING => {
            (Some((1, line)), rest)
        }
        [line, rule, rest @ ..] if is_rule(rule, '-') && line.chars().count() <= HEADING => {
            (Some((2, line)), rest)
        }
        [line] if is_shouted(line) => (Some((2, line)), &[]),
        lines => (None, lines),
    }
}

fn is_rule(line: &str, mark: char) -> bool {
    line.chars().count() >= 3 && line.chars().all(|c| c == mark)
}

fn is_shouted(line: &str) -> bool {
    let letters = line.chars().filter(|c| c.is_alphabetic()).count();
    letters >= 3
        && line.chars().count() <= HEADING
        && !line.ends_with(['.', ',', ';', '!', '?'])
        && line
            .chars()
            .filter(|c| c.is_alphabetic())
            .all(char::is_uppercase)
}

/// Joins what an editor wrapped, keeps what an author broke.
fn unwrap(lines: &[&str]) -> String {
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        text.push_str(line.trim());
        if let Some(next) = lines.get(index + 1) {
            let point = next.trim_start().starts_with(['-', '*', '•']);
            let wrapped = line.chars().count() >= WRAPPED && !point;
            text.push(if wrapped { ' ' } else { '\n' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_paragraphs_and_line_breaks_are_the_authors() {
        let text = "The Dome\n========\nfirst\nsecond\n\nTHE CELLAR\n\nA line that is long enough to have been wrapped by some editor\nand goes on.\n- a point\n\nBYE\n";
        let contents: Vec<_> = extract(text)
            .blocks
            .into_iter()
            .map(|block| block.content)
            .collect();
        assert_eq!(
            contents,
            [
                Content::Heading { level: 1, text: "The Dome".into() },
                Content::Paragraph("first\nsecond".into()),
                Content::Heading { level: 2, text: "THE CELLAR".into() },
                Content::Paragraph("A line that is long enough to have been wrapped by some editor and goes on.\n- a point".into()),
                Content::Paragraph("BYE".into()),
            ]
        );
    }
}
