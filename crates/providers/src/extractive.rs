//! An answerer without a network: it quotes the sentences that say most about the question, word for word, or nothing.
mod asked;
mod dates;
mod reading;
mod score;
mod sought;

use answers::ports::{Pieces, Written};
use answers::prompt::Prompt;
use score::{Scored, ranked};

/// What it is called as a provider.
pub const PROVIDER: &str = "offline";
/// What it is called as a model.
pub const MODEL: &str = "extractive-1";

/// A sentence answers if it covers so much of what is asked, by weight: more than the half, so that a question of two
/// words is not answered by a sentence that has one of them and stands far from the other.
const KNOWN: f64 = 0.55;
/// A further sentence is quoted if it says, in its own words, so much of what the best one says.
const NEARLY_AS_GOOD: f64 = 0.85;
/// Sentences, where the chatbot does not say how many.
const SENTENCES: usize = 2;

/// Quotes the best sentences of the passages, each with its citation. It never says anything of its own; where no
/// sentence covers enough of the question it writes nothing, which means that it does not know.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExtractiveAnswerer;

impl ExtractiveAnswerer {
    /// Writes the answer to a prompt.
    pub async fn write(&self, prompt: &Prompt, to: &mut Pieces) -> Written {
        let mut separator = "";
        for sentence in chosen(prompt) {
            to.say(format!("{separator}{}", sentence.text)).await;
            to.cite(sentence.passage).await;
            separator = " ";
        }
        Written {
            model: MODEL.to_owned(),
            provider: PROVIDER.to_owned(),
            usage: Default::default(),
        }
    }
}

fn chosen(prompt: &Prompt) -> Vec<Scored<'_>> {
    let most = if prompt.max_sentences == 0 {
        SENTENCES
    } else {
        prompt.max_sentences
    };
    let ranked = ranked(prompt);
    let Some(best) = ranked.first().filter(|best| best.coverage >= KNOWN) else {
        return Vec::new();
    };
    let enough = (best.said * NEARLY_AS_GOOD).max(KNOWN);
    let mut chosen: Vec<Scored<'_>> = vec![best.clone()];
    for sentence in &ranked[1..] {
        let new = chosen.iter().all(|other| other.text != sentence.text);
        if new && sentence.said >= enough && chosen.len() < most {
            chosen.push(sentence.clone());
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use answers::draft::Draft;
    use answers::ports::pieces;
    use answers::prompt::Passage;
    use answers::understand::{Said, understand};

    const PASSAGES: &[(&str, &str)] = &[
        (
            "Light",
            "Only red torches are allowed on the terrace. The desk lends them against a deposit of five euros.",
        ),
        (
            "Tickets",
            "Ticket: Adult; Price: 14 euros\nTicket: Student; Price: 8 euros\nTicket: Family; Price: 30 euros",
        ),
        (
            "Bolts",
            "The mirror rests on nine points. Tighten the six bolts of the cell to a torque of 9 newton metres.",
        ),
        (
            "Dogs",
            "Dogs are welcome on the terrace on a lead, but not in the dome.",
        ),
        (
            "Cars",
            "The car park has 60 spaces. Parking is free. The following applies in winter: snow chains are required.",
        ),
    ];

    /// The answer, with its marks.
    async fn answer(question: &str, before: &[&str], max_sentences: usize) -> String {
        let before: Vec<Said> = before
            .iter()
            .map(|text| Said {
                by_visitor: true,
                text: (*text).to_owned(),
            })
            .collect();
        let passages = PASSAGES.iter().map(|(heading, text)| Passage {
            heading: (*heading).to_owned(),
            text: (*text).to_owned(),
            ..Passage::default()
        });
        let prompt = Prompt {
            question: question.to_owned(),
            asked: understand(question, &before),
            before,
            passages: passages.collect(),
            max_sentences,
            ..Prompt::default()
        };
        let (mut to, mut from) = pieces();
        let written = ExtractiveAnswerer.write(&prompt, &mut to).await;
        assert_eq!(
            (written.model.as_str(), written.provider.as_str()),
            ("extractive-1", "offline")
        );
        drop(to);
        let mut draft = Draft::default();
        while let Ok(piece) = from.try_recv() {
            draft.take(piece, &prompt.passages);
        }
        draft.finish(&prompt.passages).0
    }

    #[tokio::test]
    async fn it_quotes_the_sentence_that_says_it_word_for_word() {
        for (question, wanted) in [
            (
                "Which torches are allowed on the terrace?",
                "Only red torches are allowed on the terrace. [1]",
            ),
            (
                "To which torque are the bolts of the cell tightened?",
                "Tighten the six bolts of the cell to a torque of 9 newton metres. [1]",
            ),
            (
                "Are dogs allowed in the dome?",
                "Dogs are welcome on the terrace on a lead, but not in the dome. [1]",
            ),
            (
                "What is the price of a ticket for a student?",
                "Ticket: Student; Price: 8 euros [1]",
            ),
            ("Is parking free?", "Parking is free. [1]"),
        ] {
            assert_eq!(answer(question, &[], 1).await, wanted);
        }
    }
    #[tokio::test]
    async fn it_says_nothing_where_the_question_is_about_something_else() {
        for question in [
            "Does the swimming pool have a sauna?",
            "Is there a swimming pool on the terrace?",
            "How high is the mountain?",
            "Who won the ticket lottery in 1998?",
            "What is the capital of Australia?",
            "Which torches did Napoleon prefer at Austerlitz?",
        ] {
            assert_eq!(answer(question, &[], 0).await, "", "{question}");
        }
    }
    #[tokio::test]
    async fn a_follow_up_is_answered_from_what_it_refers_to() {
        let before = ["What is the price of a family ticket?"];
        assert_eq!(
            answer("And for a student?", &before, 1).await,
            "Ticket: Student; Price: 8 euros [1]"
        );
        assert_eq!(
            answer("Is it edible?", &before, 1).await,
            "",
            "the question's own word must be found"
        );
    }
    #[tokio::test]
    async fn it_quotes_no_more_sentences_than_asked_for() {
        let all = answer("ticket price in euros", &[], 3).await;
        assert_eq!(all.matches("Ticket:").count(), 3, "{all}");
        assert_eq!(
            answer("ticket price in euros", &[], 0)
                .await
                .matches("Ticket:")
                .count(),
            2
        );
    }
}
