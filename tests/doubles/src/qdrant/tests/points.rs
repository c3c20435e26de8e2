//! Collections, and points written and read.
use super::*;
use qdrant_client::qdrant::{
    Condition, CountPointsBuilder, DeletePayloadPointsBuilder, DeletePointsBuilder, Direction,
    Filter, GetPointsBuilder, OrderByBuilder, PointsIdsList, ScrollPointsBuilder,
    SearchPointsBuilder, SetPayloadPointsBuilder, start_from,
};
use serde_json::json;

#[tokio::test]
async fn a_collection_is_created_once_described_and_deleted() {
    let (_double, client) = world().await;
    assert!(client.collection_exists(NAME).await.expect("answers"));
    assert!(!client.collection_exists("others").await.expect("answers"));
    let (code, why) = refused(client.create_collection(shape()).await);
    assert_eq!(code, Code::AlreadyExists);
    assert!(why.contains("already exists"), "{why}");
    index(&client, "tenant", FieldType::Keyword).await;
    put(
        &client,
        vec![point(1, json!({"tenant": "acme"}), [1.0, 0.0], &[])],
    )
    .await;
    let info = client
        .collection_info(NAME)
        .await
        .expect("answers")
        .result
        .expect("info");
    assert_eq!(info.points_count, Some(1));
    assert_eq!(info.payload_schema["tenant"].points, Some(1));
    let params = info
        .config
        .and_then(|config| config.params)
        .expect("params");
    assert!(
        params
            .sparse_vectors_config
            .expect("sparse")
            .map
            .contains_key("words")
    );
    assert!(
        client
            .delete_collection(NAME)
            .await
            .expect("deletes")
            .result
    );
    assert!(
        !client
            .delete_collection(NAME)
            .await
            .expect("deletes")
            .result,
        "there is none any more"
    );
    let (code, why) = refused(client.collection_info(NAME).await);
    assert_eq!(
        (code, why.contains("doesn't exist")),
        (Code::NotFound, true)
    );
    assert_eq!(
        refused(client.count(CountPointsBuilder::new(NAME)).await).0,
        Code::NotFound
    );
}

#[tokio::test]
async fn an_upsert_replaces_a_point_whole_and_set_payload_merges() {
    let (_double, client) = world().await;
    put(
        &client,
        vec![point(1, json!({"a": 1, "b": 1}), [3.0, 4.0], &[(7, 1.5)])],
    )
    .await;
    put(
        &client,
        vec![point(1, json!({"a": 2}), [3.0, 4.0], &[(7, 1.5)])],
    )
    .await;
    let set = SetPayloadPointsBuilder::new(
        NAME,
        Payload::try_from(json!({"c": null, "d": {"e": 5}})).expect("object"),
    );
    let one = PointsIdsList {
        ids: vec![1.into()],
    };
    client
        .set_payload(set.points_selector(one.clone()).wait(true))
        .await
        .expect("sets");
    let get = GetPointsBuilder::new(NAME, vec![1.into(), 2.into()])
        .with_payload(true)
        .with_vectors(true);
    let found = client.get_points(get).await.expect("answers").result;
    assert_eq!(ids(&found), [1], "what is not there is not answered");
    let payload = serde_json::to_value(&found[0].payload).expect("JSON");
    assert_eq!(payload, json!({"a": 2, "c": null, "d": {"e": 5}}));
    let vectors = found[0].vectors.clone().expect("vectors");
    let vectors = format!("{vectors:?}");
    assert!(
        vectors.contains("[0.6, 0.8]"),
        "of unit length, as the distance is the cosine: {vectors}"
    );
    let keys =
        DeletePayloadPointsBuilder::new(NAME, vec!["a".to_owned()]).points_selector(one.clone());
    client
        .delete_payload(keys.wait(true))
        .await
        .expect("deletes");
    let over =
        SetPayloadPointsBuilder::new(NAME, Payload::try_from(json!({"z": true})).expect("object"));
    let before = client
        .get_points(GetPointsBuilder::new(NAME, vec![1.into()]).with_payload(true))
        .await;
    assert!(!before.expect("answers").result[0].payload.contains_key("a"));
    client
        .overwrite_payload(over.points_selector(one).wait(true))
        .await
        .expect("sets");
    let after = client
        .get_points(GetPointsBuilder::new(NAME, vec![1.into()]).with_payload(true))
        .await;
    let after = after.expect("answers").result;
    assert_eq!(
        serde_json::to_value(&after[0].payload).expect("JSON"),
        json!({"z": true})
    );
}

