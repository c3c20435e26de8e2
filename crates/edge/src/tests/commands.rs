//! From requests to commands and back: waiting, 202, idempotency, resending.
use super::support::{NOW_MS, World, config, json_of, problem};
use crate::AlwaysUp;
use crate::operations::Operations;
use crate::operations::row::{COLLECTION, OperationRow, RESEND_AFTER_MS};
use events::Envelope;
use runtime::ports::state::Save;
use runtime::{Incoming, PortError, Ports};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::watch;

#[tokio::test]
async fn a_question_is_answered_with_citations() {
    let world = World::new().await;
    let request = world.post(
        "/v1/chatbots/bot/questions",
        &json!({"text": "Who?", "conversation": "c-1", "visitor": "v-1"}),
    );
    let response = request.header("prefer", "wait=7").send().await.unwrap();
    assert_eq!(
        (
            response.status().as_u16(),
            &response.headers()["preference-applied"]
        ),
        (200, &"wait=7".parse().unwrap())
    );
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["answer"], "You asked: Who?");
    assert_eq!(
        (
            &answer["conversation"],
            &answer["visitor"],
            &answer["known"]
        ),
        (&json!("c-1"), &json!("v-1"), &json!(true))
    );
    assert_eq!(answer["citations"][0]["quote"], "a quote");
}

#[tokio::test]
async fn a_command_says_who_asked_for_what_until_when_and_where_the_answer_goes() {
    let world = World::new().await;
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let (_, answer) = json_of(world.ask("Who?").header("traceparent", traceparent)).await;
    let operation = answer["operation"].as_str().unwrap();
    let command = world.command("conversations.conversation", operation).await;
    let envelope = Envelope::read(&command.headers);
    assert_eq!(envelope.correlation.as_deref(), Some(operation));
    assert_eq!(
        (envelope.source.as_deref(), envelope.tenant.as_deref()),
        (Some("troupe/edge"), Some("acme"))
    );
    assert_eq!(envelope.traceparent.as_deref(), Some(traceparent));
    assert_eq!(envelope.causation, None);
    assert!(envelope.deadline_ms.unwrap() > NOW_MS);
    let to = envelope.reply_to.unwrap();
    assert_eq!(
        (to.topic.as_str(), to.key),
        ("replies", format!("acme/{operation}"))
    );
    assert!(to.partition.is_some());
    assert!(
        !String::from_utf8_lossy(&command.payload).contains("Who?"),
        "what a visitor wrote is sealed (G1)"
    );
    let key = format!("acme/{operation}");
    let rows = world
        .ports
        .state
        .scan(COLLECTION, &key, "", 10)
        .await
        .unwrap();
    for (id, row) in rows {
        assert!(
            !String::from_utf8_lossy(&row.body).contains("Who?"),
            "{id} holds what a visitor wrote in the clear"
        );
    }
}

#[tokio::test]
async fn who_does_not_wait_finds_the_answer_at_the_operation() {
    let world = World::new().await;
    let response = world
        .ask("Who?")
        .header("prefer", "respond-async")
        .send()
        .await
        .unwrap();
    let status = response.status().as_u16();
    let location = response
        .headers()
        .get("location")
        .map(|location| location.to_str().unwrap().to_owned());
    let body: Value = response.json().await.unwrap();
    // The answer may be faster than the response.
    if status == 202 {
        assert_eq!(
            location,
            Some(format!("/v1/operations/{}", body["id"].as_str().unwrap()))
        );
        let (status, operation) = json_of(
            world
                .request("GET", &location.unwrap())
                .header("prefer", "wait=10"),
        )
        .await;
        assert_eq!(
            (status, &operation["status"], &operation["kind"]),
            (200, &json!("done"), &json!("ask_question"))
        );
        assert_eq!(operation["result"]["answer"], "You asked: Who?");
    } else {
        assert_eq!(status, 200);
    }
}

#[tokio::test]
async fn when_the_wait_ends_first_it_is_a_202_with_progress_and_any_edge_knows_the_answer() {
    let mut world = World::new().await;
    let second = world.edge().await;
    let (status, operation) = json_of(world.ask("later").header("prefer", "wait=1")).await;
    assert_eq!(
        (status, &operation["status"]),
        (202, &json!("running")),
        "{operation}"
    );
    assert_eq!(
        operation["progress"],
        json!({"message": "thinking", "done": 1, "total": 2})
    );
    let asked = asked(&world, operation["id"].as_str().unwrap()).await;
    let url = format!("{second}{}", operation["links"]["self"].as_str().unwrap());
    let waiting = json_of(
        world
            .client
            .get(url)
            .bearer_auth("acme-secret")
            .header("prefer", "wait=20"),
    );
    let (_, (status, found)) = tokio::join!(world.answer(&asked, "At last.", 1), waiting);
    assert_eq!((status, &found["status"]), (200, &json!("done")));
    assert_eq!(found["result"]["answer"], "At last.");
}

