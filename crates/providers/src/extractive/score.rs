//! How well each sentence of the passages answers a question.
use super::asked::{counted, counts, family};
use super::dates::months;
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

/// What "how many" weighs, beside the words.
const A_NUMBER: f64 = 1.0;

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

/// What a sentence is asked to say: a word of the question, by any stem that says the same.
struct Wanted {
    stems: Vec<String>,
    weight: f64,
    /// Whether it is a word of the question itself.
    essential: bool,
    /// Whether any passage has it.
    somewhere: bool,
}

/// The sentences that have a word of the question, or begin below a heading that has one, best first.
pub(super) fn ranked(prompt: &Prompt) -> Vec<Scored<'_>> {
    let stems = Stems::default();
    let read: Vec<Read<'_>> = prompt
        .passages
        .iter()
        .map(|passage| read(passage, &stems))
        .collect();
    let terms = prompt.asked.terms.iter();
    let wanted: Vec<Wanted> = terms
        .map(|term| wanted(term, prompt, &read, &stems))
        .collect();
    let counted = counted(&prompt.question, &prompt.asked, &stems);
    let words: f64 = wanted.iter().map(|wanted| wanted.weight).sum();
    let total = words + counted.as_ref().map_or(0.0, |_| A_NUMBER);
    let wants_number = wants_number(&prompt.question);
    let mut ranked = Vec::new();
    for (passage, read) in read.iter().enumerate() {
        for (place, (text, own)) in read.sentences.iter().enumerate() {
            let (mut covered, mut said, mut here, mut essential) = (0.0, 0.0, 0, false);
            let mut all_near = true;
            for wanted in &wanted {
                let (found, in_sentence) = found(&wanted.stems, read, place);
                covered += wanted.weight * found;
                said += wanted.weight * in_sentence;
                here += usize::from(in_sentence > 0.0);
                let near = found >= IN_HEADING * ALIKE;
                essential |= wanted.essential && near;
                all_near &= near || !wanted.essential || !wanted.somewhere;
            }
            // Below a heading that says it all, the first sentence need not repeat it.
            if !essential || (here == 0 && place > 0) {
                continue;
            }
            // A number answers "how many" if it counts the thing, of that of which it is asked.
            let counted = counted.as_ref().filter(|_| all_near);
            if counted.is_some_and(|counted| counts(text, counted, &stems)) {
                covered += A_NUMBER;
                said += A_NUMBER;
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
    let said = |text| {
        let mut said = stems.content(text);
        said.extend(months(text).map(|month| stems.of(month)));
        (text, said)
    };
    let pieces = joined_labels(&passage.text).into_iter();
    Read {
        heading,
        sentences: pieces.map(said).collect(),
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

/// What a word of the question weighs. One that it only refers to need not be there; nor need a measure that is said by
/// its unit ("how often"), unless its family is known.
fn wanted(term: &Term, prompt: &Prompt, read: &[Read<'_>], stems: &Stems) -> Wanted {
    let family = family(&term.stem, &prompt.question, stems);
    let in_earnest = term.weight >= 1.0 || !family.is_empty();
    let mut essential = prompt.asked.essential();
    let essential = essential.any(|essential| essential.stem == term.stem);
    let mut stems = family;
    stems.push(term.stem.clone());
    let (rarity, somewhere) = rarity(&stems, read);
    let weight = if in_earnest {
        rarity
    } else {
        term.weight * rarity.min(1.0)
    };
    Wanted {
        stems,
        weight,
        essential,
        somewhere,
    }
}

/// How much a word tells passages apart, and whether any has it.
fn rarity(stems: &[String], read: &[Read<'_>]) -> (f64, bool) {
    let has = |read: &&Read<'_>| {
        let own = read.sentences.iter().flat_map(|(_, stems)| stems);
        own.chain(&read.heading)
            .any(|other| alike_any(stems, other) > 0.0)
    };
    let with = read.iter().filter(has).count();
    if with == 0 {
        return (NOWHERE, false);
    }
    let all = read.len().max(AT_LEAST);
    let told_apart = 1.0 - with as f64 / (all + 1) as f64;
    (EVERYWHERE + (1.0 - EVERYWHERE) * told_apart, true)
}

/// How well a word is found at a sentence, and how well in it.
fn found(stems: &[String], read: &Read<'_>, place: usize) -> (f64, f64) {
    let best = |others: &[String]| {
        others
            .iter()
            .map(|other| alike_any(stems, other))
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
