//! From a person's words to an FTS5 query. No character of theirs is syntax.
use super::stage::scope_word;
use crate::fault::Fault;
use rusqlite::{Connection, params};

/// More words than this are not looked for: the index is asked once per word.
const MOST: usize = 32;

/// A word in more passages than this only adds to the score of those that hold a rarer one: to score every
/// passage with "the" would take longer than all the rest.
const RARE: i64 = 300;

/// A word in more than one of so many passages is not looked for at all. BM25 reads every passage that holds it,
/// in whichever scope (measured: 7.7 ms of 8 for a question over 10,000 passages), and gives it a weight of at
/// most ln 8, where a name has ln 10,000.
const ONE_OF: i64 = 8;

/// Passages of the scope that hold any of the words, as long as some of them are rare; `None` if there is no word.
pub(super) fn expression(
    sql: &Connection,
    scope: i64,
    passages: usize,
    text: &str,
) -> Result<Option<String>, Fault> {
    let words = words(text);
    if words.is_empty() {
        return Ok(None);
    }
    let mut common = vec![];
    let mut rare = words;
    let passages = i64::try_from(passages).unwrap_or(i64::MAX);
    if passages > RARE && rare.len() > 1 {
        (rare, common) = split(sql, scope, RARE.max(passages / ONE_OF), rare)?;
    }
    Ok((!rare.is_empty()).then(|| join(scope, &rare, &common)))
}

/// The different words, in lower case.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = vec![];
    for word in text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
    {
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
/// counts as rare.
fn split(
    sql: &Connection,
    scope: i64,
    most: i64,
    words: Vec<String>,
) -> Result<(Vec<String>, Vec<String>), Fault> {
    let (mut rare, mut common, mut everywhere) = (vec![], vec![], vec![]);
    for word in words {
        let found = count(sql, scope, &word, most + 1)?;
        // A word that nobody wrote helps nobody.
        match found {
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
            counted.push((count(sql, scope, word, 20 * RARE)?, index));
        }
        counted.sort_unstable();
        rare.extend(counted.first().map(|(_, index)| from.remove(*index)));
    }
    Ok((rare, common))
}

/// In how many passages of the scope a word is; counted up to `most`.
fn count(sql: &Connection, scope: i64, word: &str, most: i64) -> Result<i64, Fault> {
    let expression = join(scope, &[word.to_owned()], &[]);
    let mut count = sql.prepare_cached(
        "SELECT count(*) FROM (SELECT 1 FROM search_text WHERE search_text MATCH ?1 LIMIT ?2)",
    )?;
    Ok(count.query_row(params![expression, most], |row| row.get(0))?)
}

/// Any of the rare words; the common ones may be there.
fn join(scope: i64, rare: &[String], common: &[String]) -> String {
    let any = |words: &[String]| {
        let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
        format!("{{heading text}} : ({})", quoted.join(" OR "))
    };
    let scope = format!("scope : \"{}\"", scope_word(scope));
    match common {
        [] => format!("{scope} AND {}", any(rare)),
        _ => format!("{scope} AND {} AND ({scope} OR {})", any(rare), any(common)),
    }
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
        let (scope, both) = ("scope : \"s7\"", "{heading text} : (\"a\" OR \"b\")");
        assert_eq!(
            query,
            format!("{scope} AND {both} AND ({scope} OR {{heading text}} : (\"c\"))")
        );
        assert_eq!(words(" ?! \"*\" "), Vec::<String>::new());
    }
}
