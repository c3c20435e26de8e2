//! Words, stems and sentences: what lexical understanding is made of. Used by the offline providers too.
use rust_stemmers::{Algorithm, Stemmer};
use std::collections::BTreeSet;
use std::sync::LazyLock;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation;

/// Words that carry no content of their own, in the languages that we know best. Words that are content in another
/// of these languages are left out (German `war`, French `car`).
const FUNCTION_WORDS: &[&str] = &[
    // English
    "a", "about", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be", "been", "being",
    "but", "by", "can", "could", "d", "did", "do", "does", "doing", "done", "don", "during",
    "each", "else", "ever", "for", "from", "get", "give", "had", "happen", "happened", "happens",
    "has", "have", "having", "he", "her", "here", "him", "his", "how", "i", "if", "in", "into",
    "is", "it", "its", "just", "kind", "know", "let", "ll", "long", "many", "may", "me", "might",
    "mine", "much", "must", "my", "no", "not", "of", "off", "on", "one", "ones", "only", "or",
    "our", "out", "please", "re", "s", "same", "shall", "she", "should", "so", "some", "such", "t",
    "tell", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this",
    "those", "to", "too", "under", "up", "us", "ve", "very", "want", "was", "we", "were", "what",
    "when", "where", "whether", "which", "while", "who", "whom", "whose", "why", "will", "with",
    "would", "yes", "you", "your", // German
    "aber", "als", "auch", "auf", "aus", "bei", "beim", "bist", "bitte", "da", "das", "dass",
    "dein", "dem", "den", "der", "des", "die", "dort", "du", "ein", "eine", "einem", "einen",
    "einer", "eines", "er", "es", "fur", "gibt", "hier", "ich", "ihr", "ihre", "im", "ist", "kann",
    "kein", "keine", "konnen", "mein", "mich", "mir", "mit", "muss", "nach", "nicht", "noch",
    "nur", "oder", "ob", "sich", "sie", "sind", "soll", "uber", "um", "und", "uns", "unser",
    "viel", "viele", "vom", "von", "wann", "warum", "was", "welche", "welcher", "welches", "wenn",
    "wer", "wie", "wieso", "wir", "wird", "wo", "zu", "zum", "zur", // French
    "au", "aux", "avec", "ce", "ces", "cette", "combien", "dans", "de", "des", "du", "elle", "en",
    "est", "et", "il", "ils", "je", "la", "le", "les", "leur", "mais", "mes", "mon", "nous", "ou",
    "par", "pas", "pourquoi", "quand", "que", "quel", "quelle", "quelles", "quels", "qui", "sa",
    "ses", "sont", "sur", "tu", "un", "une", "vous", // Spanish
    "al", "como", "con", "cual", "cuando", "cuanto", "cuantos", "del", "donde", "el", "ella",
    "esta", "estan", "las", "lo", "los", "mi", "para", "pero", "por", "porque", "quien", "se",
    "ser", "su", "sus", "una", "y",
];

/// Lower case, without accents: as the index compares words.
pub fn folded(word: &str) -> String {
    if word.is_ascii() {
        return word.to_ascii_lowercase();
    }
    word.nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .collect()
}

/// The words of a text as they stand in it. Digits with a point or comma between them are one word.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.unicode_words().flat_map(|word| {
        // UAX 29 joins what an index splits (`don't`, `a.b`), except within numbers.
        let number = word.starts_with(|c: char| c.is_ascii_digit());
        word.split(move |c: char| !(c.is_alphanumeric() || number && matches!(c, '.' | ',')))
            .filter(|w| !w.is_empty())
    })
}

/// Whether a word, folded, says nothing by itself.
pub fn is_function_word(folded: &str) -> bool {
    static WORDS: LazyLock<BTreeSet<&str>> =
        LazyLock::new(|| FUNCTION_WORDS.iter().copied().collect());
    WORDS.contains(folded)
}

/// English forms that no rule leads to their word, sorted. Without them `founded` and `found` would be one word, and
/// `held` and `hold` two. Forms that are words of their own as well (left, saw, ground) are left out.
const IRREGULAR: &[(&str, &str)] = &[
    ("ate", "eat"),
    ("began", "begin"),
    ("begun", "begin"),
    ("bought", "buy"),
    ("broke", "break"),
    ("broken", "break"),
    ("brought", "bring"),
    ("built", "build"),
    ("came", "come"),
    ("caught", "catch"),
    ("children", "child"),
    ("chose", "choose"),
    ("chosen", "choose"),
    ("dealt", "deal"),
    ("drank", "drink"),
    ("driven", "drive"),
    ("drove", "drive"),
    ("drunk", "drink"),
    ("eaten", "eat"),
    ("fallen", "fall"),
    ("fed", "feed"),
    ("feet", "foot"),
    ("fell", "fall"),
    ("flew", "fly"),
    ("flown", "fly"),
    ("forgotten", "forget"),
    ("fought", "fight"),
    ("found", "find"),
    ("froze", "freeze"),
    ("frozen", "freeze"),
    ("geese", "goose"),
    ("gone", "go"),
    ("grew", "grow"),
    ("grown", "grow"),
    ("held", "hold"),
    ("hid", "hide"),
    ("hidden", "hide"),
    ("hung", "hang"),
    ("kept", "keep"),
    ("laid", "lay"),
    ("led", "lead"),
    ("lent", "lend"),
    ("lost", "lose"),
    ("made", "make"),
    ("meant", "mean"),
    ("men", "man"),
    ("met", "meet"),
    ("mice", "mouse"),
    ("paid", "pay"),
    ("ran", "run"),
    ("rang", "ring"),
    ("ridden", "ride"),
    ("rode", "ride"),
    ("said", "say"),
    ("sang", "sing"),
    ("sat", "sit"),
    ("seen", "see"),
    ("sent", "send"),
    ("slept", "sleep"),
    ("sold", "sell"),
    ("sought", "seek"),
    ("spent", "spend"),
    ("spoken", "speak"),
    ("stolen", "steal"),
    ("stood", "stand"),
    ("struck", "strike"),
    ("swam", "swim"),
    ("swum", "swim"),
    ("taken", "take"),
    ("taught", "teach"),
    ("teeth", "tooth"),
    ("thought", "think"),
    ("threw", "throw"),
    ("thrown", "throw"),
    ("took", "take"),
    ("understood", "understand"),
    ("went", "go"),
    ("women", "woman"),
    ("won", "win"),
    ("wore", "wear"),
    ("worn", "wear"),
    ("written", "write"),
    ("wrote", "write"),
];

