//! `troupe demo --cluster`, and what operators ask of a cluster, each on a Kafka of its own.
mod operators;
mod outside;
mod world;

use crate::cli::binary::PATIENCE;
use outside::Outside;
use serde_json::Value;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;
use world::{World, ended};

fn list(value: &Value) -> &[Value] {
    value
        .as_array()
        .unwrap_or_else(|| panic!("{value} is a list"))
}
fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is a text"))
}
fn number(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("{value} is a count"))
}

/// Reads what it says until a line has `part`; all of it until there.
async fn says(child: &mut Child, part: &str) -> String {
    let mut lines = BufReader::new(child.stderr.as_mut().expect("piped")).lines();
    let mut said = String::new();
    let reading = async {
        while let Some(line) = lines.next_line().await.expect("readable") {
            said.push_str(&line);
            said.push('\n');
            if line.contains(part) {
                return;
            }
        }
        panic!("it ended, and said only: {said}");
    };
    let read = tokio::time::timeout(PATIENCE * 2, reading).await;
    read.unwrap_or_else(|_| panic!("in time it did not say {part:?}"));
    said
}

/// The numbers after names, of `   processes: chatbots 12, documents 13; …`.
fn processes(said: &str) -> Vec<u32> {
    let line = said.lines().find(|line| line.contains("processes: "));
    let line = line.expect("it says who works");
    let named = line.split("processes: ").nth(1).expect("names");
    let named = named.split(';').next().expect("names").split(", ");
    let number = |one: &str| one.rsplit(' ').next().and_then(|n| n.parse().ok());
    named.map(|one| number(one).expect("a number")).collect()
}
fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

/// One test, since a demo takes its time: refused where nothing is prepared, interrupted, run again beside what the first one
/// left, and what it says held against the servers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_on_a_cluster_claims_what_the_servers_hold_and_leaves_nobody_running() {
    let world = World::new("demo");
    let id = world.id().await;
    world.configure("another");
    world
        .run(&["demo", "--cluster"])
        .await
        .fails(2, &["another", &id]);
    world.configure(&id);
    let unprepared = world.run(&["demo", "--cluster"]).await;
    let wanted = [
        "not prepared",
        "troupe topics apply",
        "troupe state prepare",
    ];
    unprepared.fails(1, &wanted);
    world.prepare().await;

    interrupted(&world).await;

    let kept = world.place.path("kept");
    let kept = kept.to_str().expect("UTF-8");
    let began = Instant::now();
    let ran = ended(world.demo(&["--keep", kept, "--json"])).await;
    eprintln!("the demo took {:?}", began.elapsed());
    let stderr = String::from_utf8_lossy(&ran.stderr);
    let json: Value =
        serde_json::from_slice(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {stderr}"));
    assert_eq!(ran.status.code(), Some(0), "{stderr}");
    let pids = processes(&stderr);
    assert_eq!(pids.len(), 6, "{pids:?}");
    assert!(!pids.iter().any(|pid| runs(*pid)), "somebody runs still");

    let ids: Vec<&str> = list(&json["claims"])
        .iter()
        .map(|claim| text(&claim["id"]))
        .collect();
    let first = ["ingested", "crash", "ledger", "not-doubled"];
    let last = ["asked", "undone", "nothing-left", "all-done", "stopped"];
    assert_eq!((&ids[..4], &ids[10..]), (&first[..], &last[..]));
    assert!(
        list(&json["claims"])
            .iter()
            .all(|claim| claim["holds"] == true)
    );
    let crash = &json["crash"];
    assert_eq!(crash["signal"], 9);
    let killed = u32::try_from(number(&crash["killed_pid"])).expect("small");
    assert!(pids.contains(&killed), "one of the processes");

    held_against_the_servers(&world, &json).await;

    let again = ended(world.demo(&["--keep", kept, "--check-only", "--json"])).await;
    let again: Value = serde_json::from_slice(&again.stdout).expect("JSON");
    assert_eq!(again, json, "the check alone finds what the demo found");
    let elsewhere = world.run(&["demo", "--keep", kept, "--check-only"]).await;
    elsewhere.fails(2, &["add --cluster"]);
}

/// Ctrl-C in the middle: nobody is left behind.
async fn interrupted(world: &World) {
    let mut command = world.demo(&[]);
    command.stderr(Stdio::piped()).stdout(Stdio::null());
    let mut demo = command.spawn().expect("it starts");
    let said = says(&mut demo, "processes: ").await;
    let pids = processes(&said);
    assert!(
        pids.len() == 6 && pids.iter().all(|pid| runs(*pid)),
        "{said}"
    );
    let own = demo.id().expect("it runs").to_string();
    let told = std::process::Command::new("kill")
        .args(["-INT", &own])
        .status();
    assert!(told.expect("kill runs").success());
    let ended = tokio::time::timeout(PATIENCE, demo.wait()).await;
    assert_eq!(ended.expect("in time").expect("waited for").code(), Some(1));
    assert!(!pids.iter().any(|pid| runs(*pid)), "somebody runs still");
}

async fn held_against_the_servers(world: &World, json: &Value) {
    let outside = Outside::of(world, text(&json["tenant"])).await;
    let log = &json["log"];
    assert_eq!(number(&log["messages"]), outside.messages);
    assert_eq!(number(&log["emitted"]), outside.emitted);
    assert_eq!((number(&log["dead_letters"]), outside.dead), (0, 0));
    assert_eq!((list(&log["repeated"]).len(), outside.twice.len()), (0, 0));
    let (mut passages, mut after) = (0, 0);
    for document in list(&json["documents"]) {
        let (id, name) = (text(&document["id"]), text(&document["name"]));
        let count = number(&document["read"]);
        let ledger = outside.ledger(id);
        assert_eq!(ledger, [count; 4], "{name}");
        for field in ["in_database", "findable"] {
            assert_eq!(number(&document[field]), count, "{name}: {field}");
        }
        for field in ["expected", "embedded", "stored", "retrievable"] {
            assert_eq!(number(&document["ledger"][field]), count, "{name}: {field}");
        }
        assert_eq!(outside.times("document.parsed", id), 1, "{name}");
        let ready = outside.ready_at_ms(id);
        after += u64::from(ready.unsigned_abs() > number(&json["crash"]["killed_at_ms"]));
        passages += count;
    }
    assert!(after > 0, "some became ready after the kill");
    assert_eq!(outside.retrievable(text(&json["chatbot"])).await, passages);
    assert_eq!(
        outside.retrievable(text(&json["undone"]["chatbot"])).await,
        0
    );
    assert_eq!(
        outside.phase("chatbots.creation", text(&json["undone"]["chatbot"])),
        "undone"
    );
    let answered = outside.of_topic("question.answered");
    assert_eq!(answered, list(&json["answers"]).len() as u64);
    let unknown = list(&json["answers"])
        .iter()
        .filter(|answer| answer["known"] == false);
    assert_eq!(unknown.count(), 1);
    assert!(Duration::from_millis(number(&json["crash"]["ready_again_ms"])) < PATIENCE);
}
