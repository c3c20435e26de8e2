//! Strict mode, and what a write looks like to those who look meanwhile.
use super::*;
use crate::qdrant::{Fault, Rule};
use qdrant_client::qdrant::{
    Condition, CountPointsBuilder, DeletePointsBuilder, Filter, IntegerIndexParamsBuilder,
    KeywordIndexParamsBuilder, QueryPointsBuilder, Range, SetPayloadPointsBuilder,
    StrictModeConfigBuilder, UpdateCollectionBuilder,
};
use serde_json::json;

fn of_acme() -> Filter {
    Filter::must([Condition::matches("tenant", "acme".to_owned())])
}

#[tokio::test]
async fn in_strict_mode_a_filter_needs_an_index_that_serves_it() {
    let (_double, client) = world().await;
    let mode = StrictModeConfigBuilder::default()
        .enabled(true)
        .unindexed_filtering_retrieve(false)
        .unindexed_filtering_update(false)
        .max_query_limit(100u32);
    let update = UpdateCollectionBuilder::new(NAME).strict_mode_config(mode);
    client.update_collection(update).await.expect("updates");
    let count = |filter: Filter| client.count(CountPointsBuilder::new(NAME).filter(filter));
    let (code, why) = refused(count(of_acme()).await);
    assert_eq!(code, Code::InvalidArgument);
    assert!(
        why.contains("Index required but not found for \"tenant\""),
        "{why}"
    );
    let delete = || DeletePointsBuilder::new(NAME).points(of_acme()).wait(true);
    assert_eq!(
        refused(client.delete_points(delete()).await).0,
        Code::InvalidArgument
    );
    let tenants = KeywordIndexParamsBuilder::default().is_tenant(true);
    let tenants = CreateFieldIndexCollectionBuilder::new(NAME, "tenant", FieldType::Keyword)
        .field_index_params(tenants);
    client
        .create_field_index(tenants.wait(true))
        .await
        .expect("indexes");
    count(of_acme()).await.expect("now it may");
    client.delete_points(delete()).await.expect("now it may");
    // An index that looks up does not find ranges.
    let lookup = IntegerIndexParamsBuilder::new(true, false);
    let lookup = CreateFieldIndexCollectionBuilder::new(NAME, "n", FieldType::Integer)
        .field_index_params(lookup);
    client
        .create_field_index(lookup.wait(true))
        .await
        .expect("indexes");
    count(Filter::must([Condition::matches("n", 1)]))
        .await
        .expect("a number is looked up");
    let range = Range {
        gt: Some(1.0),
        ..Range::default()
    };
    assert_eq!(
        refused(count(Filter::must([Condition::range("n", range)])).await).0,
        Code::InvalidArgument
    );
    let inside = Filter::should([Filter::must_not([Condition::is_empty("elsewhere")]).into()]);
    assert_eq!(
        refused(count(inside).await).0,
        Code::InvalidArgument,
        "in a filter inside, too"
    );
    let much = QueryPointsBuilder::new(NAME)
        .query(vec![1.0, 0.0])
        .using("dense")
        .limit(101);
    let (code, why) = refused(client.query(much).await);
    assert_eq!(
        (code, why.contains("Limit exceeded 101 > 100")),
        (Code::InvalidArgument, true),
        "{why}"
    );
}

#[tokio::test]
async fn only_a_point_is_atomic_a_search_may_come_in_the_middle_of_a_write() {
    let (double, client) = world().await;
    put(
        &client,
        (1..=10)
            .map(|n| point(n, json!({"tenant": "acme", "live": false}), [1.0, 0.0], &[]))
            .collect(),
    )
    .await;
    let rule = Rule::new("SetPayload", Fault::Torn(Duration::from_millis(1_500))).times(1);
    double.faults().add(rule);
    let set = SetPayloadPointsBuilder::new(
        NAME,
        Payload::try_from(json!({"live": true})).expect("object"),
    );
    let setting = client.set_payload(set.points_selector(of_acme()).wait(true));
    let live = async || {
        let live = Filter::must([Condition::matches("live", true)]);
        let counted = client
            .count(CountPointsBuilder::new(NAME).filter(live))
            .await;
        counted.expect("counts").result.expect("a count").count
    };
    let looking = async {
        loop {
            match live().await {
                0 => tokio::task::yield_now().await,
                seen => return seen,
            }
        }
    };
    let (seen, set) = tokio::join!(looking, setting);
    set.expect("it is done in the end");
    assert!((1..10).contains(&seen), "half of it was seen: {seen}");
    assert_eq!(live().await, 10);
}
