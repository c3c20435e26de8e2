//! On a real server, or on a double of it: `TROUPE_TEST_QDRANT_URL` says where it is. `tests/services/qdrant.sh` starts the
//! double: no Qdrant can be had from a package registry.
use super::*;
use runtime::testkit::conformance::search;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

struct Wall;

impl Clock for Wall {
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| since.as_millis() as i64)
    }
    fn random(&self) -> [u8; 32] {
        [0; 32]
    }
}

fn options() -> QdrantOptions {
    let url = crate::servers::shared("TROUPE_TEST_QDRANT_URL");
    QdrantOptions {
        prefix: format!("test-{}-", uuid::Uuid::now_v7().simple()),
        ..QdrantOptions::new(&url, "a model", 8)
    }
}

fn open(options: &QdrantOptions) -> QdrantSearch {
    QdrantSearch::open(options.clone(), Arc::new(Wall)).expect("opens")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_search_keeps_its_laws_on_qdrant() {
    let worlds: Mutex<Vec<Arc<QdrantSearch>>> = Mutex::default();
    search::all(async || {
        let options = options();
        let one = Arc::new(open(&options));
        one.prepare().await.expect("prepares");
        worlds.lock().unwrap().push(Arc::clone(&one));
        search::Searches {
            other: Arc::new(open(&options)),
            one,
            clock: Arc::new(Wall),
            keep: Box::new(()),
        }
    })
    .await;
    for world in worlds.into_inner().unwrap() {
        world.remove().await;
    }
}

impl QdrantSearch {
    async fn remove(&self) {
        let removed = self.client.delete_collection(&self.collection).await;
        removed.expect("removes the collection");
    }
}

#[tokio::test]
async fn what_is_prepared_is_not_prepared_again() {
    let search = open(&options());
    let missing = search.unprepared().await.expect("asks");
    assert_eq!(
        missing.len(),
        9,
        "the collection and its indexes: {missing:?}"
    );
    search.prepare().await.expect("prepares");
    assert_eq!(search.unprepared().await, Ok(vec![]));
    search.prepare().await.expect("once more");
    search.remove().await;
}

fn acme() -> TenantId {
    TenantId::new("acme").expect("a tenant")
}

fn revision(name: &str) -> Revision {
    Revision {
        chatbot: "bot".into(),
        document: "doc".into(),
        name: "doc.pdf".into(),
        revision: name.into(),
    }
}

fn passages(text: &str) -> Vec<IndexedPassage> {
    let passage = IndexedPassage {
        ordinal: 0,
        text: text.into(),
        heading: String::new(),
        page: None,
        vector: vec![],
    };
    vec![passage]
}

async fn found(search: &QdrantSearch, text: &str) -> Result<Vec<String>, PortError> {
    let query = Query {
        chatbot: "bot".into(),
        text: text.into(),
        vector: vec![],
        limit: 10,
    };
    let hits = search.query(&acme(), &query).await?;
    Ok(hits.into_iter().map(|hit| hit.revision).collect())
}

async fn stage(search: &QdrantSearch, name: &str) -> Result<(), PortError> {
    search
        .stage(&acme(), &revision(name), passages("a zebra"))
        .await
}

fn unreachable<T>(result: &Result<T, PortError>) -> bool {
    matches!(result, Err(PortError::Unreachable { port: "search", .. }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_server_is_away_every_call_fails_in_time_and_then_goes_on() {
    use crate::proxy::{Line, Proxy};
    let direct = options();
    let host = direct.url.strip_prefix("http://").expect("http");
    let line = Proxy::to(host.to_owned()).await;
    let search = open(&QdrantOptions {
        url: format!("http://{}", line.address),
        timeout: Duration::from_millis(500),
        ..direct
    });
    search.prepare().await.expect("prepares");
    stage(&search, "r0").await.expect("stages");
    assert_eq!(search.publish(&acme(), &revision("r0"), 1).await, Ok(true));
    for (version, way) in [(2, Line::Down), (3, Line::Frozen), (4, Line::AnswersLost)] {
        line.set(way);
        let next = format!("r{version}");
        assert!(unreachable(&stage(&search, &next).await), "{way:?}");
        let published = search.publish(&acme(), &revision(&next), version).await;
        assert!(unreachable(&published), "{way:?}");
        assert!(unreachable(&found(&search, "zebra").await), "{way:?}");
        assert!(unreachable(&search.sweep(0, 10).await), "{way:?}");
        line.set(Line::Open);
        let started = std::time::Instant::now();
        while stage(&search, &next).await.is_err() {
            assert!(started.elapsed() < Duration::from_secs(60), "it comes back");
        }
        let published = search.publish(&acme(), &revision(&next), version).await;
        assert_eq!(published, Ok(true), "{way:?}");
        assert_eq!(found(&search, "zebra").await, Ok(vec![next]), "{way:?}");
    }
    search.remove().await;
}

/// The second process had read what is published before the first switched; what was superseded is deleted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_sees_a_switch_at_once() {
    let options = options();
    let (one, other) = (open(&options), open(&options));
    one.prepare().await.expect("prepares");
    for version in 1..5 {
        let next = revision(&format!("r{version}"));
        one.stage(&acme(), &next, passages("a zebra"))
            .await
            .expect("stages");
        assert_eq!(one.publish(&acme(), &next, version).await, Ok(true));
        assert_eq!(found(&other, "zebra").await, Ok(vec![next.revision]));
    }
    let counts = other.count(&acme(), "doc", "r3").await;
    assert_eq!(counts.map(|counts| counts.stored), Ok(0), "r3 is deleted");
    assert_eq!(one.retire(&acme(), "doc", 5).await, Ok(true));
    assert_eq!(found(&other, "zebra").await, Ok(vec![]));
    one.remove().await;
}

#[tokio::test]
async fn no_key_is_printed() {
    let options = QdrantOptions {
        key: Some("geheim".into()),
        timeout: Duration::from_millis(50),
        ..QdrantOptions::new("http://127.0.0.1:1", "m", 8)
    };
    assert!(!format!("{options:?}").contains("geheim"));
    let error = open(&options).prepare().await.expect_err("nobody is there");
    assert!(!error.to_string().contains("geheim"), "{error}");
}
