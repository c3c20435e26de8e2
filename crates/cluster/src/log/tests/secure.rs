//! TLS and SASL, on a broker that demands them.
use super::{Told, World, join, placed};
use crate::log::{Bounds, FirstCheckpoints, KafkaLog, Options};
use crate::secret::Secret;
use crate::servers::shared;
use crate::settings::{Kafka, Security};
use runtime::ports::log::{Checkpoint, Log, Publication};
use std::time::Duration;

fn kafka(mechanism: &str, password: &str) -> Kafka {
    let password = Secret::from(password);
    Kafka {
        bootstrap: shared("TROUPE_TEST_KAFKA_SECURE"),
        security: Security::SaslSsl,
        user: Some((mechanism.to_owned(), "troupe".to_owned(), password)),
        ca: Some(shared("TROUPE_TEST_KAFKA_CA")),
    }
}

fn options(kafka: Kafka) -> Options {
    Options {
        first_checkpoints: FirstCheckpoints::Made,
        bounds: Bounds {
            call: Duration::from_secs(5),
            ..Bounds::default()
        },
        ..Options::new(kafka, "secure")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_mechanism_reads_and_publishes() {
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let world = World::new();
        let topic = world.topic("in", 1, &[]).await;
        let log = KafkaLog::open(options(kafka(mechanism, "troupe-secret"))).await;
        let log = log.expect("opens");
        log.append(vec![placed(&topic, 0, "x")])
            .await
            .expect("appends");
        let member = join(&log, &world.name("c"), &topic).await;
        let mut told = Told::default();
        let fetched = |told: &Told| told.fetched.len() == 1;
        told.until(&*member, "its message", fetched).await;
        let checkpoint = Checkpoint {
            watermark: 1,
            text: "t".into(),
        };
        let publication = Publication {
            outgoing: vec![placed(&topic, 0, "y").into()],
            checkpoints: vec![(told.held[&0], checkpoint)],
        };
        assert_eq!(member.publish(publication).await, Ok(()), "{mechanism}");
        member.leave().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_opens_nothing_and_is_not_printed() {
    let options = options(kafka("SCRAM-SHA-512", "hunter2"));
    assert!(!format!("{options:?}").contains("hunter2"));
    let bound = options.bounds.call * 3;
    let opened = tokio::time::timeout(bound, KafkaLog::open(options)).await;
    let refused = opened.expect("in time").err().expect("is refused");
    assert!(!refused.to_string().contains("hunter2"), "{refused}");
}
