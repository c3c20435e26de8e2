//! How well each sentence of the passages answers a question.
use super::asked::family;
use super::dates::months;
use super::sought::{Sought, asks_a_price, by_yes_or_no, is_mood, sought};
use answers::prompt::{Passage, Prompt};
use answers::understand::Term;
use answers::words::{Stems, folded, is_function_word, sentences, words};
use std::collections::HashMap;
use std::rc::Rc;

/// Stems of words that were seen, as they were written; none of a function word.
type Known<'a> = HashMap<&'a str, Option<Rc<str>>>;

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

/// What the question's mood ("allowed") weighs against a thing.
const MOOD: f64 = 0.4;
/// So much of the things that are asked about must a sentence name, by weight.
const NAMED: f64 = 0.5;
/// So many where the answer is yes or no: of two both, of three two.
const NAMED_FOR_YES_OR_NO: f64 = 0.66;

/// How a sentence begins that speaks of what the one before speaks of.
const GOES_ON: &[&str] = &[
    "he", "her", "his", "it", "its", "she", "that", "their", "there", "these", "they", "this",
    "those", "er", "es", "sie", "elle", "il", "ils",
];

/// What "how many" weighs, beside the words.
const A_NUMBER: f64 = 1.0;

// What makes one of two sentences with the same words the better answer.
const HAS_NUMBER: f64 = 0.08;
const CLOSE_TOGETHER: f64 = 0.06;
const SIDE_BY_SIDE: f64 = 0.06;
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

/// A passage, as far as the question goes.
struct Read<'a> {
    sentences: Vec<Sentence<'a>>,
    /// How well the headings, with the document's name, have each word.
    heading: Vec<f64>,
}

struct Sentence<'a> {
    text: &'a str,
    /// Content words in it.
    words: usize,
    /// How well it has each word.
    has: Vec<f64>,
    /// How many words that stand side by side in the question do so here.
    pairs: usize,
    /// Whether it speaks of what the sentence before speaks of: "It bears the number 2871".
    goes_on: bool,
}

/// What a sentence is asked to say: a word of the question, by any stem that says the same.
struct Wanted {
    weight: f64,
    /// Whether it is a word of the question itself.
    essential: bool,
    /// A thing that is asked about, and neither a measure of it nor the question's mood.
    thing: bool,
    /// Whether it is a measure that nothing answers which does not speak of it.
    measure: bool,
    /// Whether an answer of the kind that is asked for says it by being one.
    given: bool,
    /// Whether any passage has it.
    somewhere: bool,
}

/// A question, taken apart once for all sentences.
struct Question<'a> {
    prompt: &'a Prompt,
    stems: Stems,
    /// The stems that say each of the words.
    words: Vec<Vec<String>>,
    /// The places in `words` that stand side by side.
    pairs: Vec<(usize, usize)>,
}

