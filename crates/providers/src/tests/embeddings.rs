use super::chat::endpoint;
use super::liar::{Act, Liar, json, response};
use crate::{Guarded, OpenAiEmbedder, ProviderError};
use runtime::breaker::Breakers;
use runtime::ports::providers::{Embedder, ModelError};
use runtime::testkit::nowhere::StillClock;
use std::sync::Arc;

async fn told(act: Act) -> Result<Vec<Vec<f32>>, ProviderError> {
    let liar = Liar::that(vec![act]).await;
    embedder(&liar).vectors(&texts()).await
}
fn embedder(liar: &Liar) -> OpenAiEmbedder {
    OpenAiEmbedder::new(endpoint("liar", &liar.base_url), 2, 0.3).expect("an endpoint")
}
fn texts() -> Vec<String> {
    vec!["a".into(), "b".into()]
}

#[tokio::test]
async fn vectors_come_in_the_order_of_their_texts_whatever_order_they_are_sent_in() {
    let body =
        r#"{"data":[{"index":1,"embedding":[3,4]},{"index":0,"embedding":[1.5,2]}],"model":"m"}"#;
    assert_eq!(
        told(Act::Send(json(body))).await,
        Ok(vec![vec![1.5, 2.0], vec![3.0, 4.0]])
    );
}

#[tokio::test]
async fn vectors_that_are_not_what_was_agreed_are_nonsense() {
    for body in [
        r#"{"data":[{"index":0,"embedding":[1,2]}]}"#,
        r#"{"data":[{"index":0,"embedding":[1,2]},{"index":0,"embedding":[1,2]}]}"#,
        r#"{"data":[{"index":0,"embedding":[1,2]},{"index":1,"embedding":[1,2,3]}]}"#,
        r#"{"data":[{"index":0,"embedding":[1,2]},{"index":1,"embedding":[1,1e99]}]}"#,
        r#"{"data":"none"}"#,
        "<html>",
    ] {
        let told = told(Act::Send(json(body))).await;
        assert!(
            matches!(told, Err(ProviderError::Nonsense(_))),
            "{body}: {told:?}"
        );
    }
    let endless = format!(r#"{{"data":[], "padding":"{}"}}"#, "x".repeat(2 << 20));
    assert!(matches!(
        told(Act::Send(json(&endless))).await,
        Err(ProviderError::Nonsense(_))
    ));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_truncated() {
    let mut cut =
        json(r#"{"data":[{"index":1,"embedding":[3,4]},{"index":0,"embedding":[1.5,2]}]}"#);
    cut.truncate(cut.len() - 10);
    assert!(matches!(
        told(Act::Send(cut)).await,
        Err(ProviderError::Truncated(_))
    ));
}

#[tokio::test]
async fn after_failures_in_a_row_nobody_calls_until_the_pause_is_over() {
    let broken = Act::Send(response("503 Service Unavailable", "", ""));
    let right = Act::Send(json(
        r#"{"data":[{"index":0,"embedding":[1,2]},{"index":1,"embedding":[3,4]}]}"#,
    ));
    let liar = Liar::that(vec![broken.clone(), broken.clone(), broken, right]).await;
    let clock = Arc::new(StillClock::default());
    let guarded = Guarded::new(embedder(&liar), Breakers::new(clock.clone()));
    for _ in 0..5 {
        let e = Embedder::embed(&guarded, &texts())
            .await
            .expect_err("a failure");
        assert!(
            matches!(&e, ModelError::Unavailable { endpoint, .. } if endpoint == "model/liar"),
            "{e}"
        );
    }
    assert_eq!(liar.heard().len(), 3, "then its breaker is open");
    clock.set(60_000);
    assert_eq!(
        Embedder::embed(&guarded, &texts())
            .await
            .map(|vectors| vectors.len()),
        Ok(2)
    );
}

#[tokio::test]
async fn nothing_to_embed_asks_nobody() {
    let liar = Liar::that(vec![Act::Send(vec![])]).await;
    assert_eq!(embedder(&liar).vectors(&[]).await, Ok(vec![]));
    assert!(liar.heard().is_empty());
}
