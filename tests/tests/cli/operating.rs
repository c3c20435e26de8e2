//! Dead letters put right by a person, with the process running and without; stuck sagas too.
use super::binary::{PATIENCE, Place};
use super::trouble::{self, places};
use app::clock::SystemClock;
use app::wiring;
use embedded::Embedded;
use events::map::TopicMap;
use runtime::ports::state::Saved;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;

const UP: &[&str] = &["up", "--dev", "--listen", "127.0.0.1:0"];

async fn database(place: &Place) -> Embedded {
    let path = place.path("troupe.db");
    let database = wiring::open(&path, Arc::new(SystemClock), TopicMap::embedded());
    database.await.expect("nobody has it")
}
/// Appends a message for each of these documents that no schema fits.
async fn unreadable(place: &Place, documents: &[&str]) {
    let log = database(place).await.log();
    let appended = log.append(trouble::unreadable(documents)).await;
    appended.expect("appended");
}

/// The letters, once there are so many of them.
async fn letters(place: &Place, filters: &[&str], many: usize) -> Vec<Value> {
    let began = Instant::now();
    loop {
        let list = [&["dead-letters", "list", "--json"], filters].concat();
        let found = place.run(&list).await;
        let found: Vec<Value> = serde_json::from_str(found.succeeds()).expect("JSON");
        if found.len() >= many || began.elapsed() > PATIENCE {
            assert_eq!(found.len(), many, "{found:?}");
            return found;
        }
    }
}

#[tokio::test]
async fn dead_letters_are_redriven_by_the_process_that_runs() {
    let place = Place::new();
    unreadable(&place, &["one", "one", "two"]).await;
    let up = place.start(UP).await;
    let found = letters(&place, &["--worker", "documents"], 3).await;
    let (one, two) = (places(&found, "acme/one"), places(&found, "acme/two"));
    letters(&place, &["--key", "acme/one", "--tenant", "acme"], 2).await;
    letters(&place, &["--tenant", "globex"], 0).await;
    letters(&place, &["--since", "1h"], 3).await;
    letters(&place, &["--until", "1h"], 0).await;

    let planned = place
        .run(&["dead-letters", "redrive", &one[1], "--plan"])
        .await;
    let said: Vec<&str> = planned.succeeds().lines().collect();
    assert!(said[0].starts_with("2 dead letters of 1 keys"), "{said:?}");
    assert_eq!(said[1], "documents.document acme/one");
    assert_eq!([said[2].trim(), said[3].trim()], [&one[0], &one[1]]);
    letters(&place, &[], 3).await; // planning changes nothing

    let by = ["--by", "kim", "--why", "the schema is there"];
    let skipped = [&["dead-letters", "redrive", &one[1]], &by[..]].concat();
    let skipped = place.run(&skipped).await;
    assert_eq!(skipped.code, Some(1));
    assert!(
        skipped.stdout.contains("waits behind another"),
        "{}",
        skipped.stdout
    );

    let key = ["dead-letters", "redrive", "--key", "acme/one", "--json"];
    let key = [&key[..], &by].concat();
    let redriven = place.run(&key).await;
    let redriven: Value = serde_json::from_str(redriven.succeeds()).expect("JSON");
    assert_eq!(redriven["done"], json!(one));
    // They die again, as they were: each is another letter, and says which one it was.
    let again = letters(&place, &["--key", "acme/one"], 4).await;
    assert_eq!(again[0]["fate"]["by"], "kim");
    let died = again
        .iter()
        .find(|letter| letter["redriven"] == json!(one[0]));
    let died = died.expect("it died again")["place"]
        .as_str()
        .expect("a place");
    let shown = place.run(&["dead-letters", "show", died]).await;
    let wanted = format!("redriven from {}, and died again", one[0]);
    assert!(shown.succeeds().contains(&wanted), "{}", shown.stdout);

    let discard = [
        "dead-letters",
        "discard",
        &two[0],
        "--by",
        "kim",
        "--why",
        "a test",
    ];
    place.run(&discard).await.succeeds();
    let shown = place.run(&["dead-letters", "show", &two[0]]).await;
    assert!(
        shown.succeeds().contains("discarded by kim"),
        "{}",
        shown.stdout
    );
    let settled = place.run(&discard).await;
    settled.succeeds(); // the same again is the same
    up.stop().await;
    assert!(!place.path("troupe.db.door").exists(), "the door is closed");
}

#[tokio::test]
async fn without_a_process_the_command_takes_the_file_itself() {
    let place = Place::new();
    unreadable(&place, &["one", "two"]).await;
    let run = place.start(&["run", "--worker", "documents"]).await;
    let found = letters(&place, &[], 2).await;
    let (one, two) = (places(&found, "acme/one"), places(&found, "acme/two"));
    let redrive = [
        "dead-letters",
        "redrive",
        &one[0],
        "--by",
        "kim",
        "--why",
        "x",
    ];
    place
        .run(&redrive)
        .await
        .fails(1, &["in use by process", "takes no commands over HTTP"]);
    run.stop().await;
    let redriven = place.run(&redrive).await;
    assert_eq!(redriven.succeeds().trim(), "1 redriven");
    assert!(redriven.stderr.contains("`troupe up` handles them"));
    let discard = [
        "dead-letters",
        "discard",
        &two[0],
        "--by",
        "kim",
        "--why",
        "a test",
    ];
    place.run(&discard).await.succeeds();
    let up = place.start(UP).await;
    letters(&place, &["--key", "acme/one"], 2).await;
    up.stop().await;
}

#[tokio::test]
async fn a_stuck_saga_is_resumed_by_the_process_that_runs() {
    let place = Place::new();
    let database = database(&place).await;
    let saved = database.state().save(vec![trouble::stuck_saga()]).await;
    assert_eq!(saved, Ok(vec![Saved::Done]));
    drop(database);
    let up = place.start(UP).await;
    let resume = [
        "sagas",
        "resume",
        "house",
        "--by",
        "kim",
        "--why",
        "it is put right",
    ];
    let resumed = place.run(&resume).await;
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    let began = Instant::now();
    loop {
        let shown = place.run(&["sagas", "show", "house", "--json"]).await;
        let found: Value = serde_json::from_str(shown.succeeds()).expect("JSON");
        if found[0]["state"]["phase"] == "undone" {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{found}");
    }
    up.stop().await;
}
