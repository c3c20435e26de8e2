//! The marks `[1]`, `[2, 3]` in what a chat model writes, told apart from its words as they come.
use answers::ports::Pieces;

/// The longest mark, in bytes: `[1, 2, 3, 4, 5]` and a little.
const LONGEST: usize = 24;

/// A piece of what a model wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Words(String),
    /// A passage, from 0.
    Mark(usize),
}

/// Splits words from marks, whatever way they are cut.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// What may become a mark: `[`, `[1`, `[1,`.
    held: String,
}

impl Marks {
    /// What is complete with this text.
    pub fn feed(&mut self, text: &str) -> Vec<Part> {
        let (mut parts, mut words) = (Vec::new(), String::new());
        for c in text.chars() {
            match c {
                '[' => {
                    words.push_str(&std::mem::take(&mut self.held));
                    self.held.push(c);
                }
                ']' if !self.held.is_empty() => match numbers(&std::mem::take(&mut self.held)) {
                    Ok(passages) => {
                        push(&mut parts, &mut words);
                        parts.extend(passages.into_iter().map(Part::Mark));
                    }
                    Err(held) => {
                        words.push_str(&held);
                        words.push(c);
                    }
                },
                '0'..='9' | ',' | ' ' if !self.held.is_empty() && self.held.len() < LONGEST => {
                    self.held.push(c)
                }
                _ => {
                    words.push_str(&std::mem::take(&mut self.held));
                    words.push(c);
                }
            }
        }
        push(&mut parts, &mut words);
        parts
    }
    /// What was held, at the end.
    pub fn finish(&mut self) -> Vec<Part> {
        let (mut parts, mut words) = (Vec::new(), std::mem::take(&mut self.held));
        push(&mut parts, &mut words);
        parts
    }
}

fn push(parts: &mut Vec<Part>, words: &mut String) {
    if !words.is_empty() {
        parts.push(Part::Words(std::mem::take(words)));
    }
}

/// The passages of `[1, 2`, from 0; what it was, if it is no mark.
fn numbers(held: &str) -> Result<Vec<usize>, String> {
    let inner = held.trim_start_matches('[');
    let numbers: Option<Vec<usize>> = inner
        .split(',')
        .map(|number| number.trim().parse::<usize>().ok()?.checked_sub(1))
        .collect();
    numbers.ok_or_else(|| held.to_owned())
}

/// Sends parts on.
pub(super) async fn pass_on(parts: Vec<Part>, to: &mut Pieces) {
    for part in parts {
        match part {
            Part::Words(words) => to.say(words).await,
            Part::Mark(passage) => to.cite(passage).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(pieces: &[&str]) -> String {
        let mut marks = Marks::default();
        let mut parts: Vec<Part> = pieces.iter().flat_map(|piece| marks.feed(piece)).collect();
        parts.extend(marks.finish());
        let shown = parts.into_iter().map(|part| match part {
            Part::Words(words) => words,
            Part::Mark(passage) => format!("<{passage}>"),
        });
        shown.collect()
    }

    #[test]
    fn marks_are_found_however_they_are_cut() {
        let text = "Red ones. [1][2, 3] See a[i] and [see] [0] [] [[4] [12";
        let wanted = "Red ones. <0><1><2> See a[i] and [see] [0] [] [<3> [12";
        assert_eq!(split(&[text]), wanted);
        for at in 1..text.len() {
            let (head, tail) = text.split_at(at);
            assert_eq!(split(&[head, tail]), wanted, "cut at {at}");
        }
    }
    #[test]
    fn what_only_looks_like_a_mark_is_not_held_for_ever() {
        let long = format!("[{}", "1 ".repeat(1_000));
        let mut marks = Marks::default();
        marks.feed(&long);
        assert!(marks.held.len() <= LONGEST);
    }
}
