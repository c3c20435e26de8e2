//! Blocks to passages: pieces small enough to be found and quoted, each knowing where it stands.
use super::{Block, Content};
use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

/// A heading longer than this, in characters, is taken for running text: it would fill every passage below it.
const MAX_HEADING: usize = 200;

/// A piece of a document that can be found and quoted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// Its place in the document, from 0 without gaps.
    pub ordinal: u32,
    /// Never blank, at most the asked-for number of characters.
    pub text: String,
    /// The headings above it, outermost first; each at most 200 characters.
    pub headings: Vec<String>,
    /// The PDF page or the sheet it stands on, from 1; `None` where the format has neither.
    pub page: Option<u32>,
}

/// Cuts blocks into passages of at most `max_passage` characters (at least 1): between blocks where it can, else between
/// lines, then sentences, then words. A passage never spans two headings or two pages, so that a citation is exact. A
/// heading with nothing below it is a passage of its own: no text is lost.
pub fn split(blocks: Vec<Block>, max_passage: usize) -> Vec<Passage> {
    let mut splitter = Splitter {
        max: max_passage.max(1),
        above: Vec::new(),
        open: String::new(),
        page: None,
        done: Vec::new(),
    };
    for Block { content, page } in blocks {
        if page != splitter.page {
            splitter.close();
            splitter.page = page;
        }
        match content {
            Content::Heading { level, text } if text.chars().count() <= MAX_HEADING => {
                splitter.heading(level, &text)
            }
            Content::Heading { text, .. } | Content::Paragraph(text) => {
                splitter.add("\n\n", text.trim())
            }
            Content::Line(text) => splitter.add("\n", text.trim()),
            Content::Code(text) => splitter.add("\n\n", text.trim_matches('\n').trim_end()),
        }
    }
    splitter.leave(0);
    splitter.done
}

/// A heading that is above the current place.
struct Above {
    level: u8,
    text: String,
    /// The page it stands on.
    page: Option<u32>,
    /// Whether a passage says that it exists.
    told: bool,
}

struct Splitter {
    max: usize,
    above: Vec<Above>,
    /// The passage being filled.
    open: String,
    page: Option<u32>,
    done: Vec<Passage>,
}

impl Splitter {
    fn heading(&mut self, level: u8, text: &str) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        self.leave(level);
        self.above.push(Above {
            level,
            text: text.to_owned(),
            page: self.page,
            told: false,
        });
    }

    /// Leaves every heading of this level or deeper; one that nothing stood below becomes a passage.
    fn leave(&mut self, level: u8) {
        self.close();
        while self.above.last().is_some_and(|last| last.level >= level) {
            let Some(left) = self.above.pop() else { return };
            if !left.told {
                for piece in pieces(&left.text, self.max, 0) {
                    self.emit(piece, left.page);
                }
            }
        }
    }

    fn add(&mut self, separator: &str, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        let joined = self.open.chars().count() + separator.len() + text.chars().count();
        if !self.open.is_empty() && joined <= self.max {
            self.open.push_str(separator);
            self.open.push_str(text);
            return;
        }
        self.close();
        let mut pieces = pieces(text, self.max, 0);
        // The last piece stays open: what follows may still fit beside it.
        self.open = pieces.pop().unwrap_or_default();
        let page = self.page;
        let tail = std::mem::take(&mut self.open);
        for piece in pieces {
            self.emit(piece, page);
        }
        self.open = tail;
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            let text = std::mem::take(&mut self.open);
            self.emit(text, self.page);
        }
    }

    fn emit(&mut self, text: String, page: Option<u32>) {
        let ordinal = u32::try_from(self.done.len()).unwrap_or(u32::MAX);
        let headings = self.above.iter().map(|above| above.text.clone()).collect();
        self.above.iter_mut().for_each(|above| above.told = true);
        self.done.push(Passage {
            ordinal,
            text,
            headings,
            page,
        });
    }
}

/// The places where text may be cut, from best to last resort.
const CUTS: [fn(&str) -> Vec<&str>; 5] = [
    |text| text.split_inclusive('\n').collect(),
    |text| text.split_sentence_bounds().collect(),
    |text| text.split_word_bounds().collect(),
    |text| text.graphemes(true).collect(),
    |text| text.split("").filter(|c| !c.is_empty()).collect(),
];

/// Fills pieces of at most `max` characters with units cut at `cut`, and units that are too long with smaller ones.
fn pieces(text: &str, max: usize, cut: usize) -> Vec<String> {
    if text.chars().count() <= max {
        return if text.trim().is_empty() {
            Vec::new()
        } else {
            vec![text.trim_end().to_owned()]
        };
    }
    let Some(units) = CUTS.get(cut).map(|units| units(text)) else {
        return Vec::new();
    };
    let mut done = Vec::new();
    let (mut open, mut length) = (String::new(), 0);
    for unit in units {
        // Space at the end of a piece is cut off, so it does not count against the limit.
        let (with_space, bare) = (unit.chars().count(), unit.trim_end().chars().count());
        if length + bare > max {
            keep(&mut done, &mut open);
            length = 0;
        }
        if bare > max {
            done.extend(pieces(unit, max, cut + 1));
            continue;
        }
        if length == 0 && bare == 0 {
            continue;
        }
        open.push_str(unit);
        length += with_space;
    }
    keep(&mut done, &mut open);
    done
}

