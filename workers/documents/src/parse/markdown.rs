//! Markdown: CommonMark with tables, footnotes and front matter.
use super::text::one_line;
use super::{Block, Content, Extract, table};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

pub(super) fn extract(text: &str) -> Extract {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut reader = Markdown::default();
    for event in Parser::new_ext(text, options) {
        reader.read(event);
    }
    reader.end(Content::Paragraph);
    let first_heading = reader.blocks.iter().find_map(|block| match &block.content {
        Content::Heading { text, .. } => Some(text.clone()),
        _ => None,
    });
    Extract {
        title: reader.title.or(first_heading),
        blocks: reader.blocks,
    }
}

#[derive(Default)]
struct Markdown {
    blocks: Vec<Block>,
    title: Option<String>,
    open: String,
    items: usize,
    rows: Vec<Vec<String>>,
    /// Inside what is no content: HTML and front matter.
    html: bool,
}

impl Markdown {
    fn read(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(tag) => self.finish(tag),
            Event::Text(_) if self.html => {}
            Event::Text(text)
            | Event::Code(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text) => self.open.push_str(&text),
            Event::InlineHtml(tag) if tag.starts_with("<br") => self.open.push('\n'),
            Event::SoftBreak => self.open.push(' '),
            Event::HardBreak => self.open.push('\n'),
            Event::TaskListMarker(done) => self.open.push_str(if done { "[x] " } else { "[ ] " }),
            Event::InlineHtml(_) | Event::Html(_) | Event::FootnoteReference(_) | Event::Rule => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            // An item may hold text before a paragraph, a list or code of its own.
            Tag::Item => {
                self.end(if self.items > 0 {
                    Content::Line
                } else {
                    Content::Paragraph
                });
                self.items += 1;
            }
            Tag::List(_) | Tag::CodeBlock(_) | Tag::Table(_) | Tag::BlockQuote(_)
                if self.items > 0 =>
            {
                self.end(Content::Line)
            }
            Tag::TableHead | Tag::TableRow => self.rows.push(Vec::new()),
            Tag::HtmlBlock => self.html = true,
            _ => {}
        }
    }

    fn finish(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(level) => {
                let level = level as u8;
                self.end(|text| Content::Heading {
                    level,
                    text: one_line(&text),
                });
            }
            TagEnd::Paragraph | TagEnd::Item => {
                self.end(if self.items > 0 {
                    Content::Line
                } else {
                    Content::Paragraph
                });
                self.items -= usize::from(tag == TagEnd::Item && self.items > 0);
            }
            TagEnd::CodeBlock => self.end(Content::Code),
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.open);
                self.rows
                    .iter_mut()
                    .last()
                    .into_iter()
                    .for_each(|row| row.push(cell.clone()));
            }
            TagEnd::Table => {
                let lines = table::lines(std::mem::take(&mut self.rows));
                self.blocks.extend(lines.into_iter().map(Block::unpaged));
            }
            TagEnd::HtmlBlock => self.html = false,
            TagEnd::MetadataBlock(_) => {
                let metadata = std::mem::take(&mut self.open);
                let title = metadata
                    .lines()
                    .find_map(|line| line.strip_prefix("title:"));
                self.title = title.map(|title| title.trim().trim_matches(['"', '\'']).to_owned());
            }
            _ => {}
        }
    }

    fn end(&mut self, content: impl FnOnce(String) -> Content) {
        let text = std::mem::take(&mut self.open);
        if !text.trim().is_empty() {
            self.blocks.push(Block::unpaged(content(text)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structure_survives() {
        let text = "---\ntitle: \"The Care\"\ndate: 2031\n---\n# Mirror *cell*\n\nTwo\nlines.[^1]\n\n- one\n  - two `x`\n- three\n\n  four\n\n\
            | Part | Torque |\n|---|---|\n| Bolt | 9 Nm |\n\n```sh\nrun it\n  now\n```\n<div>no</div>\n\n[^1]: a note\n";
        let extract = extract(text);
        assert_eq!(extract.title.as_deref(), Some("The Care"));
        let contents: Vec<_> = extract
            .blocks
            .into_iter()
            .map(|block| block.content)
            .collect();
        assert_eq!(
            contents,
            [
                Content::Heading {
                    level: 1,
                    text: "Mirror cell".into()
                },
                Content::Paragraph("Two lines.".into()),
                Content::Line("one".into()),
                Content::Line("two x".into()),
                Content::Line("three".into()),
                Content::Line("four".into()),
                Content::Line("Part: Bolt; Torque: 9 Nm".into()),
                Content::Code("run it\n  now\n".into()),
                Content::Paragraph("a note".into()),
            ]
        );
    }
}
