//! Dead letters put right by a person, with the process running and without; stuck sagas too.
use super::binary::{PATIENCE, Place};
use app::clock::SystemClock;
use app::wiring;
use events::map::TopicMap;
use events::{Headers, envelope::name, topic};
use runtime::ports::log::Outgoing;
use runtime::ports::state::{Row, Save, Saved};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;

const UP: &[&str] = &["up", "--dev", "--listen", "127.0.0.1:0"];

/// Appends a message for each of these documents that no schema fits.
async fn unreadable(place: &Place, documents: &[&str]) {
    let path = place.path("troupe.db");
    let database = wiring::open(&path, Arc::new(SystemClock), TopicMap::embedded());
    let database = database.await.expect("nobody has it");
    for (n, document) in documents.iter().enumerate() {
        let id = format!("{document}-{n}");
        let headers = [
            (name::ID, id.as_str()),
            (name::SOURCE, "upstream"),
            (name::TENANT, "acme"),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
        let outgoing = Outgoing {
            topic: topic::DOCUMENTS_DOCUMENT.into(),
            partition: None,
            key: format!("acme/{document}").into_bytes(),
            headers: Headers(headers.to_vec()),
            payload: b"{}".to_vec(),
        };
        let appended = database.log().append(vec![outgoing]).await;
        appended.expect("appended");
    }
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
fn places(letters: &[Value], key: &str) -> Vec<String> {
    let of_key = letters.iter().filter(|letter| letter["key"] == key);
    let place = |letter: &Value| letter["place"].as_str().expect("a place").to_owned();
    of_key.map(place).collect()
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

    let skipped = ["dead-letters", "redrive", &one[1], "--by", "kim"];
    let skipped = place.run(&skipped).await;
    assert_eq!(skipped.code, Some(1));
    assert!(
        skipped.stdout.contains("waits behind another"),
        "{}",
        skipped.stdout
    );

    let key = [
        "dead-letters",
        "redrive",
        "--key",
        "acme/one",
        "--by",
        "kim",
        "--json",
    ];
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
    let redrive = ["dead-letters", "redrive", &one[0], "--by", "kim"];
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
    let saga = json!({
        "version": "create-chatbot.v1", "phase": "stuck.register", "turn": 4, "tries": 3,
        "history": [{"at": 1, "what": {"sent": {"token": "doing.register/1"}}}],
    });
    let data = json!({"chatbot": "house", "name": "House", "settings": {
        "greeting": "", "prompt_template": "", "answer": {"max_sentences": 0, "tone": ""}}});
    let body = json!({"state": {"saga": saga, "data": data, "asker": null}});
    let row = Row {
        version: 1,
        partition: 0,
        body: body.to_string().into_bytes(),
        ..Row::default()
    };
    let save = Save {
        collection: "chatbots.creation".into(),
        id: "acme/house".into(),
        expected: 0,
        row: Some(row),
    };
    let path = place.path("troupe.db");
    let database = wiring::open(&path, Arc::new(SystemClock), TopicMap::embedded());
    let database = database.await.expect("nobody has it");
    let saved = database.state().save(vec![save]).await;
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