#[tokio::test]
async fn a_payload_is_set_on_points_that_are_there_and_the_missing_are_told() {
    let (_double, client) = world().await;
    put(&client, vec![point(1, json!({}), [1.0, 0.0], &[])]).await;
    let set =
        SetPayloadPointsBuilder::new(NAME, Payload::try_from(json!({"a": 1})).expect("object"));
    let both = PointsIdsList {
        ids: vec![9.into(), 1.into()],
    };
    let (code, why) = refused(
        client
            .set_payload(set.points_selector(both).wait(true))
            .await,
    );
    assert_eq!(
        (code, why.contains("No point with id 9")),
        (Code::NotFound, true),
        "{why}"
    );
    let with = Filter::must([Condition::matches("a", 1)]);
    let counted = client
        .count(CountPointsBuilder::new(NAME).filter(with).exact(true))
        .await
        .expect("counts");
    assert_eq!(
        counted.result.map(|of| of.count),
        Some(1),
        "the other was done"
    );
}

#[tokio::test]
async fn points_are_deleted_by_id_and_by_filter() {
    let (_double, client) = world().await;
    put(
        &client,
        (1..=6)
            .map(|n| point(n, json!({"odd": n % 2}), [1.0, 0.0], &[]))
            .collect(),
    )
    .await;
    let by_id = PointsIdsList {
        ids: vec![1.into(), 77.into()],
    };
    client
        .delete_points(DeletePointsBuilder::new(NAME).points(by_id).wait(true))
        .await
        .expect("deletes");
    let even = Filter::must([Condition::matches("odd", 0)]);
    client
        .delete_points(DeletePointsBuilder::new(NAME).points(even).wait(true))
        .await
        .expect("deletes");
    let left = client
        .scroll(ScrollPointsBuilder::new(NAME))
        .await
        .expect("answers")
        .result;
    assert_eq!(ids(&left), [3, 5]);
}

#[tokio::test]
async fn a_scroll_comes_in_pages_by_id_or_ordered_by_a_field_with_a_range_index() {
    let (_double, client) = world().await;
    put(
        &client,
        (1..=7)
            .map(|n| point(n, json!({"at": 100 - (n / 2) as i64}), [1.0, 0.0], &[]))
            .collect(),
    )
    .await;
    let mut seen = vec![];
    let mut from: Option<PointId> = None;
    loop {
        let mut page = ScrollPointsBuilder::new(NAME).limit(3).with_payload(false);
        if let Some(from) = from {
            page = page.offset(from);
        }
        let page = client.scroll(page).await.expect("answers");
        assert!(page.result.len() <= 3 && page.result.iter().all(|point| point.payload.is_empty()));
        seen.extend(ids(&page.result));
        from = page.next_page_offset;
        if from.is_none() {
            break;
        }
    }
    assert_eq!(seen, [1, 2, 3, 4, 5, 6, 7]);
    let ordered = || {
        ScrollPointsBuilder::new(NAME)
            .limit(4)
            .order_by(OrderByBuilder::new("at"))
    };
    let (code, why) = refused(client.scroll(ordered()).await);
    assert_eq!(
        (code, why.contains("No range index")),
        (Code::InvalidArgument, true),
        "{why}"
    );
    index(&client, "at", FieldType::Integer).await;
    assert_eq!(
        ids(&client.scroll(ordered()).await.expect("answers").result),
        [6, 7, 4, 5]
    );
    let down = OrderByBuilder::new("at")
        .direction(Direction::Desc as i32)
        .start_from(start_from::Value::Float(98.0));
    let down = ScrollPointsBuilder::new(NAME).order_by(down);
    assert_eq!(
        ids(&client.scroll(down).await.expect("answers").result),
        [5, 4, 7, 6]
    );
    assert_eq!(
        refused(client.scroll(ordered().offset(3u64)).await).0,
        Code::InvalidArgument
    );
}

#[tokio::test]
async fn what_is_not_played_is_refused_loudly() {
    let (_double, client) = world().await;
    let search = SearchPointsBuilder::new(NAME, vec![1.0, 0.0], 1).vector_name("dense");
    let (code, why) = refused(client.search_points(search).await);
    assert_eq!(code, Code::Unimplemented);
    assert!(why.contains("does not play"), "{why}");
    let euclid = CreateCollectionBuilder::new("x")
        .vectors_config(VectorParamsBuilder::new(2, Distance::Euclid));
    assert_eq!(
        refused(client.create_collection(euclid).await).0,
        Code::Unimplemented
    );
    let text = Filter::must([Condition::matches_text("a", "words")]);
    assert_eq!(
        refused(
            client
                .count(CountPointsBuilder::new(NAME).filter(text))
                .await
        )
        .0,
        Code::Unimplemented
    );
    assert_eq!(refused(client.list_aliases().await).0, Code::Unimplemented);
}
