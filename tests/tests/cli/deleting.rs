//! A chatbot is deleted, and its conversations with it.
use super::binary::{PATIENCE, Place};
use serde_json::{Value, json};
use std::time::Instant;

#[tokio::test]
async fn the_conversations_of_a_deleted_chatbot_end_with_it() {
    let place = Place::new();
    let up = place
        .start(&["up", "--dev", "--listen", "127.0.0.1:0"])
        .await;
    let key = up.key.as_deref();
    for id in ["house", "other"] {
        let body = json!({"id": id, "name": "House"}).to_string();
        let (status, body) = up.ask("POST", "/v1/chatbots", key, &body).await;
        assert_eq!(status, 201, "{body}");
        for conversation in ["one", "two"] {
            let talk = format!("{id}-{conversation}");
            let body = json!({"text": "When do you open?", "conversation": talk, "visitor": "v1"});
            let path = format!("/v1/chatbots/{id}/questions");
            let (status, body) = up.ask("POST", &path, key, &body.to_string()).await;
            assert_eq!(status, 200, "{body}");
        }
    }
    // The history follows the answer by some milliseconds.
    let began = Instant::now();
    for talk in ["house-one", "house-two", "other-one"] {
        while up
            .ask("GET", &format!("/v1/conversations/{talk}"), key, "")
            .await
            .0
            != 200
        {
            assert!(began.elapsed() < PATIENCE, "{talk} is not shown");
        }
    }
    let (status, body) = up.ask("DELETE", "/v1/chatbots/house", key, "").await;
    assert_eq!(status, 200, "{body}");
    for talk in ["house-one", "house-two"] {
        let (status, body) = up
            .ask("GET", &format!("/v1/conversations/{talk}"), key, "")
            .await;
        assert_eq!(status, 404, "{body}");
    }
    let began = Instant::now();
    let saga = loop {
        let shown = place.run(&["sagas", "show", "house", "--json"]).await;
        let found: Vec<Value> = serde_json::from_str(shown.succeeds()).expect("JSON");
        let deletion = found
            .into_iter()
            .find(|saga| saga["saga"] == "chatbots.deletion");
        let deletion = deletion.expect("it was begun");
        if deletion["state"]["phase"] == "completed" {
            break deletion;
        }
        assert!(began.elapsed() < PATIENCE, "{deletion}");
    };
    assert_eq!(saga["state"]["version"], "delete-chatbot.v2");
    assert_eq!(
        saga["state"]["reported"],
        json!([]),
        "somebody looked, and nothing is left"
    );
    let (status, _) = up.ask("GET", "/v1/conversations/other-one", key, "").await;
    assert_eq!(status, 200);
    up.stop().await;

    // What was said stands in no row of a conversation any more.
    let file = rusqlite::Connection::open(place.path("troupe.db")).expect("a database");
    let said = |id: &str| -> String {
        let find =
            "SELECT body FROM state WHERE collection = 'conversations.conversation' AND id = ?1";
        let body: Vec<u8> = file
            .query_row(find, [format!("demo/{id}")], |row| row.get(0))
            .expect("a row");
        let row: Value = serde_json::from_slice(&body).expect("JSON");
        row["state"]["turns"].to_string()
    };
    assert_eq!(
        (said("house-one"), said("house-two")),
        ("[]".into(), "[]".into())
    );
    assert!(said("other-one").contains("When do you open?"));
}
