//! How well each sentence of the passages answers a question.
use super::reading::{ALIKE, IN_HEADING, IN_SENTENCE, Question, Read};
use super::sought::{Sought, asks_a_price, by_yes_or_no, is_mood, sought};
use answers::prompt::Prompt;
use answers::understand::Term;
use answers::words::{folded, words};
use std::collections::HashMap;

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

/// What "how many" weighs, beside the words.
const A_NUMBER: f64 = 1.0;

// What makes one of two sentences with the same words the better answer.
const HAS_NUMBER: f64 = 0.08;
const CLOSE_TOGETHER: f64 = 0.06;
const SIDE_BY_SIDE: f64 = 0.1;
const FOUND_FIRST: f64 = 0.04;

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
    let wanted = wanted(&question, &read, &sought);
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

/// What the sentences are asked to say.
fn wanted(question: &Question<'_>, read: &[Read<'_>], sought: &Sought) -> Vec<Wanted> {
    let asked = &question.prompt.asked;
    let of = |(word, term): (usize, &Term)| {
        let essential = asked
            .essential()
            .any(|essential| essential.stem == term.stem);
        let (mood, measure) = (is_mood(&term.word), question.is_measure(word));
        let given = *sought == Sought::Price && asks_a_price(&term.word);
        let (rarity, somewhere) = rarity(word, read);
        let rarity = rarity.min(if given { 1.0 } else { NOWHERE });
        Wanted {
            weight: weight(term, rarity, mood, measure),
            essential,
            thing: essential && !mood && !measure && !given,
            measure,
            given,
            somewhere,
        }
    };
    asked.terms.iter().enumerate().map(of).collect()
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
    fn questions_for_numbers_are_known() {
        assert!(wants_number("How much is it?") && wants_number("Wann beginnt es?"));
        assert!(!wants_number("Where is it? Whenever."));
    }
}
