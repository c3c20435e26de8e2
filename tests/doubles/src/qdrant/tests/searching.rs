//! Nearest by vectors, weighted words, fusion.
use super::*;
use qdrant_client::qdrant::{
    Condition, Filter, Fusion, IdfParams, PrefetchQueryBuilder, Query, QueryBatchPointsBuilder,
    QueryPointsBuilder, RrfBuilder, ScoredPoint, SearchParams, VectorInput,
};
use serde_json::json;

fn scores(found: &[ScoredPoint]) -> Vec<(u64, f32)> {
    found
        .iter()
        .map(|found| (number(found.id.as_ref()), found.score))
        .collect()
}

fn near(found: &[ScoredPoint], expected: &[(u64, f32)]) {
    let found = scores(found);
    let same = |(a, b): (&(u64, f32), &(u64, f32))| a.0 == b.0 && (a.1 - b.1).abs() < 1e-5;
    assert!(
        found.len() == expected.len() && found.iter().zip(expected).all(same),
        "{found:?}, not {expected:?}"
    );
}

fn words(words: &[(u32, f32)]) -> Query {
    let (indices, values): (Vec<u32>, Vec<f32>) = words.iter().copied().unzip();
    Query::new_nearest(VectorInput::new_sparse(indices, values))
}

async fn ask(client: &Qdrant, query: QueryPointsBuilder) -> Vec<ScoredPoint> {
    client.query(query).await.expect("answers").result
}

async fn three() -> (QdrantDouble, Qdrant) {
    let (double, client) = world().await;
    let points = vec![
        point(
            1,
            json!({"tenant": "acme"}),
            [1.0, 0.0],
            &[(10, 1.0), (11, 2.0)],
        ),
        point(2, json!({"tenant": "acme"}), [3.0, 4.0], &[(10, 3.0)]),
        point(3, json!({"tenant": "rival"}), [0.0, 2.0], &[(12, 1.0)]),
    ];
    put(&client, points).await;
    (double, client)
}

#[tokio::test]
async fn dense_vectors_are_found_by_cosine_whatever_their_length() {
    let (_double, client) = three().await;
    let query = || {
        QueryPointsBuilder::new(NAME)
            .query(vec![5.0, 0.0])
            .using("dense")
    };
    near(
        &ask(&client, query()).await,
        &[(1, 1.0), (2, 0.6), (3, 0.0)],
    );
    near(&ask(&client, query().limit(1).offset(1)).await, &[(2, 0.6)]);
    near(
        &ask(&client, query().score_threshold(0.6)).await,
        &[(1, 1.0)],
    );
    let acme = Filter::must_not([Condition::matches("tenant", "acme".to_owned())]);
    near(&ask(&client, query().filter(acme)).await, &[(3, 0.0)]);
    let bare = ask(&client, query().limit(1)).await;
    assert!(
        bare[0].payload.is_empty() && bare[0].vectors.is_none(),
        "nothing is answered that is not asked for"
    );
    let full = ask(&client, query().limit(1).with_payload(true)).await;
    assert_eq!(
        full[0].payload["tenant"].as_str().map(String::as_str),
        Some("acme")
    );
    let (code, why) = refused(
        client
            .query(
                QueryPointsBuilder::new(NAME)
                    .query(vec![1.0])
                    .using("dense"),
            )
            .await,
    );
    assert_eq!(
        (code, why.contains("expected dim: 2, got 1")),
        (Code::InvalidArgument, true)
    );
    assert_eq!(
        refused(client.query(query().using("thin")).await).0,
        Code::InvalidArgument
    );
}

