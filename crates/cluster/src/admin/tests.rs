//! On a real broker and a real registry.
use super::*;
use crate::servers::Own;
use crate::settings::Security;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, NewPartitions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use std::time::Duration;

const PASSWORD: &str = "KAFKA_PASSWORD";

struct World {
    kafka: Own,
    registry: Own,
    settings: Settings,
}
impl World {
    fn start() -> Self {
        // A default that we do not want, to be found; the rest as the script has it.
        let linger = "group.coordinator.append.linger.ms=5";
        let kafka = Own::start("kafka.sh", &["--secure", "--set", linger]);
        let registry = Own::start("registry.sh", &[]);
        let settings = Settings {
            name: "tests".into(),
            kafka: kafka.said("TROUPE_TEST_KAFKA").to_owned(),
            kafka_replication: 1,
            registry: registry.said("TROUPE_TEST_REGISTRY_URL").to_owned(),
            ..Settings::default()
        };
        Self {
            kafka,
            registry,
            settings,
        }
    }
    async fn open(&self, settings: &Settings) -> Result<Admin, AdminError> {
        let env = BTreeMap::from([(PASSWORD.to_owned(), "troupe-secret".to_owned())]);
        let records = events::all_records();
        Admin::open(settings, &env, TopicMap::embedded(), &records).await
    }
    async fn admin(&self) -> Admin {
        self.open(&self.settings).await.expect("opened")
    }
    async fn plan(&self) -> Plan {
        self.admin().await.plan().await.expect("planned")
    }
    /// Somebody else, who does not plan.
    fn stranger(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.settings.kafka);
        config
    }
    fn strange_admin(&self) -> AdminClient<DefaultClientContext> {
        self.stranger().create().expect("a client")
    }
    fn strange_checkpoint(&self, group: &str, topic: &str, offset: i64) {
        let consumer: BaseConsumer = self
            .stranger()
            .set("group.id", group)
            .create()
            .expect("a client");
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, 0, Offset::Offset(offset))
            .expect("an offset");
        consumer.commit(&list, CommitMode::Sync).expect("committed");
    }
}
fn says(plan: &Plan, severity: Severity, about: &str) -> bool {
    plan.findings
        .iter()
        .any(|finding| finding.severity == severity && finding.about == about)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_map_is_planned_applied_and_watched() {
    let mut world = World::start();
    nothing_is_done_to_another_cluster(&mut world).await;
    everything_is_made_and_then_there_is_nothing_to_do(&world).await;
    what_somebody_else_changed_is_seen_and_put_right(&world).await;
    what_must_never_be_done_is_refused(&world).await;
    a_registry_that_is_down_is_said(&world).await;
}

async fn nothing_is_done_to_another_cluster(world: &mut World) {
    let Err(AdminError::NoId { found }) = world.open(&world.settings).await else {
        panic!("nobody said which cluster it must be");
    };
    let other = Settings {
        kafka_id: "another".into(),
        ..world.settings.clone()
    };
    let other = world.open(&other).await.err().expect("another").to_string();
    assert!(
        other.contains("another") && other.contains(&found),
        "{other}"
    );
    world.settings.kafka_id = found;
}

async fn everything_is_made_and_then_there_is_nothing_to_do(world: &World) {
    let first = world.plan().await;
    assert_eq!(first.refused().count(), 0, "{first}");
    assert!(says(&first, Severity::Wrong, "broker 1"), "{first}");
    assert!(
        first
            .to_string()
            .contains("append.linger.ms is 5, and should be 0")
    );
    assert!(
        first
            .access
            .iter()
            .any(|command| command.contains("User:upstream"))
    );
    // The plan as it is kept.
    let plan = Plan::from_json(&first.to_json().expect("written")).expect("read");

    // The world moves: one topic is made by hand, as the map would have it.
    let admin = world.admin().await;
    let by_hand = plan.actions[..1].to_vec();
    admin.stage(&by_hand).await.remove(0).1.expect("made");
    let moved = admin.apply(&plan, |_| panic!("nothing is done")).await;
    assert!(matches!(moved, Err(AdminError::Moved)), "{moved:?}");

    // Somebody edits the file.
    let plan = world.plan().await;
    let edited = Plan {
        actions: plan.actions[1..].to_vec(),
        ..plan.clone()
    };
    let refused = admin.apply(&edited, |_| panic!("nothing is done")).await;
    assert!(matches!(refused, Err(AdminError::OtherMap)), "{refused:?}");

    let mut done = vec![];
    admin
        .apply(&plan, |action| done.push(action.clone()))
        .await
        .expect("applied");
    assert_eq!(done, plan.actions, "each is told, in the plan's order");
    let after = world.plan().await;
    assert_eq!(after.actions, [], "{after}");
    assert!(!says(&after, Severity::Wrong, "access"));
    let again = admin.apply(&plan, |_| panic!("nothing is done")).await;
    assert!(matches!(again, Err(AdminError::Moved)), "{again:?}");

    // The checkpoints are where readers find them (K1).
    let group: BaseConsumer = world
        .stranger()
        .set("group.id", "documents.document")
        .create()
        .expect("a client");
    let mut asked = TopicPartitionList::new();
    asked.add_partition_range("documents.document", 0, 3);
    let found = group
        .committed_offsets(asked, Duration::from_secs(10))
        .expect("asked");
    assert!(
        found
            .elements()
            .iter()
            .all(|e| e.offset() == Offset::Offset(0)),
        "{found:?}"
    );
}

async fn what_somebody_else_changed_is_seen_and_put_right(world: &World) {
    let stranger = world.strange_admin();
    let altered = AlterConfig::new(ResourceSpecifier::Topic("replies"))
        .set("retention.ms", "1000")
        .set("compression.type", "zstd");
    let done = stranger
        .alter_configs([&altered], &AdminOptions::new())
        .await;
    done.expect("asked")[0].as_ref().expect("altered");
    world.strange_checkpoint("retired.worker", "replies", 0);
    let admin = world.admin().await;
    admin.delete("saga.alerted").await.expect("deleted");
    let none = admin.delete("saga.alerted").await;
    assert!(matches!(none, Err(AdminError::NoTopic(_))), "{none:?}");

    let plan = admin.plan().await.expect("planned");
    assert!(plan.is_drift());
    assert!(
        says(&plan, Severity::Wrong, "group retired.worker"),
        "{plan}"
    );
    assert!(
        plan.actions
            .iter()
            .any(|a| matches!(a, Action::CreateTopic { topic, .. } if topic == "saga.alerted")),
        "{plan}"
    );
    assert!(
        plan.actions.iter().any(
            |a| matches!(a, Action::FirstCheckpoints { group, .. } if group == "sagas.alerts")
        ),
        "a topic's next life has checkpoints of its own: {plan}"
    );
    admin.apply(&plan, |_| ()).await.expect("applied");
    let known = Settings {
        kafka_groups_of_others: vec!["retired.*".into()],
        ..world.settings.clone()
    };
    let admin = world.open(&known).await.expect("opened");
    let after = admin.plan().await.expect("planned");
    assert_eq!(after.actions, [], "{after}");
    assert!(
        !says(&after, Severity::Wrong, "group retired.worker"),
        "{after}"
    );
    let kept = admin.observe().await.expect("observed");
    let replies = &kept.topics["replies"];
    assert_eq!(replies.own["compression.type"], "zstd", "not ours to reset");
    assert_eq!(replies.own["retention.ms"], "86400000");
}

async fn what_must_never_be_done_is_refused(world: &World) {
    let stranger = world.strange_admin();
    let more = NewPartitions::new("replies", 9);
    let done = stranger
        .create_partitions([&more], &AdminOptions::new())
        .await;
    done.expect("asked")[0].as_ref().expect("made");
    let subject = "embedding.ready-value";
    let at = world.settings.registry(&BTreeMap::new()).expect("set");
    let registry = Confluent::new(at).expect("a client");
    assert_eq!(
        registry.level(subject).await.expect("asked").as_deref(),
        Some("FULL_TRANSITIVE")
    );
    let broken =
        r#"{"type":"record","name":"EmbeddingReady","namespace":"troupe.knowledge","fields":[]}"#;
    let refused = registry.register(subject, broken).await.expect_err("409");
    assert!(refused.is_incompatible());

    // Over TLS and SASL, as it should be in production.
    let secure = Settings {
        kafka: world.kafka.said("TROUPE_TEST_KAFKA_SECURE").to_owned(),
        kafka_security: Security::SaslSsl,
        kafka_mechanism: "SCRAM-SHA-512".into(),
        kafka_user: "troupe".into(),
        kafka_password_env: PASSWORD.into(),
        kafka_ca: world.kafka.said("TROUPE_TEST_KAFKA_CA").to_owned(),
        ..world.settings.clone()
    };
    let admin = world.open(&secure).await.expect("opened");
    let plan = admin.plan().await.expect("planned");
    assert!(says(&plan, Severity::Refused, "topic replies"), "{plan}");
    assert!(plan.to_string().contains("I5"));
    let refused = admin.apply(&plan, |_| panic!("nothing is done")).await;
    assert!(
        matches!(refused, Err(AdminError::Refused(_))),
        "{refused:?}"
    );
    assert!(
        plan.access
            .iter()
            .any(|c| c.contains("'User:troupe'") && c.contains("--transactional-id 'tests.'")),
        "{:?}",
        plan.access
    );
}

async fn a_registry_that_is_down_is_said(world: &World) {
    let admin = world.admin().await;
    world.registry.kill();
    let error = admin.plan().await.expect_err("nobody answers");
    assert!(matches!(error, AdminError::Registry(_)), "{error}");
}
