//! Which passages say anything about a question. Where none does, no model is asked: it could only invent.
//!
//! This gate is wide on purpose. A passage passes that shares a content word with the question, or that an embedder which
//! understands meaning holds for similar. Whether it holds the answer is for the model to say, which cites it or does not.
use crate::prompt::Passage;
use crate::understand::Understood;
use crate::words::Stems;
use runtime::ports::search::Hit;
use std::collections::BTreeSet;

/// Passages that a model is given at most.
const MAX_PASSAGES: usize = 10;
/// Characters of passages that a model is given at most: a third of the smallest context that we serve.
const MAX_CHARACTERS: usize = 12_000;

/// The passages that say anything about the question, best first; `similar_from` is the embedder's.
pub fn relevant(hits: Vec<Hit>, asked: &Understood, similar_from: Option<f32>) -> Vec<Passage> {
    let stems = Stems::default();
    let essential: BTreeSet<&str> = asked.essential().map(|term| term.stem.as_str()).collect();
    let mut left = MAX_CHARACTERS;
    let mut passages = Vec::new();
    for hit in hits {
        let similar = similar_from.is_some_and(|from| hit.similarity >= from);
        if !similar && !shares_a_word(&stems, &essential, &hit) {
            continue;
        }
        let characters = hit.text.chars().count();
        if passages.len() == MAX_PASSAGES || characters > left {
            break;
        }
        left -= characters;
        passages.push(Passage {
            document: hit.document,
            name: hit.name,
            page: hit.page,
            heading: hit.heading,
            text: hit.text,
            score: hit.score,
        });
    }
    passages
}

fn shares_a_word(stems: &Stems, essential: &BTreeSet<&str>, hit: &Hit) -> bool {
    // Most that pass do so within a few words: the rest is not stemmed.
    let found = |text: &str| {
        stems
            .stream(text)
            .any(|stem| essential.contains(stem.as_str()))
    };
    found(&hit.text) || found(&hit.heading) || found(&hit.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::understand::understand;

    fn hit(text: &str, similarity: f32) -> Hit {
        Hit {
            document: "d".into(),
            name: "n".into(),
            revision: "r".into(),
            ordinal: 0,
            text: text.into(),
            heading: String::new(),
            page: None,
            score: 0.0,
            text_rank: None,
            similarity,
        }
    }
    fn texts(question: &str, hits: Vec<Hit>, similar_from: Option<f32>) -> Vec<String> {
        let asked = understand(question, &[]);
        relevant(hits, &asked, similar_from)
            .into_iter()
            .map(|passage| passage.text)
            .collect()
    }

    #[test]
    fn a_passage_that_shares_function_words_only_is_not_relevant() {
        let hits = vec![
            hit("What is on the table?", 0.9),
            hit("The saunas are hot.", 0.0),
        ];
        assert_eq!(
            texts("Is there a sauna on the hill?", hits, None),
            ["The saunas are hot."]
        );
    }
    #[test]
    fn an_embedder_that_understands_meaning_may_find_other_words() {
        let hits = || {
            vec![
                hit("Fees are waived for pupils.", 0.6),
                hit("It rains.", 0.1),
            ]
        };
        assert_eq!(
            texts("What do schoolchildren pay?", hits(), Some(0.4)),
            ["Fees are waived for pupils."]
        );
        assert!(texts("What do schoolchildren pay?", hits(), None).is_empty());
    }
    #[test]
    fn what_a_model_is_given_is_bounded() {
        let long = format!("sauna {}", "x".repeat(5_000));
        assert_eq!(texts("sauna", vec![hit(&long, 0.0); 5], None).len(), 2);
        assert_eq!(
            texts("sauna", vec![hit("sauna", 0.0); 50], None).len(),
            MAX_PASSAGES
        );
    }
}
