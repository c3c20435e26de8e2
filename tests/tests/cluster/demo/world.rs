//! A Kafka of one test's own, beside the other servers, which are shared; and `troupe` on them.
use crate::cli::binary::{Place, Ran, Serving};
use cluster::log::Options;
use cluster::settings::Kafka;
use cluster::state::MongoOptions;
use cluster::{KafkaLog, MongoState};
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;
use tokio::process::Command;
use tokio::time::timeout;

/// The longest that a whole demo may take on a machine that is busy with other things.
const DEMO: Duration = Duration::from_secs(240);

/// A Kafka, which ends with this.
struct OwnKafka {
    dir: tempfile::TempDir,
    address: String,
}

impl OwnKafka {
    fn start() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("services/kafka.sh");
        let started = std::process::Command::new(script)
            .arg("--dir")
            .arg(dir.path())
            .stderr(Stdio::inherit())
            .output()
            .expect("bash runs");
        assert!(started.status.success(), "Kafka did not start");
        let said = String::from_utf8(started.stdout).expect("UTF-8");
        let address = said
            .lines()
            .find_map(|line| line.strip_prefix("export TROUPE_TEST_KAFKA="))
            .expect("it says where it is")
            .trim_matches('\'')
            .to_owned();
        Self { dir, address }
    }
}

impl Drop for OwnKafka {
    fn drop(&mut self) {
        let pid = std::fs::read_to_string(self.dir.path().join("pid")).unwrap_or_default();
        let killed = std::process::Command::new("kill")
            .args(["-9", pid.trim()])
            .status();
        assert!(killed.is_ok_and(|status| status.success()), "Kafka ran");
    }
}

/// A server's address; `./tests/run` starts them all.
fn server(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: eval \"$(tests/services/up)\" starts the servers")
    })
}

/// The servers, and a directory where `troupe` is configured for them.
pub(super) struct World {
    kafka: OwnKafka,
    pub(super) place: Place,
    database: String,
}

impl World {
    /// Nothing is prepared yet, and nobody has said which Kafka is meant.
    pub(super) fn new(name: &str) -> Self {
        let world = Self {
            kafka: OwnKafka::start(),
            place: Place::new(),
            database: format!("{name}{}", std::process::id()),
        };
        world.configure("");
        world
    }

    pub(super) fn configure(&self, id: &str) {
        let s3 = server("TROUPE_TEST_S3_URL");
        let (endpoint, bucket) = s3.rsplit_once('/').expect("an address and a bucket");
        let text = format!(
            "[cluster]\nkafka = {:?}\nkafka_id = {id:?}\nkafka_replication = 1\nregistry = {:?}\n\
             mongodb = {:?}\nmongodb_database = {:?}\nqdrant = {:?}\ns3_endpoint = {endpoint:?}\n\
             s3_bucket = {bucket:?}\ns3_key_env = \"S3_KEY\"\ns3_secret_env = \"S3_SECRET\"\n",
            self.kafka.address,
            server("TROUPE_TEST_REGISTRY_URL"),
            server("TROUPE_TEST_MONGODB_URL"),
            self.database,
            server("TROUPE_TEST_QDRANT_URL"),
        );
        self.place.write("troupe.toml", &text);
    }

    /// The id of this Kafka; a person would compare.
    pub(super) async fn id(&self) -> String {
        let refused = self.run(&["topics", "plan"]).await;
        let id = refused.stderr.split('"').nth(1).unwrap_or_default();
        assert!(
            refused.code == Some(2) && !id.is_empty(),
            "{}",
            refused.stderr
        );
        id.to_owned()
    }

    /// As an operator prepares it.
    pub(super) async fn prepare(&self) {
        let _registering = super::super::REGISTERING.lock().await;
        for command in [
            &["topics", "plan"][..],
            &["topics", "apply"],
            &["state", "prepare"],
        ] {
            self.run(command).await.succeeds();
        }
    }

    /// A command that ends by itself.
    pub(super) async fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.place.command(arguments).envs(keys())).await
    }
    /// A process of workers.
    pub(super) async fn start(&self, workers: &[&str]) -> Serving {
        let arguments = [&["run", "--cluster", "--worker"], workers].concat();
        self.place.start_with(&arguments, &keys()).await
    }
    /// `troupe demo`, which takes its time.
    pub(super) fn demo(&self, arguments: &[&str]) -> Command {
        let arguments = [&["demo", "--cluster"], arguments].concat();
        let mut command = self.place.command(&arguments);
        command.envs(keys());
        command
    }

    /// The log, for somebody who looks on.
    pub(super) async fn log(&self) -> KafkaLog {
        let options = Options::new(Kafka::plaintext(&self.kafka.address), "outside");
        KafkaLog::open(options).await.expect("the broker answers")
    }
    /// The rows.
    pub(super) async fn state(&self) -> MongoState {
        let url = server("TROUPE_TEST_MONGODB_URL");
        let options = MongoOptions::new(url.as_str(), &self.database);
        MongoState::open(&options).await.expect("it answers")
    }
    /// Where the index is.
    pub(super) fn qdrant() -> String {
        server("TROUPE_TEST_QDRANT_URL")
    }
}

/// Waits for it.
pub(super) async fn ended(mut command: Command) -> Output {
    timeout(DEMO, command.output())
        .await
        .expect("in time")
        .expect("troupe runs")
}

/// Where the object store's key is.
fn keys() -> [(&'static str, String); 2] {
    let of = |variable: &str| std::env::var(variable).unwrap_or_else(|_| "test".to_owned());
    [
        ("S3_KEY", of("TROUPE_TEST_S3_KEY")),
        ("S3_SECRET", of("TROUPE_TEST_S3_SECRET")),
    ]
}
