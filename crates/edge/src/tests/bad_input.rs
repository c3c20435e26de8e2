//! What is not taken: a clear error, and nothing happens.
use super::support::{World, problem};
use serde_json::json;

#[tokio::test]
async fn json_that_is_not_what_is_taken_is_refused_with_its_place() {
    let world = World::new().await;
    let questions = "/v1/chatbots/bot/questions";
    let raw = |body: &'static str| {
        world
            .request("POST", questions)
            .header("content-type", "application/json")
            .body(body)
    };
    let cases = [
        (raw("{\"text\": "), 400, "edge.malformed", ""),
        (raw(""), 400, "edge.malformed", ""),
        (raw("[1, 2]"), 422, "edge.invalid", ""),
        (world.post(questions, &json!({})), 422, "edge.invalid", ""),
        (world.post(questions, &json!({"text": 7})), 422, "edge.invalid", "text"),
        (world.post(questions, &json!({"text": "  "})), 422, "edge.invalid", "text"),
        (world.post(questions, &json!({"text": "x", "tone": "rude"})), 422, "edge.invalid", "tone"),
        (world.post(questions, &json!({"text": "x", "visitor": "../acme"})), 422, "edge.invalid", "visitor"),
        (world.post("/v1/chatbots", &json!({"name": ""})), 422, "edge.invalid", "name"),
        (world.post("/v1/chatbots", &json!({"name": "x", "id": "Ä"})), 422, "edge.invalid", "id"),
        (
            world.post("/v1/chatbots", &json!({"name": "x", "settings": {"voice": {"name": "v", "speed": 99}}})),
            422,
            "edge.invalid",
            "settings.voice.speed",
        ),
        (
            world.post("/v1/chatbots", &json!({"name": "x", "settings": {"voice": {"name": "v", "volume": 1}}})),
            422,
            "edge.invalid",
            "settings.voice.volume",
        ),
        (
            world.post("/v1/chatbots", &json!({"name": "x", "sources": [{"name": "a", "blob": {"id": "put/none", "size": 1, "sha256": "0".repeat(64)}}]})),
            422,
            "edge.invalid",
            "sources[0].blob",
        ),
        (world.request("PATCH", "/v1/chatbots/bot").json(&json!({})), 422, "edge.invalid", ""),
        (
            world.request("PATCH", "/v1/chatbots/bot").json(&json!({"settings": {"greting": "Hello"}})),
            422,
            "edge.invalid",
            "settings.greting",
        ),
        (
            world.request("PATCH", "/v1/chatbots/bot").json(&json!({"settings": {"voice": {"speed": "fast"}}})),
            422,
            "edge.invalid",
            "settings.voice.speed",
        ),
        (world.request("GET", "/v1/chatbots?limit=0"), 422, "edge.invalid", "limit"),
        (world.request("GET", "/v1/chatbots?limit=many"), 422, "edge.invalid", "query"),
        (world.request("GET", "/v1/chatbots?page=2"), 422, "edge.invalid", "query"),
        (world.ask("x").header("prefer", "wait=soon"), 400, "edge.malformed", ""),
        (world.ask("x").header("idempotency-key", "x".repeat(300)), 400, "edge.malformed", ""),
        (world.request("POST", questions).body("text=x"), 415, "edge.unsupported_media_type", ""),
    ];
    for (request, status, code, at) in cases {
        let (got, got_code, document) = problem(request).await;
        assert_eq!((got, got_code.as_str()), (status, code), "{document}");
        if !at.is_empty() {
            assert_eq!(document["where"], at, "{document}");
        }
    }
    assert!(
        world
            .messages("conversations.conversation")
            .await
            .is_empty()
    );
    assert!(world.messages("chatbots.creation").await.is_empty());
}

#[tokio::test]
async fn a_question_of_1_mb_is_too_large() {
    let world = World::new().await;
    let (status, code, _) = problem(world.ask(&"x".repeat(1 << 20))).await;
    assert_eq!((status, code.as_str()), (413, "edge.too_large"));
    let chunks =
        futures::stream::iter((0..1_024).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1_024])));
    let request = world
        .request("POST", "/v1/chatbots/bot/questions")
        .header("content-type", "application/json");
    let (status, code, _) = problem(request.body(reqwest::Body::wrap_stream(chunks))).await;
    assert_eq!(
        (status, code.as_str()),
        (413, "edge.too_large"),
        "without a content-length"
    );
    let (status, _, document) = problem(world.ask(&"x".repeat(5_000))).await;
    assert_eq!(
        (status, &document["where"]),
        (413, &json!("text")),
        "longer than a person types"
    );
}

#[tokio::test]
async fn paths_and_methods_that_are_not_there_say_so() {
    let world = World::new().await;
    let (status, code, _) = problem(world.request("GET", "/v2/chatbots")).await;
    assert_eq!((status, code.as_str()), (404, "edge.not_found"));
    let (status, code, _) = problem(world.request("PUT", "/v1/chatbots")).await;
    assert_eq!((status, code.as_str()), (405, "edge.method_not_allowed"));
    let (status, _, _) = problem(world.request("GET", "/v1/chatbots/UPPER")).await;
    assert_eq!(status, 404);
    let (status, _, _) = problem(world.request("GET", "/v1/chatbots/%ff")).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn what_workers_refuse_or_fail_is_a_problem_with_their_code() {
    let world = World::new().await;
    let (status, code, document) = problem(world.ask("refuse this")).await;
    assert_eq!((status, code.as_str()), (404, "conversations.not_yours"));
    assert!(document["operation"].is_string());
    let (status, code, document) = problem(world.ask("fail this")).await;
    assert_eq!((status, code.as_str()), (500, "answers.model_refused"));
    assert_eq!(
        (&document["may_have_happened"], &document["detail"]),
        (&json!(true), &json!("it said no"))
    );
}

#[tokio::test]
async fn a_chatbot_that_is_paused_or_going_takes_no_work() {
    use events::chatbots::ChatbotState::{Paused, Removed, Retiring};
    let world = World::new().await;
    world.chatbot("acme", "paused", Paused).await;
    world.chatbot("acme", "going", Retiring).await;
    world.chatbot("acme", "gone", Removed).await;
    let ask = |bot: &str| {
        world.post(
            &format!("/v1/chatbots/{bot}/questions"),
            &json!({"text": "hello"}),
        )
    };
    assert_eq!(problem(ask("paused")).await.0, 409);
    assert_eq!(problem(ask("going")).await.0, 409);
    assert_eq!(problem(ask("gone")).await.0, 404);
    let upload = world
        .request("POST", "/v1/chatbots/going/documents?name=a.md")
        .body("x");
    assert_eq!(problem(upload).await.0, 409);
}
