//! What an operator does over HTTP, and that nobody else does.
use super::support::{World, config, json_of, key, problem};
use crate::config::OperatorKey;
use crate::{AlwaysUp, KeyHash};
use events::{Headers, envelope::name, topic};
use runtime::ports::log::Outgoing;
use serde_json::{Value, json};
use std::sync::Arc;

const LETTERS: &str = "/v1/operator/dead-letters";
/// Where the letters of these tests are.
const DEAD: &str = "documents.document.dead";

async fn operated() -> World {
    let mut config = config();
    config.keys.push(key("initech", "initech-secret"));
    config.operators.push(OperatorKey {
        name: "night-shift".into(),
        sha256: KeyHash::of("operator-secret"),
    });
    World::with(config, Arc::new(AlwaysUp), true).await
}
fn operator(world: &World, method: &str, path: &str) -> reqwest::RequestBuilder {
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    let url = format!("{}{path}", world.url);
    world
        .client
        .request(method, url)
        .bearer_auth("operator-secret")
}
fn post(world: &World, path: &str, body: &Value) -> reqwest::RequestBuilder {
    operator(world, "POST", &format!("{LETTERS}/{path}")).json(body)
}
/// A message that no schema fits, for the document `id`.
async fn unreadable(world: &World, id: &str) {
    let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    let headers = vec![
        header(name::ID, &format!("{id}-message")),
        header(name::SOURCE, "upstream"),
        header(name::TENANT, "acme"),
    ];
    let outgoing = Outgoing {
        topic: topic::DOCUMENTS_DOCUMENT.into(),
        partition: None,
        key: format!("acme/{id}").into_bytes().into(),
        headers: Headers(headers),
        payload: b"{}".to_vec().into(),
    };
    world.ports.log.append(vec![outgoing]).await.unwrap();
}
/// The letters that fit, once there are so many.
async fn letters(world: &World, query: &str, many: usize) -> Vec<Value> {
    loop {
        let ends = world.ends(DEAD).await;
        let (status, page) = json_of(operator(world, "GET", &format!("{LETTERS}?{query}"))).await;
        assert_eq!(status, 200, "{page}");
        let items = page["items"].as_array().unwrap();
        if items.len() >= many {
            return items.clone();
        }
        world.grown(DEAD, &ends).await;
    }
}

#[tokio::test]
async fn without_an_operators_key_nothing_is_there() {
    let (world, closed) = (operated().await, World::new().await);
    let paths = [
        ("GET", LETTERS.to_owned()),
        ("GET", format!("{LETTERS}/documents.document.dead/0/0")),
        ("POST", format!("{LETTERS}/redrive")),
        ("POST", format!("{LETTERS}/discard")),
        ("POST", "/v1/operator/sagas/resume".to_owned()),
    ];
    for (method, path) in paths {
        let (_, _, nothing) = problem(world.request("GET", "/v1/operator/nothing")).await;
        for (world, key) in [
            (&world, "acme-secret"),
            (&world, "wrong"),
            (&closed, "operator-secret"),
        ] {
            let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
            let request = world.client.request(method, format!("{}{path}", world.url));
            let request = request.bearer_auth(key).json(&json!({}));
            let (status, code, document) = problem(request).await;
            assert_eq!((status, code.as_str()), (404, "edge.not_found"), "{path}");
            assert_eq!(document["detail"], nothing["detail"], "it tells nothing");
        }
    }
    let tenants = world.client.get(format!("{}/v1/chatbots", world.url));
    let (status, ..) = problem(tenants.bearer_auth("operator-secret")).await;
    assert_eq!(status, 401, "an operator is no tenant");
}

