//! A worker is killed at a named point of a commit: before its state is saved, between that and its transaction, in its
//! transaction, and after it, before it knows. Whoever comes next does what is left, and nothing twice.
use super::cluster::Cluster;
use super::load::{Amount, Load};
use super::wire::Way;
use super::{history, with_cluster};
use std::time::Instant;

/// Whose commits: an entity's, with state and outputs.
const WHOM: &str = "documents.document";
/// So many of its commits pass before.
const PASS: u32 = 4;
/// So few that the rows of documents are new: what is not saved of them then is missed by all that follows.
const PASS_NEW: u32 = 1;
const AMOUNT: Amount = Amount {
    documents: 12,
    conversations: 2,
    questions: 2,
    uploaders: 0,
};

#[derive(Clone, Copy)]
enum Point {
    BeforeSave,
    Between,
    Within,
    After,
}

async fn killed_at(cluster: &mut Cluster, tenant: &str, point: Point) {
    let caller = cluster.tenant(tenant).await;
    let (kafka, mongo) = (&cluster.servers.kafka, &cluster.servers.mongo);
    match point {
        Point::BeforeSave => mongo.arm(WHOM, Way::There, PASS_NEW),
        Point::Between => mongo.arm(WHOM, Way::Back, PASS),
        Point::Within => kafka.arm(WHOM, Way::There, PASS),
        Point::After => kafka.arm(WHOM, Way::Back, PASS),
    }
    let load = Load::start(&caller, tenant, AMOUNT);
    match point {
        Point::BeforeSave | Point::Between => mongo.stopped().await,
        Point::Within | Point::After => kafka.stopped().await,
    }
    cluster.take_oldest("documents").kill().await;
    let killed = Instant::now();
    cluster.servers.kafka.lose();
    cluster.servers.mongo.lose();
    cluster.start("documents").await;
    let told = load.finish().await;
    eprintln!("{tenant}: all done {:?} after the kill", killed.elapsed());
    let committed = cluster.check(&caller, &told).await;
    if let Point::Within = point {
        // It had said something that nobody was to hear.
        let all = history::uncommitted(&cluster.servers.bootstrap()).await;
        assert!(
            all.count() > committed.count(),
            "nothing was in its transaction"
        );
    }
}

#[test]
fn a_worker_killed_before_its_state_is_saved_leaves_its_work_to_the_next() {
    with_cluster(async |cluster| killed_at(cluster, "before-save", Point::BeforeSave).await);
}

#[test]
fn a_worker_killed_between_state_and_transaction_is_finished_by_the_next_with_the_same_words() {
    with_cluster(async |cluster| killed_at(cluster, "between", Point::Between).await);
}

#[test]
fn what_a_worker_says_in_the_transaction_it_is_killed_in_is_said_once_by_the_next() {
    with_cluster(async |cluster| killed_at(cluster, "within", Point::Within).await);
}

#[test]
fn a_worker_killed_after_its_transaction_is_not_followed_by_a_second_one() {
    with_cluster(async |cluster| killed_at(cluster, "after", Point::After).await);
}
