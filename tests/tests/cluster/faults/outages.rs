//! Servers that die and come back.
use super::cluster::Cluster;
use super::history;
use super::load::{Amount, Caller, Load, Told};
use super::process::Process;
use super::servers::Server;
use super::upstream::{INBOX, Upstream, framed};
use super::wire::Way;
use super::with_cluster;
use serde_json::Value;
use std::time::{Duration, Instant};

const AMOUNT: Amount = Amount {
    documents: 14,
    conversations: 3,
    questions: 3,
    uploaders: 0,
};

/// What `/health/ready` says of something that is not up, once it does.
async fn said(process: &Process, check: &str) -> String {
    let url = format!(
        "{}/health/ready",
        process.health.as_deref().expect("it shows its health")
    );
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]);
    let http = http.build().expect("a client");
    let over = Instant::now() + super::PATIENCE;
    loop {
        let response = http.get(&url).send().await.expect("it answers");
        let body: Value = response.json().await.expect("JSON");
        let checks = body["checks"].as_array().expect("checks");
        let found = checks
            .iter()
            .find(|one| one["name"] == check && one["status"] != "up");
        if let Some(found) = found {
            return found["reason"].as_str().unwrap_or_default().to_owned();
        }
        assert!(Instant::now() < over, "{check} is up: {body}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Another process of workers, which waits for what is not there, and says so.
async fn waits_at_its_start(cluster: &Cluster, port: &str) -> Process {
    let fresh = cluster.spawn("documents").once_shown().await;
    let why = said(&fresh, port).await;
    assert!(why.contains(&format!("{port} is unreachable")), "{why}");
    fresh
}
/// What was waited for is there: it starts without anybody's doing, and does the work alone.
async fn takes_over(cluster: &mut Cluster, fresh: Process, caller: &Caller, name: &str) {
    let fresh = fresh.once_ready().await;
    cluster.take_oldest("documents").stop().await;
    cluster.give("documents", fresh);
    let few = Amount {
        documents: 2,
        ..Amount::default()
    };
    let told = Load::start(caller, name, few).finish().await;
    told.check(caller).await;
}

/// With a transaction open, and clients that go on meanwhile.
#[test]
fn a_broker_that_is_killed_under_load_and_comes_back_loses_nothing_and_doubles_nothing() {
    with_cluster(async |cluster| {
        let caller = cluster.tenant("broker").await;
        cluster
            .servers
            .kafka
            .arm("documents.document", Way::There, 5);
        let load = Load::start(&caller, "broker", AMOUNT);
        cluster.servers.kafka.stopped().await;
        cluster.kill(Server::Kafka);
        cluster.servers.kafka.lose();
        let down = Instant::now();
        let fresh = waits_at_its_start(cluster, "log").await;
        cluster.servers.start_again(Server::Kafka).await;
        eprintln!("the broker was away for {:?}", down.elapsed());
        let told = load.finish().await;
        eprintln!("all done {:?} after the broker died", down.elapsed());
        takes_over(cluster, fresh, &caller, "after-the-broker").await;
        cluster.check(&caller, &told).await;
    });
}

/// The state is saved and nobody heard of it; then nothing can be saved for a while, and health says so.
#[test]
fn a_state_that_is_down_and_comes_back_stops_nothing_for_ever() {
    with_cluster(async |cluster| {
        let caller = cluster.tenant("mongo").await;
        cluster
            .servers
            .mongo
            .arm("documents.document", Way::Back, 5);
        let load = Load::start(&caller, "mongo", AMOUNT);
        cluster.servers.mongo.stopped().await;
        cluster.kill(Server::Mongo);
        cluster.servers.mongo.lose();
        let why = said(cluster.oldest("documents"), "state").await;
        assert!(why.contains("state is unreachable"), "{why}");
        let fresh = waits_at_its_start(cluster, "state").await;
        cluster.servers.start_again(Server::Mongo).await;
        let told = load.finish().await;
        takes_over(cluster, fresh, &caller, "after-the-state").await;
        cluster.check(&caller, &told).await;
    });
}

/// What is known stays known. A message of a schema that nobody has met waits, and health says for what; a process that
/// knows nothing yet waits too, and goes on, or ends when it is told to.
#[test]
fn a_registry_that_is_down_stops_nothing_that_is_known_and_what_waits_for_it_says_so() {
    with_cluster(async |cluster| {
        let caller = cluster.tenant("registry").await;
        let upstream = Upstream::new(&cluster.servers.bootstrap(), &cluster.servers.registry());
        let newer = upstream.register_with("origin").await;
        cluster.kill(Server::Registry);

        let stopped = waits_at_its_start(cluster, "schemas").await;
        stopped.stop().await;
        let fresh = waits_at_its_start(cluster, "schemas").await;

        // A datum of the newer schema: the same, and an empty text.
        let mut datum = upstream.uploaded(&caller, "newer").await;
        datum.push(0);
        let payload = framed(newer, &datum);
        let published = upstream
            .publish(INBOX, ("registry", "newer"), &payload, &[])
            .await;
        assert_eq!(published, Ok(()));
        let why = said(cluster.oldest("documents"), "schemas").await;
        assert!(why.contains("schemas is unreachable"), "{why}");
        // Meanwhile all that is known goes on.
        let told = Load::start(&caller, "registry", AMOUNT).finish().await;
        let waits = history::uncommitted(&cluster.servers.bootstrap()).await;
        assert_eq!(
            waits.said("document.uploaded", "registry/newer"),
            0,
            "it waits"
        );

        cluster.servers.start_again(Server::Registry).await;
        takes_over(cluster, fresh, &caller, "after-the-registry").await;
        let newer = Told {
            documents: [("newer".to_owned(), "newer.md".to_owned())].into(),
            ..Told::default()
        };
        cluster.check(&caller, &told.and(newer)).await;
    });
}
