//! What goes wrong on demand.
use super::*;
use crate::qdrant::{Fault, Faults, Rule};
use qdrant_client::qdrant::CountPointsBuilder;
use serde_json::json;
use std::time::Instant;
use tokio::time::timeout;

/// qdrant-client asks once more by itself where it is told UNAVAILABLE.
const REPEATED: u32 = 2;

async fn counted(client: &Qdrant) -> u64 {
    let counted = client
        .count(CountPointsBuilder::new(NAME).exact(true))
        .await;
    counted.expect("counts").result.expect("a count").count
}

fn upsert() -> UpsertPointsBuilder {
    UpsertPointsBuilder::new(NAME, vec![point(1, json!({}), [1.0, 0.0], &[])]).wait(true)
}

#[tokio::test]
async fn unavailable_and_hang_do_nothing_lost_and_mute_do_it_and_do_not_say_so() {
    for (fault, answers, does) in [
        (Fault::Unavailable, true, false),
        (Fault::Hang, false, false),
        (Fault::Lost, true, true),
        (Fault::Mute, false, true),
    ] {
        let (double, client) = world().await;
        double
            .faults()
            .add(Rule::new("upsert", fault).times(REPEATED));
        let befallen = u64::from(if answers { REPEATED } else { 1 });
        let wanted = u64::from(does);
        let seen = async {
            while double.faults().befallen() < befallen || counted(&client).await != wanted {
                tokio::task::yield_now().await;
            }
            // Nothing more comes of it.
            for _ in 0..20 {
                assert_eq!(counted(&client).await, wanted, "{fault:?}");
            }
        };
        let asked = client.upsert_points(upsert());
        if answers {
            assert_eq!(refused(asked.await).0, Code::Unavailable, "{fault:?}");
            seen.await;
        } else {
            tokio::select! {
                biased;
                answer = asked => panic!("{fault:?} is not answered: {answer:?}"),
                () = seen => {}
            }
        }
        assert_eq!(double.faults().befallen(), befallen);
        double.faults().clear();
        client
            .upsert_points(upsert())
            .await
            .expect("all is well again");
    }
}

#[tokio::test]
async fn a_delayed_call_is_done_later_and_a_doubled_one_is_done_twice() {
    let (double, client) = world().await;
    double
        .faults()
        .set(Faults::parse("writes: delay=300ms times 1").expect("rules"));
    let began = Instant::now();
    client.upsert_points(upsert()).await.expect("answers");
    assert!(began.elapsed() >= Duration::from_millis(300));
    double
        .faults()
        .set(Faults::parse("collections.create: twice").expect("rules"));
    let created = client
        .create_collection(CreateCollectionBuilder::new("second"))
        .await;
    assert_eq!(
        refused(created).0,
        Code::AlreadyExists,
        "the answer is that of the second time"
    );
    assert!(client.collection_exists("second").await.expect("answers"));
}

#[tokio::test]
async fn a_rule_spares_the_first_and_ends_after_so_many() {
    let (double, client) = world().await;
    double
        .faults()
        .set(Faults::parse("# reads only\nreads: unavailable after 1 times 4").expect("rules"));
    let mut seen = vec![];
    for _ in 0..5 {
        client
            .upsert_points(upsert())
            .await
            .expect("writes are spared");
        seen.push(client.count(CountPointsBuilder::new(NAME)).await.is_ok());
    }
    // Two calls, each asked once more by the client.
    assert_eq!(seen, [true, false, false, true, true]);
    double
        .faults()
        .set(vec![Rule::new("any", Fault::Unavailable)]);
    assert_eq!(
        refused(client.upsert_points(upsert()).await).0,
        Code::Unavailable
    );
    double.faults().clear();
    client
        .upsert_points(upsert())
        .await
        .expect("all is well again");
}

#[tokio::test]
async fn a_header_befalls_the_calls_of_one_client() {
    let (double, client) = world().await;
    let config = Qdrant::from_url(&double.url()).skip_compatibility_check();
    let unlucky = config
        .header("double-fault", "lost")
        .build()
        .expect("a client");
    assert_eq!(
        refused(unlucky.upsert_points(upsert()).await).0,
        Code::Unavailable
    );
    assert_eq!(
        counted(&client).await,
        1,
        "it was done, and the other client sees it"
    );
}

#[tokio::test]
async fn a_stopped_double_cuts_its_connections_even_where_it_hangs() {
    let (double, client) = world().await;
    double.faults().add(Rule::new("any", Fault::Hang));
    let asking = client.count(CountPointsBuilder::new(NAME));
    let stopping = async {
        while double.faults().befallen() == 0 {
            tokio::task::yield_now().await;
        }
        double.stop().await;
    };
    let (answer, ()) = timeout(Duration::from_secs(10), async {
        tokio::join!(asking, stopping)
    })
    .await
    .expect("nobody waits for ever");
    assert!(answer.is_err());
}

#[test]
fn only_rules_are_taken_for_rules() {
    for wrong in [
        "upsert",
        "upsert:",
        "upsert: explode",
        "upsert: delay",
        "upsert: delay=3s",
        "a b: hang",
        ": hang",
        "any: hang=1",
        "any: hang times",
        "any: hang times x",
        "any: hang often 3",
    ] {
        assert!(Faults::parse(wrong).is_err(), "{wrong}");
    }
    let rules = Faults::parse("Upsert: torn=5ms after 2 times 1; ; reads: hang\n").expect("rules");
    let torn = Rule::new("Upsert", Fault::Torn(Duration::from_millis(5)))
        .after(2)
        .times(1);
    assert_eq!(rules, [torn, Rule::new("reads", Fault::Hang)]);
}
