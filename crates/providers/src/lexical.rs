//! An embedder without a network: texts that share words, or parts of words, have similar vectors.
use answers::words::{Stems, folded, is_function_word, words};
use runtime::BoxFuture;
use runtime::ports::providers::{Embedder, ModelError};
use std::collections::BTreeMap;

/// Changes whenever the vectors of a text change: an index belongs to one model.
const MODEL: &str = "troupe-lexical-1";
/// Numbers of a vector: 10,000 passages of it are searched exactly in less than a millisecond.
const DIMENSIONS: usize = 384;
/// Two content words side by side count so much against one word.
const PAIR: f32 = 0.5;
/// All parts of a word together count so much against the word: what finds other inflections, compounds and typos.
const PARTS: f32 = 0.8;
/// Characters of a part.
const PART: usize = 4;
/// Longer words are cut, in characters: a line of base64 is no word.
const LONGEST_WORD: usize = 64;

/// Hashes the words of a text, their stems, their parts and their pairs into 384 signed buckets; the rarer a thing is in
/// the text the more each of it counts; unit length. The same text has the same vector, on every machine, for ever.
#[derive(Clone, Copy, Debug, Default)]
pub struct LexicalEmbedder;

impl LexicalEmbedder {
    /// The vector of a text.
    pub fn vector(&self, text: &str) -> Vec<f32> {
        let stems = Stems::default();
        let mut features: BTreeMap<u64, (f32, f32)> = BTreeMap::new();
        let mut count = |kind: &str, feature: &str, weight: f32| {
            let entry = features.entry(hash(kind, feature)).or_insert((0.0, weight));
            entry.0 += 1.0;
        };
        let mut before: Option<String> = None;
        for word in words(text) {
            let word: String = folded(word).chars().take(LONGEST_WORD).collect();
            if is_function_word(&word) {
                continue;
            }
            let stem = stems.by_rule(&word);
            count("word", &stem, 1.0);
            let parts = parts(&word);
            // Divided by the root: as many parts as a long word has would else drown the short ones.
            let weight = PARTS / (parts.len() as f32).sqrt();
            for part in &parts {
                count("part", part, weight);
            }
            if let Some(before) = &before {
                count("pair", &format!("{before} {stem}"), PAIR);
            }
            before = Some(stem);
        }
        if before.is_none() {
            count("nothing", "", 1.0); // an index takes no vector without a length
        }
        let mut vector = vec![0.0_f32; DIMENSIONS];
        for (hash, (times, weight)) in features {
            let sign = if hash >> 63 == 0 { 1.0 } else { -1.0 };
            vector[(hash % DIMENSIONS as u64) as usize] += sign * weight * (1.0 + times.ln());
        }
        unit(vector)
    }

    fn vectors(&self, texts: &[String]) -> Vec<Vec<f32>> {
        texts.iter().map(|text| self.vector(text)).collect()
    }
}

/// The pieces of `PART` characters of a word with its ends marked; none of a word that has but one.
fn parts(word: &str) -> Vec<String> {
    let marked: Vec<char> = std::iter::once('<')
        .chain(word.chars())
        .chain(std::iter::once('>'))
        .collect();
    if marked.len() <= PART {
        return vec![marked.iter().collect()];
    }
    marked
        .windows(PART)
        .map(|part| part.iter().collect())
        .collect()
}

/// FNV-1a, 64 bits, then a mix: its high bits, which decide the sign, change too little with the last letters.
fn hash(kind: &str, feature: &str) -> u64 {
    let bytes = kind
        .bytes()
        .chain(std::iter::once(0))
        .chain(feature.bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed ^ (mixed >> 33)
}

fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|x| *x /= length);
    } else {
        vector[0] = 1.0; // signs that cancelled each other out
    }
    vector
}

impl Embedder for LexicalEmbedder {
    fn model(&self) -> &str {
        MODEL
    }
    fn dimensions(&self) -> usize {
        DIMENSIONS
    }
    /// It compares words: what shares none is similar by chance only.
    fn similar_from(&self) -> Option<f32> {
        None
    }
    fn embed<'a>(
        &'a self,
        texts: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Vec<f32>>, ModelError>> {
        Box::pin(async move { Ok(self.vectors(texts)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn similarity(a: &str, b: &str) -> f32 {
        let (a, b) = (LexicalEmbedder.vector(a), LexicalEmbedder.vector(b));
        a.iter().zip(&b).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn every_text_has_a_vector_of_unit_length() {
        for text in [
            "",
            "the of and",
            "telescope",
            &"long ".repeat(10_000),
            "望远镜很大。",
            "\u{0}\u{301}",
        ] {
            let vector = LexicalEmbedder.vector(text);
            assert_eq!(vector.len(), DIMENSIONS);
            let length: f32 = vector.iter().map(|x| x * x).sum();
            assert!((length - 1.0).abs() < 1e-4, "{text:.20}: {length}");
        }
    }
    #[test]
    fn a_text_has_the_same_vector_for_ever() {
        let vector =
            LexicalEmbedder.vector("Only red torches are allowed on the observing terrace.");
        let sum: f64 = (1..)
            .zip(&vector)
            .map(|(place, x)| f64::from(place) * f64::from(*x))
            .sum();
        // If this fails, vectors have changed: give the model a new name, or every index finds the wrong things.
        assert!((sum - SUM).abs() < 1e-3, "{sum}");
    }
    const SUM: f64 = -51.509404860436916;
    #[test]
    fn inflections_compounds_and_typos_are_nearer_than_other_words() {
        let other = similarity("The telescope", "A swimming pool");
        assert!(other.abs() < 0.1, "{other}");
        for (a, b) in [
            ("torches are allowed", "an allowed torch"),
            ("Öffnungszeiten", "die Öffnungszeit"),
            ("telescop", "telescopes"),
            ("Teleskopkuppel", "Kuppel"),
        ] {
            assert!(similarity(a, b) > 0.15, "{a}, {b}: {}", similarity(a, b));
        }
        assert!(
            (similarity("What is it?", "") - 1.0).abs() < 1e-6,
            "neither says anything"
        );
    }
}