fn keep(done: &mut Vec<String>, open: &mut String) {
    let text = open.trim_end();
    if !text.is_empty() {
        done.push(text.to_owned());
    }
    open.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heading(level: u8, text: &str) -> Block {
        Block::unpaged(Content::Heading {
            level,
            text: text.into(),
        })
    }

    fn paragraph(text: &str) -> Block {
        Block::unpaged(Content::Paragraph(text.into()))
    }

    fn texts(passages: &[Passage]) -> Vec<&str> {
        passages
            .iter()
            .map(|passage| passage.text.as_str())
            .collect()
    }

    #[test]
    fn paragraphs_share_a_passage_while_they_fit_and_lines_stand_closer() {
        let line = |text: &str| Block::unpaged(Content::Line(text.into()));
        let blocks = vec![
            paragraph("one"),
            line("two"),
            line("three"),
            paragraph("four"),
        ];
        assert_eq!(
            texts(&split(blocks.clone(), 100)),
            ["one\ntwo\nthree\n\nfour"]
        );
        assert_eq!(texts(&split(blocks, 10)), ["one\ntwo", "three", "four"]);
    }

    #[test]
    fn a_passage_has_the_headings_above_it_and_never_spans_two() {
        let blocks = vec![
            heading(1, "A"),
            paragraph("a"),
            heading(2, "B"),
            paragraph("b"),
            heading(1, "C"),
            paragraph("c"),
        ];
        let passages = split(blocks, 100);
        let paths: Vec<_> = passages
            .iter()
            .map(|passage| passage.headings.join("/"))
            .collect();
        assert_eq!(paths, ["A", "A/B", "C"]);
        assert_eq!(
            passages
                .iter()
                .map(|passage| passage.ordinal)
                .collect::<Vec<_>>(),
            [0, 1, 2]
        );
    }

    #[test]
    fn a_heading_with_nothing_below_it_is_not_lost() {
        let passages = split(
            vec![
                heading(1, "Cellar"),
                heading(2, "Empty room"),
                heading(1, "Roof"),
            ],
            100,
        );
        assert_eq!(texts(&passages), ["Empty room", "Roof"]);
        assert_eq!(passages[0].headings, ["Cellar"]);
    }

    #[test]
    fn a_passage_never_spans_two_pages() {
        let on = |page, text: &str| Block {
            content: Content::Paragraph(text.into()),
            page: Some(page),
        };
        let passages = split(vec![on(1, "one"), on(1, "still one"), on(2, "two")], 100);
        assert_eq!(texts(&passages), ["one\n\nstill one", "two"]);
        assert_eq!(passages[1].page, Some(2));
    }

    #[test]
    fn long_text_is_cut_between_sentences_then_words_then_characters() {
        let text = "A short one. Another short one. Done.";
        assert_eq!(
            texts(&split(vec![paragraph(text)], 20)),
            ["A short one.", "Another short one.", "Done."]
        );
        assert_eq!(
            texts(&split(vec![paragraph("alpha beta gamma")], 11)),
            ["alpha beta", "gamma"]
        );
        assert_eq!(
            texts(&split(vec![paragraph("abcdefgh")], 3)),
            ["abc", "def", "gh"]
        );
        let combining = "e\u{301}\u{302}\u{303}\u{304}";
        assert!(
            split(vec![paragraph(combining)], 2)
                .iter()
                .all(|passage| passage.text.chars().count() <= 2)
        );
    }

    #[test]
    fn whatever_the_limit_no_word_is_lost_no_passage_is_blank_and_none_is_too_long() {
        let text = "Der Mond scheint hell. 望远镜很大。 What a night!\n\n  It rained?  Yes — 30 mm, e.g. on 3.4.2025.\n".repeat(7);
        let wanted: String = text.split_whitespace().collect();
        for max in 1..200 {
            let passages = split(
                vec![
                    paragraph(&text),
                    Block::unpaged(Content::Code("a\n  b\n".into())),
                ],
                max,
            );
            assert!(
                passages
                    .iter()
                    .all(|passage| passage.text.chars().count() <= max),
                "max {max}"
            );
            assert!(
                passages
                    .iter()
                    .all(|passage| !passage.text.trim().is_empty()),
                "max {max}"
            );
            let found: String = texts(&passages).concat().split_whitespace().collect();
            assert_eq!(found, format!("{wanted}ab"), "max {max}");
        }
    }
}
