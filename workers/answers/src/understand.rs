//! What a question is about. A follow-up ("and for students?", "when does she speak?") is about what was said before
//! too: it is given the words that it refers to, at less weight than its own.
use crate::words::{Stems, folded, is_function_word, words};

/// A question with fewer content words leans on what was said before.
const FEW: usize = 3;
/// Turns of the visitor that a follow-up may refer to.
const LOOK_BACK: usize = 2;
/// The most words taken over from before.
const MAX_CONTEXT: usize = 12;
/// A word of an earlier question counts so much against a word of this one.
const EARLIER: f64 = 0.4;
/// A name in the last answer counts so much.
const NAMED: f64 = 0.25;

/// A word after "how" ("how heavy", "how far") says what kind of thing is asked for, which the answer says by a unit: it
/// counts so much.
const MEASURE: f64 = 0.4;
/// What it follows.
const HOW: &[&str] = &["how", "wie"];

/// Words that stand for something said before.
const PRONOUNS: &[&str] = &[
    "it", "its", "they", "them", "their", "that", "those", "these", "this", "he", "him", "his",
    "she", "her", "one", "ones", "same", "sie", "er", "ihn", "ihm", "ihr", "ihre", "dort", "davon",
    "dazu", "elle", "il", "ils", "ella",
];
/// How a follow-up begins.
const BEGINNINGS: &[&str] = &[
    "and",
    "what about",
    "how about",
    "or",
    "but",
    "und",
    "oder",
    "et",
    "y",
];

/// What was said before, for understanding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// True: the visitor; false: the chatbot.
    pub by_visitor: bool,
    /// The words.
    pub text: String,
}

/// A word that a question is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// As a person wrote it.
    pub word: String,
    /// What its inflections have in common.
    pub stem: String,
    /// 1 for the question's own words, less for words it refers to and for measures ("how heavy").
    pub weight: f64,
}

/// What a question is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Understood {
    /// Each stem once; the question's own words first.
    pub terms: Vec<Term>,
    /// What to search for.
    pub query: String,
}

impl Understood {
    /// The words of the question itself; of what it refers to, if it has none of its own.
    pub fn essential(&self) -> impl Iterator<Item = &Term> {
        let own = self.terms.iter().any(|term| term.weight >= 1.0);
        self.terms
            .iter()
            .filter(move |term| !own || term.weight >= 1.0)
    }
}

/// Understands a question in its context; `before` is what was said, the oldest first.
pub fn understand(question: &str, before: &[Said]) -> Understood {
    let stems = Stems::default();
    let mut terms = Vec::new();
    add(&mut terms, &stems, words(question), 1.0, usize::MAX);
    for measure in measures(question) {
        let stem = stems.of(&folded(measure));
        let asked = terms.iter_mut().filter(|term| term.stem == stem);
        asked.for_each(|term| term.weight = MEASURE);
    }
    let own = terms.len();
    if leans_on_context(question, own) {
        let visitor = before
            .iter()
            .rev()
            .filter(|said| said.by_visitor)
            .take(LOOK_BACK);
        for said in visitor {
            add(
                &mut terms,
                &stems,
                words(&said.text),
                EARLIER,
                own + MAX_CONTEXT,
            );
        }
        if let Some(last) = before.iter().rev().find(|said| !said.by_visitor) {
            add(
                &mut terms,
                &stems,
                names(&last.text),
                NAMED,
                own + MAX_CONTEXT,
            );
        }
    }
    let query = if own == terms.len() {
        question.trim().to_owned()
    } else {
        let context = terms[own..].iter().map(|term| term.word.as_str());
        std::iter::once(question.trim())
            .chain(context)
            .collect::<Vec<_>>()
            .join(" ")
    };
    Understood { terms, query }
}

fn add<'a>(
    terms: &mut Vec<Term>,
    stems: &Stems,
    words: impl Iterator<Item = &'a str>,
    weight: f64,
    most: usize,
) {
    for word in words {
        let folded = folded(word);
        let stem = stems.of(&folded);
        if terms.len() < most
            && !is_function_word(&folded)
            && terms.iter().all(|term| term.stem != stem)
        {
            terms.push(Term {
                word: word.to_owned(),
                stem,
                weight,
            });
        }
    }
}

