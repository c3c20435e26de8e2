//! Lines of a PDF to blocks: a PDF has letters and places, no paragraphs; these are guessed as a reader does.
use super::pdf::Line;
use super::{Block, Content};
use std::collections::BTreeMap;

/// Letters this much larger than those of running text make a heading.
const HEADING: f64 = 1.12;
/// Longest heading, in characters.
const HEADING_CHARS: usize = 160;
/// A gap this much larger than the usual one between lines ends a paragraph.
const GAP: f64 = 1.25;
/// Lines of one paragraph are not further apart than this, as a multiple of their size; double spacing is 2.4.
const WIDEST_PITCH: f64 = 2.4;
/// A line that begins or ends this share of the pages, numbers aside, is a running head or foot.
const RUNNING: f64 = 0.6;
/// From this many pages on there can be running heads and feet.
const RUNNING_FROM: usize = 3;
/// What begins a point of a list.
const BULLETS: [char; 6] = ['•', '◦', '▪', '‣', '·', '●'];

/// One block per heading, paragraph and point of a list, with the number of its page.
pub(super) fn blocks(mut pages: Vec<Vec<Line>>) -> Vec<Block> {
    drop_running_lines(&mut pages);
    let scale = Scale::of(&pages);
    let mut blocks = Vec::new();
    for (number, lines) in (1..).zip(&pages) {
        let mut page = Page {
            number,
            scale: &scale,
            blocks: Vec::new(),
        };
        lines.iter().for_each(|line| page.add(line));
        blocks.extend(page.blocks);
    }
    blocks
}

/// Sizes are compared in half points.
fn half_points(size: f64) -> i64 {
    (size * 2.0).round() as i64
}

/// What is usual in a document.
struct Scale {
    /// Size of running text: the one that most characters have.
    body: f64,
    /// Usual distance of lines of running text, as a multiple of their size.
    pitch: f64,
    /// Heading sizes in half points -> level, the largest being 1.
    levels: BTreeMap<i64, u8>,
}

impl Scale {
    fn of(pages: &[Vec<Line>]) -> Self {
        let mut characters: BTreeMap<i64, usize> = BTreeMap::new();
        for line in pages.iter().flatten() {
            *characters.entry(half_points(line.size)).or_default() += line.text.chars().count();
        }
        let most = characters
            .iter()
            .max_by_key(|(size, count)| (**count, -**size))
            .map_or(0, |(size, _)| *size);
        let body = most as f64 / 2.0;
        let mut pitches: Vec<f64> = pages
            .iter()
            .flatten()
            .filter(|line| half_points(line.size) == most)
            .filter_map(|line| line.below.map(|below| below / line.size))
            .filter(|pitch| *pitch > 0.5)
            .collect();
        pitches.sort_by(f64::total_cmp);
        // The lower quartile: documents of one-line paragraphs have more gaps than lines.
        let pitch = pitches
            .get(pitches.len() / 4)
            .copied()
            .unwrap_or(1.2)
            .min(WIDEST_PITCH);
        let sizes = characters
            .keys()
            .rev()
            .filter(|size| **size as f64 / 2.0 >= body * HEADING);
        let levels = sizes
            .zip(1..)
            .map(|(size, level): (&i64, u8)| (*size, level.min(6)))
            .collect();
        Self {
            body,
            pitch,
            levels,
        }
    }

    fn level(&self, line: &Line) -> Option<u8> {
        let short = line.text.chars().count() <= HEADING_CHARS;
        let level = self.levels.get(&half_points(line.size)).copied();
        level.filter(|_| short && line.text.contains(char::is_alphabetic))
    }

    fn begins_paragraph(&self, line: &Line) -> bool {
        line.below
            .is_none_or(|below| below > self.pitch * line.size.max(self.body) * GAP)
    }
}

struct Page<'a> {
    number: u32,
    scale: &'a Scale,
    blocks: Vec<Block>,
}

impl Page<'_> {
    fn add(&mut self, line: &Line) {
        let apart = self.scale.begins_paragraph(line);
        let level = self.scale.level(line);
        let point = line.text.strip_prefix(BULLETS).map(str::trim_start);
        let open = self.blocks.last_mut().map(|block| &mut block.content);
        match (level, open) {
            // A heading of two lines.
            (Some(level), Some(Content::Heading { level: above, text }))
                if *above == level && !apart =>
            {
                join(text, &line.text)
            }
            (Some(level), _) => self.push(Content::Heading {
                level,
                text: line.text.clone(),
            }),
            (None, _) if point.is_some() => {
                self.push(Content::Line(format!("• {}", point.unwrap_or_default())))
            }
            (None, Some(Content::Paragraph(text) | Content::Line(text))) if !apart => {
                join(text, &line.text)
            }
            (None, _) => self.push(Content::Paragraph(line.text.clone())),
        }
    }

    fn push(&mut self, content: Content) {
        self.blocks.push(Block {
            content,
            page: Some(self.number),
        });
    }
}

