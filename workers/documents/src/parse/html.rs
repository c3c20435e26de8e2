//! Web pages: headings, paragraphs, lists and tables; what is no content (scripts, navigation) is left out.
use super::text::one_line;
use super::{Block, Content, Extract, Limits, ParseError, table};
use ego_tree::iter::Edge;
use scraper::node::Element;
use scraper::{Html, Node};

/// Elements without content of their own: code, navigation, controls.
const LEFT_OUT: &[&str] = &[
    "script", "style", "noscript", "template", "nav", "svg", "math", "iframe", "object", "button",
    "select", "input", "textarea", "canvas", "audio", "video", "head",
];
/// Elements that end a paragraph.
const BLOCKS: &[&str] = &[
    "p",
    "div",
    "section",
    "article",
    "main",
    "header",
    "footer",
    "aside",
    "ul",
    "ol",
    "dl",
    "blockquote",
    "figure",
    "figcaption",
    "address",
    "form",
    "fieldset",
    "hr",
    "body",
    "details",
    "summary",
    "table",
    "caption",
    "pre",
];
/// Elements that end a line.
const LINES: &[&str] = &["li", "dt", "dd"];
/// Elements that are never closed, or need not be: they do not count as nesting.
const UNCLOSED: &[&str] = &[
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track",
    "wbr", "p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "option",
    "colgroup",
];

pub(super) fn extract(text: &str, limits: &Limits) -> Result<Extract, ParseError> {
    check_depth(text, limits)?;
    let html = Html::parse_document(text);
    let mut page = Page::default();
    for edge in html.tree.root().traverse() {
        match edge {
            Edge::Open(node) => match node.value() {
                Node::Element(element) => page.open(element),
                Node::Text(text) => page.text(text),
                _ => {}
            },
            Edge::Close(node) => {
                if let Node::Element(element) = node.value() {
                    page.close(element);
                }
            }
        }
    }
    page.end_block();
    let first_heading = page.blocks.iter().find_map(|block| match &block.content {
        Content::Heading { text, .. } => Some(text.clone()),
        _ => None,
    });
    let title = Some(one_line(&page.title))
        .filter(|title| !title.is_empty())
        .or(first_heading);
    Ok(Extract {
        title,
        blocks: page.blocks,
    })
}

/// Building the tree takes time in proportion to its depth for every element, so the depth is estimated before.
fn check_depth(text: &str, limits: &Limits) -> Result<(), ParseError> {
    let mut depth = 0_usize;
    for tag in memchr::memchr_iter(b'<', text.as_bytes()).map(|at| &text[at + 1..]) {
        let closing = tag.starts_with('/');
        let name = tag.trim_start_matches('/');
        let end = name
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(name.len())
            .min(16);
        let name = name.get(..end).unwrap_or_default().to_ascii_lowercase();
        if name.is_empty() || UNCLOSED.contains(&name.as_str()) {
            continue;
        }
        depth = if closing {
            depth.saturating_sub(1)
        } else {
            depth + 1
        };
        if depth > limits.max_depth {
            return Err(ParseError::corrupt(
                "an HTML page",
                "its elements are nested too deeply",
            ));
        }
    }
    Ok(())
}

#[derive(Default)]
struct Page {
    blocks: Vec<Block>,
    title: String,
    /// The paragraph or cell being read.
    open: String,
    /// Kind of each open element that matters, innermost last.
    heading: Option<u8>,
    lines: usize,
    preformatted: usize,
    left_out: usize,
    in_title: usize,
    tables: usize,
    /// Rows of the outermost table; tables inside its cells are text of the cell.
    rows: Vec<Vec<String>>,
}

impl Page {
    fn open(&mut self, element: &Element) {
        let name = element.name();
        if name == "title" {
            self.in_title += 1;
        }
        if is_left_out(element) {
            self.left_out += 1;
        }
        if self.left_out > 0 {
            return;
        }
        match name {
            "br" => self.open.push('\n'),
            "img" => {
                if let Some(alt) = element.attr("alt") {
                    self.text(&format!(" {alt} "));
                }
            }
            "table" => {
                self.end_block();
                self.tables += 1;
            }
            "tr" if self.tables == 1 => self.rows.push(Vec::new()),
            "td" | "th" if self.tables == 1 => self.open.clear(),
            _ => {}
        }
        if let Some(level) = heading_level(name) {
            self.end_block();
            self.heading = Some(level);
        } else if BLOCKS.contains(&name) || LINES.contains(&name) {
            self.end_block();
            self.lines += usize::from(LINES.contains(&name));
            self.preformatted += usize::from(name == "pre");
        }
    }

