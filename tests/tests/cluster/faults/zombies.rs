//! Processes that stand still for longer than their session, and go on.
use super::load::{Amount, Load};
use super::wire::Way;
use super::with_cluster;

/// K2, K3: one is stopped between its state and its transaction, one in its transaction. Others take over and do all there
/// is. When the first two go on, their late work has no effect, and they are members like any other.
#[test]
fn what_a_worker_does_after_it_was_stopped_for_longer_than_its_session_has_no_effect() {
    with_cluster(async |cluster| {
        let caller = cluster.tenant("zombie").await;
        let amount = Amount {
            documents: 12,
            conversations: 1,
            questions: 2,
            ..Amount::default()
        };
        cluster
            .servers
            .mongo
            .arm("documents.document", Way::Back, 4);
        cluster.servers.kafka.arm("knowledge.index", Way::There, 2);
        let load = Load::start(&caller, "zombie", amount);
        cluster.servers.mongo.stopped().await;
        cluster.oldest("documents").signal("-STOP");
        // The heirs do what the documents need, so that knowledge has something to do.
        cluster.start("documents").await;
        cluster.servers.kafka.stopped().await;
        cluster.oldest("knowledge").signal("-STOP");
        cluster.start("knowledge").await;
        // Everything is done while they stand still.
        let told = load.finish().await;
        let before = cluster.check(&caller, &told).await.count();

        // What they had under way goes on at once: they do not know yet that they were given up.
        cluster.servers.mongo.forward();
        cluster.servers.kafka.forward();
        for group in ["documents", "knowledge"] {
            cluster.oldest(group).signal("-CONT");
        }
        // The heirs leave: now it is theirs again, and they do it as they should.
        for group in ["documents", "knowledge"] {
            let zombie = cluster.take_oldest(group);
            let heir = cluster.take_oldest(group);
            heir.stop().await;
            cluster.give(group, zombie);
        }
        let told = told.and(Load::start(&caller, "after", amount).finish().await);
        let after = cluster.check(&caller, &told).await.count();
        assert!(after > before);
    });
}
