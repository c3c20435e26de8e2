//! Words as the index knows them, and from a person's words to an FTS5 query. No character of theirs is syntax.
//!
//! In the index every word begins with its scope: a search reads what its own scope wrote and nothing else, whoever
//! else is in the file, and what others wrote does not change what a word weighs.
use super::vectors::Scope;
use crate::fault::Fault;
use rusqlite::{Connection, params};

/// More words than this are not looked for: the index is asked once per word.
const MOST: usize = 32;

/// A word in more passages than this only adds to the score of those that hold a rarer one: to score every
/// passage with "the" would take longer than all the rest.
const RARE: i64 = 300;

/// A word in more than one of so many passages is not looked for at all. BM25 reads every passage that holds it
/// (measured: 7.7 ms of 8 for a question over 10,000 passages), and gives it a weight of at most ln 8, where a name
/// has ln 10,000.
const ONE_OF: i64 = 8;

/// The words of a text for the index, each with its scope before it.
pub(super) fn scoped(scope: i64, text: &str) -> String {
    let mut scoped = String::with_capacity(text.len() + text.len() / 2);
    for word in pieces(text) {
        if !scoped.is_empty() {
            scoped.push(' ');
        }
        scoped.push_str(&scoped_word(scope, word));
    }
    scoped
}

/// Digits end at the first `x`, so that no two scopes have a word in common.
fn scoped_word(scope: i64, word: &str) -> String {
    format!("{scope}x{word}")
}

/// The word that all passages of a scope have in the column `scope`.
pub(super) fn scope_word(scope: i64) -> String {
    format!("s{scope}")
}

/// What stands between other characters than letters and digits. An accent that is a character of its own belongs to
/// its letter, from which the index takes it.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && !('\u{300}'..='\u{36f}').contains(&c))
        .filter(|word| !word.is_empty())
}

/// Passages of the scope that hold any of the words, as long as some of them are rare; `None` if there is no word.
pub(super) fn expression(
    sql: &Connection,
    no: i64,
    scope: &Scope,
    text: &str,
) -> Result<Option<String>, Fault> {
    let words = words(text);
    if words.is_empty() {
        return Ok(None);
    }
    let mut common = vec![];
    let mut rare = words;
    let passages = i64::try_from(scope.passages()).unwrap_or(i64::MAX);
    if passages > RARE && rare.len() > 1 {
        let count = |word: &str, most| scope.counted(word, most, || count(sql, no, word, most));
        (rare, common) = split(count, RARE.max(passages / ONE_OF), rare)?;
    }
    Ok((!rare.is_empty()).then(|| join(no, &rare, &common)))
}

/// The different words, in lower case.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = vec![];
    for word in pieces(text) {
        if words.len() >= MOST {
            break;
        }
        let word = word.to_lowercase();
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words
}

/// Rare words and common ones, without those in more than `most` passages; where all are common, the rarest
/// counts as rare. `count` says in how many passages a word is, up to a limit.
fn split(
    count: impl Fn(&str, i64) -> Result<i64, Fault>,
    most: i64,
    words: Vec<String>,
) -> Result<(Vec<String>, Vec<String>), Fault> {
    let (mut rare, mut common, mut everywhere) = (vec![], vec![], vec![]);
    for word in words {
        // A word that nobody wrote helps nobody.
        match count(&word, most + 1)? {
            0 => {}
            found if found <= RARE => rare.push(word),
            found if found <= most => common.push(word),
            _ => everywhere.push(word),
        }
    }
    if rare.is_empty() {
        let from = if common.is_empty() {
            &mut everywhere
        } else {
            &mut common
        };
        let mut counted = vec![];
        for (index, word) in from.iter().enumerate() {
            counted.push((count(word, 20 * RARE)?, index));
        }
        counted.sort_unstable();
        rare.extend(counted.first().map(|(_, index)| from.remove(*index)));
    }
    Ok((rare, common))
}

/// In how many passages of the scope a word is; counted up to `most`.
fn count(sql: &Connection, scope: i64, word: &str, most: i64) -> Result<i64, Fault> {
    let mut count = sql.prepare_cached(
        "SELECT count(*) FROM (SELECT 1 FROM search_text WHERE search_text MATCH ?1 LIMIT ?2)",
    )?;
    let expression = any(scope, &[word.to_owned()]);
    Ok(count.query_row(params![expression, most], |row| row.get(0))?)
}

/// Any of the rare words; the common ones may be there. Beside common ones the rare words count twice: what else
/// would let a passage pass that has none of the common ones is a word that all passages have, and BM25 would read it
/// in all of them.
fn join(scope: i64, rare: &[String], common: &[String]) -> String {
    let rare = any(scope, rare);
    if common.is_empty() {
        return rare;
    }
    format!("{rare} AND ({rare} OR {})", any(scope, common))
}

fn any(scope: i64, words: &[String]) -> String {
    let quoted = words
        .iter()
        .map(|word| format!("\"{}\"", scoped_word(scope, word)));
    let quoted: Vec<String> = quoted.collect();
    format!("{{heading text}} : ({})", quoted.join(" OR "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_of_a_person_is_syntax() {
        let found = words("NEAR(a* \"b\" -c) OR scope:x AND ^d {e} déjà_vu a");
        let wanted = [
            "near", "a", "b", "c", "or", "scope", "x", "and", "d", "e", "déjà", "vu",
        ];
        assert_eq!(found, wanted);
        let query = join(7, &found[1..3], &found[3..4]);
        let rare = "{heading text} : (\"7xa\" OR \"7xb\")";
        assert_eq!(
            query,
            format!("{rare} AND ({rare} OR {{heading text}} : (\"7xc\"))")
        );
        assert_eq!(join(7, &found[1..3], &[]), rare);
        assert_eq!(words(" ?! \"*\" "), Vec::<String>::new());
    }
    #[test]
    fn every_word_belongs_to_its_scope() {
        assert_eq!(
            scoped(12, "Déjà-vu, De\u{301}ja\u{300} 14.50 €!"),
            "12xDéjà 12xvu 12xDe\u{301}ja\u{300} 12x14 12x50"
        );
        assert_eq!(scoped(12, " – "), "");
    }
    #[test]
    fn of_words_that_are_everywhere_the_rarest_is_looked_for() {
        let words = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        let in_passages = |word: &str, most: i64| {
            let found = match word {
                "the" => 9_000,
                "of" => 5_000,
                "dome" => 700,
                "oriel" => 3,
                _ => 0,
            };
            Ok(found.min(most))
        };
        let split = |asked: &[&str]| split(in_passages, 1_250, words(asked)).unwrap();
        assert_eq!(
            split(&["the", "oriel", "dome", "xyz"]),
            (words(&["oriel"]), words(&["dome"]))
        );
        assert_eq!(split(&["the", "of"]), (words(&["of"]), words(&[])));
    }
}