/// Stems: what inflections of a word have in common. English rules; other languages lose little by them, since
/// question and passage are treated alike.
pub struct Stems(Stemmer);
impl Default for Stems {
    fn default() -> Self {
        Self(Stemmer::create(Algorithm::English))
    }
}
impl Stems {
    /// Of a folded word.
    pub fn of(&self, folded: &str) -> String {
        let irregular = IRREGULAR.binary_search_by_key(&folded, |(form, _)| form);
        self.by_rule(irregular.map_or(folded, |at| IRREGULAR[at].1))
    }
    /// Of a folded word, by the rules alone: the same for ever.
    pub fn by_rule(&self, folded: &str) -> String {
        self.0.stem(folded).into_owned()
    }
    /// The stems of the content words of a text, in order, with repeats.
    pub fn content(&self, text: &str) -> Vec<String> {
        self.stream(text).collect()
    }
    /// The same, one by one.
    pub fn stream(&self, text: &str) -> impl Iterator<Item = String> {
        words(text)
            .map(folded)
            .filter(|word| !is_function_word(word))
            .map(|word| self.of(&word))
    }
}

/// Abbreviations after which a sentence goes on although the next word has a capital.
const ABBREVIATIONS: &[&str] = &[
    "approx.", "bzw.", "ca.", "cf.", "dr.", "e.g.", "etc.", "fig.", "i.e.", "inkl.", "mr.", "mrs.",
    "ms.", "no.", "nr.", "p.", "pp.", "prof.", "st.", "tel.", "u.a.", "vgl.", "vol.", "vs.",
    "z.b.",
];

/// The sentences of a text, each a piece of it, trimmed, in order. A line is never part of two.
pub fn sentences(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    let mut open: Option<usize> = None;
    for (at, piece) in text.split_sentence_bound_indices() {
        let start = *open.get_or_insert(at);
        let end = at + piece.len();
        if goes_on_after(piece) && end < text.len() {
            continue;
        }
        open = None;
        let sentence = text[start..end].trim();
        if !sentence.is_empty() {
            found.push(sentence);
        }
    }
    found
}

fn goes_on_after(piece: &str) -> bool {
    if piece.ends_with(['\n', '\r', '\u{2029}']) {
        return false;
    }
    let last = piece.split_whitespace().next_back().unwrap_or_default();
    let initial = last.len() == 2
        && last.ends_with('.')
        && last.starts_with(|c: char| c.is_ascii_uppercase());
    initial || ABBREVIATIONS.contains(&last.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inflections_share_a_stem_and_function_words_have_none() {
        let stems = Stems::default();
        assert_eq!(
            stems.content("Which torches are allowed?"),
            stems.content("a torch, allowing")
        );
        assert_eq!(
            stems.content("Where is it, and what does it do?"),
            Vec::<String>::new()
        );
        assert_eq!(stems.content("Café"), stems.content("cafe"));
    }
    #[test]
    fn irregular_forms_share_the_stem_of_their_word_and_of_no_other() {
        let stems = Stems::default();
        assert!(IRREGULAR.is_sorted_by_key(|(form, _)| *form));
        assert_eq!(stems.content("found held"), stems.content("finding holds"));
        assert_ne!(stems.content("founded"), stems.content("found"));
    }
    #[test]
    fn numbers_stay_whole() {
        assert_eq!(
            words("2,440 mm at 21:00, 3.5").collect::<Vec<_>>(),
            ["2,440", "mm", "at", "21", "00", "3.5"]
        );
    }
    #[test]
    fn sentences_end_where_people_end_them() {
        let text = "Ask Dr. Vass about it. The dome weighs 4.2 tonnes.\nTicket: Adult; Price: 14\nA. Corvin built it!";
        let wanted = [
            "Ask Dr. Vass about it.",
            "The dome weighs 4.2 tonnes.",
            "Ticket: Adult; Price: 14",
            "A. Corvin built it!",
        ];
        assert_eq!(sentences(text), wanted);
        assert_eq!(sentences("It is no."), ["It is no."]);
        assert!(sentences(" \n ").is_empty());
    }
}