#[tokio::test]
async fn words_count_by_how_rare_they_are_among_all_points() {
    let (_double, client) = three().await;
    let idf = |df: f32| ((3.0 - df + 0.5) / (df + 0.5) + 1.0f32).ln();
    let query = QueryPointsBuilder::new(NAME)
        .query(words(&[(11, 1.0), (10, 3.0), (99, 1.0)]))
        .using("words");
    let (one, two) = (2.0 * idf(1.0) + 3.0 * idf(2.0), 9.0 * idf(2.0));
    assert!(two > one, "so that the order says something");
    near(&ask(&client, query.clone()).await, &[(2, two), (1, one)]);
    // Counted are all points of the collection, whatever the filter.
    let acme = Filter::must([Condition::matches("tenant", "acme".to_owned())]);
    near(
        &ask(&client, query.filter(acme)).await,
        &[(2, two), (1, one)],
    );
    // Or of those that one says.
    let of_two = |df: f32| ((2.0 - df + 0.5) / (df + 0.5) + 1.0f32).ln();
    let corpus = Filter::must([Condition::matches("tenant", "acme".to_owned())]);
    let params = SearchParams {
        idf: Some(IdfParams {
            corpus: Some(corpus),
        }),
        ..SearchParams::default()
    };
    let query = QueryPointsBuilder::new(NAME).query(words(&[(11, 1.0)]));
    near(
        &ask(&client, query.using("words").params(params)).await,
        &[(1, 2.0 * of_two(1.0))],
    );
    let nothing = QueryPointsBuilder::new(NAME)
        .query(words(&[(99, 1.0)]))
        .using("words");
    near(&ask(&client, nothing).await, &[]);
}

#[tokio::test]
async fn lists_are_fused_by_reciprocal_rank() {
    let (_double, client) = three().await;
    let lists = || {
        let dense = PrefetchQueryBuilder::default()
            .query(vec![1.0, 0.0])
            .using("dense")
            .limit(2u64);
        let sparse = PrefetchQueryBuilder::default()
            .query(words(&[(10, 1.0), (12, 9.0)]))
            .using("words")
            .limit(10u64);
        QueryPointsBuilder::new(NAME)
            .add_prefetch(dense)
            .add_prefetch(sparse)
    };
    // By vectors 1, 2; by words 3, 2, 1.
    let k2 = [(1, 1.0 / 2.0 + 1.0 / 4.0), (2, 2.0 / 3.0), (3, 1.0 / 2.0)];
    near(
        &ask(&client, lists().query(Query::new_fusion(Fusion::Rrf))).await,
        &k2,
    );
    let rrf = |k| Query::new_rrf(RrfBuilder::with_k(k));
    let k61 = [
        (1, 1.0 / 61.0 + 1.0 / 63.0),
        (2, 2.0 / 62.0),
        (3, 1.0 / 61.0),
    ];
    near(&ask(&client, lists().query(rrf(61))).await, &k61);
    // A filter above holds below.
    let acme = Filter::must([Condition::matches("tenant", "acme".to_owned())]);
    let of_acme = [(1, 1.0 / 61.0 + 1.0 / 62.0), (2, 1.0 / 62.0 + 1.0 / 61.0)];
    let mut found = ask(&client, lists().query(rrf(61)).filter(acme)).await;
    found.sort_by_key(|found| number(found.id.as_ref()));
    near(&found, &of_acme);
    assert_eq!(
        refused(client.query(lists()).await).0,
        Code::InvalidArgument,
        "prefetches without a query"
    );
}

#[tokio::test]
async fn a_batch_answers_each_query() {
    let (_double, client) = three().await;
    let by_vector = QueryPointsBuilder::new(NAME)
        .query(vec![0.0, 1.0])
        .using("dense")
        .limit(1)
        .build();
    let by_words = QueryPointsBuilder::new(NAME)
        .query(words(&[(11, 1.0)]))
        .using("words")
        .build();
    let batch = QueryBatchPointsBuilder::new(NAME, vec![by_vector, by_words]);
    let found = client.query_batch(batch).await.expect("answers").result;
    let found: Vec<Vec<u64>> = found
        .iter()
        .map(|of| scores(&of.result).iter().map(|of| of.0).collect())
        .collect();
    assert_eq!(found, [vec![3], vec![1]]);
}

#[tokio::test]
async fn hits_of_the_same_score_come_in_no_order_of_their_ids() {
    let (_double, client) = world().await;
    put(
        &client,
        (1..=20)
            .map(|n| point(n, json!({}), [1.0, 0.0], &[]))
            .collect(),
    )
    .await;
    let query = QueryPointsBuilder::new(NAME)
        .query(vec![1.0, 0.0])
        .using("dense")
        .limit(20);
    let found: Vec<u64> = scores(&ask(&client, query).await)
        .iter()
        .map(|of| of.0)
        .collect();
    assert!(
        !found.is_sorted() && !found.iter().rev().is_sorted(),
        "{found:?}"
    );
    assert_eq!(found.len(), 20);
}
