//! Who may come in, with what, and that nobody sees what is another's. The edge's own tests have every endpoint and
//! every wrong request; here it is the whole that must hold.
use super::caller::send;
use super::note;
use super::world::World;
use reqwest::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_another_tenants_does_not_exist() {
    let world = World::new().await;
    let (acme, globex) = (world.acme(), world.caller("globex"));
    globex.create("theirs").await;
    let document = globex
        .upload("theirs", "secret.md", note(7, 1, 2, 0))
        .await
        .expect(201);
    let document = document.text("id").to_owned();
    let blob = globex.put_blob(b"a secret".to_vec()).await.expect(201).body;
    let question = json!({"text": "What is cleaned?", "conversation": "talk", "visitor": "vera"});
    let asked = globex
        .post("/v1/chatbots/theirs/questions", &question)
        .await
        .expect(200);
    let operation = asked.text("operation").to_owned();
    assert_eq!(asked.body["known"], true, "{}", asked.body);

    // What there is, and what there is not: the same answer, word for word.
    for (theirs, nobodys) in [
        (
            "/v1/chatbots/theirs".to_owned(),
            "/v1/chatbots/nobodys".to_owned(),
        ),
        (
            "/v1/chatbots/theirs/documents".into(),
            "/v1/chatbots/nobodys/documents".into(),
        ),
        (
            format!("/v1/chatbots/theirs/documents/{document}"),
            "/v1/chatbots/theirs/documents/none".into(),
        ),
        (
            format!("/v1/chatbots/bot/documents/{document}"),
            "/v1/chatbots/bot/documents/none".into(),
        ),
        (
            "/v1/conversations/talk".into(),
            "/v1/conversations/none".into(),
        ),
        (
            format!("/v1/operations/{operation}"),
            "/v1/operations/none".into(),
        ),
        (
            format!("/v1/operations/{operation}/events"),
            "/v1/operations/none/events".into(),
        ),
    ] {
        for method in [Method::GET, Method::DELETE] {
            let there = send(acme.request(method.clone(), &theirs)).await;
            let absent = send(acme.request(method.clone(), &nobodys)).await;
            if there.status == 405 {
                continue;
            }
            assert_eq!(
                there.problem(),
                (404, "edge.not_found"),
                "{method} {theirs}"
            );
            assert_eq!(absent.problem(), there.problem(), "{method} {nobodys}");
            assert_eq!(
                absent.body["detail"], there.body["detail"],
                "{method} {theirs}"
            );
        }
    }
    let said = acme.ask("theirs", "What is cleaned?").await;
    assert_eq!(said.problem(), (404, "edge.not_found"));
    let put = acme.upload("theirs", "mine.md", note(8, 1, 1, 0)).await;
    assert_eq!(put.problem(), (404, "edge.not_found"));
    let wanted = json!({"name": "Mine", "sources": [{"name": "secret.md", "blob": blob}]});
    let created = acme.post("/v1/chatbots", &wanted).await;
    assert_eq!(
        created.problem(),
        (422, "edge.invalid"),
        "the blob is not ours"
    );

    // The same name is another conversation, in which nothing of theirs is known.
    let mine = acme
        .post("/v1/chatbots/bot/questions", &question)
        .await
        .expect(200);
    assert_eq!(mine.body["known"], false, "{}", mine.body);
    assert_eq!(acme.conversation("talk", 1).await["chatbot"], "bot");

    // And theirs is as it was.
    globex.listed("theirs", &document, "ready").await;
    let history = globex.conversation("talk", 1).await;
    assert_eq!(history["turns"][0]["question"], operation.as_str());
    assert_eq!(
        globex
            .get(&format!("/v1/operations/{operation}"))
            .await
            .status,
        200
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_are_not_what_is_taken_are_refused_at_the_door() {
    let world = World::new().await;
    let acme = world.acme();
    let questions = "/v1/chatbots/bot/questions";
    for (reply, problem) in [
        (
            world.caller_with("wrong").get("/v1/chatbots").await,
            (401, "edge.unauthorized"),
        ),
        (
            world.caller_with("").ask("bot", "hello").await,
            (401, "edge.unauthorized"),
        ),
        (
            acme.ask("bot", &"x".repeat(1 << 20)).await,
            (413, "edge.too_large"),
        ),
        (
            acme.post(questions, &json!({"text": "x", "tone": "rude"}))
                .await,
            (422, "edge.invalid"),
        ),
        (
            acme.post(questions, &json!(["x"])).await,
            (422, "edge.invalid"),
        ),
        (
            send(
                acme.request(Method::POST, questions)
                    .header("content-type", "application/json")
                    .body("{\"text\""),
            )
            .await,
            (400, "edge.malformed"),
        ),
    ] {
        assert_eq!(reply.problem(), problem, "{}", reply.body);
        assert!(!reply.text("detail").is_empty());
    }
    let figures = world.figures(events::topic::consumer::CONVERSATIONS_CONVERSATION);
    assert_eq!(figures.fetched, 0, "nobody was asked");
}
