//! Who may come in, and what they may see.
use super::support::{World, config, json_of, problem};
use crate::{AlwaysUp, Check, Condition, Health, Limits};
use events::chatbots::ChatbotState;
use runtime::BoxFuture;
use serde_json::json;
use std::sync::Arc;

#[tokio::test]
async fn without_a_known_key_nobody_comes_in() {
    let world = World::new().await;
    let url = format!("{}/v1/chatbots", world.url);
    for request in [
        world.client.get(&url),
        world.client.get(&url).bearer_auth("wrong"),
        world.client.get(&url).header("x-api-key", ""),
        world
            .client
            .get(&url)
            .header("authorization", "Basic acme-secret"),
        world.client.post(&url).body("x".repeat(60_000)),
    ] {
        let (status, code, _) = problem(request).await;
        assert_eq!((status, code.as_str()), (401, "edge.unauthorized"));
    }
    let response = world
        .client
        .get(&url)
        .header("x-api-key", "acme-secret")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn what_belongs_to_another_tenant_does_not_exist() {
    let world = World::new().await;
    world
        .chatbot("globex", "theirs", ChatbotState::Active)
        .await;
    let history = json!({"chatbot": "theirs", "visitor": "v", "entries": []});
    world
        .row("conversations.history", "globex/talk", history)
        .await;
    world
        .row(
            "documents.directory",
            "globex/doc",
            json!({"chatbot": "theirs", "state": "Ready"}),
        )
        .await;
    let ask = |key: &str| {
        let url = format!("{}/v1/chatbots/theirs/questions", world.url);
        world
            .client
            .post(url)
            .bearer_auth(key)
            .json(&json!({"text": "hello"}))
    };
    let (status, answer) = json_of(ask("globex-secret")).await;
    assert_eq!(status, 200, "{answer}");
    let operation = format!("/v1/operations/{}", answer["operation"].as_str().unwrap());

    let none = problem(world.request("GET", "/v1/chatbots/nobodys")).await;
    let theirs = problem(world.request("GET", "/v1/chatbots/theirs")).await;
    assert_eq!(
        (theirs.0, &theirs.1, &theirs.2["detail"]),
        (none.0, &none.1, &none.2["detail"])
    );
    for request in [
        ask("acme-secret"),
        world.request("GET", &operation),
        world.request("GET", &format!("{operation}/events")),
        world.request("DELETE", "/v1/chatbots/theirs"),
        world
            .request("PATCH", "/v1/chatbots/theirs")
            .json(&json!({"name": "mine"})),
        world.request("POST", "/v1/chatbots/theirs/pause"),
        world.request("GET", "/v1/chatbots/theirs/documents"),
        world.request("GET", "/v1/chatbots/theirs/documents/doc"),
        world
            .request("POST", "/v1/chatbots/theirs/documents?name=a.md")
            .body("text"),
        world
            .request("PUT", "/v1/chatbots/theirs/documents/doc?name=a.md")
            .body("text"),
        world
            .request("PUT", "/v1/chatbots/bot/documents/doc/x?name=a.md")
            .body("text"),
        world.request("DELETE", "/v1/chatbots/theirs/documents/doc"),
        world.request("GET", "/v1/conversations/talk"),
        world.request("DELETE", "/v1/conversations/talk"),
    ] {
        let (status, code, _) = problem(request).await;
        assert_eq!((status, code.as_str()), (404, "edge.not_found"));
    }
    assert!(world.messages("chatbots.deletion").await.is_empty());
}

#[tokio::test]
async fn a_tenant_has_only_so_many_requests_under_way() {
    let limits = Limits {
        concurrency_per_tenant: 1,
        ..config().limits
    };
    let config = crate::EdgeConfig { limits, ..config() };
    let world = World::with(config, Arc::new(AlwaysUp), true).await;
    let stream = world
        .ask("later")
        .header("accept", "text/event-stream")
        .send()
        .await
        .unwrap();
    let (status, code, _) = problem(world.request("GET", "/v1/chatbots")).await;
    assert_eq!((status, code.as_str()), (429, "edge.too_many_requests"));
    let other = world
        .client
        .get(format!("{}/v1/chatbots", world.url))
        .bearer_auth("globex-secret");
    assert_eq!(other.send().await.unwrap().status(), 200);
    drop(stream);
}

/// A document is under way until it has its answer, which it never gets where nobody works.
#[tokio::test]
async fn a_tenant_has_only_so_many_documents_under_way() {
    for workers in [true, false] {
        let limits = Limits {
            documents_per_tenant: 1,
            max_wait_s: if workers { 60 } else { 1 },
            ..config().limits
        };
        let config = crate::EdgeConfig { limits, ..config() };
        let world = World::with(config, Arc::new(AlwaysUp), workers).await;
        let upload = || {
            let path = "/v1/chatbots/bot/documents?name=report.md";
            let request = world
                .request("POST", path)
                .header("prefer", "respond-async");
            request.header("content-type", "text/markdown").body("# It")
        };
        assert_eq!(upload().send().await.unwrap().status(), 202);
        if workers {
            assert_eq!(upload().send().await.unwrap().status(), 202);
            assert_eq!(upload().send().await.unwrap().status(), 202);
        } else {
            let (status, code, _) = problem(upload()).await;
            assert_eq!((status, code.as_str()), (429, "edge.too_many_requests"));
        }
    }
}

struct Sick;
impl Health for Sick {
    fn checks(&self) -> BoxFuture<'_, Vec<Check>> {
        Box::pin(async {
            vec![
                Check::up("log"),
                Check::not_up("disk", Condition::Down, "it is full"),
            ]
        })
    }
}

