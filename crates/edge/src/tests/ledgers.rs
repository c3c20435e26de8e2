//! Whose ledger is shown.
use super::support::{World, json_of};
use serde_json::json;

#[tokio::test]
async fn a_document_of_which_nothing_is_found_has_no_ledger_though_its_row_stays() {
    let world = World::new().await;
    let ledger = json!({"chatbot": "bot", "revision": "r", "version": 1, "expected": 3, "embedded": 3, "stored": 3, "retrievable": 3});
    for (state, shown) in [
        ("Ready", true),
        ("Parsing", true),
        ("Indexing", true),
        ("Rejected", false),
        ("Deleting", false),
    ] {
        let id = state.to_lowercase();
        let row = json!({"chatbot": "bot", "name": "a.pdf", "state": state});
        let key = format!("acme/{id}");
        world.row("documents.directory", &key, row).await;
        world.row("knowledge.ledger", &key, ledger.clone()).await;
        let path = format!("/v1/chatbots/bot/documents/{id}");
        let (status, document) = json_of(world.request("GET", &path)).await;
        assert_eq!((status, &document["state"]), (200, &json!(id)));
        assert_eq!(document["ledger"].is_object(), shown, "{state}");
    }
    let row = json!({"chatbot": "bot", "name": "a.pdf", "state": "Deleted"});
    world.row("documents.directory", "acme/deleted", row).await;
    world.row("knowledge.ledger", "acme/deleted", ledger).await;
    let (status, problem) =
        json_of(world.request("GET", "/v1/chatbots/bot/documents/deleted")).await;
    assert_eq!((status, problem.get("ledger")), (404, None));
}
