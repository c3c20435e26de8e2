//! A disk that is full, and has room again.
use super::caller::send;
use super::world::World;
use super::{note, until};
use app::wiring::{Roles, Selection, Store};
use events::map::TopicMap;
use events::topic::consumer;
use futures::future::join_all;
use serde_json::Value;

/// A file that is more than what may be free within the database.
const LARGE: usize = 3 << 20;

impl World {
    async fn room(&self, pages: Option<u32>) {
        let Store::Embedded(file) = self.app().store() else {
            panic!("it is kept in a file");
        };
        let set = file.set_max_pages(pages).await;
        set.expect("the limit can be set");
    }
    async fn all_ready(&self, count: usize) -> Vec<Value> {
        let acme = self.acme();
        until("everything is ready", || async {
            let listed = acme.documents("bot").await;
            let ready = listed
                .iter()
                .filter(|listed| listed["state"] == "ready")
                .count();
            (ready == count).then_some(listed)
        })
        .await
    }
    async fn check_ledgers(&self, documents: &[Value], passages: usize) {
        let acme = self.acme();
        let ids: Vec<&str> = documents
            .iter()
            .map(|d| d["id"].as_str().expect("an id"))
            .collect();
        let found = self.found(&ids).await;
        for id in ids {
            let ledger = acme.document("bot", id).await.expect(200).body["ledger"].clone();
            for field in ["expected", "embedded", "stored", "retrievable"] {
                assert_eq!(ledger[field], passages, "{id}: {field}");
            }
            let shelf = &found.documents[id];
            let counts = (
                shelf.passages.len(),
                shelf.findable,
                shelf.revisions,
                shelf.ready_events,
            );
            assert_eq!(counts, (passages, passages as u64, 1, 1), "{id}");
        }
    }
    /// Waits until `/health/ready` says that one of these is full; with none, that everything is up.
    async fn outage(&self, of: &[&str]) {
        let acme = self.acme();
        until(
            &format!("health says that one of {of:?} is out"),
            || async {
                let body = acme.get("/health/ready").await.body;
                let mut checks = body["checks"].as_array()?.iter();
                if of.is_empty() {
                    return (body["status"] == "up").then_some(());
                }
                let full = |check: &serde_json::Value| {
                    of.iter().any(|name| check["name"] == *name)
                        && check["reason"].to_string().contains("full")
                };
                checks.any(full).then_some(())
            },
        )
        .await;
    }
    /// Nothing failed, nothing was given up: it waited.
    async fn check_patience(&self) {
        assert_eq!(self.failures(), (0, 0), "attempts and dead letters");
        assert!(self.dead_letters().await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_disk_is_full_uploads_are_refused_and_work_waits() {
    let mut world = World::new().await;
    let acme = world.acme();
    let upload = |number: u64| {
        let uploading = acme.uploading("bot", &format!("note-{number}.md"), note(number, 1, 30, 0));
        send(uploading.header("prefer", "respond-async"))
    };
    for reply in join_all((0..24).map(upload)).await {
        assert!(matches!(reply.status, 201 | 202), "{reply:?}");
    }
    world.room(Some(1)).await;
    let large = || {
        let uploading = acme.uploading("bot", "large.md", note(99, 1, 30, LARGE));
        uploading
            .header("idempotency-key", "large")
            .header("prefer", "wait=45")
    };
    for _ in 0..3 {
        let refused = send(large()).await;
        assert_eq!(refused.problem(), (507, "edge.full"), "{}", refused.body);
        assert_eq!(refused.text("detail"), "there is no room (blobs)");
        let refused = acme.put_blob(vec![b'x'; LARGE]).await;
        assert_eq!(refused.problem(), (507, "edge.full"), "{}", refused.body);
    }
    // What there is can be read, and the process says that it lives.
    assert_eq!(acme.get("/v1/chatbots/bot").await.status, 200);
    let listed = acme.documents("bot").await;
    assert!(
        listed.iter().any(|listed| listed["state"] != "ready"),
        "it had to stop: {listed:?}"
    );
    until("work waits for room", || async {
        let figures = world.app().watch().figures();
        figures
            .iter()
            .any(|figures| figures.waiting > 0)
            .then_some(())
    })
    .await;
    // Which one depends on how far the documents had come.
    world.outage(&["log", "blobs", "search"]).await;
    assert_eq!(acme.get("/health/live").await.status, 200);

    world.room(None).await;
    let documents = world.all_ready(24).await;
    world.check_ledgers(&documents, 30).await;
    // The client comes again with the same key, and is served.
    let again = send(large()).await.expect(201);
    assert_eq!(again.body["passages"], 30);
    let answer = acme
        .ask("bot", "Who writes down when the lamp is cleaned?")
        .await;
    assert_eq!(answer.expect(200).body["known"], true);
    world.outage(&[]).await;
    world.check_patience().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_cannot_write_its_blob_waits_for_room() {
    let mut world = World::new().await;
    world.stop().await;
    // The file comes in, and nobody parses it yet.
    let others = TopicMap::embedded()
        .consumers()
        .map(|(_, consumer)| consumer.name.clone());
    let others = others.filter(|name| name != consumer::DOCUMENTS_EFFECTS);
    let roles = Roles {
        consumers: Selection::These(others.collect()),
        ..Roles::all()
    };
    world.start(&roles).await;
    let text = note(1, 1, 800, 0);
    let uploading = world.acme().uploading("bot", "note.md", text);
    let uploaded = send(uploading.header("prefer", "respond-async"))
        .await
        .expect(202);
    let id = uploaded.text("id").to_owned();
    world.acme().listed("bot", &id, "parsing").await;
    world.stop().await;

    // Who parses it has no room for the passages.
    world.config.data.max_pages = Some(1);
    world.start(&Roles::all()).await;
    until("the parser has the file", || async {
        (world.figures(consumer::DOCUMENTS_EFFECTS).waiting > 0).then_some(())
    })
    .await;
    let listed = world.acme().document("bot", &id).await.expect(200);
    assert_eq!(listed.text("state"), "parsing");
    world.outage(&["blobs"]).await;
    world.room(None).await;
    let documents = world.all_ready(1).await;
    world.check_ledgers(&documents, 800).await;
    world.outage(&[]).await;
    world.check_patience().await;
    world.stop().await;
}
