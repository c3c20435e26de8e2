//! When writes are applied, under which conditions, and who hears of it.
use super::*;
use qdrant_client::qdrant::points_selector::PointsSelectorOneOf;
use qdrant_client::qdrant::points_update_operation::{DeletePoints, Operation, SetPayload};
use qdrant_client::qdrant::{
    Condition, CountPointsBuilder, Filter, GetPointsBuilder, PointsUpdateOperation, Range,
    ScrollPointsBuilder, UpdateBatchPointsBuilder, UpdateMode, UpdateStatus, Vectors,
};
use serde_json::json;

async fn counted(client: &Qdrant) -> u64 {
    let counted = client
        .count(CountPointsBuilder::new(NAME).exact(true))
        .await;
    counted.expect("counts").result.expect("a count").count
}

#[tokio::test]
async fn who_does_not_wait_is_answered_before_it_is_done() {
    let lag = Duration::from_secs(3_600);
    let (_double, client) = start(Options {
        lag,
        ..Options::default()
    });
    client.create_collection(shape()).await.expect("creates");
    let upsert = UpsertPointsBuilder::new(NAME, vec![point(1, json!({}), [1.0, 0.0], &[])]);
    let answer = client.upsert_points(upsert).await.expect("accepted");
    assert_eq!(
        answer.result.map(|of| of.status),
        Some(UpdateStatus::Acknowledged as i32)
    );
    assert_eq!(counted(&client).await, 0, "not yet");
}

#[tokio::test]
async fn who_does_not_wait_never_learns_that_it_failed() {
    let (_double, client) = start(Options {
        lag: Duration::ZERO,
        ..Options::default()
    });
    client.create_collection(shape()).await.expect("creates");
    let wrong = NamedVectors::default().add_vector("dense", vec![1.0, 2.0, 3.0]);
    let wrong = PointStruct::new(2, wrong, Payload::new());
    let told = UpsertPointsBuilder::new(NAME, vec![wrong.clone()]);
    client
        .upsert_points(told.clone())
        .await
        .expect("accepted, though of three dimensions");
    let right = UpsertPointsBuilder::new(NAME, vec![point(1, json!({}), [1.0, 0.0], &[])]);
    client.upsert_points(right).await.expect("accepted");
    let (code, why) = refused(client.upsert_points(told.wait(true)).await);
    assert_eq!(code, Code::InvalidArgument);
    assert!(why.contains("expected dim: 2, got 3"), "{why}");
    assert_eq!(
        counted(&client).await,
        1,
        "who waits waits for those before, too"
    );
    let bare = PointStruct {
        vectors: None,
        ..wrong.clone()
    };
    let (code, why) = refused(
        client
            .upsert_points(UpsertPointsBuilder::new(NAME, vec![bare]))
            .await,
    );
    assert_eq!(
        (code, why.as_str()),
        (Code::InvalidArgument, "Expected some vectors")
    );
    let empty = PointStruct {
        vectors: Some(Vectors::from(NamedVectors::default())),
        ..wrong
    };
    put(&client, vec![empty]).await;
    assert_eq!(
        counted(&client).await,
        2,
        "none of the named ones is a point, too"
    );
}

#[tokio::test]
async fn an_upsert_may_have_conditions_that_are_looked_at_when_it_is_applied() {
    let (_double, client) = world().await;
    let at = |n: u64, version: i64| point(n, json!({"version": version}), [1.0, 0.0], &[]);
    let version = async |n: u64| {
        let found = client
            .get_points(GetPointsBuilder::new(NAME, vec![n.into()]).with_payload(true))
            .await;
        let found = found.expect("answers").result;
        found
            .first()
            .and_then(|point| point.payload["version"].as_integer())
    };
    let below = |limit: f64| {
        Filter::must([Condition::range(
            "version",
            Range {
                lt: Some(limit),
                ..Range::default()
            },
        )])
    };
    let switch = |to: i64| {
        let upsert =
            UpsertPointsBuilder::new(NAME, vec![at(1, to)]).update_filter(below(to as f64));
        client.upsert_points(upsert.wait(true))
    };
    // Many at once: whatever their order, the highest stands.
    let switches = futures::future::join_all((1..=20).rev().chain(5..30).map(switch)).await;
    assert!(
        switches.iter().all(Result::is_ok),
        "who comes too late is not told so"
    );
    assert_eq!(version(1).await, Some(29));
    let mode = async |n: u64, mode: UpdateMode| {
        let upsert = UpsertPointsBuilder::new(NAME, vec![at(n, 99)]).update_mode(mode);
        client
            .upsert_points(upsert.wait(true))
            .await
            .expect("upserts");
    };
    mode(1, UpdateMode::InsertOnly).await;
    mode(2, UpdateMode::UpdateOnly).await;
    assert_eq!((version(1).await, version(2).await), (Some(29), None));
    mode(1, UpdateMode::UpdateOnly).await;
    mode(2, UpdateMode::InsertOnly).await;
    assert_eq!((version(1).await, version(2).await), (Some(99), Some(99)));
}

#[tokio::test]
async fn a_batch_of_writes_is_done_one_after_the_other() {
    let (_double, client) = world().await;
    put(
        &client,
        (1..=3)
            .map(|n| point(n, json!({}), [1.0, 0.0], &[]))
            .collect(),
    )
    .await;
    let set = Operation::SetPayload(SetPayload {
        payload: Payload::try_from(json!({"last": true}))
            .expect("an object")
            .into(),
        points_selector: Some(vec![PointId::from(3)].into()),
        ..SetPayload::default()
    });
    let last = Filter::must([Condition::matches("last", true)]);
    let delete = Operation::DeletePoints(DeletePoints {
        points: Some(PointsSelectorOneOf::Filter(last).into()),
        ..DeletePoints::default()
    });
    let operations = [set, delete].map(|operation| PointsUpdateOperation {
        operation: Some(operation),
    });
    let batch = UpdateBatchPointsBuilder::new(NAME, operations).wait(true);
    assert_eq!(
        client
            .update_points_batch(batch)
            .await
            .expect("is done")
            .result
            .len(),
        2
    );
    assert_eq!(
        ids(&client
            .scroll(ScrollPointsBuilder::new(NAME))
            .await
            .expect("answers")
            .result),
        [1, 2]
    );
}
