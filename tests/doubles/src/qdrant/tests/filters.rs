//! Which points a filter lets through.
use super::*;
use qdrant_client::qdrant::r#match::MatchValue;
use qdrant_client::qdrant::{
    Condition, CountPointsBuilder, Filter, MinShould, PointId, Range, ScrollPointsBuilder,
};
use serde_json::json;

#[tokio::test]
async fn every_condition_lets_through_what_it_says() {
    let (_double, client) = world().await;
    let payloads = [
        json!({"tenant": "acme", "n": 1, "tags": ["a", "b"], "live": true, "in": {"x": 5}}),
        json!({"tenant": "acme", "n": 2, "tags": [], "live": false}),
        json!({"tenant": "rival", "n": 2.5, "tags": ["c"], "note": null}),
        json!({"n": [7, 8], "tags": "b"}),
    ];
    let points = payloads
        .into_iter()
        .zip(1..)
        .map(|(payload, n)| point(n, payload, [1.0, 0.0], &[]));
    put(&client, points.collect()).await;
    let range = |lt: Option<f64>, gte: Option<f64>| Range {
        lt,
        gte,
        ..Range::default()
    };
    let has_id = |ids: &[u64]| Condition::has_id(ids.iter().map(|id| PointId::from(*id)));
    let except = |words: &[&str]| {
        let words = words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>();
        Condition::matches("tags", MatchValue::ExceptKeywords(words.into()))
    };
    let least = Filter {
        min_should: Some(MinShould {
            conditions: vec![
                Condition::matches("n", 1),
                Condition::matches("live", true),
                Condition::matches("tags", "c".to_owned()),
            ],
            min_count: 2,
        }),
        ..Filter::default()
    };
    let acme = || Condition::matches("tenant", "acme".to_owned());
    let cases: Vec<(&str, Filter, &[u64])> = vec![
        ("nothing asked", Filter::default(), &[1, 2, 3, 4]),
        ("a keyword", Filter::must([acme()]), &[1, 2]),
        (
            "one of keywords",
            Filter::must([Condition::matches(
                "tags",
                vec!["a".to_owned(), "c".to_owned()],
            )]),
            &[1, 3],
        ),
        (
            "in an array or alone",
            Filter::must([Condition::matches("tags", "b".to_owned())]),
            &[1, 4],
        ),
        (
            "none of keywords: an element that is none",
            Filter::must([except(&["a", "c"])]),
            &[1, 4],
        ),
        (
            "an integer is no float",
            Filter::must([Condition::matches("n", 2)]),
            &[2],
        ),
        (
            "one of integers",
            Filter::must([Condition::matches("n", vec![1, 8])]),
            &[1, 4],
        ),
        (
            "a boolean",
            Filter::must([Condition::matches("live", false)]),
            &[2],
        ),
        (
            "a range, with floats and arrays",
            Filter::must([Condition::range("n", range(Some(8.0), Some(2.0)))]),
            &[2, 3, 4],
        ),
        (
            "empty: missing, null or nothing in it",
            Filter::must([Condition::is_empty("tags")]),
            &[2],
        ),
        (
            "null is null, missing is not",
            Filter::must([Condition::is_null("note")]),
            &[3],
        ),
        (
            "missing is empty",
            Filter::must([Condition::is_empty("note")]),
            &[1, 2, 3, 4],
        ),
        (
            "a key with dots",
            Filter::must([Condition::matches("in.x", 5)]),
            &[1],
        ),
        ("ids", Filter::must([has_id(&[2, 3, 99])]), &[2, 3]),
        ("not", Filter::must_not([acme()]), &[3, 4]),
        ("or", Filter::should([acme(), has_id(&[4])]), &[1, 2, 4]),
        ("at least", least, &[1]),
        (
            "inside",
            Filter::must([Filter::should([has_id(&[1]), has_id(&[3])]).into(), acme()]),
            &[1],
        ),
    ];
    for (name, filter, expected) in cases {
        let scroll = ScrollPointsBuilder::new(NAME).filter(filter.clone());
        let found = client.scroll(scroll).await.expect("answers").result;
        assert_eq!(ids(&found), expected, "{name}");
        let counted = client
            .count(CountPointsBuilder::new(NAME).filter(filter).exact(true))
            .await;
        let counted = counted.expect("counts").result.expect("a count").count;
        assert_eq!(counted, expected.len() as u64, "{name}");
    }
}
