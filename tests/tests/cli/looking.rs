//! What is said of a database that has something in it: traces, sagas, dead letters.
use super::binary::{PATIENCE, Place};
use app::clock::SystemClock;
use app::wiring;
use embedded::Embedded;
use events::map::TopicMap;
use events::{Headers, envelope::name, topic};
use runtime::ports::log::Outgoing;
use runtime::ports::state::{Row, Save, Saved};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;

/// The database of a place while no process runs there.
async fn open(place: &Place) -> Embedded {
    let path = place.path("troupe.db");
    wiring::open(&path, Arc::new(SystemClock), TopicMap::embedded())
        .await
        .expect("nobody has it")
}

fn read(json: &str) -> Vec<Value> {
    serde_json::from_str(json).unwrap_or_else(|e| panic!("{e}: {json}"))
}

#[tokio::test]
async fn a_trace_shows_all_that_a_request_caused_each_message_under_its_cause() {
    let place = Place::new();
    let up = place
        .start(&["up", "--dev", "--listen", "127.0.0.1:0"])
        .await;
    let (status, body) = up
        .ask(
            "POST",
            "/v1/chatbots",
            up.key.as_deref(),
            r#"{"name": "House"}"#,
        )
        .await;
    assert_eq!(status, 201, "{body}");
    let created: Value = serde_json::from_str(&body).expect("JSON");
    let operation = created["operation"].as_str().expect("an operation");

    let ran = place.run(&["trace", operation, "--json"]).await;
    let trace: Value = serde_json::from_str(ran.succeeds()).expect("JSON");
    let messages = trace["messages"].as_array().expect("messages");
    assert_eq!(
        (messages[0]["topic"].as_str(), messages[0]["depth"].as_u64()),
        (Some("chatbots.creation"), Some(0))
    );
    let mut above: Vec<&str> = vec![];
    for message in messages {
        let depth = usize::try_from(message["depth"].as_u64().expect("a depth")).expect("small");
        above.truncate(depth);
        let cause = message["cause"].as_str();
        assert_eq!(above.last().copied(), cause, "{message}");
        above.push(message["id"].as_str().expect("an id"));
    }
    let answer = messages
        .iter()
        .find(|message| message["topic"] == "replies")
        .expect("an answer");
    assert_eq!(answer["reply"], "done");
    let drawn = place.run(&["trace", operation]).await;
    assert_eq!(drawn.succeeds().lines().count(), messages.len() + 1);
    assert!(drawn.stdout.contains("└─ replies"), "{}", drawn.stdout);

    let id = created["id"].as_str().expect("an id");
    let shown = place.run(&["sagas", "show", id, "--json"]).await;
    let saga = &read(shown.succeeds())[0];
    assert_eq!(
        (saga["saga"].as_str(), saga["state"]["phase"].as_str()),
        (Some("chatbots.creation"), Some("completed"))
    );
    let told = place.run(&["sagas", "show", id]).await;
    assert!(
        told.succeeds().contains("heard     doing.activate/"),
        "{}",
        told.stdout
    );
    let resumed = place
        .run(&["sagas", "resume", id, "--by", "me", "--why", "a test"])
        .await;
    resumed.fails(1, &["is not stuck"]);
    up.stop().await;
}

#[tokio::test]
async fn a_stuck_saga_is_resumed_by_whoever_owns_the_file() {
    let place = Place::new();
    let saga = json!({
        "version": "create-chatbot.v1", "phase": "stuck.register", "turn": 4, "tries": 3,
        "history": [{"at": 1, "what": {"sent": {"token": "doing.register/1"}}}],
    });
    let body = json!({"state": {"saga": saga, "data": null, "asker": null}});
    let row = Row {
        version: 1,
        partition: 0,
        body: body.to_string().into_bytes(),
        ..Row::default()
    };
    let database = open(&place).await;
    let save = Save {
        collection: "chatbots.creation".into(),
        id: "acme/house".into(),
        expected: 0,
        row: Some(row),
    };
    assert_eq!(
        database.state().save(vec![save]).await,
        Ok(vec![Saved::Done])
    );
    let resume = [
        "sagas",
        "resume",
        "house",
        "--by",
        "me",
        "--why",
        "the disk is back",
    ];
    place
        .run(&resume)
        .await
        .fails(1, &["in use by process", "Stop it, run this again"]);
    drop(database);

    let stuck = place.run(&["sagas", "list", "--stuck", "--json"]).await;
    assert_eq!(read(stuck.succeeds())[0]["key"], "acme/house");
    let resumed = place.run(&resume).await;
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);

    let database = open(&place).await;
    let mut found = vec![];
    for partition in 0..database
        .log()
        .partitions(topic::CHATBOTS_CREATION)
        .expect("a topic")
    {
        found.extend(
            database
                .log()
                .read(topic::CHATBOTS_CREATION, partition, 0, 10)
                .await
                .expect("read"),
        );
    }
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].key, "acme/house");
    assert_eq!(
        found[0].headers.text(name::TYPE),
        Some("troupe.system.ResumeSaga")
    );
}

#[tokio::test]
async fn a_foreign_message_without_a_schema_is_a_dead_letter_with_its_reason() {
    let place = Place::new();
    let headers = [
        (name::ID, "f1"),
        (name::SOURCE, "upstream"),
        (name::TENANT, "acme"),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
    let foreign = Outgoing {
        topic: topic::INBOX_DOCUMENT_UPLOADED.into(),
        partition: None,
        key: b"acme/manual".to_vec().into(),
        headers: Headers(headers.to_vec()),
        payload: b"{\"not\": \"avro\"}".to_vec().into(),
    };
    let database = open(&place).await;
    database
        .log()
        .append(vec![foreign])
        .await
        .expect("appended");
    drop(database);

    let run = place.start(&["run", "--worker", "documents"]).await;
    let began = Instant::now();
    let found = loop {
        let list = place
            .run(&["dead-letters", "list", "--worker", "documents", "--json"])
            .await;
        let found = read(list.succeeds());
        if !found.is_empty() || began.elapsed() > PATIENCE {
            break found;
        }
    };
    run.stop().await;
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0]["worker"].as_str(), found[0]["key"].as_str()),
        (Some("documents.border"), Some("acme/manual"))
    );
    let code = found[0]["code"].as_str().expect("a code");
    assert!(code.starts_with("runtime."), "{code}");
    assert!(found[0]["payload"]["unreadable"].is_string());
    let other = place
        .run(&[
            "dead-letters",
            "list",
            "--code",
            "runtime.no_such_code",
            "--json",
        ])
        .await;
    assert_eq!(other.succeeds().trim(), "[]");
    let place_of_it = found[0]["place"].as_str().expect("a place");
    let shown = place.run(&["dead-letters", "show", place_of_it]).await;
    assert!(
        shown.succeeds().contains(&format!("docs/errors/{code}.md")),
        "{}",
        shown.stdout
    );
    let table = place.run(&["dead-letters", "list"]).await;
    assert!(table.succeeds().contains(place_of_it));
}
