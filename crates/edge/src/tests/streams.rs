//! Server-sent events: answers while they are written, on any edge.
use super::commands::asked;
use super::support::{World, json_of};
use futures::StreamExt;
use serde_json::{Value, json};

/// A client that reads events.
pub struct Events {
    bytes: futures::stream::BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    buffer: String,
}

/// One event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    pub name: String,
    pub id: String,
    pub data: Value,
}

impl Events {
    pub async fn of(request: reqwest::RequestBuilder) -> Self {
        let response = request
            .header("accept", "text/event-stream")
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            bytes: response.bytes_stream().boxed(),
            buffer: String::new(),
        }
    }
    /// The next event; `None` at the end of the stream.
    pub async fn next(&mut self) -> Option<Seen> {
        loop {
            while let Some((event, rest)) = self.buffer.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.buffer = rest;
                let mut seen = Seen::default();
                for line in event.lines() {
                    match line.split_once(": ") {
                        Some(("event", name)) => seen.name = name.to_owned(),
                        Some(("id", id)) => seen.id = id.to_owned(),
                        Some(("data", data)) => seen.data = serde_json::from_str(data).unwrap(),
                        _ => {}
                    }
                }
                if !seen.name.is_empty() {
                    return Some(seen);
                }
            }
            let chunk = self.bytes.next().await?.unwrap();
            self.buffer.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
    pub async fn rest(mut self) -> Vec<Seen> {
        let mut all = vec![];
        while let Some(seen) = self.next().await {
            all.push(seen);
        }
        all
    }
}

/// What somebody has who puts the pieces together.
fn heard(events: &[Seen]) -> String {
    let mut text = String::new();
    for event in events {
        match event.name.as_str() {
            "reset" => text.clear(),
            "delta" => text.push_str(event.data["text"].as_str().unwrap()),
            _ => {}
        }
    }
    text
}

async fn begin(world: &World) -> (Events, events::conversations::AskQuestion, String) {
    let mut events = Events::of(world.ask("later")).await;
    let operation = events.next().await.unwrap();
    assert_eq!(
        (operation.name.as_str(), &operation.data["status"]),
        ("operation", &json!("running"))
    );
    let asked = asked(world, operation.data["id"].as_str().unwrap()).await;
    let path = operation.data["links"]["events"]
        .as_str()
        .unwrap()
        .to_owned();
    (events, asked, path)
}

async fn next_delta(events: &mut Events) -> Seen {
    loop {
        let seen = events.next().await.unwrap();
        if seen.name == "delta" {
            return seen;
        }
        assert_eq!(seen.name, "progress");
    }
}

#[tokio::test]
async fn an_answer_is_streamed_while_it_is_written_and_ends_with_the_whole() {
    let world = World::new().await;
    let (mut events, asked, _) = begin(&world).await;
    world.delta(&asked, 1, 0, "The ").await;
    assert_eq!(next_delta(&mut events).await.data["text"], "The ");
    world.delta(&asked, 1, 1, "answer").await;
    assert_eq!(next_delta(&mut events).await.data["text"], "answer");
    world.answer(&asked, "The answer.", 1).await;
    let rest = events.rest().await;
    assert_eq!(heard(&rest), ".", "what is missing is sent before the end");
    let done = rest.last().unwrap();
    assert_eq!(
        (done.name.as_str(), done.id.as_str(), &done.data["answer"]),
        ("done", "end", &json!("The answer."))
    );
}

#[tokio::test]
async fn another_edge_goes_on_after_the_last_event_and_a_new_attempt_resets() {
    let mut world = World::new().await;
    let second = world.edge().await;
    let (mut events, asked, path) = begin(&world).await;
    world.delta(&asked, 1, 0, "Wro").await;
    let last = next_delta(&mut events).await;
    drop(events);
    world.delta(&asked, 1, 1, "ng").await;
    world.delta(&asked, 2, 0, "Rig").await;
    world.delta(&asked, 1, 2, " still").await;
    world.delta(&asked, 2, 1, "ht").await;
    world.answer(&asked, "Right", 2).await;
    let resume = |id: &str| {
        world
            .client
            .get(format!("{second}{path}"))
            .bearer_auth("acme-secret")
            .header("last-event-id", id)
    };
    let resumed = Events::of(resume(&last.id)).await.rest().await;
    let told: Vec<_> = resumed
        .iter()
        .map(|event| event.name.as_str())
        .filter(|name| *name != "progress")
        .collect();
    assert_eq!(
        told,
        ["operation", "delta", "reset", "delta", "delta", "done"]
    );
    assert_eq!(
        (&resumed[1].data["text"], heard(&resumed)),
        (&json!("ng"), "Right".into())
    );
    // From the start, and after the end.
    let whole = Events::of(
        world
            .client
            .get(format!("{second}{path}"))
            .bearer_auth("acme-secret"),
    )
    .await
    .rest()
    .await;
    assert_eq!(heard(&whole), "Right");
    assert_eq!(resume("end").send().await.unwrap().status(), 204);
}

#[tokio::test]
async fn streams_of_one_partition_do_not_mix() {
    let world = World::new().await;
    // More questions than partitions: two share one.
    let mut all = vec![];
    for _ in 0..6 {
        all.push(begin(&world).await);
    }
    for (_, asked, _) in &all {
        world.delta(asked, 1, 0, &asked.question).await;
    }
    for (events, asked, _) in all {
        world.answer(&asked, &asked.question, 1).await;
        assert_eq!(heard(&events.rest().await), asked.question);
    }
}

#[tokio::test]
async fn a_question_that_fails_ends_its_stream_with_the_problem() {
    let world = World::new().await;
    let events = Events::of(world.ask("refuse")).await.rest().await;
    let failed = events.last().unwrap();
    assert_eq!(
        (failed.name.as_str(), failed.id.as_str()),
        ("failed", "end")
    );
    assert_eq!(
        (&failed.data["code"], &failed.data["status"]),
        (&json!("conversations.not_yours"), &json!(404))
    );
}

#[tokio::test]
async fn an_answer_without_deltas_is_streamed_whole() {
    let world = World::new().await;
    let events = Events::of(world.ask("hello")).await.rest().await;
    assert_eq!(heard(&events), "You asked: hello");
    assert_eq!(
        events.last().unwrap().data["citations"][0]["quote"],
        "a quote"
    );
}

#[tokio::test]
async fn an_upload_can_be_followed_too() {
    let world = World::new().await;
    let upload = world
        .request("POST", "/v1/chatbots/bot/documents?name=a.md")
        .header("prefer", "respond-async")
        .body("x");
    let (_, body) = json_of(upload).await;
    let id = body["id"].as_str().unwrap();
    let events = Events::of(world.request("GET", &format!("/v1/operations/{id}/events")))
        .await
        .rest()
        .await;
    assert_eq!(events.last().unwrap().name, "done");
    assert_eq!(events.last().unwrap().data["name"], "a.md");
}