    fn close(&mut self, element: &Element) {
        let name = element.name();
        if name == "title" {
            self.in_title = self.in_title.saturating_sub(1);
        }
        if self.left_out > 0 {
            self.left_out -= usize::from(is_left_out(element));
            return;
        }
        match name {
            "td" | "th" if self.tables == 1 => {
                let cell = std::mem::take(&mut self.open);
                self.rows
                    .iter_mut()
                    .last()
                    .into_iter()
                    .for_each(|row| row.push(cell.clone()));
            }
            "table" => {
                self.tables = self.tables.saturating_sub(1);
                if self.tables == 0 {
                    self.open.clear();
                    let lines = table::lines(std::mem::take(&mut self.rows));
                    self.blocks.extend(lines.into_iter().map(Block::unpaged));
                }
            }
            _ => {}
        }
        if heading_level(name).is_some() {
            self.end_block();
            self.heading = None;
        } else if BLOCKS.contains(&name) || LINES.contains(&name) {
            self.end_block();
            self.lines = self
                .lines
                .saturating_sub(usize::from(LINES.contains(&name)));
            self.preformatted = self.preformatted.saturating_sub(usize::from(name == "pre"));
        }
    }

    fn text(&mut self, text: &str) {
        if self.in_title > 0 && self.title.is_empty() {
            self.title = text.to_owned();
        }
        if self.left_out > 0 {
            return;
        }
        if self.preformatted > 0 {
            self.open.push_str(text);
            return;
        }
        // White space between words counts once, whoever wrote it and wherever.
        let begins_apart =
            text.starts_with(char::is_whitespace) && !self.open.ends_with(char::is_whitespace);
        if begins_apart && !self.open.is_empty() {
            self.open.push(' ');
        }
        self.open.push_str(&one_line(text));
        if text.ends_with(char::is_whitespace)
            && !self.open.is_empty()
            && !self.open.ends_with(char::is_whitespace)
        {
            self.open.push(' ');
        }
    }

    /// Ends the paragraph being read; inside a table it only separates words.
    fn end_block(&mut self) {
        if self.tables > 0 {
            if !self.open.is_empty() && !self.open.ends_with(' ') {
                self.open.push(' ');
            }
            return;
        }
        let text = std::mem::take(&mut self.open);
        if text.trim().is_empty() {
            return;
        }
        let content = match self.heading {
            Some(level) => Content::Heading {
                level,
                text: one_line(&text),
            },
            None if self.preformatted > 0 => Content::Code(text),
            None if self.lines > 0 => Content::Line(trim_lines(&text)),
            None => Content::Paragraph(trim_lines(&text)),
        };
        self.blocks.push(Block::unpaged(content));
    }
}

fn trim_lines(text: &str) -> String {
    text.trim()
        .lines()
        .map(str::trim)
        .collect::<Vec<_>>()
        .join("\n")
}

fn heading_level(name: &str) -> Option<u8> {
    match name.as_bytes() {
        [b'h', level @ b'1'..=b'6'] => Some(level - b'0'),
        _ => None,
    }
}

/// What a browser does not show, or shows beside the content. `<title>` is read although it is inside `<head>`.
fn is_left_out(element: &Element) -> bool {
    LEFT_OUT.contains(&element.name())
        || element.attr("hidden").is_some()
        || element.attr("aria-hidden") == Some("true")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(html: &str) -> Vec<Content> {
        let blocks = extract(html, &Limits::default())
            .map(|extract| extract.blocks)
            .unwrap_or_default();
        blocks.into_iter().map(|block| block.content).collect()
    }

    #[test]
    fn a_page_becomes_headings_paragraphs_lines_and_rows() {
        let html = "<title>T</title><nav>Home</nav><h1>Public <em>nights</em></h1><p>Every\n Friday<br>from nine.</p>\
            <ul><li>Bring <b>a coat</b></li><li><p>No dogs</p></li></ul><script>x()</script>\
            <table><tr><th>Date</th><th>Object</th></tr><tr><td>3 May</td><td><p>Moon</p><p>and Mars</p></td></tr></table>\
            <pre>a\n  b</pre><div hidden>secret</div>tail";
        assert_eq!(
            contents(html),
            [
                Content::Heading {
                    level: 1,
                    text: "Public nights".into()
                },
                Content::Paragraph("Every Friday\nfrom nine.".into()),
                Content::Line("Bring a coat".into()),
                Content::Line("No dogs".into()),
                Content::Line("Date: 3 May; Object: Moon and Mars".into()),
                Content::Code("a\n  b".into()),
                Content::Paragraph("tail".into()),
            ]
        );
    }

    #[test]
    fn the_title_is_the_pages_or_its_first_heading() {
        let title = |html: &str| {
            extract(html, &Limits::default())
                .ok()
                .and_then(|extract| extract.title)
        };
        assert_eq!(
            title("<title> The\n page </title><h1>Other</h1>").as_deref(),
            Some("The page")
        );
        assert_eq!(
            title("<p>a</p><h2>Only this</h2>").as_deref(),
            Some("Only this")
        );
    }

    #[test]
    fn nesting_is_bounded_and_unclosed_paragraphs_are_none() {
        let deep = |tag: &str| {
            extract(&tag.repeat(100_000), &Limits::default())
                .map_err(|error| error.code())
                .map(|_| ())
        };
        assert_eq!(deep("<div>"), Err("document.corrupt"));
        assert_eq!(deep("<p>x"), Ok(()));
        assert_eq!(deep("<div>x</div>"), Ok(()));
    }
}
