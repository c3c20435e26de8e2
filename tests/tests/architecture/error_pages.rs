//! Every code that a person may meet has a page under docs/errors/, and every page is about a code.
use super::sources::{code_of, is_test, rust_files};
use super::{directories, name, root};
use events::map::TopicMap;
use std::collections::BTreeSet;

/// What codes begin with besides the names of the contexts, which are those of the workers.
const OTHERS: &[&str] = &["document", "edge", "runtime", "saga"];

/// Every string literal `context.word` that is no name of a topic or consumer.
fn codes() -> BTreeSet<String> {
    let workers = directories("workers");
    let mut contexts: BTreeSet<String> = workers.iter().map(|dir| name(dir)).collect();
    contexts.extend(OTHERS.iter().map(|&other| other.to_owned()));
    let map = TopicMap::embedded();
    let named: BTreeSet<&str> = map.topics().map(|topic| topic.name.as_str()).collect();
    let consumers: BTreeSet<&str> = map
        .consumers()
        .map(|(_, consumer)| consumer.name.as_str())
        .collect();

    // `events` only names things; nothing in it fails with a code.
    let crates = directories("crates")
        .into_iter()
        .filter(|dir| name(dir) != "events");
    let mut codes = BTreeSet::new();
    for path in crates
        .chain(workers)
        .flat_map(|dir| rust_files(&dir.join("src")))
        .filter(|path| !is_test(path))
    {
        let text = std::fs::read_to_string(&path).expect("a source");
        for literal in code_of(&text).split('"').skip(1).step_by(2) {
            let Some((context, word)) = literal.split_once('.') else {
                continue;
            };
            let is_word =
                !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            let is_name = named.contains(literal) || consumers.contains(literal);
            if is_word && contexts.contains(context) && !is_name {
                codes.insert(literal.to_owned());
            }
        }
    }
    codes
}

#[test]
fn there_are_codes_to_be_found() {
    let codes = codes();
    for known in [
        "runtime.undecodable",
        "edge.not_found",
        "documents.other_chatbot",
        "saga.not_stuck",
    ] {
        assert!(codes.contains(known), "{known} is not among {codes:?}");
    }
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let dir = root().join("docs/errors");
    let entries = std::fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    let pages = entries.map(|entry| name(&entry.expect("an entry").path()));
    let pages: BTreeSet<String> = pages
        .filter_map(|page| Some(page.strip_suffix(".md")?.to_owned()))
        .collect();
    let pages: BTreeSet<String> = pages
        .into_iter()
        .filter(|page| page != "README" && page != "index")
        .collect();
    let codes = codes();
    let list = |codes: Vec<&String>| {
        codes
            .into_iter()
            .map(|code| format!("\n  {code}"))
            .collect::<String>()
    };
    let without: Vec<&String> = codes.difference(&pages).collect();
    let stale: Vec<&String> = pages.difference(&codes).collect();
    assert!(
        without.is_empty(),
        "codes without a page in docs/errors:{}",
        list(without)
    );
    assert!(
        stale.is_empty(),
        "pages in docs/errors about no code:{}",
        list(stale)
    );
    for code in &codes {
        let page = std::fs::read_to_string(dir.join(format!("{code}.md"))).expect("a page");
        assert!(
            page.contains(code.as_str()),
            "docs/errors/{code}.md does not name its code"
        );
        assert!(
            page.lines().count() > 4,
            "docs/errors/{code}.md says next to nothing"
        );
    }
}
