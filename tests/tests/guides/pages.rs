//! Guides and code, held against each other.
use std::path::{Path, PathBuf};

/// The root of the workspace.
pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("a workspace")
        .to_owned()
}

/// A fenced block of a page.
pub(super) struct Block {
    /// What stands after the fence: `rust`, `sh`, ….
    pub kind: String,
    pub text: String,
    /// Of its first line, from 1.
    pub line: usize,
}

/// The blocks of a page, in order.
pub(super) fn blocks(page: &str) -> Vec<Block> {
    let text = std::fs::read_to_string(root().join(page)).unwrap_or_else(|e| panic!("{page}: {e}"));
    let (mut blocks, mut open): (Vec<Block>, Option<Block>) = (vec![], None);
    for (at, line) in text.lines().enumerate() {
        match (line.strip_prefix("```"), open.take()) {
            (Some(kind), None) => {
                let kind = kind.trim().to_owned();
                open = Some(Block {
                    kind,
                    text: String::new(),
                    line: at + 2,
                });
            }
            (Some(_), Some(block)) => blocks.push(block),
            (None, Some(mut block)) => {
                block.text += line;
                block.text += "\n";
                open = Some(block);
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{page}: a block is not closed");
    blocks
}

/// Every file below `dir`, with its text.
fn files(dir: &Path) -> Vec<(PathBuf, String)> {
    let (mut open, mut found) = (vec![dir.to_owned()], vec![]);
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else {
                let text = std::fs::read_to_string(&path).expect("a text");
                found.push((path, text));
            }
        }
    }
    found
}

/// Whether `block` stands in `text`, word for word: whole lines, indented as a whole as they like.
fn stands_in(block: &str, text: &str) -> bool {
    let lines: Vec<&str> = text.lines().collect();
    let wanted: Vec<&str> = block.lines().collect();
    let same = |window: &[&str]| {
        let indent = window
            .iter()
            .zip(&wanted)
            .find(|(_, wanted)| !wanted.is_empty());
        let indent = indent.map_or(0, |(there, wanted)| {
            there.len().saturating_sub(wanted.len())
        });
        window
            .iter()
            .zip(&wanted)
            .all(|(there, wanted)| match wanted.is_empty() {
                true => there.is_empty(),
                false => {
                    there.len() == wanted.len() + indent
                        && there.ends_with(wanted)
                        && there.bytes().take(indent).all(|b| b == b' ')
                }
            })
    };
    lines.windows(wanted.len().max(1)).any(same)
}

fn holds(page: &str, code: &str) {
    let mut sources = files(&root().join("tests/tests/guides").join(code));
    sources.extend(files(&root().join("tests/tests/guides/schemas").join(code)));
    let (mut checked, mut wrong) = (0, vec![]);
    for block in blocks(page)
        .iter()
        .filter(|block| ["rust", "json", "yaml"].contains(&block.kind.as_str()))
    {
        checked += 1;
        if !sources.iter().any(|(_, text)| stands_in(&block.text, text)) {
            wrong.push(format!(
                "{page}:{} stands in no file of tests/tests/guides/{code}:\n{}",
                block.line, block.text
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 4, "{page} has code");
}

#[test]
fn the_code_of_the_guide_to_workers_is_compiled_and_tested() {
    holds("docs/guides/write-a-worker.md", "summaries");
}
#[test]
fn the_code_of_the_guide_to_sagas_is_compiled_and_tested() {
    holds("docs/guides/write-a-saga.md", "trials");
}

/// tests/tests/cluster/outsiders.rs runs it on real servers.
#[test]
fn the_program_of_the_guide_to_systems_outside_is_the_one_that_is_run() {
    let page = "docs/guides/connect-a-system.md";
    let program = root().join("tests/services/clients/src/guide.py");
    let program = std::fs::read_to_string(program).expect("the program");
    let blocks = blocks(page);
    let python = blocks.iter().filter(|block| block.kind == "python");
    let wrong: Vec<&str> = python
        .clone()
        .filter(|block| !stands_in(&block.text, &program))
        .map(|block| block.text.as_str())
        .collect();
    assert!(python.count() > 4 && wrong.is_empty(), "{wrong:?}");
}
/// What it says of topics is what the map says.
#[test]
fn the_guide_to_systems_outside_names_every_command_that_they_may_send() {
    let page = "docs/guides/connect-a-system.md";
    let text = std::fs::read_to_string(root().join(page)).expect("a page");
    let map = events::map::TopicMap::embedded();
    for inbox in map.topics().filter(|topic| topic.takes_commands()) {
        let row = format!("| `{}` |", inbox.name);
        let row = text.lines().find(|line| line.starts_with(&row));
        let row = row.unwrap_or_else(|| panic!("{page} has no {}", inbox.name));
        for record in &inbox.schemas {
            let name = record.rsplit('.').next().unwrap_or_default();
            assert!(row.contains(&format!("`{name}`")), "{name}: {row}");
        }
        assert_eq!(row.matches('`').count(), 2 + 2 * inbox.schemas.len());
    }
}

#[test]
fn a_block_stands_in_a_file_word_for_word_or_not() {
    let file = "fn a() {\n    one();\n\n    two();\n}\n";
    assert!(stands_in("one();\n\ntwo();\n", file));
    assert!(stands_in("    one();\n\n    two();\n", file));
    assert!(stands_in(file, file));
    assert!(!stands_in("one();\ntwo();\n", file));
    assert!(!stands_in("ne();\n", file));
    assert!(!stands_in("one();\n\n  two();\n", file));
}

/// Whether something between backticks is the path of a file or directory here.
fn is_ours(named: &str) -> bool {
    let begins = [
        "crates/",
        "workers/",
        "tests/tests/",
        "docs/",
        "schemas/",
        "bench/",
        "examples/",
    ];
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-".contains(&b);
    begins.iter().any(|begin| named.starts_with(begin)) && named.bytes().all(plain)
}

/// Every link of a page, and every path that it names, leads to something.
#[test]
fn no_link_leads_nowhere() {
    let mut pages: Vec<PathBuf> = ["README.md", "CONTRIBUTING.md"]
        .iter()
        .map(|page| root().join(page))
        .collect();
    let docs = files(&root().join("docs"))
        .into_iter()
        .map(|(path, _)| path);
    pages.extend(docs.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    let mut wrong = vec![];
    for page in pages {
        let text = std::fs::read_to_string(&page).expect("a page");
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split_once(')'))
            .map(|(link, _)| link)
        {
            let (path, _) = link.split_once('#').unwrap_or((link, ""));
            let there = || page.parent().expect("a directory").join(path).exists();
            if !link.contains("://") && !path.is_empty() && !there() {
                wrong.push(format!("{}: {link}", page.display()));
            }
        }
        for named in text
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|named| is_ours(named))
        {
            if !root().join(named).exists() {
                wrong.push(format!("{}: {named}", page.display()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "these lead nowhere:\n{}",
        wrong.join("\n")
    );
}