#[tokio::test]
async fn health_metrics_and_the_description_need_no_key() {
    let world = World::with(config(), Arc::new(Sick), true).await;
    let get = |path: &str| world.client.get(format!("{}{path}", world.url));
    assert_eq!(
        json_of(get("/health/live")).await,
        (200, json!({"status": "up"}))
    );
    let (status, ready) = json_of(get("/health/ready")).await;
    assert_eq!((status, &ready["status"]), (503, &json!("down")));
    assert_eq!(
        ready["checks"][1],
        json!({"name": "disk", "status": "down", "reason": "it is full"})
    );
    world.ask("hello").send().await.unwrap();
    let metrics = get("/metrics").send().await.unwrap().text().await.unwrap();
    let counted = r#"troupe_edge_requests_total{method="POST",route="/v1/chatbots/{chatbot}/questions",status="200"} 1"#;
    assert!(metrics.contains(counted), "{metrics}");
    assert!(metrics.ends_with("# EOF\n"));
    let (status, document) = json_of(get("/openapi.json")).await;
    assert_eq!((status, &document["openapi"]), (200, &json!("3.1.0")));
}

#[tokio::test]
async fn a_dependency_that_is_out_shows_in_health() {
    let world = World::new().await;
    for _ in 0..3 {
        world.ports.breakers.failed("model/local", "no answer");
    }
    let (status, ready) = json_of(world.client.get(format!("{}/health/ready", world.url))).await;
    assert_eq!((status, &ready["status"]), (200, &json!("degraded")));
    assert_eq!(ready["checks"][0]["name"], "model/local");
    for _ in 0..3 {
        world.ports.breakers.failed("state", "gone");
    }
    let (status, _) = json_of(world.client.get(format!("{}/health/ready", world.url))).await;
    assert_eq!(status, 503);
}

#[tokio::test]
async fn pages_of_known_origins_may_call() {
    let world = World::new().await;
    let preflight = |origin: &str| {
        let url = format!("{}/v1/chatbots", world.url);
        let request = world
            .client
            .request(reqwest::Method::OPTIONS, url)
            .header("origin", origin);
        request
            .header("access-control-request-method", "POST")
            .send()
    };
    let known = preflight("https://example.org").await.unwrap();
    assert_eq!(
        known.headers()["access-control-allow-origin"],
        "https://example.org"
    );
    let unknown = preflight("https://evil.example").await.unwrap();
    assert!(
        unknown
            .headers()
            .get("access-control-allow-origin")
            .is_none()
    );
}

/// What the description says is served: every path answers something else than 404 and 405 to its method, if only
/// that its ids are unknown.
#[tokio::test]
async fn everything_that_is_described_is_served() {
    let world = World::new().await;
    let document = crate::openapi_document();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let concrete = path
                .replace("{chatbot}", "bot")
                .replace("{code}", "edge.not_found")
                .replace(['{', '}'], "");
            let request = world.client.request(
                method.to_uppercase().parse().unwrap(),
                format!("{}{concrete}", world.url),
            );
            let open = methods[method]["security"].is_array();
            let status = request.send().await.unwrap().status();
            // Whoever comes without an operator's key is told that nothing is there.
            let operators = methods[method]["tags"].is_array();
            let expected = match (open, operators) {
                (true, _) => 200,
                (false, true) => 404,
                (false, false) => 401,
            };
            assert_eq!(status, expected, "{method} {path}");
        }
    }
}
