//! What is shown of the workers' views.
use super::support::{World, json_of, problem};
use events::chatbots::ChatbotState;
use serde_json::json;

#[tokio::test]
async fn chatbots_are_listed_by_page() {
    let world = World::new().await;
    for id in ["a", "a-b", "c", "d"] {
        world.chatbot("acme", id, ChatbotState::Active).await;
    }
    world.chatbot("acme", "b", ChatbotState::Removed).await;
    world
        .chatbot("globex", "theirs", ChatbotState::Active)
        .await;
    let mut found = vec![];
    let mut path = "/v1/chatbots?limit=2".to_owned();
    loop {
        let (status, page) = json_of(world.request("GET", &path)).await;
        assert_eq!(status, 200);
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        found.extend(
            items
                .iter()
                .map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => path = format!("/v1/chatbots?limit=2&after={next}"),
            None => break,
        }
    }
    // In the order of the rows' ids, in which `-` comes before `/`.
    assert_eq!(found, ["a-b", "a", "bot", "c", "d"]);
    let (_, bot) = json_of(world.request("GET", "/v1/chatbots/bot")).await;
    assert_eq!(
        (&bot["name"], &bot["state"]),
        (&json!("The bot"), &json!("active"))
    );
}

#[tokio::test]
async fn a_document_is_shown_with_its_ledger() {
    let world = World::new().await;
    let row = |state: &str| json!({"chatbot": "bot", "name": "a.pdf", "state": state, "passages": 3, "size": 10, "updated_ms": 0});
    world
        .row("documents.directory", "acme/one", row("Ready"))
        .await;
    world
        .row("documents.directory", "acme/two", row("Deleted"))
        .await;
    world
        .row(
            "documents.directory",
            "acme/three",
            json!({"chatbot": "other", "state": "Ready"}),
        )
        .await;
    let ledger = json!({"chatbot": "bot", "revision": "r", "version": 1, "expected": 3, "embedded": 3, "stored": 3, "retrievable": 3});
    world.row("knowledge.ledger", "acme/one", ledger).await;
    let (_, one) = json_of(world.request("GET", "/v1/chatbots/bot/documents/one")).await;
    assert_eq!(
        (&one["state"], &one["ledger"]["retrievable"]),
        (&json!("ready"), &json!(3))
    );
    assert_eq!(one["updated"], "1970-01-01T00:00:00.000Z");
    let (_, page) = json_of(world.request("GET", "/v1/chatbots/bot/documents")).await;
    assert_eq!(
        (
            page["items"].as_array().unwrap().len(),
            &page["items"][0]["id"]
        ),
        (1, &json!("one"))
    );
    for gone in ["two", "three", "four"] {
        assert_eq!(
            problem(world.request("GET", &format!("/v1/chatbots/bot/documents/{gone}")))
                .await
                .0,
            404
        );
    }
}