pub async fn asked(world: &World, id: &str) -> events::conversations::AskQuestion {
    let message = world.command("conversations.conversation", id).await;
    let envelope = Envelope::read(&message.headers);
    let opening = world
        .ports
        .keys
        .opening("acme", envelope.subject_key.as_deref())
        .await
        .unwrap();
    let datum = world.ports.schemas.datum(&message.payload).await.unwrap();
    Incoming {
        datum,
        envelope: &envelope,
        tenant: "acme",
        opening: &opening,
    }
    .read()
    .unwrap()
}

#[tokio::test]
async fn the_same_key_and_body_give_the_first_answer_again_whichever_edge_is_asked() {
    let mut world = World::new().await;
    let second = world.edge().await;
    let ask = |url: &str, key: &str, text: &str| {
        let request = world
            .client
            .post(format!("{url}/v1/chatbots/bot/questions"))
            .bearer_auth("acme-secret");
        request
            .header("idempotency-key", key)
            .json(&json!({"text": text}))
    };
    let first = json_of(ask(&world.url, "k1", "Who?")).await;
    assert_eq!(first.0, 200);
    assert_eq!(json_of(ask(&world.url, "k1", "Who?")).await, first);
    assert_eq!(json_of(ask(&second, "k1", "Who?")).await, first);
    let (status, code, _) = problem(ask(&world.url, "k1", "What?")).await;
    assert_eq!(
        (status, code.as_str()),
        (422, "edge.idempotency_key_reused")
    );
    let other = json_of(ask(&world.url, "k2", "Who?")).await;
    assert_ne!(other.1["operation"], first.1["operation"]);
    assert_eq!(world.messages("conversations.conversation").await.len(), 2);
}

#[tokio::test]
async fn the_same_key_while_it_runs_gives_the_same_202_and_location() {
    let world = World::new().await;
    let ask = || {
        world
            .ask("later")
            .header("idempotency-key", "k")
            .header("prefer", "respond-async")
            .send()
    };
    let (first, second) = (ask().await.unwrap(), ask().await.unwrap());
    assert_eq!(
        (first.status().as_u16(), second.status().as_u16()),
        (202, 202)
    );
    assert_eq!(first.headers()["location"], second.headers()["location"]);
    assert_eq!(world.messages("conversations.conversation").await.len(), 1);
}

#[tokio::test]
async fn a_chatbot_is_created_under_its_own_id_or_a_new_one() {
    let world = World::new().await;
    let response = world
        .post("/v1/chatbots", &json!({"name": "Support", "id": "support"}))
        .send()
        .await
        .unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["location"]),
        (201, &"/v1/chatbots/support".parse().unwrap())
    );
    let (status, made) = json_of(world.post(
        "/v1/chatbots",
        &json!({"name": "Another", "settings": {"languages": ["de", "en-GB"]}}),
    ))
    .await;
    assert_eq!((status, &made["id"]), (201, &made["operation"]));
    let (status, _) = json_of(world.request("POST", "/v1/chatbots/bot/pause")).await;
    assert_eq!(status, 200);
    let (status, _) = json_of(
        world
            .request("PATCH", "/v1/chatbots/bot")
            .json(&json!({"name": "Renamed"})),
    )
    .await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn sources_are_blobs_that_were_put_before() {
    let world = World::new().await;
    let put = world.request("POST", "/v1/blobs").body("# Hello");
    let (status, blob) = json_of(put).await;
    assert_eq!((status, &blob["size"]), (201, &json!(7)));
    let sources = json!([{"name": "hello.md", "media_type": "text/markdown", "blob": blob}]);
    let create = || {
        world
            .post("/v1/chatbots", &json!({"name": "x", "sources": sources}))
            .header("idempotency-key", "k")
    };
    let first = json_of(create()).await;
    assert_eq!(first.0, 201);
    let tenant = events::TenantId::new("acme").unwrap();
    world
        .ports
        .blobs
        .delete(&tenant, blob["id"].as_str().unwrap())
        .await
        .unwrap();
    assert_eq!(
        json_of(create()).await,
        first,
        "a repeat is answered as before, whatever has changed since"
    );
}

#[tokio::test]
async fn a_deletion_that_is_asked_for_again_is_answered_as_before() {
    let world = World::new().await;
    let delete = || {
        json_of(
            world
                .request("DELETE", "/v1/chatbots/bot")
                .header("idempotency-key", "d1"),
        )
    };
    let first = delete().await;
    assert_eq!(first.0, 200);
    let save = Save {
        collection: "chatbots.directory".into(),
        id: "acme/bot/t-0".into(),
        expected: 1,
        row: None,
    };
    world.ports.state.save(vec![save]).await.unwrap();
    assert_eq!(delete().await, first);
    assert_eq!(
        problem(world.request("DELETE", "/v1/chatbots/bot")).await.0,
        404
    );
}

