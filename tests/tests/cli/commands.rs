//! Commands that end by themselves.
use super::binary::{Place, Ran};
use events::map::{TopicKind, TopicMap};
use serde_json::Value;

#[tokio::test]
async fn topics_show_prints_the_map_for_programs_and_for_people() {
    let place = Place::new();
    let ran = place.run(&["topics", "show", "--json"]).await;
    let shown: Vec<Value> = serde_json::from_str(ran.succeeds()).expect("JSON");
    let names: Vec<&str> = shown
        .iter()
        .map(|topic| topic["name"].as_str().expect("a name"))
        .collect();
    let mapped = TopicMap::embedded()
        .topics()
        .filter(|topic| topic.kind != TopicKind::Dead);
    assert_eq!(
        names,
        mapped.map(|topic| topic.name.as_str()).collect::<Vec<_>>()
    );

    let table = place.run(&["topics", "show"]).await;
    assert_eq!(
        table.succeeds().lines().count(),
        names.len() + 1,
        "a head and a line each"
    );
    let one = place.run(&["topics", "show", "knowledge.index"]).await;
    assert!(one.succeeds().contains("troupe.knowledge.IndexDocument"));
    let described = place.run(&["topics", "asyncapi"]).await;
    let described: Value = serde_json::from_str(described.succeeds()).expect("JSON");
    assert_eq!(described["asyncapi"], "3.0.0");
    let wrong = place.run(&["topics", "show", "knowledge.indx"]).await;
    wrong.fails(
        2,
        &[
            "there is no topic knowledge.indx",
            "did you mean knowledge.index?",
        ],
    );
}

#[tokio::test]
async fn what_the_configuration_does_not_know_is_refused_with_what_was_meant() {
    let place = Place::new();
    place.write("troupe.toml", "[http]\nlisten_on = \"127.0.0.1:1\"\n");
    place
        .run(&["up", "--dev"])
        .await
        .stderr
        .contains("http.listen_on")
        .then_some(())
        .expect("named");
    let shown = place.run(&["config", "show", "--effective"]).await;
    shown.fails(
        2,
        &["troupe.toml", "http.listen_on", "did you mean http.listen?"],
    );
    std::fs::remove_file(place.path("troupe.toml")).expect("removed");

    let mut command = place.command(&["config", "show", "--effective"]);
    let ran = Ran::of(command.env("TROUPE_LIMITS_FILE", "1")).await;
    ran.fails(
        2,
        &["TROUPE_LIMITS_FILE", "did you mean TROUPE_LIMITS_FILES?"],
    );
    let mut command = place.command(&["config", "show", "--effective"]);
    let ran = Ran::of(command.env("TROUPE_LIMITS_FILES", "3")).await;
    assert!(ran.succeeds().contains("files = 3"));
    place
        .run(&["config", "show", "--config", "nowhere.toml", "--effective"])
        .await
        .fails(2, &["nowhere.toml"]);
}

#[tokio::test]
async fn the_default_configuration_is_a_file_to_start_from() {
    let place = Place::new();
    let shown = place.run(&["config", "show"]).await;
    place.write("troupe.toml", shown.succeeds());
    place
        .run(&["config", "show", "--effective"])
        .await
        .succeeds();
}

#[tokio::test]
async fn wrong_flags_say_which_ones_there_are() {
    let place = Place::new();
    place
        .run(&["up", "--prot", "1"])
        .await
        .fails(2, &["--prot", "Usage"]);
    place
        .run(&["sagas", "resume", "x"])
        .await
        .fails(2, &["--by", "--why"]);
    place
        .run(&["dead-letters", "list", "--limit", "0"])
        .await
        .fails(2, &["--limit"]);
    place.run(&["run"]).await.fails(2, &["--worker"]);
    place
        .run(&["run", "--worker", "documens"])
        .await
        .fails(2, &["documens", "did you mean documents?"]);
    place
        .run(&["keys", "new", "--tenant", "Not This"])
        .await
        .fails(2, &["--tenant", "a-z"]);
}

#[tokio::test]
async fn without_a_database_there_is_nothing_to_look_at() {
    let place = Place::new();
    for command in [
        &["trace", "x"][..],
        &["sagas", "list"],
        &["dead-letters", "list"],
    ] {
        place
            .run(command)
            .await
            .fails(1, &["there is no database", "troupe up"]);
    }
    assert!(!place.path("troupe.db").exists(), "looking creates nothing");
    let nowhere = place
        .run(&[
            "up",
            "--dev",
            "--listen",
            "127.0.0.1:0",
            "--data",
            "no/such/troupe.db",
        ])
        .await;
    assert_eq!(nowhere.code, Some(1));
    assert!(
        nowhere.stderr.contains("there is no directory no/such"),
        "{}",
        nowhere.stderr
    );
}

#[tokio::test]
async fn nobody_can_come_in_without_a_key_so_up_says_how_to_make_one() {
    let place = Place::new();
    place
        .run(&["up"])
        .await
        .fails(2, &["troupe keys new --tenant acme", "troupe up --dev"]);
}

#[tokio::test]
async fn a_code_is_explained_and_all_codes_are_listed() {
    let place = Place::new();
    let page = place.run(&["explain", "runtime.undecodable"]).await;
    assert!(page.succeeds().starts_with("# `runtime.undecodable`"));
    let all = place.run(&["explain"]).await;
    assert!(all.succeeds().lines().any(|line| line == "edge.not_found"));
    place
        .run(&["explain", "runtime.undecodeable"])
        .await
        .fails(2, &["did you mean runtime.undecodable?"]);
}

#[tokio::test]
async fn what_is_sent_on_must_be_named_and_signed() {
    let place = Place::new();
    place
        .run(&["dead-letters", "redrive", "--all"])
        .await
        .fails(2, &["--by", "--why"]);
    place
        .run(&["dead-letters", "redrive", "--all", "--rate", "0", "--plan"])
        .await
        .fails(2, &["--rate"]);
    place
        .run(&["dead-letters", "discard", "--all", "--by", "kim"])
        .await
        .fails(2, &["--why"]);
    let up = place
        .start(&["up", "--dev", "--listen", "127.0.0.1:0"])
        .await;
    place
        .run(&["dead-letters", "redrive", "--by", "kim", "--why", "x"])
        .await
        .fails(2, &["--all"]);
    place
        .run(&["dead-letters", "list", "--since", "yesterday"])
        .await
        .fails(2, &["is no time"]);
    up.stop().await;
}
