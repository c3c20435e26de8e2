//! `troupe dead-letters redrive`, killed in the middle and run again: nothing is lost, nothing is there twice (D4).
use super::binary::{PATIENCE, Place};
use super::trouble;
use app::clock::SystemClock;
use app::wiring;
use events::map::TopicMap;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Instant;

const UP: &[&str] = &["up", "--dev", "--listen", "127.0.0.1:0"];
const KEYS: usize = 8;
const EACH: usize = 10;
const ALL: usize = KEYS * EACH;
/// Slow enough to be killed in the middle.
const SLOWLY: &[&str] = &[
    "dead-letters",
    "redrive",
    "--all",
    "--by",
    "kim",
    "--why",
    "a test",
    "--rate",
    "20",
];

fn key(n: usize) -> String {
    format!("d{n}")
}

/// A place with dead letters of several keys, none of which any schema fits: redriven, each dies again, once.
async fn with_letters() -> Place {
    let place = Place::new();
    let documents: Vec<String> = (0..ALL).map(|n| key(n % KEYS)).collect();
    let documents: Vec<&str> = documents.iter().map(String::as_str).collect();
    let path = place.path("troupe.db");
    let database = wiring::open(&path, Arc::new(SystemClock), TopicMap::embedded());
    let database = database.await.expect("nobody has it");
    let appended = database.log().append(trouble::unreadable(&documents)).await;
    appended.expect("appended");
    drop(database);
    let run = place.start(&["run", "--worker", "documents"]).await;
    until(&place, |letters| letters.len() == ALL).await;
    run.stop().await;
    place
}

async fn until(place: &Place, enough: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let began = Instant::now();
    loop {
        let list = ["dead-letters", "list", "--json", "--limit", "1000"];
        let found = place.run(&list).await;
        let found: Vec<Value> = serde_json::from_str(found.succeeds()).expect("JSON");
        if enough(&found) {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "{} letters", found.len());
    }
}

fn redriven(letters: &[Value]) -> usize {
    let is = |letter: &&Value| letter["fate"]["is"] == "redriven";
    letters.iter().filter(is).count()
}

/// Begins to redrive all of them, and kills whoever does it when some are done.
async fn interrupted(place: &Place) {
    let mut command = place.command(SLOWLY);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut redriving = command.spawn().expect("troupe starts");
    let some = until(place, |letters| redriven(letters) >= 10).await;
    redriving.kill().await.expect("killed");
    assert!(redriven(&some) < ALL, "it was killed too late");
}

/// Each message is the letter of one place that waits, no letter became two, and of each key they stand in their order.
async fn check(place: &Place) {
    let waits = |letter: &&Value| letter["fate"]["is"] == "waiting";
    let letters = until(place, |letters| letters.iter().filter(waits).count() >= ALL).await;
    let before: Vec<&str> = letters
        .iter()
        .filter_map(|letter| letter["redriven"].as_str())
        .collect();
    assert!(before.len() >= ALL, "all were redriven");
    assert_eq!(letters.len(), ALL + before.len());
    let once: BTreeSet<&str> = before.iter().copied().collect();
    assert_eq!(once.len(), before.len(), "a letter died again twice");
    let plan = place.run(&["dead-letters", "redrive", "--all", "--plan", "--json"]);
    let plan: Value = serde_json::from_str(plan.await.succeeds()).expect("JSON");
    assert_eq!(
        (&plan["count"], redriven(&letters)),
        (&json!(ALL), before.len())
    );
    for planned in plan["keys"].as_array().expect("keys") {
        let places = planned["places"].as_array().expect("places").iter();
        let ids: Vec<&Value> = places
            .map(|place| letters.iter().find(|letter| letter["place"] == *place))
            .map(|letter| &letter.expect("it is listed")["id"])
            .collect();
        let key = planned["key"].as_str().expect("a key");
        let of_key = letters.iter().filter(|letter| letter["key"] == key);
        let first = of_key.filter(|letter| letter["redriven"].is_null());
        let first: Vec<&Value> = first.map(|letter| &letter["id"]).collect();
        assert_eq!((ids.len(), ids), (EACH, first), "{key}");
    }
}

const AGAIN: &[&str] = &[
    "dead-letters",
    "redrive",
    "--all",
    "--by",
    "lee",
    "--why",
    "kim was killed",
    "--rate",
    "1000",
];

#[tokio::test]
async fn a_redrive_that_is_killed_while_it_has_the_file_is_done_again() {
    let place = with_letters().await;
    interrupted(&place).await;
    place.run(AGAIN).await.succeeds();
    let up = place.start(UP).await;
    check(&place).await;
    up.stop().await;
}

#[tokio::test]
async fn a_redrive_that_is_killed_while_another_process_does_it_is_done_again() {
    let place = with_letters().await;
    let up = place.start(UP).await;
    interrupted(&place).await;
    // What was redriven has died again, or it might be among those that are planned, and again behind them.
    until(&place, |letters| letters.len() == ALL + redriven(letters)).await;
    place.run(AGAIN).await.succeeds();
    check(&place).await;
    up.stop().await;
}
