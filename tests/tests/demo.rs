//! `troupe demo` as a person runs it: everything that it prints is held against the database that it kept, with SQL of
//! our own, and it finds what we break by hand.
mod kept;

use crate::cli::binary::troupe;
use kept::{Document, Kept};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

/// Runs it in a directory where no examples are: the binary has its own.
fn demo(home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(troupe());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TROUPE_") {
            command.env_remove(name);
        }
    }
    command
        .current_dir(home)
        .arg("demo")
        .args(arguments)
        .output()
        .expect("troupe runs")
}

/// What it printed for a program, and its exit code.
fn printed(output: &Output) -> (Value, Option<i32>) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {stderr}"));
    (json, output.status.code())
}

fn number(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("{value} is a count"))
}
fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is a text"))
}
fn list(value: &Value) -> &[Value] {
    value
        .as_array()
        .unwrap_or_else(|| panic!("{value} is a list"))
}
fn claim<'a>(json: &'a Value, id: &str) -> &'a Value {
    let found = list(&json["claims"]).iter().find(|claim| claim["id"] == id);
    found.unwrap_or_else(|| panic!("{id} is claimed"))
}

/// A directory of this process, where nobody looks for examples; those of processes that have ended are removed.
fn home() -> PathBuf {
    let all = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for entry in std::fs::read_dir(all).expect("cargo made it").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let process = name
            .strip_prefix("demo-")
            .map(|id| Path::new("/proc").join(id));
        if process.is_some_and(|process| !process.exists()) {
            // Another process of these tests may be removing it, too.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    let own = all.join(format!("demo-{}", std::process::id()));
    std::fs::create_dir_all(&own).expect("a directory");
    own
}

/// One run for all tests of this file; it takes some seconds.
struct Run {
    home: PathBuf,
    kept: PathBuf,
    json: Value,
}

fn run() -> &'static Run {
    static RUN: LazyLock<Run> = LazyLock::new(|| {
        let home = home();
        let kept = home.join("kept");
        let output = demo(&home, &["--keep", kept.to_str().expect("UTF-8"), "--json"]);
        let (json, code) = printed(&output);
        assert_eq!(code, Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        Run { home, kept, json }
    });
    &RUN
}
fn open() -> (&'static Value, Kept) {
    let Run { kept, json, .. } = run();
    (json, Kept::open(&kept.join("troupe.db")))
}

#[test]
fn every_claim_is_made_and_holds() {
    let Run { json, .. } = run();
    let ids: Vec<&str> = list(&json["claims"])
        .iter()
        .map(|claim| text(&claim["id"]))
        .collect();
    let expected = [
        "ingested",
        "crash",
        "ledger",
        "not-doubled",
        "answer-1",
        "answer-2",
        "answer-3",
        "answer-4",
        "answer-5",
        "answer-6",
        "asked",
        "undone",
        "nothing-left",
        "all-done",
        "stopped",
    ];
    assert_eq!(ids, expected);
    assert!(
        list(&json["claims"])
            .iter()
            .all(|claim| claim["holds"] == true)
    );
    assert_eq!(json["holds"], true);
    assert_eq!(claim(json, "stopped")["figures"], "exit code 0");
}

#[test]
fn the_ledger_is_what_the_tables_hold() {
    let (json, kept) = open();
    let printed = list(&json["documents"]);
    let (mut passages, mut examples) = (0, Vec::new());
    for printed in printed {
        let name = text(&printed["name"]);
        let Document {
            id,
            passages: texts,
            in_full_text,
            parsed,
            ledger,
        } = kept.document("observatory", name);
        let count = texts.len() as u64;
        assert_eq!(text(&printed["id"]), id, "{name}");
        assert_eq!(printed["state"], "ready", "{name}");
        assert_eq!(
            texts, parsed,
            "{name}: what was parsed is what is stored, once and in order"
        );
        assert_eq!(in_full_text, count, "{name}");
        assert_eq!(ledger, [count; 4], "{name}");
        for field in ["read", "in_database", "findable"] {
            assert_eq!(number(&printed[field]), count, "{name}: {field}");
        }
        for field in ["expected", "embedded", "stored", "retrievable"] {
            assert_eq!(number(&printed["ledger"][field]), count, "{name}: {field}");
        }
        passages += count;
        if printed["generated"] == false {
            examples.push(name);
        }
    }
    let shipped = std::fs::read_dir(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../examples/documents"
    ));
    let mut shipped: Vec<String> = shipped
        .expect("they ship")
        .map(|entry| {
            entry
                .expect("readable")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    shipped.sort();
    assert_eq!(examples, shipped);
    let documents = printed.len();
    assert_eq!(
        claim(json, "ingested")["figures"],
        format!("{documents} of {documents} documents ready")
    );
    let figures = format!(
        "{passages} passages of {documents} documents: expected = embedded = stored = retrievable"
    );
    assert_eq!(claim(json, "ledger")["figures"], figures);
    assert_eq!(
        kept.count("SELECT count(*) FROM search_passages"),
        passages,
        "and there are no others"
    );
    assert_eq!(
        kept.count("SELECT count(*) FROM search_text_docsize"),
        passages
    );
}

#[test]
fn the_process_really_was_killed_in_the_middle() {
    let (json, kept) = open();
    let crash = &json["crash"];
    let (killed, restarted) = (
        number(&crash["killed_pid"]),
        number(&crash["restarted_pid"]),
    );
    assert_ne!(killed, restarted);
    assert_eq!(crash["signal"], 9);
    let (before, after) =
        kept.ready_before_and_after("observatory", number(&crash["killed_at_ms"]));
    let seen = number(&crash["ready_before"]);
    // Between the look and the signal some more may have become ready.
    assert!(seen > 0 && seen <= before, "{seen} {before}");
    assert!(after > 0);
    assert_eq!(before + after, number(&crash["of"]));
    let figures = format!(
        "SIGKILL to process {killed} with {seen} of {} documents ready; process {restarted} brought in {after} more",
        before + after
    );
    assert_eq!(claim(json, "crash")["figures"], figures);
}

#[test]
fn the_log_is_read_to_its_end_and_says_nothing_twice() {
    let (json, kept) = open();
    let log = &json["log"];
    assert_eq!(
        number(&log["messages"]),
        kept.count("SELECT count(*) FROM log")
    );
    let ids = kept.ids();
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(number(&log["emitted"]), ids.len() as u64);
    assert_eq!(distinct.len(), ids.len());
    assert_eq!(list(&log["repeated"]), [] as [Value; 0]);
    let dead = "SELECT count(*) FROM log JOIN topics ON topics.no = log.topic WHERE topics.name GLOB '*.dead'";
    assert_eq!((number(&log["dead_letters"]), kept.count(dead)), (0, 0));
    assert_eq!(
        number(&log["checkpoints"]),
        kept.count("SELECT count(*) FROM checkpoints")
    );
    assert_eq!(list(&log["behind"]), [] as [Value; 0]);
    assert_eq!(kept.not_at_the_end(), [] as [String; 0]);
    for topic in ["document.parsed", "embedding.ready"] {
        assert_eq!(kept.most_messages_of_a_key(topic), 1, "{topic}");
    }
    let figures = format!("{} messages of the workers, 0 of them twice", ids.len());
    assert_eq!(claim(json, "not-doubled")["figures"], figures);
    let figures = format!(
        "{} messages, 0 dead letters; {} checkpoints, 0 not at the end",
        number(&log["messages"]),
        number(&log["checkpoints"])
    );
    assert_eq!(claim(json, "all-done")["figures"], figures);
}

#[test]
fn every_quote_stands_on_the_page_that_is_cited() {
    let (json, kept) = open();
    let answers = list(&json["answers"]);
    let phrases = [
        "red torches",
        "38",
        "red box",
        "9 newton metres",
        "18 April 2031",
    ];
    assert_eq!(answers.len(), phrases.len() + 1);
    for (answer, phrase) in answers.iter().zip(phrases) {
        assert_eq!(answer["known"], true);
        assert!(text(&answer["text"]).contains(phrase), "{answer}");
        for citation in list(&answer["citations"]) {
            for sentence in text(&citation["quote"]).split(" … ") {
                let page = citation["page"].as_i64();
                let found = kept.passages_that_say(text(&citation["document"]), page, sentence);
                assert!(found > 0, "{citation}");
            }
        }
    }
    let unknown = &answers[phrases.len()];
    assert_eq!(unknown["known"], false);
    assert!(text(&unknown["text"]).starts_with("I don't know"));
    assert_eq!(list(&unknown["citations"]), [] as [Value; 0]);
    assert_eq!(kept.passages_with_a_word("sauna"), 0, "rightly");
    assert_eq!(
        claim(json, "asked")["figures"],
        "6 of 6, 1 of them with \"I don't know\""
    );
    assert_eq!(kept.count("SELECT count(*) FROM log WHERE topic = (SELECT no FROM topics WHERE name = 'question.answered')"), 6);
}

#[test]
fn of_the_chatbot_that_could_not_be_there_is_nothing() {
    let (json, kept) = open();
    let undone = &json["undone"];
    assert_eq!(
        (
            number(&undone["chatbot_status"]),
            number(&undone["documents_status"])
        ),
        (404, 404)
    );
    assert!(
        text(&undone["reason"]).contains("sealed-contract.pdf: the file is encrypted"),
        "{undone}"
    );
    let left = &json["left"];
    let rows = kept.rows_of(text(&undone["chatbot"]));
    assert_eq!(
        rows.documents,
        [
            ("sealed-contract.pdf".into(), "Deleted".into()),
            ("telescope-care.md".into(), "Deleted".into())
        ]
    );
    assert_eq!(
        (
            number(&left["tombstones"]),
            number(&left["listed_documents"])
        ),
        (2, 0)
    );
    assert_eq!(
        (rows.state.as_str(), left["listed"].as_bool()),
        ("Removed", Some(false))
    );
    assert_eq!((rows.revisions, number(&left["revisions"])), (0, 0));
    assert_eq!((rows.published, number(&left["published"])), (0, 0));
    assert_eq!((rows.full_text, number(&left["full_text"])), (0, 0));
    assert_eq!(
        number(&left["passages"]),
        0,
        "that there is none of anybody else is tested above"
    );
    assert_eq!((rows.blobs, number(&left["blobs"])), (0, 0));
    assert_eq!(rows.saga, "undone");
    let figures = "0 passages, 0 full-text entries, 0 documents; 2 tombstones, 0 blobs";
    assert_eq!(claim(json, "nothing-left")["figures"], figures);
    assert_eq!(
        claim(json, "undone")["figures"],
        format!("status {}, {}", undone["status"], text(&undone["code"]))
    );
}

/// Of a copy, changed by hand: the code and what was printed.
fn checked_after(change: impl FnOnce(&Kept)) -> (Option<i32>, Value) {
    let Run { home, kept, .. } = run();
    let copy = tempfile::tempdir_in(home).expect("a directory");
    for entry in std::fs::read_dir(kept).expect("it is there") {
        let entry = entry.expect("readable");
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).expect("copied");
    }
    let changed = Kept::open_to_change(&copy.path().join("troupe.db"));
    change(&changed);
    drop(changed);
    let arguments = [
        "--keep",
        copy.path().to_str().expect("UTF-8"),
        "--check-only",
        "--json",
    ];
    let (json, code) = printed(&demo(home, &arguments));
    (code, json)
}
fn failing(json: &Value) -> Vec<&str> {
    let failing = list(&json["claims"])
        .iter()
        .filter(|claim| claim["holds"] == false);
    failing.map(|claim| text(&claim["id"])).collect()
}

#[test]
fn the_check_alone_finds_what_the_demo_found() {
    let (code, json) = checked_after(|_| {});
    assert_eq!((code, &json), (Some(0), &run().json));
}

#[test]
fn a_passage_that_is_deleted_by_hand_is_missed_and_its_document_named() {
    let (code, json) = checked_after(|kept| kept.delete_a_passage("observatory", "history.txt"));
    assert_eq!(code, Some(1));
    assert_eq!(failing(&json), ["ledger", "not-doubled"]);
    for id in ["ledger", "not-doubled"] {
        let against = &claim(&json, id)["against"];
        assert!(text(&against[0]).contains("history.txt"), "{against}");
    }
}

#[test]
fn an_entry_of_the_full_text_that_is_deleted_by_hand_is_missed_too() {
    let (code, json) =
        checked_after(|kept| kept.delete_from_full_text("observatory", "history.txt"));
    assert_eq!((code, failing(&json)), (Some(1), vec!["ledger"]));
    assert!(text(&claim(&json, "ledger")["against"][0]).contains("history.txt"));
}

#[test]
fn a_message_that_is_there_twice_is_found() {
    let (code, json) = checked_after(|kept| kept.repeat_a_message("embedding.ready"));
    assert_eq!(code, Some(1));
    // It was not there when the consumer stopped, so it is unread, too.
    assert_eq!(failing(&json), ["not-doubled", "all-done"]);
}

#[test]
fn a_directory_that_holds_something_is_not_touched() {
    let Run { home, kept, .. } = run();
    let output = demo(home, &["--keep", kept.to_str().expect("UTF-8")]);
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("is not empty"), "{stderr}");
}

#[test]
fn documents_that_cannot_be_read_are_refused_before_anything_begins() {
    let home = tempfile::tempdir().expect("a directory");
    let broken = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/broken");
    let output = demo(home.path(), &["--documents", broken, "--keep", "kept"]);
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("sealed-contract.pdf") && stderr.contains("encrypted"),
        "{stderr}"
    );
}
