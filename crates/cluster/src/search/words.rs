//! Words, and the weights that BM25 gives them: what of it a passage alone decides. The rest, the inverse document
//! frequency, is Qdrant's.
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// More words of a query than this are not looked for.
const MOST: usize = 32;

/// A word in a heading counts as often as so many in the text.
const HEADING: f32 = 2.0;

/// BM25's constants, as everybody has them.
const K1: f32 = 1.2;
const B: f32 = 0.75;

/// A sparse vector: the numbers of words, rising, and a weight for each.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Weights {
    pub(super) words: Vec<u32>,
    pub(super) weights: Vec<f32>,
}

impl Weights {
    fn of(weights: BTreeMap<u32, f32>) -> Self {
        let (words, weights) = weights.into_iter().unzip();
        Self { words, weights }
    }
}

/// The words of a text: letters and digits, in lower case, without accents.
fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric() && !is_combining_mark(c))
        .map(|word| {
            let plain = word.nfd().filter(|c| !is_combining_mark(*c));
            plain.flat_map(char::to_lowercase).collect::<String>()
        })
        .filter(|word| !word.is_empty())
}

/// The number of a word. Of a million words two in ten thousand share one; they are then the same word.
fn number(word: &str) -> u32 {
    let digest = Sha256::digest(word.as_bytes());
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

/// What a passage weighs; its length counts against `average` words.
pub(super) fn of_passage(heading: &str, text: &str, average: u32) -> Weights {
    let (mut counts, mut length) = (BTreeMap::<u32, f32>::new(), 0.0f32);
    for (part, weight) in [(heading, HEADING), (text, 1.0)] {
        for word in words(part) {
            *counts.entry(number(&word)).or_default() += weight;
            length += 1.0;
        }
    }
    let norm = K1 * (1.0 - B + B * length / average.max(1) as f32);
    for count in counts.values_mut() {
        *count = *count * (K1 + 1.0) / (*count + norm);
    }
    Weights::of(counts)
}

/// What is looked for: each word once. `None` if there is no word.
pub(super) fn of_query(text: &str) -> Option<Weights> {
    let mut different = BTreeSet::new();
    for word in words(text) {
        if different.len() >= MOST {
            break;
        }
        different.insert(number(&word));
    }
    let weights = different.into_iter().map(|word| (word, 1.0)).collect();
    Some(Weights::of(weights)).filter(|weights| !weights.words.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<String> {
        words(text).collect()
    }

    #[test]
    fn words_are_the_same_however_they_are_written() {
        assert_eq!(list("Déjà_vu, ÉCOLE 42!"), ["deja", "vu", "ecole", "42"]);
        assert_eq!(list("e\u{301}cole"), ["ecole"], "an accent of its own");
        assert_eq!(list("🦓 zebra\u{0}horse"), ["zebra", "horse"]);
        assert_eq!(list("?! \"*\""), Vec::<String>::new());
    }

    #[test]
    fn a_word_more_often_weighs_more_and_in_a_long_passage_less() {
        let weight = |text: &str| {
            let weights = of_passage("", text, 10);
            let at = weights.words.binary_search(&number("zebra"));
            weights.weights[at.expect("it has the word")]
        };
        assert!(weight("zebra zebra") > weight("zebra horse"));
        assert!(weight("zebra") > weight(&format!("zebra {}", "horse ".repeat(20))));
        // tf * (k1 + 1) / (tf + k1 * (1 - b + b * length / average)) with tf 1, length 10.
        let average = weight("zebra a b c d e f g h i");
        assert!((average - 1.0).abs() < 1e-6, "{average}");
        let heading = of_passage("zebra", "a b c d e f g h i", 10);
        let at = heading
            .words
            .binary_search(&number("zebra"))
            .expect("it is there");
        assert!(
            (heading.weights[at] - 2.0 * 2.2 / 3.2).abs() < 1e-6,
            "headings count double"
        );
    }

    #[test]
    fn a_query_looks_for_each_word_once() {
        let asked = of_query("Zebra zebra horse").expect("words");
        assert_eq!((asked.words.len(), asked.weights), (2, vec![1.0, 1.0]));
        assert!(asked.words.is_sorted());
        assert_eq!(of_query(" ?! 🦓"), None);
        let many: String = (0..100).map(|n| format!("word{n} ")).collect();
        assert_eq!(of_query(&many).map(|asked| asked.words.len()), Some(MOST));
    }

    /// Stored words are found by these numbers: they may not change.
    #[test]
    fn numbers_stay_as_they_are() {
        assert_eq!(
            [number("zebra"), number("horse")],
            [1_735_178_064, 4_251_092_523]
        );
    }
}
