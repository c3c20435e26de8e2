//! Files on their way in.
use super::support::{World, json_of, problem};
use crate::operations::row::{COLLECTION, UNSENT};
use events::TenantId;
use futures::StreamExt;
use reqwest::multipart::{Form, Part};
use runtime::ports::blobs::BlobError;
use serde_json::json;

const DOCUMENTS: &str = "/v1/chatbots/bot/documents";

fn part(name: &str, content: impl Into<Vec<u8>>) -> Part {
    Part::bytes(content.into())
        .file_name(name.to_owned())
        .mime_str("text/markdown")
        .unwrap()
}

async fn blobs(world: &World) -> Vec<String> {
    world
        .ports
        .blobs
        .list(&TenantId::new("acme").unwrap(), "", "", 100)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_raw_body_is_a_document() {
    let world = World::new().await;
    let request = world
        .request("POST", &format!("{DOCUMENTS}?name=report.md"))
        .header("content-type", "text/markdown");
    let response = request.body("# Report").send().await.unwrap();
    assert_eq!(response.status(), 201);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let document: serde_json::Value = response.json().await.unwrap();
    let id = document["id"].as_str().unwrap();
    assert_eq!(location, format!("{DOCUMENTS}/{id}"));
    assert_eq!(
        (&document["name"], &document["passages"]),
        (&json!("report.md"), &json!(8))
    );
    let stored = blobs(&world).await;
    let mut content = world
        .ports
        .blobs
        .get(&TenantId::new("acme").unwrap(), &stored[0])
        .await
        .unwrap();
    assert_eq!(content.next().await.unwrap().unwrap(), "# Report");
}

/// H2: whoever asks again is told the same, and what was deleted meanwhile does not come back.
#[tokio::test]
async fn a_file_that_comes_again_is_not_stored_again() {
    let world = World::new().await;
    let send = || {
        let request = world
            .request("POST", &format!("{DOCUMENTS}?name=report.md"))
            .header("content-type", "text/markdown")
            .header("idempotency-key", "k1");
        json_of(request.body("# Report"))
    };
    let (status, document) = send().await;
    assert_eq!(status, 201);
    let acme = TenantId::new("acme").unwrap();
    for blob in blobs(&world).await {
        world.ports.blobs.delete(&acme, &blob).await.unwrap();
    }
    assert_eq!(send().await, (status, document));
    assert_eq!(blobs(&world).await, Vec::<String>::new());
    // Another file under the same key is another request, wherever the first one is.
    let request = world
        .request("POST", &format!("{DOCUMENTS}?name=report.md"))
        .header("content-type", "text/markdown")
        .header("idempotency-key", "k1");
    let (status, code, _) = problem(request.body("# Another")).await;
    assert_eq!(
        (status, code.as_str()),
        (422, "edge.idempotency_key_reused")
    );
}

#[tokio::test]
async fn several_files_are_several_documents_and_one_operation() {
    let world = World::new().await;
    let form = || {
        Form::new()
            .part("file", part("a.md", "one"))
            .part("file", part("b.md", "two"))
    };
    let post = |key: &'static str| {
        world
            .request("POST", DOCUMENTS)
            .header("idempotency-key", key)
    };
    let first = json_of(post("k").multipart(form())).await;
    assert_eq!(first.0, 201, "{}", first.1);
    let names: Vec<_> = first.1["documents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| &d["result"]["name"])
        .collect();
    assert_eq!(names, ["a.md", "b.md"]);
    assert_eq!(json_of(post("k").multipart(form())).await, first);
    let (status, code, _) =
        problem(post("k").multipart(form().part("file", part("c.md", "three")))).await;
    assert_eq!(
        (status, code.as_str()),
        (422, "edge.idempotency_key_reused")
    );
    assert_eq!(world.messages("documents.document").await.len(), 2);
    let due = world
        .ports
        .state
        .due(COLLECTION, UNSENT, 100)
        .await
        .unwrap();
    assert!(
        due.iter().all(|due| due
            .id
            .split('/')
            .nth(1)
            .is_some_and(|id| first.1.to_string().contains(id))),
        "no part of it will be sent"
    );
    let operation = format!("/v1/operations/{}", first.1["operation"].as_str().unwrap());
    let (_, operation) =
        json_of(world.request("GET", &operation).header("prefer", "wait=10")).await;
    assert_eq!(
        (
            &operation["status"],
            operation["parts"].as_array().unwrap().len()
        ),
        (&json!("done"), 2)
    );
}

#[tokio::test]
async fn a_file_that_is_refused_does_not_stop_the_others() {
    let world = World::new().await;
    let form = Form::new()
        .part("file", part("a.md", "one"))
        .part("file", part("encrypted.pdf", "two"));
    let (status, body) = json_of(world.request("POST", DOCUMENTS).multipart(form)).await;
    assert_eq!(
        (status, &body["documents"][0]["status"]),
        (207, &json!("done"))
    );
    assert_eq!(body["documents"][1]["error"]["code"], "documents.encrypted");
    let alone = world
        .request("POST", DOCUMENTS)
        .multipart(Form::new().part("file", part("encrypted.pdf", "x")));
    assert_eq!(problem(alone).await.1, "documents.encrypted");
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused_and_nothing_of_it_is_kept() {
    let world = World::new().await;
    let large = vec![b'x'; 100_001];
    let raw = || world.request("POST", &format!("{DOCUMENTS}?name=a.md"));
    assert_eq!(problem(raw().body(large.clone())).await.1, "edge.too_large");
    let chunks = futures::stream::iter(
        large
            .chunks(1_000)
            .map(|c| Ok::<_, std::io::Error>(c.to_vec()))
            .collect::<Vec<_>>(),
    );
    assert_eq!(
        problem(raw().body(reqwest::Body::wrap_stream(chunks)))
            .await
            .0,
        413,
        "without a content-length"
    );
    let form = Form::new()
        .part("file", part("small.md", "one"))
        .part("file", part("large.md", large.clone()));
    let (status, _, document) = problem(world.request("POST", DOCUMENTS).multipart(form)).await;
    assert_eq!((status, &document["where"]), (413, &json!("part 2")));
    assert_eq!(
        problem(world.request("POST", "/v1/blobs").body(large))
            .await
            .0,
        413
    );
    assert_eq!(blobs(&world).await, Vec::<String>::new());
    assert!(world.messages("documents.document").await.is_empty());
    let fits = raw().body(vec![b'x'; 100_000]);
    assert_eq!(fits.send().await.unwrap().status(), 201);
}

#[tokio::test]
async fn multipart_that_is_broken_or_holds_something_else_is_refused() {
    let world = World::new().await;
    let post = |content_type: &str, body: &'static str| {
        world
            .request("POST", DOCUMENTS)
            .header("content-type", content_type.to_owned())
            .body(body)
    };
    let whole = "multipart/form-data; boundary=b";
    let cut = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.md\"\r\n\r\nhalf";
    let field = "--b\r\ncontent-disposition: form-data; name=\"title\"\r\n\r\nx\r\n--b--\r\n";
    let nameless = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"..\"\r\n\r\nx\r\n--b--\r\n";
    for (request, status) in [
        (post("multipart/form-data", cut), 400),
        (post(whole, cut), 400),
        (post(whole, "nonsense"), 400),
        (post(whole, "--b--\r\n"), 422),
        (post(whole, field), 422),
        (post(whole, nameless), 422),
    ] {
        let (got, _, document) = problem(request).await;
        assert_eq!(got, status, "{document}");
    }
    let many = (0..4).fold(Form::new(), |form, n| {
        form.part("file", part(&format!("{n}.md"), "x"))
    });
    assert_eq!(
        problem(world.request("POST", DOCUMENTS).multipart(many))
            .await
            .0,
        413
    );
    let (status, _, document) = problem(world.request("POST", DOCUMENTS).body("x")).await;
    assert_eq!((status, &document["where"]), (422, &json!("name")));
    assert_eq!(blobs(&world).await, Vec::<String>::new());
    assert!(world.messages("documents.document").await.is_empty());
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_nothing() {
    use tokio::io::AsyncWriteExt;
    let world = World::new().await;
    let address = world.url.trim_start_matches("http://").to_owned();
    let mut connection = tokio::net::TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST {DOCUMENTS}?name=a.md HTTP/1.1\r\nhost: {address}\r\nx-api-key: acme-secret\r\ncontent-length: 1000\r\n\r\nhalf"
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    drop(connection);
    // Another request is served as if nothing had been; the first left neither a blob nor a command.
    assert_eq!(world.ask("hello").send().await.unwrap().status(), 200);
    assert_eq!(blobs(&world).await, Vec::<String>::new());
    assert!(world.messages("documents.document").await.is_empty());
}

#[tokio::test]
async fn replacing_keeps_the_id() {
    let world = World::new().await;
    let put = |name: &str| {
        world
            .request("PUT", &format!("{DOCUMENTS}/handbook?name={name}"))
            .body("text")
    };
    let (status, document) = json_of(put("v1.md")).await;
    assert_eq!((status, &document["id"]), (200, &json!("handbook")));
    let (_, again) = json_of(put("v2.md")).await;
    assert_ne!(again["revision"], document["revision"]);
    world
        .row(
            "documents.directory",
            "acme/elsewhere",
            json!({"chatbot": "other", "state": "Ready"}),
        )
        .await;
    let elsewhere = world
        .request("PUT", &format!("{DOCUMENTS}/elsewhere?name=a.md"))
        .body("text");
    assert_eq!(problem(elsewhere).await.0, 404);
}

#[tokio::test]
async fn the_same_blob_again_is_fine_and_another_under_the_same_key_is_not() {
    let world = World::new().await;
    let put = |body: &'static str| {
        world
            .request("POST", "/v1/blobs")
            .header("idempotency-key", "k")
            .body(body)
    };
    let first = json_of(put("one")).await;
    assert_eq!(json_of(put("one")).await, first);
    assert_eq!(problem(put("two")).await.1, "edge.idempotency_key_reused");
    let missing = world
        .ports
        .blobs
        .get(
            &TenantId::new("globex").unwrap(),
            first.1["id"].as_str().unwrap(),
        )
        .await;
    assert!(
        matches!(missing.err(), Some(BlobError::Missing(_))),
        "another tenant has no such blob"
    );
}

#[tokio::test]
async fn a_full_disk_is_said_and_with_room_again_it_goes_on() {
    let world = World::new().await;
    let upload = || world.request("POST", "/v1/blobs").body(vec![b'x'; 90_000]);
    world.file.set_max_pages(Some(1)).await.unwrap();
    // What is free in the file is used first.
    let (status, code) = loop {
        let response = upload().send().await.unwrap();
        if !response.status().is_success() {
            let status = response.status().as_u16();
            break (
                status,
                response.json::<serde_json::Value>().await.unwrap()["code"].clone(),
            );
        }
    };
    assert_eq!((status, code), (507, json!("edge.full")));
    world.file.set_max_pages(None).await.unwrap();
    assert_eq!(upload().send().await.unwrap().status(), 201);
}
