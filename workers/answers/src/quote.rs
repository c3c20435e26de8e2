//! The words of a passage that a sentence of an answer rests on.
use crate::words::{Stems, sentences};
use std::collections::BTreeSet;

/// The longest quote, in characters.
const MAX_QUOTE: usize = 600;

/// The sentence of `passage` that supports `claim` best: the one that is quoted in it, else the one that shares most of
/// its words.
pub fn supporting<'a>(passage: &'a str, claim: &str) -> &'a str {
    let sentences = sentences(passage);
    // The longest first: "Yes." may be quoted in many.
    let quoted = sentences
        .iter()
        .filter(|sentence| claim.contains(**sentence))
        .max_by_key(|sentence| sentence.len());
    if let Some(quoted) = quoted {
        return clipped(quoted);
    }
    let stems = Stems::default();
    let claimed: BTreeSet<String> = stems.content(claim).into_iter().collect();
    let mut best: (f64, &str) = (-1.0, passage.trim());
    for sentence in sentences {
        let said: BTreeSet<String> = stems.content(sentence).into_iter().collect();
        let shared = said.intersection(&claimed).count() as f64;
        // Long sentences share more by chance.
        let score = shared / (4.0 + said.len() as f64);
        if score > best.0 {
            best = (score, sentence);
        }
    }
    clipped(best.1)
}

fn clipped(text: &str) -> &str {
    text.char_indices()
        .nth(MAX_QUOTE)
        .map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    const PASSAGE: &str =
        "The desk lends torches. Only red torches are allowed on the terrace. Lasers blind pilots.";

    #[test]
    fn a_sentence_that_is_quoted_supports_itself() {
        assert_eq!(
            supporting(PASSAGE, "It says: Lasers blind pilots."),
            "Lasers blind pilots."
        );
    }
    #[test]
    fn a_sentence_in_other_words_is_supported_by_the_one_that_shares_most() {
        let claim = "You may take a red torch to the terrace";
        assert_eq!(
            supporting(PASSAGE, claim),
            "Only red torches are allowed on the terrace."
        );
    }
    #[test]
    fn a_quote_is_bounded() {
        assert_eq!(
            supporting(&"é".repeat(5_000), "x").chars().count(),
            MAX_QUOTE
        );
    }
}
