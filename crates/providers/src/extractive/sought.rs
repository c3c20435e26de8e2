//! What kind of answer a question asks for, and whether a sentence gives one of that kind.
use super::asked::{counted, counts};
use answers::understand::Understood;
use answers::words::{Stems, folded, words};

/// What a question asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sought {
    /// "How many people": a number of what has this stem.
    Count(String),
    /// "What does it cost": an amount of money, or that there is none to pay.
    Price,
    /// "When": a time, a day, a season.
    Time,
    /// Anything.
    Other,
}

const ASK_A_PRICE: &[&str] = &[
    "cost",
    "costs",
    "expensive",
    "fee",
    "fees",
    "price",
    "prices",
    "kostet",
    "kosten",
    "preis",
    "coute",
    "prix",
    "cuesta",
    "precio",
];
const MONEY: &[&str] = &[
    "cent",
    "cents",
    "chf",
    "dollar",
    "dollars",
    "eur",
    "euro",
    "euros",
    "franken",
    "free",
    "gbp",
    "nothing",
    "pound",
    "pounds",
    "usd",
    "gratis",
    "gratuit",
    "kostenlos",
    "umsonst",
];
const CURRENCIES: [char; 4] = ['€', '$', '£', '¥'];

const ASK_A_TIME: &[&str] = &["when", "wann", "quand", "cuando"];
/// Words of a time besides digits, in English; other languages say most times with digits.
const TIMES: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "mondays",
    "tuesdays",
    "wednesdays",
    "thursdays",
    "fridays",
    "saturdays",
    "sundays",
    "spring",
    "summer",
    "autumn",
    "winter",
    "morning",
    "noon",
    "afternoon",
    "evening",
    "evenings",
    "night",
    "nights",
    "midnight",
    "dawn",
    "dusk",
    "sunrise",
    "sunset",
    "daily",
    "weekly",
    "monthly",
    "yearly",
    "today",
    "tomorrow",
    "yesterday",
    "hour",
    "hours",
    "day",
    "days",
    "week",
    "weeks",
    "month",
    "months",
    "year",
    "years",
    "always",
    "never",
];

/// How a question begins that is answered by yes or no.
const YES_OR_NO: &[&str] = &[
    "am", "are", "can", "could", "did", "do", "does", "had", "has", "have", "is", "may", "must",
    "shall", "should", "was", "were", "will", "would", "darf", "durfen", "gibt", "haben", "hat",
    "ist", "kann", "konnen", "muss", "sind",
];

/// The mood of a question, as `may` and `must` are: a sentence says it in many ways ("dogs are welcome", "nothing may
/// be eaten", "only red ones").
const MOODS: &[&str] = &[
    "allowed",
    "available",
    "forbidden",
    "necessary",
    "needed",
    "obligatory",
    "okay",
    "permitted",
    "possible",
    "prohibited",
    "required",
    "erlaubt",
    "moglich",
    "notig",
    "verboten",
    "permis",
    "interdit",
    "permitido",
    "prohibido",
];

/// What a question asks for.
pub(super) fn sought(question: &str, asked: &Understood, stems: &Stems) -> Sought {
    let spoken: Vec<String> = words(question).map(folded).collect();
    let any = |list: &[&str]| spoken.iter().any(|word| list.contains(&word.as_str()));
    if let Some(counted) = counted(question, asked, stems) {
        Sought::Count(counted)
    } else if any(ASK_A_PRICE) {
        Sought::Price
    } else if spoken
        .iter()
        .take(2)
        .any(|word| ASK_A_TIME.contains(&word.as_str()))
    {
        Sought::Time
    } else {
        Sought::Other
    }
}

impl Sought {
    /// Whether a sentence gives something of the kind.
    pub(super) fn is_given(&self, sentence: &str, stems: &Stems) -> bool {
        let any = |list: &[&str]| words(sentence).any(|word| list.contains(&folded(word).as_str()));
        let digit = || sentence.contains(|c: char| c.is_ascii_digit());
        match self {
            Self::Count(counted) => sentence
                .split(';')
                .any(|part| counts(part, counted, stems) || cell_counts(part, counted, stems)),
            Self::Price => {
                any(MONEY) || sentence.contains(CURRENCIES) || (digit() && any(ASK_A_PRICE))
            }
            Self::Time => digit() || any(TIMES),
            Self::Other => true,
        }
    }
}

/// Whether a word of a question only asks for a price: an amount answers it, whatever it is called.
pub(super) fn asks_a_price(word: &str) -> bool {
    ASK_A_PRICE.contains(&folded(word).as_str())
}

/// Whether a cell of a table has a number under what is counted: "Seats: 48".
fn cell_counts(cell: &str, counted: &str, stems: &Stems) -> bool {
    cell.split_once(':').is_some_and(|(label, value)| {
        value.trim_start().starts_with(|c: char| c.is_ascii_digit())
            && stems.content(label).iter().any(|stem| stem == counted)
    })
}

/// Whether a question is answered by yes or no.
pub(super) fn by_yes_or_no(question: &str) -> bool {
    let first = words(question).next().map(folded);
    first.is_some_and(|word| YES_OR_NO.contains(&word.as_str()))
}

/// Whether a word of a question only says its mood.
pub(super) fn is_mood(word: &str) -> bool {
    MOODS.contains(&folded(word).as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use answers::understand::understand;

    #[test]
    fn a_question_is_answered_by_what_it_asks_for() {
        let stems = Stems::default();
        for (question, sentence, wanted) in [
            ("What does it cost?", "It costs nothing.", true),
            ("What is the fee?", "Fee: 14", true),
            ("What is the fee?", "The fee is waived.", false),
            ("How much does oil cost?", "It gets 4 drops of oil.", false),
            ("When is it open?", "It is open at noon.", true),
            ("When is it open?", "After a while you get a key.", false),
            ("And when does it end?", "It ends at 21:00.", true),
            (
                "What happens when it is open?",
                "It is cold, as always.",
                true,
            ),
            ("How many seats are there?", "There are 48 seats.", true),
            ("How many seats are there?", "Room: 3; Seats: 48", true),
            ("How many seats are there?", "Room: 3; Seats: few", false),
            ("How many seats are there?", "The seats are soft.", false),
            ("Where is it?", "Here.", true),
        ] {
            let sought = sought(question, &understand(question, &[]), &stems);
            assert_eq!(
                sought.is_given(sentence, &stems),
                wanted,
                "{question} {sentence}"
            );
        }
    }
    #[test]
    fn yes_or_no_is_asked_by_the_first_word() {
        assert!(
            by_yes_or_no("Is it open?")
                && by_yes_or_no("Könnten wir?") != by_yes_or_no("Kann ich?")
        );
        assert!(!by_yes_or_no("What is open?") && !by_yes_or_no("?"));
    }
}
