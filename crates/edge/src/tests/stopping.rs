//! SIGTERM: what waits is answered, streams say goodbye, what was sent is not sent again.
use super::streams::Events;
use super::support::{World, json_of, problem};
use crate::operations::row::{COLLECTION, OperationRow};
use serde_json::json;

#[tokio::test]
async fn whoever_waits_gets_a_202_and_streams_say_bye() {
    let mut world = World::new().await;
    let second = world.edge().await;
    let waiting = tokio::spawn(json_of(world.ask("later").header("prefer", "wait=60")));
    let mut stream = Events::of(world.ask("later, too")).await;
    let operation = stream.next().await.unwrap();
    // The other request is under way when its command is on the log.
    while world.messages("conversations.conversation").await.len() < 2 {
        tokio::task::yield_now().await;
    }
    world.stop().await;
    let (status, running) = waiting.await.unwrap();
    assert_eq!((status, &running["status"]), (202, &json!("running")));
    assert_eq!(stream.rest().await.last().unwrap().name, "bye");
    assert!(
        world
            .client
            .get(format!("{}/health/live", world.url))
            .send()
            .await
            .is_err(),
        "it accepts no more"
    );

    // Another edge knows of both, and both are marked as sent.
    for id in [
        running["id"].as_str().unwrap(),
        operation.data["id"].as_str().unwrap(),
    ] {
        let found = world
            .client
            .get(format!("{second}/v1/operations/{id}"))
            .bearer_auth("acme-secret");
        assert_eq!(found.send().await.unwrap().status(), 200);
        let rows = world
            .ports
            .state
            .load(COLLECTION, &[format!("acme/{id}")])
            .await
            .unwrap();
        let row = rows.into_iter().next().flatten().unwrap();
        assert_eq!(
            (
                OperationRow::read(id, &row).unwrap().command,
                row.wake_at_ms
            ),
            (None, None)
        );
    }
}

#[tokio::test]
async fn an_edge_on_ports_that_do_not_answer_says_so() {
    let world = World::new().await;
    let nowhere = std::sync::Arc::new(runtime::testkit::nowhere::Nowhere);
    let ports = runtime::Ports {
        state: nowhere,
        ..world.ports.clone()
    };
    let edge = crate::Edge::new(
        ports,
        super::support::config(),
        std::sync::Arc::new(crate::AlwaysUp),
    )
    .unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/chatbots", listener.local_addr().unwrap());
    let serving = tokio::spawn(edge.serve(listener, std::future::pending()));
    let (status, code, _) = problem(world.client.get(url).bearer_auth("acme-secret")).await;
    assert_eq!((status, code.as_str()), (503, "edge.unavailable"));
    serving.abort();
}

#[tokio::test]
async fn a_request_handler_that_panics_is_a_500_and_the_edge_goes_on() {
    use axum::Router;
    use axum::middleware::from_fn;
    async fn panics() {
        panic!("on purpose");
    }
    let router: Router = Router::new().route("/", axum::routing::get(panics));
    let router = router
        .layer(tower_http::catch_panic::CatchPanicLayer::custom(
            crate::router::panicked,
        ))
        .layer(from_fn(crate::problem::write_problems));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let serving = tokio::spawn(axum::serve(listener, router).into_future());
    for _ in 0..2 {
        let (status, code, _) = problem(reqwest::Client::new().get(&url)).await;
        assert_eq!((status, code.as_str()), (500, "edge.internal"));
    }
    serving.abort();
}