#[tokio::test]
async fn conversations_are_listed_by_visitor_and_gone_when_they_are_ended() {
    let world = World::new().await;
    let row = |visitor: &str| {
        let entry = json!({"question": "q", "asked": "Who?", "text": "Me.", "known": true, "answered_ms": 0});
        json!({"chatbot": "bot", "visitor": visitor, "entries": [entry]})
    };
    world
        .row("conversations.history", "acme/one", row("v1"))
        .await;
    world
        .row("conversations.history", "acme/two", row("v2"))
        .await;
    let (_, page) =
        json_of(world.request("GET", "/v1/chatbots/bot/conversations?visitor=v2")).await;
    assert_eq!(
        page["items"],
        json!([{"id": "two", "chatbot": "bot", "visitor": "v2", "questions": 1}])
    );
    let (_, page) = json_of(world.request("GET", "/v1/chatbots/bot/conversations")).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
    let (_, one) = json_of(world.request("GET", "/v1/conversations/one")).await;
    assert_eq!(
        (&one["turns"][0]["text"], &one["turns"][0]["answered"]),
        (&json!("Me."), &json!("1970-01-01T00:00:00.000Z"))
    );
    assert_eq!(
        problem(world.request("GET", "/v1/conversations/three"))
            .await
            .0,
        404
    );
    // Whoever ended it does not see it any more, though the view may not know yet.
    let body = json!({"state": {"chatbot": "bot", "visitor": "v1", "turns": [], "endings": 1}});
    let row = runtime::ports::state::Row {
        version: 1,
        partition: -1,
        body: body.to_string().into_bytes(),
        ..Default::default()
    };
    let save = runtime::ports::state::Save {
        collection: "conversations.conversation".into(),
        id: "acme/one".into(),
        expected: 0,
        row: Some(row),
    };
    world.ports.state.save(vec![save]).await.unwrap();
    assert_eq!(
        problem(world.request("GET", "/v1/conversations/one"))
            .await
            .0,
        404
    );
    // Soon the view does.
    let ended = json!({"ended_at_ms": 7, "endings": 1});
    for conversation in ["acme/one", "acme/two", "globex/three"] {
        let ended = ended.clone();
        world
            .row("conversations.endings", conversation, ended)
            .await;
    }
    for conversation in ["one", "two"] {
        let path = format!("/v1/conversations/{conversation}");
        assert_eq!(problem(world.request("GET", &path)).await.0, 404);
        assert_eq!(problem(world.request("DELETE", &path)).await.0, 404);
    }
    let (_, page) = json_of(world.request("GET", "/v1/chatbots/bot/conversations")).await;
    assert_eq!(page["items"], json!([]));
}
#[tokio::test]
async fn a_conversation_that_goes_on_after_its_end_is_listed_again_and_so_are_its_neighbours() {
    let world = World::new().await;
    let entry =
        json!({"question": "q", "asked": "Who?", "text": "Me.", "known": true, "answered_ms": 0});
    // Keys whose rows stand in another order than the keys themselves: '-' comes before '/'.
    for (id, before, ended) in [("a", 0, 1), ("a-1", 1, 1), ("a-2", 0, 0), ("b", 2, 3)] {
        let history =
            json!({"chatbot": "bot", "visitor": "v", "entries": [entry], "endings": before});
        let key = format!("acme/{id}");
        world.row("conversations.history", &key, history).await;
        if ended > 0 {
            let ended = json!({"ended_at_ms": 7, "endings": ended});
            world.row("conversations.endings", &key, ended).await;
        }
    }
    let (_, page) = json_of(world.request("GET", "/v1/chatbots/bot/conversations")).await;
    let listed: Vec<_> = page["items"].as_array().unwrap().iter().collect();
    let ids: Vec<_> = listed
        .iter()
        .map(|item| item["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["a-1", "a-2"]);
    for (id, status) in [("a", 404), ("a-1", 200), ("a-2", 200), ("b", 404)] {
        let one = world.request("GET", &format!("/v1/conversations/{id}"));
        assert_eq!(one.send().await.unwrap().status().as_u16(), status, "{id}");
    }
}

#[tokio::test]
async fn of_a_chatbot_that_is_leaving_no_conversation_is_shown() {
    let world = World::new().await;
    let talk = |chatbot: &str| {
        let entry = json!({"question": "q", "asked": "Who?", "text": "Me.", "known": true, "answered_ms": 0});
        json!({"chatbot": chatbot, "visitor": "v1", "entries": [entry]})
    };
    let chatbots = [
        ("gone", ChatbotState::Removed),
        ("going", ChatbotState::Retiring),
        ("own", ChatbotState::Active),
        ("here", ChatbotState::Active),
    ];
    for (chatbot, state) in chatbots {
        world.chatbot("acme", chatbot, state).await;
        let talked = format!("acme/with-{chatbot}");
        world
            .row("conversations.history", &talked, talk(chatbot))
            .await;
    }
    // The directory may not know yet what the chatbot itself does.
    let row = runtime::ports::state::Row {
        version: 1,
        body: json!({"state": {"life": {"retiring": "active"}}})
            .to_string()
            .into_bytes(),
        ..runtime::ports::state::Row::default()
    };
    let save = runtime::ports::state::Save {
        collection: "chatbots.chatbot".into(),
        id: "acme/own".into(),
        expected: 0,
        row: Some(row),
    };
    world.ports.state.save(vec![save]).await.unwrap();
    for chatbot in ["gone", "going", "own"] {
        let path = format!("/v1/conversations/with-{chatbot}");
        for method in ["GET", "DELETE"] {
            let (status, ..) = problem(world.request(method, &path)).await;
            assert_eq!(status, 404, "{method} {path}");
        }
    }
    for chatbot in ["going", "own"] {
        let path = format!("/v1/chatbots/{chatbot}/conversations");
        let (_, page) = json_of(world.request("GET", &path)).await;
        assert_eq!(page["items"], json!([]), "{chatbot}");
    }
    let (status, _) = json_of(world.request("GET", "/v1/conversations/with-here")).await;
    assert_eq!(status, 200);
}
