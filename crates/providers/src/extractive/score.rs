//! How well each sentence of the passages answers a question.
use answers::prompt::{Passage, Prompt};
use answers::understand::Term;
use answers::words::{Stems, folded, sentences, words};

// What finding a word of the question counts, by where it is found.
const IN_SENTENCE: f64 = 1.0;
const IN_HEADING: f64 = 0.7;
const BESIDE: f64 = 0.5;
const IN_PASSAGE: f64 = 0.3;

/// A word that none of the passages has weighs more than any that one has: what is asked is probably not there.
const NOWHERE: f64 = 1.5;
/// Passages that were not given had none of the words: it is as if there were at least so many.
const AT_LEAST: usize = 10;
/// A word that every passage has weighs so much, one that few have up to 1.
const EVERYWHERE: f64 = 0.35;

// What makes one of two sentences with the same words the better answer.
const HAS_NUMBER: f64 = 0.08;
const CLOSE_TOGETHER: f64 = 0.06;
const FOUND_FIRST: f64 = 0.04;

/// Stems that begin alike count as much of a match: `observ` and `observatori`.
const ALIKE: f64 = 0.7;
/// Letters that they must have in common, at least, and of the longer one.
const ALIKE_LETTERS: usize = 5;
const ALIKE_SHARE: f64 = 0.75;

/// A sentence and how well it answers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scored<'a> {
    /// Word for word.
    pub text: &'a str,
    /// Its passage, from 0.
    pub passage: usize,
    /// How much of the question it covers, by weight, 0 to 1.
    pub coverage: f64,
    /// How much of it in its own words, without what stands around it.
    pub said: f64,
    /// For the order.
    pub score: f64,
}

struct Read<'a> {
    heading: Vec<String>,
    sentences: Vec<(&'a str, Vec<String>)>,
}

/// The sentences that have a word of the question, or begin below a heading that has one, best first.
pub(super) fn ranked(prompt: &Prompt) -> Vec<Scored<'_>> {
    let stems = Stems::default();
    let read: Vec<Read<'_>> = prompt
        .passages
        .iter()
        .map(|passage| read(passage, &stems))
        .collect();
    let weights: Vec<f64> = prompt
        .asked
        .terms
        .iter()
        .map(|term| weight(term, &read))
        .collect();
    let total: f64 = weights.iter().sum();
    let wants_number = wants_number(&prompt.question);
    let mut ranked = Vec::new();
    for (passage, read) in read.iter().enumerate() {
        for (place, (text, own)) in read.sentences.iter().enumerate() {
            let (mut covered, mut said, mut here, mut essential) = (0.0, 0.0, 0, false);
            for (term, weight) in prompt.asked.terms.iter().zip(&weights) {
                let (found, in_sentence) = found(&term.stem, read, place);
                covered += weight * found;
                said += weight * in_sentence;
                here += usize::from(in_sentence > 0.0);
                let essential_term = prompt
                    .asked
                    .essential()
                    .any(|essential| essential.stem == term.stem);
                essential |= essential_term && found >= IN_HEADING * ALIKE;
            }
            // Below a heading that says it all, the first sentence need not repeat it.
            if !essential || (here == 0 && place > 0) {
                continue;
            }
            let coverage = covered / total;
            let number = wants_number && text.contains(|c: char| c.is_ascii_digit());
            let score = coverage
                + if number { HAS_NUMBER } else { 0.0 }
                + CLOSE_TOGETHER * here as f64 / (own.len().max(here) as f64)
                + FOUND_FIRST / (1 + passage) as f64;
            ranked.push(Scored {
                text,
                passage,
                coverage,
                said: said / total,
                score,
            });
        }
    }
    // Stable: of equals, the one that was found first.
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score));
    ranked
}

fn read<'a>(passage: &'a Passage, stems: &Stems) -> Read<'a> {
    let name = passage
        .name
        .rsplit_once('.')
        .map_or(passage.name.as_str(), |(stem, _)| stem);
    let mut heading = stems.content(&passage.heading);
    heading.extend(stems.content(name));
    let pieces = joined_labels(&passage.text).into_iter();
    Read {
        heading,
        sentences: pieces.map(|text| (text, stems.content(text))).collect(),
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

/// What a word of the question weighs. One that it only refers to, or a measure ("how heavy"), need not be there.
fn weight(term: &Term, read: &[Read<'_>]) -> f64 {
    let rarity = rarity(&term.stem, read);
    if term.weight < 1.0 {
        term.weight * rarity.min(1.0)
    } else {
        rarity
    }
}

/// How much a word tells passages apart.
fn rarity(stem: &str, read: &[Read<'_>]) -> f64 {
    let has = |read: &&Read<'_>| {
        let own = read.sentences.iter().flat_map(|(_, stems)| stems);
        own.chain(&read.heading)
            .any(|other| alike(stem, other) > 0.0)
    };
    let with = read.iter().filter(has).count();
    if with == 0 {
        return NOWHERE;
    }
    let all = read.len().max(AT_LEAST);
    EVERYWHERE + (1.0 - EVERYWHERE) * (1.0 - with as f64 / (all + 1) as f64)
}

/// How well a word is found at a sentence, and how well in it.
fn found(stem: &str, read: &Read<'_>, place: usize) -> (f64, f64) {
    let best = |stems: &[String]| {
        stems
            .iter()
            .map(|other| alike(stem, other))
            .fold(0.0, f64::max)
    };
    let (before, after) = (place.checked_sub(1), place + 1);
    let in_sentence = IN_SENTENCE * best(&read.sentences[place].1);
    let mut found = in_sentence.max(IN_HEADING * best(&read.heading));
    for (other, (_, stems)) in read.sentences.iter().enumerate() {
        let beside = Some(other) == before || other == after;
        found = found.max(best(stems) * if beside { BESIDE } else { IN_PASSAGE });
    }
    (found, in_sentence)
}

fn alike(a: &str, b: &str) -> f64 {
    if a == b {
        return 1.0;
    }
    let common = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let longer = a.chars().count().max(b.chars().count());
    let enough = common >= ALIKE_LETTERS && common as f64 >= ALIKE_SHARE * longer as f64;
    if enough { ALIKE } else { 0.0 }
}

/// What asks for a number, a date, a price.
const NUMBERS: &[&str] = &[
    "how much",
    "how many",
    "how long",
    "how far",
    "how old",
    "how often",
    "how high",
    "how tall",
    "how big",
    "how heavy",
    "how deep",
    "how wide",
    "how fast",
    "when",
    "what time",
    "cost",
    "price",
    "wie viel",
    "wie viele",
    "wie lange",
    "wie weit",
    "wie alt",
    "wie oft",
    "wie hoch",
    "wann",
    "kostet",
    "combien",
    "quand",
    "cuanto",
    "cuando",
];

fn wants_number(question: &str) -> bool {
    let spoken = words(question).map(folded).collect::<Vec<_>>().join(" ");
    let spoken = format!(" {spoken} ");
    NUMBERS
        .iter()
        .any(|asks| spoken.contains(&format!(" {asks} ")))
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
    #[test]
    fn questions_for_numbers_are_known() {
        assert!(wants_number("How much is it?") && wants_number("Wann beginnt es?"));
        assert!(!wants_number("Where is it? Whenever."));
    }
}
