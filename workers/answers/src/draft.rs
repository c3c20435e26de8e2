//! What a model wrote, as it comes: the words, with the numbers of what they rest on, and the citations.
use crate::ports::Piece;
use crate::prompt::Passage;
use crate::quote::supporting;
use crate::words::sentences;
use events::answers::Citation;

/// The longest answer, in bytes: with its quotes and sealed it stays below what a message may hold (G2).
const MAX_TEXT: usize = 64 << 10;

/// An answer while it is written.
#[derive(Debug, Default)]
pub struct Draft {
    text: String,
    /// Passages in the order of their first use, each with its quotes; their place is their number in the text.
    cited: Vec<(usize, Vec<String>)>,
    /// Where the words begin that the next citation is about.
    since: usize,
    /// Whether the last thing was a citation: the next is about the same words.
    just_cited: bool,
}

impl Draft {
    /// Takes a piece; gives what is to be shown of it. `passages` are those of the prompt; a citation of one that is
    /// not there is dropped.
    pub fn take(&mut self, piece: Piece, passages: &[Passage]) -> Shown {
        match piece {
            Piece::Again => {
                *self = Self::default();
                Shown::Reset
            }
            Piece::Text(text) => {
                let room = MAX_TEXT.saturating_sub(self.text.len());
                let fits = (0..=room.min(text.len()))
                    .rev()
                    .find(|end| text.is_char_boundary(*end))
                    .unwrap_or(0);
                if self.just_cited {
                    (self.since, self.just_cited) = (self.text.len(), false);
                }
                self.text.push_str(&text[..fits]);
                Shown::More(text[..fits].to_owned())
            }
            Piece::Cite(passage) => {
                let Some(source) = passages.get(passage) else {
                    return Shown::More(String::new());
                };
                let claim = last_sentence(&self.text[self.since..]);
                let quote = supporting(&source.text, claim).to_owned();
                let known = self.cited.iter().position(|(cited, _)| *cited == passage);
                let number = known.unwrap_or_else(|| {
                    self.cited.push((passage, Vec::new()));
                    self.cited.len() - 1
                });
                if !self.cited[number].1.contains(&quote) {
                    self.cited[number].1.push(quote);
                }
                self.just_cited = true;
                let space = if self.text.is_empty() || self.text.ends_with([' ', '\n', ']']) {
                    ""
                } else {
                    " "
                };
                let mark = format!("{space}[{}]", number + 1);
                self.text.push_str(&mark);
                Shown::More(mark)
            }
        }
    }

    /// The words and what they rest on, in the order of the numbers in the text.
    pub fn finish(self, passages: &[Passage]) -> (String, Vec<Citation>) {
        let citations = self.cited.into_iter().filter_map(|(passage, quotes)| {
            let source = passages.get(passage)?;
            Some(Citation {
                document: source.document.clone(),
                name: source.name.clone(),
                page: source.page.map(i64::from),
                heading: source.heading.replace(" › ", " > "),
                quote: quotes.join(" … ").into(),
                score: source.score,
            })
        });
        (self.text, citations.collect())
    }
}

/// What is to be shown of a piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// These words more; may be empty.
    More(String),
    /// Forget what was shown.
    Reset,
}

fn last_sentence(text: &str) -> &str {
    sentences(text).pop().unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::Personal;

    fn passages() -> Vec<Passage> {
        let passage = |document: &str, text: &str| Passage {
            document: document.into(),
            text: text.into(),
            heading: "A › B".into(),
            page: Some(4),
            ..Passage::default()
        };
        vec![
            passage("d1", "Dogs are welcome. Cats are not."),
            passage("d2", "Tickets cost 14 euros."),
            passage("d3", "Red torches only."),
        ]
    }
    fn written(pieces: Vec<Piece>) -> (String, String, Vec<Citation>) {
        let (mut draft, mut shown) = (Draft::default(), String::new());
        for piece in pieces {
            match draft.take(piece, &passages()) {
                Shown::More(text) => shown.push_str(&text),
                Shown::Reset => shown.clear(),
            }
        }
        let (text, citations) = draft.finish(&passages());
        (shown, text, citations)
    }
    fn text(text: &str) -> Piece {
        Piece::Text(text.into())
    }

    #[test]
    fn citations_are_numbered_in_the_order_of_their_use_and_quote_what_they_support() {
        let (shown, all, citations) = written(vec![
            text("Only red tor"),
            text("ches. "),
            Piece::Cite(2),
            text(" No cats."),
            Piece::Cite(0),
            Piece::Cite(2),
            text(" Dogs are welcome."),
            Piece::Cite(0),
        ]);
        assert_eq!(
            all,
            "Only red torches. [1] No cats. [2][1] Dogs are welcome. [2]"
        );
        assert_eq!(shown, all, "what was streamed is the answer");
        let quotes: Vec<(&str, &Personal)> = citations
            .iter()
            .map(|c| (c.document.as_str(), &c.quote))
            .collect();
        assert_eq!(quotes[0], ("d3", &"Red torches only.".into()));
        assert_eq!(
            quotes[1],
            ("d1", &"Cats are not. … Dogs are welcome.".into())
        );
        assert_eq!(
            (citations[0].heading.as_str(), citations[0].page),
            ("A > B", Some(4))
        );
    }
    #[test]
    fn a_passage_that_was_never_given_cannot_be_cited() {
        let (_, all, citations) = written(vec![text("Fine."), Piece::Cite(9)]);
        assert_eq!((all.as_str(), citations.len()), ("Fine.", 0));
    }
    #[test]
    fn when_another_model_begins_anew_nothing_of_the_first_is_left() {
        let (shown, all, citations) = written(vec![
            text("Half an ans"),
            Piece::Cite(0),
            Piece::Again,
            text("Whole."),
        ]);
        assert_eq!(
            (shown.as_str(), all.as_str(), citations.len()),
            ("Whole.", "Whole.", 0)
        );
    }
    #[test]
    fn an_answer_is_bounded() {
        let (shown, all, _) = written(vec![text(&"é".repeat(MAX_TEXT)), text("more")]);
        assert_eq!((all.len(), shown.len()), (MAX_TEXT, MAX_TEXT));
    }
}
