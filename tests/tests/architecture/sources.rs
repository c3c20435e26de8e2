//! Rule 5: no clock, no randomness, no new ids in workers and saga. Clippy says so to whoever writes them; this looks
//! at the sources, whatever they allow themselves.
use super::{directories, root};
use std::path::{Path, PathBuf};

/// What a decision must not ask.
const FORBIDDEN: &[&str] = &[
    "SystemTime::now",
    "Instant::now",
    "SystemTime",
    "Uuid::new_v4",
    "Uuid::now_v7",
    "Uuid::new_v7",
    "getrandom",
    "rand::",
    "fastrand",
    "thread::sleep",
    "tokio::time",
    "std::env::",
    "std::net::",
    "std::fs::write",
    "RandomState",
];

/// Rust files below a directory, in order.
pub(super) fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let (mut open, mut found) = (vec![dir.to_owned()], vec![]);
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A file without its comments (a line's, not a block's: there are none) and without the tests at its end.
pub(super) fn code_of(text: &str) -> String {
    let tests = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let code = text[..tests]
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let code = code.map(|line| line.split_once("// ").map_or(line, |(code, _)| code));
    code.collect::<Vec<_>>().join("\n")
}

/// Whether a file holds tests only.
pub(super) fn is_test(path: &Path) -> bool {
    let text = path.to_string_lossy();
    text.contains("/tests/")
        || text.ends_with("/tests.rs")
        || text.ends_with("_tests.rs")
        || text.contains("/testkit/")
}

#[test]
fn rule_5_no_clock_no_randomness_no_new_ids_in_workers_and_saga() {
    let mut places = directories("workers");
    places.push(root().join("crates/saga"));
    let mut wrong = vec![];
    for path in places
        .iter()
        .flat_map(|place| rust_files(&place.join("src")))
        .filter(|path| !is_test(path))
    {
        let text = std::fs::read_to_string(&path).expect("a source");
        for (line, code) in code_of(&text).lines().enumerate() {
            for forbidden in FORBIDDEN
                .iter()
                .filter(|forbidden| code.contains(*forbidden))
            {
                wrong.push(format!(
                    "{}, near line {}: {forbidden}",
                    path.display(),
                    line + 1
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "what a decision needs comes from its context:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn rule_5_clippy_says_so_too() {
    let mut places = directories("workers");
    places.push(root().join("crates/saga"));
    for place in places {
        let path = place.join("clippy.toml");
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        for method in [
            "std::time::SystemTime::now",
            "std::time::Instant::now",
            "uuid::Uuid::new_v4",
            "uuid::Uuid::now_v7",
        ] {
            assert!(
                text.contains(method),
                "{} does not disallow {method}",
                path.display()
            );
        }
    }
}

#[test]
fn comments_and_tests_are_no_code() {
    let text = "let a = 1; // rand::\n/// rand::\nlet b = 2;\n#[cfg(test)]\nmod tests {\nrand::\n}";
    assert_eq!(code_of(text), "let a = 1; \nlet b = 2;");
}
