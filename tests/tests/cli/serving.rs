//! Processes that serve until they are stopped.
use super::binary::{PATIENCE, Place};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::time::timeout;

const UP: &[&str] = &["up", "--dev", "--listen", "127.0.0.1:0"];

#[tokio::test]
async fn up_is_ready_owns_its_database_and_stops_when_told() {
    let place = Place::new();
    let up = place.start(UP).await;
    let (status, body) = up.ask("GET", "/health/ready", None, "").await;
    assert_eq!(status, 200, "{body}");

    let second = place.run(UP).await;
    assert_eq!(second.code, Some(1));
    assert!(
        second.stderr.contains("troupe.db is in use by process"),
        "{}",
        second.stderr
    );

    // Looking goes on meanwhile.
    place
        .run(&["trace", "no-such-id"])
        .await
        .fails(1, &["nothing on the log carries", "no-such-id"]);
    place
        .run(&["trace", "no-such-id", "--json"])
        .await
        .fails(1, &["no-such-id"]);
    let sagas = place.run(&["sagas", "list", "--json"]).await;
    assert_eq!(sagas.succeeds().trim(), "[]");
    let letters = place.run(&["dead-letters", "list", "--json"]).await;
    assert_eq!(letters.succeeds().trim(), "[]");
    place
        .run(&["dead-letters", "list", "--worker", "nobody"])
        .await
        .fails(1, &["there is no worker nobody"]);
    place
        .run(&["dead-letters", "show", "documents.effects.dead/0/7"])
        .await
        .fails(1, &["there is no dead letter"]);
    place
        .run(&["sagas", "show", "nobody"])
        .await
        .fails(1, &["there is no saga nobody"]);

    let (status, body) = up.ask("GET", "/metrics", None, "").await;
    assert_eq!(status, 200);
    assert!(
        body.contains("troupe_consumer_done_total{consumer=\"documents.effects\"}"),
        "{body}"
    );
    up.stop().await;
    place.start(UP).await.stop().await; // the database is free again
}

#[tokio::test]
async fn a_key_that_was_made_opens_its_tenant_and_is_kept_nowhere() {
    let place = Place::new();
    let made = place.run(&["keys", "new", "--tenant", "acme"]).await;
    let (key, line) = made
        .succeeds()
        .split_once('\n')
        .expect("the key, then the configuration");
    place.write("troupe.toml", line);
    assert!(!line.contains(key));
    let up = place.start(&["up", "--listen", "127.0.0.1:0"]).await;
    assert!(up.key.is_none());
    let (status, body) = up.ask("GET", "/v1/chatbots", Some(key), "").await;
    assert_eq!(status, 200, "{body}");
    for wrong in [None, Some("troupe_wrong")] {
        let (status, body) = up.ask("GET", "/v1/chatbots", wrong, "").await;
        let problem: Value = serde_json::from_str(&body).expect("a problem document");
        assert_eq!(
            (status, problem["code"].as_str()),
            (401, Some("edge.unauthorized"))
        );
    }
    up.stop().await;
}

#[tokio::test]
async fn a_second_signal_ends_the_process_at_once() {
    let place = Place::new();
    let mut up = place.start(UP).await;
    let key = up.key.clone().expect("made by --dev");
    // A request whose body never comes: stopping waits for it.
    let mut upload = up.connect().await;
    let head = format!(
        "POST /v1/blobs HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {key}\r\ncontent-type: text/plain\r\n\
         content-length: 1000\r\n\r\nonly this"
    );
    upload.write_all(head.as_bytes()).await.expect("sent");
    let (status, _) = up.ask("GET", "/health/ready", None, "").await;
    assert_eq!(status, 200, "the upload came before and is under way");
    up.signal("-TERM").await;
    up.signal("-INT").await;
    assert_eq!(up.ends().await, Some(128 + 15));
}

#[tokio::test]
async fn run_runs_the_named_workers_only() {
    let place = Place::new();
    let run = place
        .start(&["run", "--worker", "knowledge", "documents.effects"])
        .await;
    let mut running: Vec<&str> = run.ready.split(' ').collect();
    running.sort_unstable();
    let knowledge = [
        "knowledge.effects",
        "knowledge.forget",
        "knowledge.index",
        "knowledge.intake",
        "knowledge.ledger",
    ];
    assert_eq!(running, [&["documents.effects"], &knowledge[..]].concat());
    run.stop().await;
}

#[tokio::test]
async fn what_is_started_as_a_part_of_something_stops_when_that_is_gone() {
    let place = Place::new();
    let arguments = ["up", "--dev", "--listen", "127.0.0.1:0", "--with-parent"];
    let mut command = place.command(&arguments);
    command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped());
    let mut child = command.spawn().expect("troupe starts");
    let held = child.stdin.take().expect("piped");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let ready = async {
        while let Ok(Some(line)) = lines.next_line().await {
            if line.starts_with("ready ") {
                return;
            }
        }
        panic!("it ended before it was ready");
    };
    timeout(PATIENCE, ready).await.expect("ready in time");
    drop(held);
    let ended = timeout(PATIENCE, child.wait()).await.expect("in time");
    assert_eq!(ended.expect("waited for").code(), Some(0));
}

#[tokio::test]
async fn a_file_that_somebody_has_is_said_before_a_key_is_made() {
    let place = Place::new();
    let up = place.start(UP).await;
    let second = place.run(UP).await;
    second.fails(1, &["in use by process"]);
    up.stop().await;
}
