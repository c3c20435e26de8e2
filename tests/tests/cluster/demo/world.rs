//! A Kafka of one test's own, beside the other servers, which are shared; and `troupe` on them.
use crate::cli::binary::{Place, Ran, Serving};
use crate::cluster::servers::{Settings, id_of, keys, prepare, shared};
use cluster::log::Options;
use cluster::servers::Own;
use cluster::settings::Kafka;
use cluster::state::MongoOptions;
use cluster::{KafkaLog, MongoState};
use std::process::{Output, Stdio};
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// The longest that a whole demo may take on a machine that is busy with other things.
const DEMO: Duration = Duration::from_secs(240);

/// The servers, and a directory where `troupe` is configured for them.
pub(super) struct World {
    kafka: Own,
    pub(super) place: Place,
    database: String,
}

impl World {
    /// Nothing is prepared yet, and nobody has said which Kafka is meant.
    pub(super) fn new(name: &str) -> Self {
        let world = Self {
            kafka: Own::start("kafka.sh", &[]),
            place: Place::new(),
            database: format!("{name}{}", std::process::id()),
        };
        world.configure("");
        world
    }

    pub(super) fn configure(&self, id: &str) {
        self.place.write("troupe.toml", &self.settings(id).text());
    }
    pub(super) fn settings<'a>(&'a self, id: &'a str) -> Settings<'a> {
        Settings::of(self.kafka(), id, &self.database)
    }

    fn kafka(&self) -> &str {
        self.kafka.said("TROUPE_TEST_KAFKA")
    }
    /// The id of this Kafka.
    pub(super) async fn id(&self) -> String {
        id_of(&self.place).await
    }
    /// As an operator prepares it.
    pub(super) async fn prepare(&self) {
        prepare(&self.place).await;
    }

    /// A command that ends by itself.
    pub(super) async fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.place.command(arguments).envs(keys())).await
    }
    /// A command that goes on.
    pub(super) fn spawn(&self, arguments: &[&str]) -> Child {
        let mut command = self.place.command(arguments);
        command.envs(keys());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("troupe starts")
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
        let options = Options::new(Kafka::plaintext(self.kafka()), "outside");
        KafkaLog::open(options).await.expect("the broker answers")
    }
    /// The rows.
    pub(super) async fn state(&self) -> MongoState {
        let url = shared("TROUPE_TEST_MONGODB_URL");
        let options = MongoOptions::new(url.as_str(), &self.database);
        MongoState::open(&options).await.expect("it answers")
    }
    /// Where the index is.
    pub(super) fn qdrant() -> String {
        shared("TROUPE_TEST_QDRANT_URL")
    }
}

/// Waits for it.
pub(super) async fn ended(mut command: Command) -> Output {
    timeout(DEMO, command.output())
        .await
        .expect("in time")
        .expect("troupe runs")
}
