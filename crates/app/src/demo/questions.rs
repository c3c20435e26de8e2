//! Questions whose answers are known.

/// A question, and what its answer must be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// As it is asked.
    pub text: String,
    /// None for a question of somebody's own.
    pub expected: Option<Expected>,
}

/// What is known about the answer to a question.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Expected {
    /// It stands in none of the documents.
    Unknown,
    /// It stands here.
    Stands {
        /// The document's name.
        document: String,
        /// The page or sheet, where the format has any.
        page: Option<i64>,
        /// What the quoted passage must say.
        phrase: String,
    },
}

/// Somebody's own questions, or the six of `examples/questions.txt`.
pub fn questions(own: &[String]) -> Vec<Question> {
    if !own.is_empty() {
        return own
            .iter()
            .map(|text| Question {
                text: text.clone(),
                expected: None,
            })
            .collect();
    }
    let stands = |text: &str, document: &str, page, phrase: &str| Question {
        text: text.into(),
        expected: Some(Expected::Stands {
            document: document.into(),
            page,
            phrase: phrase.into(),
        }),
    };
    vec![
        stands(
            "Which torches are allowed on the observing terrace?",
            "visitor-guide.pdf",
            Some(4),
            "red torches",
        ),
        stands(
            "What does it cost to hire the Wren 80 telescope for a weekend?",
            "prices.xlsx",
            Some(2),
            "Weekend (EUR): 38",
        ),
        stands(
            "Where does the key of the hand crank hang?",
            "volunteer-handbook.docx",
            None,
            "red box",
        ),
        stands(
            "To which torque are the mirror cell bolts tightened?",
            "telescope-care.md",
            None,
            "9 newton metres",
        ),
        stands(
            "When is the comet night with Dr Imre Vass?",
            "public-nights.html",
            None,
            "18 April 2031",
        ),
        Question {
            text: "Does the swimming pool have a sauna?".into(),
            expected: Some(Expected::Unknown),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::material::{passages, shipped};
    use documents::parse::{Limits, Passage};

    #[test]
    fn the_questions_are_those_of_the_examples() {
        let listed = include_str!("../../../../examples/questions.txt").lines();
        let listed: Vec<&str> = listed
            .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
            .collect();
        let asked: Vec<String> = questions(&[])
            .into_iter()
            .map(|question| question.text)
            .collect();
        assert_eq!(asked, listed);
    }
    #[test]
    fn every_expected_phrase_stands_where_it_is_expected() {
        let all = shipped();
        for question in questions(&[]) {
            let Some(Expected::Stands {
                document,
                page,
                phrase,
            }) = question.expected
            else {
                continue;
            };
            let source = all
                .iter()
                .find(|source| source.name == document)
                .expect("it ships");
            let passages = passages(source, &Limits::default()).expect("it can be read");
            let there = |passage: &Passage| {
                passage.page.map(i64::from) == page && passage.text.contains(&phrase)
            };
            assert!(passages.iter().any(there), "{document} {page:?} {phrase}");
        }
    }
}