/// The sentences that have a word of the question, or begin below a heading that has one, best first.
pub(super) fn ranked(prompt: &Prompt) -> Vec<Scored<'_>> {
    let question = Question::of(prompt);
    let mut known = HashMap::new();
    let read: Vec<Read<'_>> = prompt
        .passages
        .iter()
        .map(|passage| question.read(passage, &mut known))
        .collect();
    let sought = sought(&prompt.question, &prompt.asked, &question.stems);
    let wanted = question.wanted(&read, &sought);
    let counting = matches!(sought, Sought::Count(_));
    let total =
        wanted.iter().map(|w| w.weight).sum::<f64>() + if counting { A_NUMBER } else { 0.0 };
    let wants_number = wants_number(&prompt.question);
    let yes_or_no = by_yes_or_no(&prompt.question);
    let mut ranked = Vec::new();
    for (passage, read) in read.iter().enumerate() {
        for (place, sentence) in read.sentences.iter().enumerate() {
            let (mut covered, mut said, mut here, mut essential) = (0.0, 0.0, 0, false);
            let mut near = Vec::with_capacity(wanted.len());
            for (word, wanted) in wanted.iter().enumerate() {
                let (found, in_sentence) = if wanted.given {
                    (IN_SENTENCE, IN_SENTENCE)
                } else {
                    read.found(word, place)
                };
                covered += wanted.weight * found;
                said += wanted.weight * in_sentence;
                here += usize::from(in_sentence > 0.0);
                essential |= wanted.essential && !wanted.given && found >= IN_HEADING * ALIKE;
                near.push(read.is_near(word, place));
            }
            // Below a heading that says it all, the first sentence need not repeat it.
            if !essential || (here == 0 && place > 0) {
                continue;
            }
            if !names(&wanted, &near, yes_or_no) || !sought.is_given(sentence.text, &question.stems)
            {
                continue;
            }
            if counting {
                covered += A_NUMBER;
                said += A_NUMBER;
            }
            let coverage = covered / total;
            let number = wants_number && sentence.text.contains(|c: char| c.is_ascii_digit());
            let pairs = question.pairs.len().max(1) as f64;
            let score = coverage
                + if number { HAS_NUMBER } else { 0.0 }
                + CLOSE_TOGETHER * here as f64 / (sentence.words.max(here).max(1) as f64)
                + SIDE_BY_SIDE * sentence.pairs as f64 / pairs
                + FOUND_FIRST / (1 + passage) as f64;
            ranked.push(Scored {
                text: sentence.text,
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

/// Whether a sentence, with its heading, speaks of what is asked about: of the rarest of the things for sure, and of
/// most of the others. What no passage names may be said in other words where the answer is a thing; yes or no is said
/// of the very things that are asked about.
fn names(wanted: &[Wanted], near: &[bool], yes_or_no: bool) -> bool {
    let measured = |(wanted, near): (&Wanted, &bool)| !wanted.measure || *near;
    if !wanted.iter().zip(near).all(measured) {
        return false;
    }
    let things = || {
        wanted
            .iter()
            .zip(near)
            .filter(|(wanted, _)| wanted.thing && (yes_or_no || wanted.somewhere))
    };
    let rarest = things().map(|(w, _)| w.weight).fold(0.0, f64::max);
    let rarest_named = things().any(|(wanted, near)| *near && wanted.weight >= rarest - 1e-9);
    let (enough, counts): (f64, fn(&Wanted) -> f64) = if yes_or_no {
        (NAMED_FOR_YES_OR_NO, |_| 1.0)
    } else {
        (NAMED, |wanted| wanted.weight)
    };
    let all: f64 = things().map(|(wanted, _)| counts(wanted)).sum();
    let named = things().filter(|(_, near)| **near);
    let named: f64 = named.map(|(wanted, _)| counts(wanted)).sum();
    all == 0.0 || (rarest_named && named >= enough * all)
}

impl<'a> Question<'a> {
    fn of(prompt: &'a Prompt) -> Self {
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

    fn read<'p>(&self, passage: &'p Passage, known: &mut Known<'p>) -> Read<'p> {
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

    fn wanted(&self, read: &[Read<'_>], sought: &Sought) -> Vec<Wanted> {
        let terms = self.prompt.asked.terms.iter().enumerate();
        terms
            .map(|(word, term)| {
                let mut essential = self.prompt.asked.essential();
                let essential = essential.any(|essential| essential.stem == term.stem);
                let (mood, measure) = (is_mood(&term.word), self.words[word].len() > 1);
                let given = *sought == Sought::Price && asks_a_price(&term.word);
                let (rarity, somewhere) = rarity(word, read);
                Wanted {
                    weight: weight(
                        term,
                        rarity.min(if given { 1.0 } else { NOWHERE }),
                        mood,
                        measure,
                    ),
                    essential,
                    thing: essential && !mood && !measure && !given,
                    given,
                    measure,
                    somewhere,
                }
            })
            .collect()
    }
}

/// What a word of the question weighs. One that it only refers to need not be there; nor need a measure that is said by
/// its unit ("how often"), unless its family is known; nor what is said in many ways.
fn weight(term: &Term, rarity: f64, mood: bool, measure: bool) -> f64 {
    if mood {
        MOOD * rarity.min(1.0)
    } else if term.weight >= 1.0 || measure {
        rarity
    } else {
        term.weight * rarity.min(1.0)
    }
}

/// How much a word tells passages apart, and whether any has it.
fn rarity(word: usize, read: &[Read<'_>]) -> (f64, bool) {
    let has = |read: &&Read<'_>| {
        let mut sentences = read.sentences.iter();
        read.heading[word] > 0.0 || sentences.any(|sentence| sentence.has[word] > 0.0)
    };
    let with = read.iter().filter(has).count();
    if with == 0 {
        return (NOWHERE, false);
    }
    let all = read.len().max(AT_LEAST);
    let told_apart = 1.0 - with as f64 / (all + 1) as f64;
    (EVERYWHERE + (1.0 - EVERYWHERE) * told_apart, true)
}

impl Read<'_> {
    /// How well a word is found at a sentence, and how well in it.
    fn found(&self, word: usize, place: usize) -> (f64, f64) {
        let in_sentence = IN_SENTENCE * self.sentences[place].has[word];
        let mut found = in_sentence.max(IN_HEADING * self.heading[word]);
        for (other, sentence) in self.sentences.iter().enumerate() {
            let beside = other.abs_diff(place) == 1;
            found = found.max(sentence.has[word] * if beside { BESIDE } else { IN_PASSAGE });
        }
        (found, in_sentence)
    }
    /// Whether a sentence has a word, or what it stands under, or what it goes on from.
    fn is_near(&self, word: usize, place: usize) -> bool {
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
