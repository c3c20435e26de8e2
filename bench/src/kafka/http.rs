//! The whole way of a request on a cluster: HTTP, command, worker, reply, HTTP. The real `troupe` beside this program: the
//! edge is one process, all workers another, on Kafka and what speaks MongoDB's protocol.
use super::reply::{histogram, ms};
use super::{Arrivals, Servers, Topics, fresh};
use crate::machine::Failed;
use crate::table::Table;
use cluster::{MongoOptions, MongoState};
use events::consumer::CHATBOTS_CHATBOT;
use events::map::TopicMap;
use hdrhistogram::Histogram;
use reqwest::{Client, Method, StatusCode};
use runtime::ports::state::State;
use runtime::rows::EntityRow;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Requests a second, and how many count.
const RATE: f64 = 50.0;
const REQUESTS: usize = 1_000;
/// Requests before the first one counts.
const WARM_UP: usize = 100;
/// Chatbots that are changed in turn.
const CHATBOTS: usize = 20;
/// What takes longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(60);
/// The tenant of `--dev`.
const TENANT: &str = "demo";
/// All workers, by their contexts.
const WORKERS: &[&str] = &[
    "documents",
    "knowledge",
    "chatbots",
    "answers",
    "conversations",
    "operations",
    "sagas",
];

/// The row.
///
/// # Errors
/// If a process or a server does not do its part, or a change that was answered is not there exactly once.
pub async fn measure(servers: &Servers, table: &mut Table, runs: usize) -> Result<(), Failed> {
    let house = House::build(servers).await?;
    for n in 0..CHATBOTS {
        house.create(n).await?;
    }
    house.changes(WARM_UP, 0).await?;
    let (mut p50, mut p99) = (vec![], vec![]);
    let (mut worker, mut edge, mut cores) = (vec![], vec![], vec![]);
    for run in 0..runs {
        let (before, begun, used) = (house.versions().await?, Instant::now(), house.cpu()?);
        let (took, sent) = house.changes(REQUESTS, run + 1).await?;
        cores.push(100.0 * (house.cpu()? - used) / begun.elapsed().as_secs_f64());
        let after = house.versions().await?;
        for (chatbot, sent) in sent {
            let (before, after) = (before[&chatbot], after[&chatbot]);
            if after - before != sent {
                let why = format!(
                    "{chatbot}: {sent} changes, and {} took effect",
                    after - before
                );
                return Err(why.into());
            }
        }
        p50.push(ms(&took, 0.5));
        p99.push(ms(&took, 0.99));
        worker.push(house.workers.memory()?);
        edge.push(house.edge.memory()?);
    }
    table.at_most("kafka-http: 50 requests/s, p50", &p50, 10.0, "ms");
    table.at_most("kafka-http: 50 requests/s, p99", &p99, 40.0, "ms");
    table.note("kafka-http: edge and workers, of a core", &cores, "%");
    table.note("kafka-http: process of all workers, memory", &worker, "MB");
    table.note("kafka-http: process of the edge, memory", &edge, "MB");
    Ok(())
}

/// A variable that `tests/services/up` prints.
fn server(variable: &str) -> Result<String, Failed> {
    let missing = |_| format!("{variable} is not set: eval \"$(tests/services/up)\" sets it");
    Ok(std::env::var(variable).map_err(missing)?)
}

/// Troupe on servers.
struct House {
    edge: Process,
    workers: Process,
    client: Client,
    state: MongoState,
    _place: TempDir,
    _topics: Topics,
}

