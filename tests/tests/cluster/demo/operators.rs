//! What an operator looks at and puts right on a cluster, with the same commands as on a file.
use super::world::World;
use super::{list, number, says, text};
use crate::cli::binary::PATIENCE;
use crate::cli::trouble::{self, places};
use crate::cluster::servers::Settings;
use events::{envelope::name, topic};
use runtime::ports::log::Log;
use runtime::ports::state::{Saved, State};
use serde_json::{Value, json};
use std::time::Instant;
use tokio::net::TcpListener;
use tokio::process::Child;
use tokio::time::timeout;

async fn read(world: &World, arguments: &[&str]) -> Value {
    let arguments = [arguments, &["--cluster", "--json"]].concat();
    let ran = world.run(&arguments).await;
    serde_json::from_str(ran.succeeds()).expect("JSON")
}

/// The letters, once there are so many of them.
async fn letters(world: &World, filters: &[&str], many: usize) -> Vec<Value> {
    let began = Instant::now();
    loop {
        let found = read(world, &[&["dead-letters", "list"], filters].concat()).await;
        let found = list(&found).to_vec();
        if found.len() >= many || began.elapsed() > PATIENCE {
            assert_eq!(found.len(), many, "{found:?}");
            return found;
        }
    }
}

/// What is done on no other cluster than the one that is meant.
const COMMANDS: [&[&str]; 8] = [
    &["run", "--worker", "documents"],
    &["up", "--no-workers", "--dev", "--listen", "127.0.0.1:0"],
    &["trace", "request-1"],
    &["sagas", "list"],
    &["sagas", "show", "house"],
    &["dead-letters", "list"],
    &["dead-letters", "show", "documents.document.dead/0/0"],
    &[
        "dead-letters",
        "redrive",
        "--all",
        "--by",
        "kim",
        "--why",
        "a test",
    ],
];

/// One test for all of it: a Kafka takes some seconds to start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_looks_at_a_cluster_and_puts_it_right_with_the_same_commands() {
    let world = World::new("operators");
    let id = world.id().await;
    for command in COMMANDS {
        let command = [command, &["--cluster"]].concat();
        world
            .run(&command)
            .await
            .fails(2, &["cluster.kafka_id is not set", &id]);
    }
    world.configure("another");
    for command in COMMANDS {
        let command = [command, &["--cluster"]].concat();
        world.run(&command).await.fails(2, &["\"another\"", &id]);
    }
    world.configure(&id);
    world.prepare().await;
    let nothing = world.run(&["dead-letters", "list", "--cluster"]).await;
    assert_eq!(nothing.succeeds(), "");
    world
        .run(&["trace", "request-1", "--cluster"])
        .await
        .fails(1, &["request-1", "--since"]);

    an_interrupted_trace(&world, &id).await;

    let unreadable = trouble::unreadable(&["one", "one", "two"]);
    let appended = world.log().await.append(unreadable).await;
    appended.expect("appended");
    let saved = world.state().await.save(vec![trouble::stuck_saga()]).await;
    assert_eq!(saved, Ok(vec![Saved::Done]));
    let workers = world.start(&["documents", "chatbots", "sagas"]).await;
    dead_letters(&world).await;
    traces(&world).await;
    sagas(&world).await;
    workers.stop().await;
}

/// Ctrl-C: what was found until then is shown. The registry, which the third message needs, never answers.
async fn an_interrupted_trace(world: &World, id: &str) {
    let mut messages = trouble::unreadable(&["late", "late", "late"]);
    for message in &mut messages {
        message.topic = topic::KNOWLEDGE_INDEX.into(); // nobody works on it here
        message.headers.set(name::CORRELATION, "request-2");
    }
    messages[2].payload = [&[0][..], &4_242_u32.to_be_bytes()].concat().into();
    let appended = world.log().await.append(messages).await;
    appended.expect("appended");

    let deaf = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let settings = Settings {
        registry: format!("http://{}", deaf.local_addr().expect("an address")),
        ..world.settings(id)
    };
    world.place.write("troupe.toml", &settings.text());
    let command = ["trace", "request-2", "--cluster"];
    let mut trace = world.spawn(&command);
    says(&mut trace, "2 messages found; Ctrl-C shows them").await;
    let (code, stdout, stderr) = interrupted(trace).await;
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.starts_with("request-2: 2 messages"), "{stdout}");
    assert_eq!(stdout.matches(topic::KNOWLEDGE_INDEX).count(), 2);
    let wanted = "only what was found until then is shown";
    assert!(stderr.contains(wanted), "{stderr}");

    // Nor does Kafka.
    let deaf = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let kafka = deaf.local_addr().expect("an address").to_string();
    let settings = Settings {
        kafka: &kafka,
        ..world.settings(id)
    };
    world.place.write("troupe.toml", &settings.text());
    let trace = world.spawn(&command);
    let asked = timeout(PATIENCE, deaf.accept()).await;
    let asked = asked.expect("it asks in time").expect("asked");
    let (code, stdout, stderr) = interrupted(trace).await;
    drop(asked);
    assert_eq!((code, stdout.as_str()), (Some(1), ""), "{stderr}");
    let wanted = "stopped before anything was looked at";
    assert!(stderr.contains(wanted), "{stderr}");
    world.configure(id);
}
/// SIGINT; how it ended and what it said since.
async fn interrupted(child: Child) -> (Option<i32>, String, String) {
    let pid = child.id().expect("it runs").to_string();
    let told = std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status();
    assert!(told.expect("kill runs").success());
    let ended = timeout(PATIENCE, child.wait_with_output()).await;
    let ended = ended.expect("it ends in time").expect("waited for");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (ended.status.code(), text(ended.stdout), text(ended.stderr))
}