/// Joins two lines of a paragraph; a word divided at the end of a line becomes whole.
fn join(text: &mut String, next: &str) {
    let mut end = text.chars().rev();
    let divided = end.next() == Some('-')
        && end.next().is_some_and(char::is_alphabetic)
        && next.starts_with(char::is_lowercase);
    if divided {
        text.pop();
    } else {
        text.push(' ');
    }
    text.push_str(next);
}

/// Drops heads and feet that run through the pages ("Visitor guide · 3"): they would be in every passage.
fn drop_running_lines(pages: &mut [Vec<Line>]) {
    let key = |line: &Line| -> String {
        line.text
            .chars()
            .map(|c| if c.is_ascii_digit() { '#' } else { c })
            .collect()
    };
    let enough = |count: usize| pages_enough(count, pages.len());
    let mut heads: BTreeMap<String, usize> = BTreeMap::new();
    let mut feet: BTreeMap<String, usize> = BTreeMap::new();
    for lines in pages.iter().filter(|lines| lines.len() > 2) {
        lines
            .first()
            .into_iter()
            .for_each(|line| *heads.entry(key(line)).or_default() += 1);
        lines
            .last()
            .into_iter()
            .for_each(|line| *feet.entry(key(line)).or_default() += 1);
    }
    let running: (Vec<String>, Vec<String>) = (
        heads
            .into_iter()
            .filter(|(_, count)| enough(*count))
            .map(|(line, _)| line)
            .collect(),
        feet.into_iter()
            .filter(|(_, count)| enough(*count))
            .map(|(line, _)| line)
            .collect(),
    );
    for lines in pages.iter_mut().filter(|lines| lines.len() > 2) {
        // Both may stand at either end: in which order a page is drawn is its writer's choice.
        if lines
            .last()
            .is_some_and(|line| running.1.contains(&key(line)))
        {
            lines.pop();
        }
        if lines
            .first()
            .is_some_and(|line| running.0.contains(&key(line)))
        {
            lines.remove(0);
            lines
                .first_mut()
                .into_iter()
                .for_each(|line| line.below = None);
        }
    }
}

fn pages_enough(count: usize, pages: usize) -> bool {
    count >= RUNNING_FROM && count as f64 >= pages as f64 * RUNNING
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, size: f64, below: f64) -> Line {
        Line {
            text: text.into(),
            size,
            below: Some(below),
        }
    }

    #[test]
    fn lines_become_headings_paragraphs_and_points() {
        let pages = vec![vec![
            line("Opening", 18.0, 0.0),
            line("times", 18.0, 21.6),
            line(
                "We open at nine, and the dome is shut when it rains. Infor-",
                10.0,
                30.0,
            ),
            line("mation is at the desk.", 10.0, 12.0),
            line("• a coat", 10.0, 12.0),
            line("and gloves", 10.0, 12.0),
            line("Another paragraph that stands apart.", 10.0, 24.0),
        ]];
        let contents: Vec<_> = blocks(pages)
            .into_iter()
            .map(|block| block.content)
            .collect();
        assert_eq!(
            contents,
            [
                Content::Heading { level: 1, text: "Opening times".into() },
                Content::Paragraph("We open at nine, and the dome is shut when it rains. Information is at the desk.".into()),
                Content::Line("• a coat and gloves".into()),
                Content::Paragraph("Another paragraph that stands apart.".into()),
            ]
        );
    }

    #[test]
    fn running_heads_and_feet_are_dropped_and_pages_are_counted() {
        let page = |n: u32| {
            vec![
                line("Visitor guide", 9.0, 0.0),
                line(
                    &format!("text {}", ["a", "b", "c"][n as usize - 1]),
                    10.0,
                    30.0,
                ),
                line(&format!("Page {n} of 3"), 9.0, 600.0),
            ]
        };
        let blocks = blocks(vec![page(1), page(2), page(3)]);
        let found: Vec<_> = blocks
            .iter()
            .map(|block| (block.content.text(), block.page))
            .collect();
        assert_eq!(
            found,
            [
                ("text a", Some(1)),
                ("text b", Some(2)),
                ("text c", Some(3))
            ]
        );
    }
}