/// The words that follow "how": what kind of thing is asked for.
pub fn measures(question: &str) -> impl Iterator<Item = &str> {
    let after = words(question).skip(1);
    words(question)
        .zip(after)
        .filter(|(how, _)| HOW.contains(&folded(how).as_str()))
        .map(|(_, measure)| measure)
}

fn leans_on_context(question: &str, content_words: usize) -> bool {
    let all: Vec<String> = words(question).map(folded).collect();
    let spoken = all.join(" ");
    let begins = BEGINNINGS.iter().any(|start| {
        spoken
            .strip_prefix(start)
            .is_some_and(|rest| rest.starts_with(' '))
    });
    // "Is there a sauna?" refers to nothing, "Is it heated?" does.
    content_words < FEW || begins || all.iter().any(|word| PRONOUNS.contains(&word.as_str()))
}

/// Words with a capital or a digit that do not begin a sentence.
fn names(text: &str) -> impl Iterator<Item = &str> {
    crate::words::sentences(text)
        .into_iter()
        .flat_map(|sentence| {
            let inner = words(sentence).skip(1);
            inner.filter(|word| word.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit()))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visitor(text: &str) -> Said {
        Said {
            by_visitor: true,
            text: text.into(),
        }
    }
    fn chatbot(text: &str) -> Said {
        Said {
            by_visitor: false,
            text: text.into(),
        }
    }
    fn stems(understood: &Understood, own: bool) -> Vec<&str> {
        let terms = understood
            .terms
            .iter()
            .filter(|term| (term.weight >= 1.0) == own);
        terms.map(|term| term.stem.as_str()).collect()
    }

    #[test]
    fn a_whole_question_is_understood_by_itself() {
        let before = [visitor("How much is the family ticket?")];
        let understood = understand(
            "Which torches are allowed on the observing terrace?",
            &before,
        );
        assert_eq!(
            stems(&understood, true),
            ["torch", "allow", "observ", "terrac"]
        );
        assert!(stems(&understood, false).is_empty());
        assert_eq!(
            understood.query,
            "Which torches are allowed on the observing terrace?"
        );
    }
    #[test]
    fn an_elliptic_question_takes_over_the_words_of_the_one_before() {
        let before = [
            visitor("How much is the family ticket?"),
            chatbot("It costs 30 euros."),
        ];
        let understood = understand("And for students?", &before);
        assert_eq!(stems(&understood, true), ["student"]);
        assert_eq!(stems(&understood, false), ["famili", "ticket", "30"]);
        assert_eq!(understood.query, "And for students? family ticket 30");
    }
    #[test]
    fn a_pronoun_refers_to_names_in_the_last_answer() {
        let before = [
            visitor("Who found the comet?"),
            chatbot("It was found by Imre Vass."),
        ];
        let understood = understand(
            "When does he give his next talk at the observatory?",
            &before,
        );
        assert_eq!(stems(&understood, false), ["find", "comet", "imr", "vass"]);
    }
    #[test]
    fn a_question_without_words_of_its_own_rests_on_what_it_refers_to() {
        let understood = understand("What about it?", &[visitor("Opening hours")]);
        assert_eq!(
            understood
                .essential()
                .map(|term| term.stem.as_str())
                .collect::<Vec<_>>(),
            ["open", "hour"]
        );
        assert_eq!(understand("Who are you?", &[]).terms, []);
    }
    #[test]
    fn what_kind_of_thing_is_asked_for_is_not_essential() {
        let understood = understand("How heavy is the iron meteorite of the museum?", &[]);
        let essential = understood.essential().map(|term| term.stem.as_str());
        assert_eq!(
            essential.collect::<Vec<_>>(),
            ["iron", "meteorit", "museum"]
        );
        assert_eq!(understand("How heavy?", &[]).essential().count(), 1);
    }
    #[test]
    fn what_is_taken_over_is_bounded() {
        let many: String = (0..500).map(|n| format!("word{n} ")).collect();
        assert_eq!(
            understand("And?", &[visitor(&many)]).terms.len(),
            MAX_CONTEXT
        );
    }
}
