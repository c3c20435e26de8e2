//! What a question asks for besides its words: a number of things, or a measure.
use answers::understand::{Understood, measures};
use answers::words::{Stems, folded, is_function_word, words};

/// Words of one measure, which no stemmer knows to be one family: of each, the adjective comes first.
const MEASURES: &[&[&str]] = &[
    &["big", "biggest", "size"],
    &["deep", "deepest", "depth"],
    &["fast", "fastest", "speed"],
    &["heavy", "heaviest", "weigh", "weight"],
    &["high", "highest", "height"],
    &["large", "largest", "size"],
    &["old", "oldest", "age"],
    &["tall", "tallest", "height"],
    &["wide", "widest", "width"],
];

/// What asks how many there are of the word that follows.
const HOW_MANY: &[&[&str]] = &[
    &["how", "many"],
    &["wie", "viele"],
    &["combien", "de"],
    &["cuantos"],
    &["cuantas"],
];

/// Numbers that are written as words in English.
const NUMBERS: &[&str] = &[
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
    "hundred",
    "thousand",
];
/// Words that may stand between a number and what it counts: "two big red doors".
const BETWEEN: usize = 2;

/// The stems that say the same as a measure that the question asks for ("how heavy": weigh, weight); empty for any
/// other word. A measure in a family is asked for in earnest: nothing answers that does not speak of it.
pub(super) fn family(stem: &str, question: &str, stems: &Stems) -> Vec<String> {
    let asked = measures(question)
        .map(folded)
        .find(|word| stems.of(word) == stem);
    let family = MEASURES
        .iter()
        .find(|family| Some(family[0]) == asked.as_deref());
    family.map_or(vec![], |family| {
        family.iter().map(|word| stems.of(word)).collect()
    })
}

/// The stem of what is to be counted: "how many people".
pub(super) fn counted(question: &str, asked: &Understood, stems: &Stems) -> Option<String> {
    let spoken: Vec<String> = words(question).map(folded).collect();
    let after = |how: &&[&str]| {
        let at = spoken
            .windows(how.len())
            .position(|window| *window == **how)?;
        let rest = spoken[at + how.len()..].iter();
        let first = rest.map(|word| stems.of(word)).take(BETWEEN + 1);
        first
            .into_iter()
            .find(|stem| asked.terms.iter().any(|term| term.stem == *stem))
    };
    HOW_MANY.iter().find_map(after)
}

/// Whether a sentence says a number of what is counted.
pub(super) fn counts(sentence: &str, counted: &str, stems: &Stems) -> bool {
    let mut since: Option<usize> = None;
    for word in words(sentence).map(folded) {
        let number =
            word.starts_with(|c: char| c.is_ascii_digit()) || NUMBERS.contains(&word.as_str());
        if since.is_some() && stems.of(&word) == counted {
            return true;
        }
        since = match since {
            _ if number => Some(0),
            Some(passed) if passed < BETWEEN && !is_function_word(&word) => Some(passed + 1),
            _ => None,
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use answers::understand::understand;

    #[test]
    fn a_number_counts_what_follows_it() {
        let stems = Stems::default();
        for (sentence, wanted) in [
            ("The hall holds 30 people.", true),
            ("Two big red doors for twelve people", true),
            ("People pay 30 euros.", false),
            ("30 euros, and people are happy", false),
            ("The people of 1931", false),
        ] {
            assert_eq!(
                counts(sentence, &stems.of("people"), &stems),
                wanted,
                "{sentence}"
            );
        }
    }
    #[test]
    fn what_is_counted_follows_how_many() {
        let stems = Stems::default();
        for (question, wanted) in [
            ("How many people fit in?", Some("people")),
            ("And how many of the moons are there?", Some("moons")),
            ("Wie viele Türen gibt es?", Some("turen")),
            ("How much is it for people?", None),
        ] {
            let found = counted(question, &understand(question, &[]), &stems);
            assert_eq!(found, wanted.map(|word| stems.of(word)), "{question}");
        }
    }
    #[test]
    fn a_measure_is_said_by_any_word_of_its_family() {
        let stems = Stems::default();
        let heavy = stems.of("heavy");
        assert!(family(&heavy, "How heavy is it?", &stems).contains(&stems.of("weighs")));
        for other in [
            "Is the heavy door open?",
            "How often is the heavy door open?",
        ] {
            assert!(family(&heavy, other, &stems).is_empty(), "{other}");
        }
    }
}