#[tokio::test]
async fn dead_letters_are_listed_shown_planned_redriven_and_discarded() {
    let world = operated().await;
    for id in ["one", "one", "two"] {
        unreadable(&world, id).await;
    }
    let found = letters(&world, "worker=documents", 3).await;
    assert_eq!(found.len(), 3);
    assert_eq!(letters(&world, "key=acme/one", 2).await.len(), 2);
    assert_eq!(letters(&world, "tenant=globex", 0).await.len(), 0);
    assert_eq!(
        letters(&world, "since=2100-01-01T00:00:00Z", 0).await.len(),
        0
    );
    let of = |id: &str| -> Vec<Value> {
        let key = format!("acme/{id}");
        let mine = found.iter().filter(|letter| letter["key"] == *key);
        mine.map(|letter| letter["place"].clone()).collect()
    };
    let (one, two) = (of("one"), of("two"));

    let path = format!("{LETTERS}/{}", one[0].as_str().unwrap());
    let (status, shown) = json_of(operator(&world, "GET", &path)).await;
    assert_eq!(status, 200);
    assert_eq!((&shown["place"], &shown["holds"]), (&one[0], &json!(true)));
    assert_eq!(shown["fate"], json!({"is": "waiting"}));

    let (_, plan) = json_of(post(
        &world,
        "redrive",
        &json!({"plan": true, "places": [one[1]]}),
    ))
    .await;
    assert_eq!(
        (&plan["count"], &plan["keys"][0]["places"]),
        (&json!(2), &json!(one))
    );
    let which = json!({"plan": true, "which": {"worker": "documents.document", "key": "acme/two"}});
    let (_, plan) = json_of(post(&world, "redrive", &which)).await;
    assert_eq!(plan["keys"][0]["places"], json!(two));

    let unsigned = post(&world, "redrive", &json!({"places": [one[0]]}));
    let (status, code, document) = problem(unsigned).await;
    assert_eq!((status, code.as_str()), (422, "edge.invalid"), "{document}");
    let skipping = json!({"places": [one[1]], "by": "kim", "why": "a test"});
    let (_, done) = json_of(post(&world, "redrive", &skipping)).await;
    assert_eq!(done["behind"], json!([[one[1], one[0]]]), "in order only");
    let (_, done) = json_of(post(
        &world,
        "redrive",
        &json!({"places": one, "by": "kim", "why": "a test"}),
    ))
    .await;
    assert_eq!(done["done"], json!(one));
    let (_, shown) = json_of(operator(&world, "GET", &path)).await;
    assert_eq!(
        (&shown["fate"]["is"], &shown["fate"]["by"]),
        (&json!("redriven"), &json!("kim"))
    );

    let why = json!({"places": two, "by": "kim", "why": "it was a test"});
    let (status, done) = json_of(post(&world, "discard", &why)).await;
    assert_eq!(status, 200, "{done}");
    assert_eq!(done["done"][0]["discarded"]["fate"]["why"], "it was a test");
    let settled = post(
        &world,
        "discard",
        &json!({"places": one, "by": "kim", "why": "again"}),
    );
    let (status, code, _) = problem(settled).await;
    assert_eq!((status, code.as_str()), (409, "edge.conflict"));
}

#[tokio::test]
async fn what_is_no_letter_and_no_saga_is_said() {
    let world = operated().await;
    let nowhere = operator(
        &world,
        "GET",
        &format!("{LETTERS}/documents.document.dead/0/99"),
    );
    assert_eq!(problem(nowhere).await.0, 404);
    let cases = [
        operator(&world, "GET", &format!("{LETTERS}?worker=documens")),
        operator(&world, "GET", &format!("{LETTERS}?since=yesterday")),
        operator(&world, "GET", &format!("{LETTERS}?limit=0")),
        operator(&world, "GET", &format!("{LETTERS}/documents.document/0/0")),
        operator(&world, "POST", "/v1/operator/sagas/resume")
            .json(&json!({"saga": "chatbots.chatbot", "key": "acme/bot", "by": "kim", "why": "x"})),
        operator(&world, "POST", "/v1/operator/sagas/resume").json(
            &json!({"saga": "chatbots.creation", "key": "acme/bot", "by": "kim", "why": " "}),
        ),
    ];
    for request in cases {
        let (status, code, document) = problem(request).await;
        assert_eq!((status, code.as_str()), (422, "edge.invalid"), "{document}");
    }
    let resume =
        json!({"saga": "chatbots.deletion", "key": "acme/bot", "by": "kim", "why": "it may go on"});
    let (status, _) =
        json_of(operator(&world, "POST", "/v1/operator/sagas/resume").json(&resume)).await;
    assert_eq!(status, 200);
    let commands = world.messages(topic::CHATBOTS_DELETION).await;
    assert_eq!(commands.len(), 1);
    assert_eq!(
        commands[0].headers.text(name::TYPE),
        Some("troupe.system.ResumeSaga")
    );
}