impl House {
    /// Prepares the servers as an operator does, then starts everything.
    async fn build(servers: &Servers) -> Result<Self, Failed> {
        let map = TopicMap::embedded();
        let wanted: Vec<(&str, i32)> = map
            .topics()
            .map(|topic| (topic.name.as_str(), topic.partitions))
            .collect();
        let topics = Topics::make(servers, &wanted).await?;
        let (place, database) = (tempfile::tempdir()?, fresh());
        let mongodb = server("TROUPE_TEST_MONGODB_URL")?;
        let configure = |id: &str| -> Result<(), Failed> {
            let s3 = server("TROUPE_TEST_S3_URL")?;
            let (endpoint, bucket) = s3.rsplit_once('/').ok_or("no bucket")?;
            let text = format!(
                "[cluster]\nkafka = {:?}\nkafka_id = {id:?}\nkafka_replication = 1\n\
                 kafka_groups_of_others = [\"*\"]\nregistry = {:?}\n\
                 mongodb = {mongodb:?}\nmongodb_database = {database:?}\nqdrant = {:?}\n\
                 s3_endpoint = {endpoint:?}\ns3_bucket = {bucket:?}\ns3_key_env = \"S3_KEY\"\n\
                 s3_secret_env = \"S3_SECRET\"\n",
                servers.kafka,
                server("TROUPE_TEST_REGISTRY_URL")?,
                server("TROUPE_TEST_QDRANT_URL")?,
            );
            Ok(std::fs::write(place.path().join("troupe.toml"), text)?)
        };
        configure("")?;
        // It says which cluster it finds; a person would compare.
        let refused = troupe(&place, &["topics", "plan"])?.output().await?;
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        configure(said.split('"').nth(1).ok_or_else(|| said.clone())?)?;
        for command in [
            ["topics", "plan"],
            ["topics", "apply"],
            ["state", "prepare"],
        ] {
            let ran = troupe(&place, &command)?.output().await?;
            if !ran.status.success() {
                let said = String::from_utf8_lossy(&ran.stderr);
                return Err(format!("troupe {}: {said}", command.join(" ")).into());
            }
        }
        let mut run = vec!["run", "--cluster", "--worker"];
        run.extend_from_slice(WORKERS);
        let workers = Process::start(&place, &run).await?;
        let up = [
            "up",
            "--cluster",
            "--no-workers",
            "--dev",
            "--listen",
            "127.0.0.1:0",
        ];
        let edge = Process::start(&place, &up).await?;
        Ok(Self {
            edge,
            workers,
            client: Client::new(),
            state: MongoState::open(&MongoOptions::new(mongodb, &database)).await?,
            _place: place,
            _topics: topics,
        })
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<(StatusCode, Value), Failed> {
        let request = self
            .client
            .request(method, format!("{}/v1/{path}", self.edge.address))
            .bearer_auth(&self.edge.key)
            .timeout(PATIENCE)
            .json(body);
        let answer = request.send().await?;
        Ok((answer.status(), answer.json().await?))
    }

    async fn create(&self, n: usize) -> Result<(), Failed> {
        let body = json!({ "id": chatbot(n), "name": "new" });
        let (status, said) = self.send(Method::POST, "chatbots", &body).await?;
        match status {
            StatusCode::CREATED => Ok(()),
            other => Err(format!("{other}: {said}").into()),
        }
    }

    /// Microseconds from each change to its answer, and how many each chatbot was sent.
    async fn changes(
        &self,
        requests: usize,
        run: usize,
    ) -> Result<(Histogram<u64>, BTreeMap<String, i64>), Failed> {
        let mut arrivals = Arrivals::at(RATE);
        let (mut sent, mut changing) = (BTreeMap::new(), tokio::task::JoinSet::new());
        for n in 0..requests {
            arrivals.next().await;
            let chatbot = chatbot(n);
            *sent.entry(chatbot.clone()).or_default() += 1;
            let url = format!("{}/v1/chatbots/{chatbot}", self.edge.address);
            let body = json!({ "name": format!("change {n} of {run}") });
            let request = self
                .client
                .patch(url)
                .bearer_auth(&self.edge.key)
                .json(&body);
            let begun = Instant::now();
            changing.spawn(async move {
                let answer = request.timeout(PATIENCE).send().await?;
                let (status, said) = (answer.status(), answer.text().await?);
                let took = begun.elapsed();
                match status {
                    StatusCode::OK => Ok(u64::try_from(took.as_micros())?),
                    other => Err(Failed::from(format!("{other}: {said}"))),
                }
            });
        }
        let mut took = histogram()?;
        while let Some(changed) = changing.join_next().await {
            took.saturating_record(changed??);
        }
        Ok((took, sent))
    }

    /// How often each chatbot has changed since it was there.
    async fn versions(&self) -> Result<BTreeMap<String, i64>, Failed> {
        let names: Vec<String> = (0..CHATBOTS).map(chatbot).collect();
        let ids: Vec<String> = names
            .iter()
            .map(|name| format!("{TENANT}/{name}"))
            .collect();
        let rows = self.state.load(CHATBOTS_CHATBOT, &ids).await?;
        let mut versions = BTreeMap::new();
        for (name, row) in names.into_iter().zip(rows) {
            let row = row.ok_or_else(|| format!("{name} has no row"))?;
            let body: EntityRow = serde_json::from_slice(&row.body)?;
            let state: Value = serde_json::from_str(body.state.ok_or("no state")?.get())?;
            versions.insert(name, state["version"].as_i64().ok_or("no version")?);
        }
        Ok(versions)
    }

    /// Seconds of processor time that both processes have used.
    fn cpu(&self) -> Result<f64, Failed> {
        Ok(self.edge.cpu()? + self.workers.cpu()?)
    }
}

fn chatbot(n: usize) -> String {
    format!("bot-{}", n % CHATBOTS)
}

/// `troupe` in a place of its own, which has a configuration.
fn troupe(place: &TempDir, arguments: &[&str]) -> Result<Command, Failed> {
    let binary: PathBuf = std::env::current_exe()?.with_file_name("troupe");
    if !binary.exists() {
        let how = "build it with --release first";
        return Err(format!("{} is not there; {how}", binary.display()).into());
    }
    let of = |name: &str| std::env::var(name).unwrap_or_else(|_| "test".to_owned());
    let mut command = Command::new(binary);
    command
        .args(arguments)
        .current_dir(place.path())
        .env("TROUPE_LOG_LEVEL", "warn")
        .env("S3_KEY", of("TROUPE_TEST_S3_KEY"))
        .env("S3_SECRET", of("TROUPE_TEST_S3_SECRET"))
        .stdin(Stdio::null())
        .kill_on_drop(true);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TROUPE_TEST_") {
            command.env_remove(name);
        }
    }
    Ok(command)
}

