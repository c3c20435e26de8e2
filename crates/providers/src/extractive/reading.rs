//! What the sentences of the passages have of a question. Each word is stemmed once, and matched once with each word of
//! the question.
use super::asked::family;
use super::dates::months;
use answers::prompt::{Passage, Prompt};
use answers::words::{Stems, folded, is_function_word, sentences, words};
use std::collections::HashMap;
use std::rc::Rc;

/// Stems of words that were seen, as they were written; none of a function word.
pub(super) type Known<'a> = HashMap<&'a str, Option<Rc<str>>>;

// What finding a word of the question counts, by where it is found.
pub(super) const IN_SENTENCE: f64 = 1.0;
pub(super) const IN_HEADING: f64 = 0.7;
const BESIDE: f64 = 0.5;
const IN_PASSAGE: f64 = 0.3;

/// How a sentence begins that speaks of what the one before speaks of.
const GOES_ON: &[&str] = &[
    "he", "her", "his", "it", "its", "she", "that", "their", "there", "these", "they", "this",
    "those", "er", "es", "sie", "elle", "il", "ils",
];

/// Stems that begin alike count as much of a match: `observ` and `observatori`.
pub(super) const ALIKE: f64 = 0.7;
/// Letters that they must have in common, at least, and of the longer one.
const ALIKE_LETTERS: usize = 5;
const ALIKE_SHARE: f64 = 0.75;

/// A passage, as far as the question goes.
pub(super) struct Read<'a> {
    pub sentences: Vec<Sentence<'a>>,
    /// How well the headings, with the document's name, have each word.
    pub heading: Vec<f64>,
}

pub(super) struct Sentence<'a> {
    pub text: &'a str,
    /// Content words in it.
    pub words: usize,
    /// How well it has each word.
    pub has: Vec<f64>,
    /// How many words that stand side by side in the question do so here.
    pub pairs: usize,
    /// Whether it speaks of what the sentence before speaks of: "It bears the number 2871".
    goes_on: bool,
}

/// A question, taken apart once for all sentences.
pub(super) struct Question<'a> {
    pub prompt: &'a Prompt,
    pub stems: Stems,
    /// The stems that say each of the words.
    words: Vec<Vec<String>>,
    /// The places in `words` that stand side by side.
    pub pairs: Vec<(usize, usize)>,
}

impl<'a> Question<'a> {
    /// Takes a prompt's question apart.
    pub(super) fn of(prompt: &'a Prompt) -> Self {
        let stems = Stems::default();
        let mut said_by: Vec<Vec<String>> = Vec::new();
        for term in &prompt.asked.terms {
            let mut said = family(&term.stem, &prompt.question, &stems);
            said.push(term.stem.clone());
            said_by.push(said);
        }
        let place = |stem: &String| prompt.asked.terms.iter().position(|t| t.stem == *stem);
        let spoken: Vec<Option<usize>> =
            stems.stream(&prompt.question).map(|s| place(&s)).collect();
        let pairs = spoken.windows(2).filter_map(|two| Some((two[0]?, two[1]?)));
        Self {
            pairs: pairs.collect(),
            prompt,
            stems,
            words: said_by,
        }
    }

    /// How well a text has each word, from its stems.
    fn has(&self, stems: &[Rc<str>]) -> Vec<f64> {
        let best = |said: &Vec<String>| {
            let each = stems.iter().map(|other| alike_any(said, other));
            each.fold(0.0, f64::max)
        };
        self.words.iter().map(best).collect()
    }

    /// Whether a word is a measure, which other words of its family say too.
    pub(super) fn is_measure(&self, word: usize) -> bool {
        self.words[word].len() > 1
    }