async fn dead_letters(world: &World) {
    let found = letters(world, &["--worker", "documents"], 3).await;
    let (one, two) = (places(&found, "acme/one"), places(&found, "acme/two"));
    letters(world, &["--key", "acme/one", "--tenant", "acme"], 2).await;
    letters(world, &["--tenant", "globex"], 0).await;
    letters(world, &["--until", "1h"], 0).await;
    let cut = world
        .run(&["dead-letters", "list", "--limit", "1", "--cluster"])
        .await;
    assert!(
        cut.succeeds()
            .contains(&places(&found, text(&found[0]["key"]))[0])
    );
    assert!(cut.stderr.contains("only the first 1"), "{}", cut.stderr);

    let shown = world
        .run(&["dead-letters", "show", &one[0], "--cluster"])
        .await;
    let code = text(&found[0]["code"]);
    let shown = shown.succeeds();
    assert!(shown.contains(&format!("docs/errors/{code}.md")), "{shown}");
    assert!(shown.contains("ce_correlationid: request-1"), "{shown}");

    let plan = ["dead-letters", "redrive", &one[1], "--plan", "--cluster"];
    let planned = world.run(&plan).await;
    let said: Vec<&str> = planned.succeeds().lines().collect();
    assert!(said[0].starts_with("2 dead letters of 1 keys"), "{said:?}");
    assert_eq!([said[2].trim(), said[3].trim()], [&one[0], &one[1]]);

    // Of a key in order, or not at all (D3, D4).
    let skipped = [
        "dead-letters",
        "redrive",
        &one[1],
        "--by",
        "kim",
        "--why",
        "a test",
        "--cluster",
    ];
    let skipped = world.run(&skipped).await;
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
        "--why",
        "a test",
    ];
    let redriven = read(world, &key).await;
    assert_eq!(redriven["done"], json!(one));
    // They die again, as they were: each is another letter, and says which one it was.
    let again = letters(world, &["--key", "acme/one"], 4).await;
    assert_eq!(again[0]["fate"]["by"], "kim");
    let before: Vec<&Value> = again.iter().map(|letter| &letter["redriven"]).collect();
    assert_eq!(before[2..], [&json!(one[0]), &json!(one[1])], "in order");
    let follow = [
        "dead-letters",
        "redrive",
        text(&again[2]["place"]),
        "--follow",
        "--by",
        "kim",
        "--why",
        "a test",
        "--cluster",
    ];
    let followed = world.run(&follow).await;
    let followed: Value = serde_json::from_str(followed.succeeds()).expect("JSON");
    assert_eq!(followed["is"], "died_again", "{followed}");

    let discard = [
        "dead-letters",
        "discard",
        &two[0],
        "--by",
        "kim",
        "--why",
        "a test",
        "--cluster",
    ];
    world.run(&discard).await.succeeds();
    world.run(&discard).await.succeeds(); // the same again is the same
    let shown = world
        .run(&["dead-letters", "show", &two[0], "--cluster"])
        .await;
    assert!(
        shown.succeeds().contains("discarded by kim"),
        "{}",
        shown.stdout
    );
}

async fn traces(world: &World) {
    let trace = read(world, &["trace", "request-1"]).await;
    let messages = list(&trace["messages"]);
    assert!(
        messages.len() >= 8,
        "three, and each of their letters: {trace}"
    );
    let dead = messages.iter().filter(|message| !message["dead"].is_null());
    assert!(dead.count() >= 5, "{trace}");
    assert_eq!(messages[0]["depth"], 0);
    assert_eq!(number(&messages[0]["after_ms"]), 0);
    let told = world.run(&["trace", "request-1", "--cluster"]).await;
    assert!(
        told.succeeds().contains("documents.document.dead"),
        "{}",
        told.stdout
    );
    let long_ago = ["trace", "request-1", "--since", "0s", "--cluster"];
    world.run(&long_ago).await.fails(1, &["request-1"]);
}

async fn sagas(world: &World) {
    let stuck = read(world, &["sagas", "list", "--stuck"]).await;
    assert_eq!(list(&stuck)[0]["key"], "acme/house");
    let told = world
        .run(&["sagas", "show", "acme/house", "--cluster"])
        .await;
    assert!(
        told.succeeds().contains("stuck: `troupe sagas resume`"),
        "{}",
        told.stdout
    );
    let resume = [
        "sagas",
        "resume",
        "house",
        "--by",
        "kim",
        "--why",
        "it is put right",
        "--cluster",
    ];
    world.run(&resume).await.succeeds();
    let began = Instant::now();
    loop {
        let found = read(world, &["sagas", "show", "house"]).await;
        if found[0]["state"]["phase"] == "undone" {
            let history = found[0]["state"]["history"].to_string();
            assert!(history.contains("kim"), "{history}");
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{found}");
    }
    world.run(&resume).await.fails(1, &["is not stuck"]);
}