/// Operations of an edge that is not served: its background work is done by hand.
fn operations(ports: &Ports) -> Operations {
    let (_, stopping) = watch::channel(false);
    Operations::new(ports.clone(), 0, stopping).0
}

async fn unsent(world: &World, ports: &Ports, id: &str) -> Result<OperationRow, PortError> {
    // Written as an edge would that dies before it sends: the row of a question that was asked, as it was.
    let key = format!("acme/{id}");
    let rows = ports
        .state
        .load(COLLECTION, std::slice::from_ref(&key))
        .await?;
    let row = rows.into_iter().next().flatten().unwrap();
    let command = world.command("conversations.conversation", id).await;
    let command = runtime::ports::log::Outgoing {
        topic: "conversations.conversation".into(),
        partition: None,
        key: command.key,
        headers: command.headers,
        payload: command.payload,
    };
    let operation = OperationRow {
        command: Some(command),
        ..OperationRow::read(&key, &row)?
    };
    ports
        .state
        .save(vec![operation.save(&key, row.version)?])
        .await?;
    Ok(operation)
}

#[tokio::test]
async fn a_command_that_was_never_sent_is_sent_again_with_the_same_id() {
    let world = World::new().await;
    let (_, answer) = json_of(world.ask("Who?")).await;
    let id = answer["operation"].as_str().unwrap();
    let operations = operations(&world.ports);
    // Wait for the mark, or it would race with what follows.
    loop {
        let rows = world
            .ports
            .state
            .load(COLLECTION, &[format!("acme/{id}")])
            .await
            .unwrap();
        let row = rows.into_iter().next().flatten().unwrap();
        if OperationRow::read(id, &row).unwrap().command.is_none() {
            break;
        }
        tokio::task::yield_now().await;
    }
    let written = unsent(&world, &world.ports, id).await.unwrap();
    assert_eq!(
        operations
            .send_again(written.created_ms + RESEND_AFTER_MS - 1)
            .await
            .unwrap(),
        0,
        "not yet"
    );
    assert_eq!(
        operations
            .send_again(written.created_ms + RESEND_AFTER_MS)
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        operations
            .send_again(written.created_ms + RESEND_AFTER_MS)
            .await
            .unwrap(),
        0,
        "once"
    );
    let ids: Vec<_> = world.messages("conversations.conversation").await;
    assert_eq!(
        ids.iter()
            .filter(|message| message.headers.text("ce_id") == Some(id))
            .count(),
        2
    );
    // The entity recognises it (E2), and the answer stays the first one.
    let (_, again) = json_of(
        world
            .request("GET", &format!("/v1/operations/{id}"))
            .header("prefer", "wait=10"),
    )
    .await;
    assert_eq!(again["result"]["answer"], answer["answer"]);
}

#[tokio::test]
async fn a_command_whose_mark_was_lost_is_sent_after_its_deadline_too() {
    let world = World::with(config(), Arc::new(AlwaysUp), false).await;
    let (_, operation) = json_of(world.ask("Who?").header("prefer", "respond-async")).await;
    let id = operation["id"].as_str().unwrap();
    loop {
        let rows = world
            .ports
            .state
            .load(COLLECTION, &[format!("acme/{id}")])
            .await
            .unwrap();
        if OperationRow::read(id, &rows.into_iter().next().flatten().unwrap())
            .unwrap()
            .command
            .is_none()
        {
            break;
        }
        tokio::task::yield_now().await;
    }
    let written = unsent(&world, &world.ports, id).await.unwrap();
    assert_eq!(
        operations(&world.ports)
            .send_again(written.deadline_ms + 1)
            .await
            .unwrap(),
        1
    );
    let copies = world.messages("conversations.conversation").await;
    let copies = copies
        .iter()
        .filter(|m| m.headers.text("ce_id") == Some(id));
    assert_eq!(
        copies.count(),
        2,
        "its owner knows what became of the first"
    );
    let (_, operation) = json_of(world.request("GET", &format!("/v1/operations/{id}"))).await;
    assert_eq!(operation["status"], "running", "and it alone says so");
}

#[tokio::test]
async fn what_was_erased_is_erased_from_answers_too() {
    let world = World::new().await;
    let body = json!({"text": "Who?", "visitor": "v-1"});
    let (_, answer) = json_of(world.post("/v1/chatbots/bot/questions", &body)).await;
    let path = format!("/v1/operations/{}", answer["operation"].as_str().unwrap());
    let (_, operation) = json_of(world.request("GET", &path).header("prefer", "wait=10")).await;
    assert_eq!(operation["result"]["answer"], "You asked: Who?");
    world.ports.keys.erase("acme", "v-1").await.unwrap();
    let (_, operation) = json_of(world.request("GET", &path)).await;
    assert_eq!(operation["result"]["answer"], events::personal::ERASED_TEXT);
}