/// One that serves until it is dropped.
struct Process {
    child: Child,
    key: String,
    address: String,
    /// Kept open, or the next line that it says would end it.
    _said: tokio::io::Lines<BufReader<tokio::process::ChildStdout>>,
}

impl Process {
    /// Waits until it says that it is ready.
    async fn start(place: &TempDir, arguments: &[&str]) -> Result<Self, Failed> {
        let mut child = troupe(place, arguments)?.stdout(Stdio::piped()).spawn()?;
        let mut said = BufReader::new(child.stdout.take().ok_or("no stdout")?).lines();
        let mut key = String::new();
        loop {
            let line = tokio::time::timeout(PATIENCE, said.next_line()).await??;
            let line = line.ok_or("troupe ended before it was ready")?;
            match line.split_once(' ') {
                Some(("key", made)) => key = made.to_owned(),
                Some(("ready", address)) => {
                    return Ok(Self {
                        child,
                        key,
                        address: address.to_owned(),
                        _said: said,
                    });
                }
                _ => {}
            }
        }
    }
    fn proc(&self, file: &str) -> Result<String, Failed> {
        let pid = self.child.id().ok_or("it has ended")?;
        Ok(std::fs::read_to_string(format!("/proc/{pid}/{file}"))?)
    }
    /// Resident, in MB.
    fn memory(&self) -> Result<f64, Failed> {
        let status = self.proc("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.ok_or("no such line")?.trim().trim_end_matches(" kB");
        Ok(kib.parse::<f64>()? * 1_024.0 / 1e6)
    }
    /// Seconds of processor time used.
    fn cpu(&self) -> Result<f64, Failed> {
        let stat = self.proc("stat")?;
        let after = stat.rsplit(") ").next().ok_or("no stat")?;
        let ticks: Vec<f64> = after.split(' ').filter_map(|t| t.parse().ok()).collect();
        // After the letter of its state: the 14th and 15th of the line, in hundredths.
        let of = |i: usize| ticks.get(i).copied().unwrap_or(0.0);
        Ok((of(10) + of(11)) / 100.0)
    }
}
