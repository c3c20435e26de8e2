//! What is kept over the end of a process.
use super::*;
use crate::qdrant::StartError;
use qdrant_client::qdrant::{
    Condition, CountPointsBuilder, DeletePointsBuilder, Filter, SetPayloadPointsBuilder,
};
use serde_json::json;
use std::io::Write;
use std::path::Path;

fn at(dir: &Path) -> Options {
    Options {
        dir: Some(dir.to_owned()),
        ..Options::default()
    }
}

async fn counted(client: &Qdrant, filter: Filter) -> u64 {
    let counted = client
        .count(CountPointsBuilder::new(NAME).filter(filter).exact(true))
        .await;
    counted.expect("counts").result.expect("a count").count
}

#[tokio::test]
async fn what_was_accepted_is_there_after_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    let (double, client) = start(Options {
        lag: Duration::from_secs(60),
        ..at(dir.path())
    });
    client.create_collection(shape()).await.expect("creates");
    client
        .create_collection(CreateCollectionBuilder::new("gone"))
        .await
        .expect("creates");
    client.delete_collection("gone").await.expect("deletes");
    index(&client, "n", FieldType::Integer).await;
    put(
        &client,
        (1..=5)
            .map(|n| point(n, json!({"n": n as i64}), [1.0, 0.0], &[(1, 1.0)]))
            .collect(),
    )
    .await;
    let first = Filter::must([Condition::matches("n", 1)]);
    client
        .delete_points(DeletePointsBuilder::new(NAME).points(first).wait(true))
        .await
        .expect("deletes");
    let set = SetPayloadPointsBuilder::new(
        NAME,
        Payload::try_from(json!({"late": true})).expect("object"),
    );
    let second = Filter::must([Condition::matches("n", 2)]);
    client
        .set_payload(set.points_selector(second))
        .await
        .expect("accepted, not yet applied");
    double.stop().await;

    // A line that was cut off is as if it had not been said.
    let mut journal = std::fs::OpenOptions::new()
        .append(true)
        .open(dir.path().join("journal"))
        .expect("a journal");
    journal
        .write_all(&[0, 200, 0, 0, 0, 1, 2, 3])
        .expect("writes");
    drop(journal);
    for _ in 0..2 {
        let (double, client) = start(at(dir.path()));
        assert!(!client.collection_exists("gone").await.expect("answers"));
        assert_eq!(counted(&client, Filter::default()).await, 4);
        assert_eq!(
            counted(&client, Filter::must([Condition::matches("late", true)])).await,
            1
        );
        let info = client
            .collection_info(NAME)
            .await
            .expect("answers")
            .result
            .expect("info");
        assert!(info.payload_schema.contains_key("n"));
        put(&client, vec![point(5, json!({"n": 5}), [0.0, 1.0], &[])]).await;
        double.stop().await;
    }
}

#[tokio::test]
async fn another_ones_file_is_left_alone_and_a_taken_address_is_told() {
    let dir = tempfile::tempdir().expect("a directory");
    let journal = dir.path().join("journal");
    std::fs::write(&journal, "something else entirely").expect("writes");
    assert!(matches!(
        QdrantDouble::start(at(dir.path())),
        Err(StartError::NotOurs(_))
    ));
    assert_eq!(
        std::fs::read_to_string(&journal).expect("reads"),
        "something else entirely"
    );
    let (double, _client) = start(Options::default());
    let taken = Options {
        listen: double.address(),
        ..Options::default()
    };
    assert!(matches!(
        QdrantDouble::start(taken),
        Err(StartError::Io { .. })
    ));
}
