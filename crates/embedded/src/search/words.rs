//! From a person's words to an FTS5 query. No character of theirs is syntax.
use super::stage::scope_word;

/// More words than this are not looked for: the index is asked once per word.
const MOST: usize = 32;

/// Passages of the scope that hold any of the words; `None` if there is no word.
pub(super) fn expression(scope: i64, text: &str) -> Option<String> {
    let mut words: Vec<String> = vec![];
    for word in text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        let word = word.to_lowercase();
        if words.len() < MOST && !words.contains(&word) {
            words.push(word);
        }
    }
    if words.is_empty() {
        return None;
    }
    let any: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    Some(format!(
        "scope : \"{}\" AND {{heading text}} : ({})",
        scope_word(scope),
        any.join(" OR ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_of_a_person_is_syntax() {
        let query = expression(7, "NEAR(a* \"b\" -c) OR scope:x AND ^d {e} déjà_vu").unwrap();
        let words = query.split_once(" AND ").unwrap().1;
        assert_eq!(
            words,
            "{heading text} : (\"near\" OR \"a\" OR \"b\" OR \"c\" OR \"or\" OR \"scope\" OR \"x\" OR \
             \"and\" OR \"d\" OR \"e\" OR \"déjà\" OR \"vu\")"
        );
        assert_eq!(expression(7, " ?! \"*\" "), None);
    }
}
