//! The servers that the tests of the cluster share, and `troupe` configured for them.
use crate::cli::binary::Place;
pub(super) use cluster::servers::shared;

/// Whoever has it plans and applies at the registry that these tests share: a plan is refused when what it was made for has
/// changed.
static REGISTERING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// What `[cluster]` says.
pub(super) struct Settings<'a> {
    pub(super) kafka: &'a str,
    /// Which Kafka is meant; empty: nobody has said.
    pub(super) kafka_id: &'a str,
    pub(super) registry: String,
    pub(super) mongodb: String,
    /// Each run has names of its own on the servers that all share.
    pub(super) database: &'a str,
}

impl<'a> Settings<'a> {
    /// A Kafka, and beside it the servers that nobody disturbs.
    pub(super) fn of(kafka: &'a str, kafka_id: &'a str, database: &'a str) -> Self {
        Self {
            kafka,
            kafka_id,
            registry: shared("TROUPE_TEST_REGISTRY_URL"),
            mongodb: shared("TROUPE_TEST_MONGODB_URL"),
            database,
        }
    }
    /// As a configuration file has it; lines of `[cluster]` may follow.
    pub(super) fn text(&self) -> String {
        let Self {
            kafka,
            kafka_id,
            registry,
            mongodb,
            database,
        } = self;
        let (qdrant, s3) = (
            shared("TROUPE_TEST_QDRANT_URL"),
            shared("TROUPE_TEST_S3_URL"),
        );
        let (endpoint, bucket) = s3.rsplit_once('/').expect("an address and a bucket");
        format!(
            "[cluster]\nkafka = {kafka:?}\nkafka_id = {kafka_id:?}\nkafka_replication = 1\nregistry = {registry:?}\n\
             mongodb = {mongodb:?}\nmongodb_database = {database:?}\nqdrant = {qdrant:?}\ns3_endpoint = {endpoint:?}\n\
             s3_bucket = {bucket:?}\ns3_key_env = \"S3_KEY\"\ns3_secret_env = \"S3_SECRET\"\n"
        )
    }
}

/// Where the object store's key is, for `s3_key_env` and `s3_secret_env`.
pub(super) fn keys() -> [(&'static str, String); 2] {
    let of = |variable: &str| std::env::var(variable).unwrap_or_else(|_| "test".to_owned());
    [
        ("S3_KEY", of("TROUPE_TEST_S3_KEY")),
        ("S3_SECRET", of("TROUPE_TEST_S3_SECRET")),
    ]
}

/// The id of the Kafka that is configured in `place`, where nobody has said which is meant; a person would compare.
pub(super) async fn id_of(place: &Place) -> String {
    let refused = place.run(&["topics", "plan"]).await;
    refused.fails(2, &["cluster.kafka_id is not set"]);
    let id = refused.stderr.split('"').nth(1).unwrap_or_default();
    assert!(!id.is_empty(), "{}", refused.stderr);
    id.to_owned()
}

/// Prepares the servers as an operator does.
pub(super) async fn prepare(place: &Place) {
    let _registering = REGISTERING.lock().await;
    for command in [
        &["topics", "plan"][..],
        &["topics", "apply"],
        &["state", "prepare"],
    ] {
        place.run(command).await.succeeds();
    }
}