    /// Reads a passage.
    pub(super) fn read<'p>(&self, passage: &'p Passage, known: &mut Known<'p>) -> Read<'p> {
        let name = passage
            .name
            .rsplit_once('.')
            .map_or(passage.name.as_str(), |(stem, _)| stem);
        let mut heading = self.content(&passage.heading, known);
        heading.extend(self.content(name, known));
        let sentence = |text: &'p str| {
            let mut said = self.content(text, known);
            let pairs = self.pairs.iter().filter(|(first, second)| {
                let is =
                    |word: usize, stem: &Rc<str>| self.words[word].iter().any(|s| **s == **stem);
                said.windows(2)
                    .any(|two| is(*first, &two[0]) && is(*second, &two[1]))
            });
            let pairs = pairs.count();
            said.extend(months(text).map(|month| Rc::from(self.stems.of(month))));
            let first = words(text).next().map(folded).unwrap_or_default();
            Sentence {
                text,
                words: said.len(),
                has: self.has(&said),
                pairs,
                goes_on: GOES_ON.contains(&first.as_str()),
            }
        };
        Read {
            sentences: joined_labels(&passage.text)
                .into_iter()
                .map(sentence)
                .collect(),
            heading: self.has(&heading),
        }
    }

    /// The stems of the content words of a text; a word that was seen before is not stemmed again.
    fn content<'p>(&self, text: &'p str, known: &mut Known<'p>) -> Vec<Rc<str>> {
        let stem = |word: &'p str| {
            let stem = known.entry(word).or_insert_with(|| {
                let folded = folded(word);
                (!is_function_word(&folded)).then(|| Rc::from(self.stems.of(&folded)))
            });
            stem.clone()
        };
        words(text).filter_map(stem).collect()
    }
}

impl Read<'_> {
    /// How well a word is found at a sentence, and how well in it.
    pub(super) fn found(&self, word: usize, place: usize) -> (f64, f64) {
        let in_sentence = IN_SENTENCE * self.sentences[place].has[word];
        let mut found = in_sentence.max(IN_HEADING * self.heading[word]);
        for (other, sentence) in self.sentences.iter().enumerate() {
            let beside = other.abs_diff(place) == 1;
            found = found.max(sentence.has[word] * if beside { BESIDE } else { IN_PASSAGE });
        }
        (found, in_sentence)
    }
    /// Whether a sentence has a word, or what it stands under, or what it goes on from.
    pub(super) fn is_near(&self, word: usize, place: usize) -> bool {
        let sentence = &self.sentences[place];
        let before = place.checked_sub(1).filter(|_| sentence.goes_on);
        sentence.has[word] > 0.0
            || self.heading[word] > 0.0
            || before.is_some_and(|before| self.sentences[before].has[word] > 0.0)
    }
}

/// Sentences; one that ends with a colon says nothing without the next.
fn joined_labels(text: &str) -> Vec<&str> {
    let mut joined: Vec<&str> = Vec::new();
    let mut label: Option<usize> = None;
    for sentence in sentences(text) {
        // Each is a piece of `text`.
        let start = sentence.as_ptr() as usize - text.as_ptr() as usize;
        let from = label.take().unwrap_or(start);
        if sentence.ends_with(':') && start + sentence.len() < text.trim_end().len() {
            label = Some(from);
            continue;
        }
        joined.push(&text[from..start + sentence.len()]);
    }
    joined
}

fn alike_any(stems: &[String], other: &str) -> f64 {
    stems
        .iter()
        .map(|stem| alike(stem, other))
        .fold(0.0, f64::max)
}

fn alike(a: &str, b: &str) -> f64 {
    if a == b {
        return 1.0;
    }
    if a.as_bytes().first() != b.as_bytes().first() {
        return 0.0;
    }
    let common = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let longer = a.chars().count().max(b.chars().count());
    let enough = common >= ALIKE_LETTERS && common as f64 >= ALIKE_SHARE * longer as f64;
    if enough { ALIKE } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_quoted_with_what_it_announces() {
        let text = "In winter: Snow chains are required. \nBring:\na torch\n\nEnd:";
        assert_eq!(
            joined_labels(text),
            [
                "In winter: Snow chains are required.",
                "Bring:\na torch",
                "End:"
            ]
        );
    }
    #[test]
    fn words_that_begin_alike_match_a_little() {
        assert!(alike("telescop", "telescope") > 0.0);
        assert_eq!(
            (
                alike("ticket", "ticket"),
                alike("tick", "ticket"),
                alike("comet", "comedi")
            ),
            (1.0, 0.0, 0.0)
        );
    }
}
