//! Measurements, each beside what the disk itself takes. `--check` exits with 1 if a target is missed.
//!
//! What is measured on Kafka needs one: `eval "$(tests/services/up)"` starts it and sets `TROUPE_TEST_KAFKA`. Without, those
//! measurements are left out, and the table says so.
//!
//! Run it alone on the machine, with `--release`. Figures of one run are comparable with each other only.
use bench::kafka::{Servers, entity, http, memory, redrive, reply, rows, saga};
use bench::machine::Failed;
use bench::server::Server;
use bench::table::Table;
use bench::{disk, fairness, hop, whole};
use clap::{Parser, ValueEnum};
use std::process::ExitCode;
use std::time::Duration;

/// Measures Troupe.
#[derive(Parser)]
struct Arguments {
    /// Exit with 1 if a target is missed.
    #[arg(long)]
    check: bool,
    /// Only these measurements; all if none is named.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Measurement>,
    /// Only what is measured on Kafka.
    #[arg(long)]
    kafka: bool,
    /// Each measurement so often; the median is shown.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// All of it in so many seconds at most, or it fails.
    #[arg(long, default_value_t = 900)]
    within: u64,
}

/// What can be measured by itself.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Measurement {
    /// Published, handled, the emitted message visible: 100 messages a second.
    Hop,
    /// Messages a second through a handler that does nothing.
    Handler,
    /// Messages a second through an entity that counts.
    Entity,
    /// From a question to its answer over HTTP, with 10,000 passages.
    Question,
    /// A server on a new database that has nothing to do: ready, memory, processor.
    Idle,
    /// 1,000 documents.
    Ingestion,
    /// 20,000 documents, and the database that they leave, opened again.
    Backlog,
    /// A tenant's question, and its one document, beside 20,000 documents of another.
    Fairness,
    /// Messages a second through a worker that does nothing, on Kafka, exactly once, beside plain clients.
    KafkaCopy,
    /// One exactly-once hop over Kafka: 100 messages a second.
    KafkaHop,
    /// 2,000 messages of 20 ms each, on Kafka.
    KafkaSlow,
    /// Request and reply over Kafka, as an edge asks: one at a time, and 32 at once.
    KafkaReply,
    /// From HTTP to HTTP over Kafka, through the real processes: 50 requests a second.
    KafkaHttp,
    /// A saga of five steps on Kafka.
    KafkaSaga,
    /// Documents that an entity worker saves, beside the plain driver of MongoDB.
    KafkaEntity,
    /// What a worker's process takes in memory.
    KafkaMemory,
    /// Dead letters redriven on Kafka.
    KafkaRedrive,
}

impl Measurement {
    fn is_on_kafka(self) -> bool {
        use Measurement::{KafkaCopy, KafkaEntity, KafkaHop, KafkaHttp};
        use Measurement::{KafkaMemory, KafkaRedrive, KafkaReply, KafkaSaga, KafkaSlow};
        matches!(
            self,
            KafkaCopy
                | KafkaHop
                | KafkaSlow
                | KafkaReply
                | KafkaHttp
                | KafkaSaga
                | KafkaEntity
                | KafkaMemory
                | KafkaRedrive
        )
    }
}

#[tokio::main]
async fn main() -> Result<ExitCode, Failed> {
    let arguments = Arguments::parse();
    let mut table = Table::default();
    let limit = Duration::from_secs(arguments.within);
    let measured = tokio::time::timeout(limit, measure(&arguments, &mut table)).await;
    table.print(); // what there is of it
    measured.map_err(|_| format!("not done within {} s", arguments.within))??;
    Ok(if arguments.check && table.missed() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

async fn measure(arguments: &Arguments, table: &mut Table) -> Result<(), Failed> {
    let servers = Servers::named();
    for measurement in Measurement::value_variants() {
        let only = !arguments.only.is_empty();
        if only && !arguments.only.contains(measurement) {
            continue;
        }
        if arguments.kafka && !measurement.is_on_kafka() {
            continue;
        }
        if measurement.is_on_kafka() && servers.is_none() {
            let name = measurement.to_possible_value();
            let name = name.map_or_else(String::new, |name| name.get_name().to_owned());
            let why = "TROUPE_TEST_KAFKA is not set (tests/services/up sets it)";
            if only || arguments.kafka {
                return Err(format!("{name}: {why}").into());
            }
            table.left_out(&format!("{name}: {why}"));
            continue;
        }
        let directory = tempfile::tempdir()?;
        table.disk(disk::fdatasync(directory.path())?.as_secs_f64() * 1e3);
        let runs = arguments.runs;
        match measurement {
            Measurement::Hop => hop_latency(table, runs).await?,
            Measurement::Handler => throughput(table, runs, false).await?,
            Measurement::Entity => throughput(table, runs, true).await?,
            Measurement::Question => question(table, runs).await?,
            Measurement::Idle => idle(table, runs).await?,
            Measurement::Ingestion => {
                ingestion(table, runs).await?;
            }
            Measurement::Backlog => backlog(table).await?,
            Measurement::Fairness => fairness(table, runs).await?,
            on_kafka => {
                let servers = servers.as_ref().ok_or("no Kafka")?;
                measure_on_kafka(*on_kafka, servers, table, runs).await?;
            }
        }
    }
    Ok(())
}

async fn measure_on_kafka(
    measurement: Measurement,
    servers: &Servers,
    table: &mut Table,
    runs: usize,
) -> Result<(), Failed> {
    match measurement {
        Measurement::KafkaCopy => rows::copy(servers, table, runs).await,
        Measurement::KafkaHop => rows::hop(servers, table, runs).await,
        Measurement::KafkaSlow => rows::slow(servers, table, runs).await,
        Measurement::KafkaReply => reply::measure(servers, table, runs).await,
        Measurement::KafkaHttp => http::measure(servers, table, runs).await,
        Measurement::KafkaSaga => saga::measure(servers, table, runs).await,
        Measurement::KafkaEntity => entity::measure(servers, table, runs).await,
        Measurement::KafkaMemory => memory::measure(servers, table, runs).await,
        Measurement::KafkaRedrive => redrive::measure(servers, table, runs).await,
        _ => Err("it is not measured on Kafka".into()),
    }
}

async fn hop_latency(table: &mut Table, runs: usize) -> Result<(), Failed> {
    let (mut p50, mut p99) = (vec![], vec![]);
    for _ in 0..runs {
        let directory = tempfile::tempdir()?;
        let seen = hop::latency(directory.path(), 100.0, 1_000).await?;
        p50.push(seen.value_at_quantile(0.5) as f64 / 1e3);
        p99.push(seen.value_at_quantile(0.99) as f64 / 1e3);
    }
    table.at_most("embedded hop, 100 messages/s, p50", &p50, 2.0, "ms");
    table.at_most("embedded hop, 100 messages/s, p99", &p99, 10.0, "ms");
    Ok(())
}

async fn throughput(table: &mut Table, runs: usize, entity: bool) -> Result<(), Failed> {
    let (name, messages, least) = if entity {
        ("entity, messages/s", 50_000, 8_000.0)
    } else {
        ("no-op handler, messages/s", 100_000, 20_000.0)
    };
    let mut rates = vec![];
    for _ in 0..runs {
        let directory = tempfile::tempdir()?;
        rates.push(hop::throughput(directory.path(), messages, entity).await?);
    }
    table.at_least(name, &rates, least, "/s");
    Ok(())
}

async fn question(table: &mut Table, runs: usize) -> Result<(), Failed> {
    let (mut p50, mut p99, mut right) = (vec![], vec![], vec![]);
    for _ in 0..runs {
        let directory = tempfile::tempdir()?;
        let asked = whole::questions(directory.path(), 200).await?;
        let mut times = asked.times;
        times.sort_unstable_by(f64::total_cmp);
        p50.push(times[times.len() / 2]);
        p99.push(times[times.len() * 99 / 100]);
        right.push(100.0 * asked.right as f64 / times.len() as f64);
    }
    let name = "question, 10,000 passages, over HTTP, p50";
    table.at_most(name, &p50, 15.0, "ms");
    let name = "question, 10,000 passages, over HTTP, p99";
    table.note(name, &p99, "ms");
    let name = "question, answered with the sentence asked for";
    table.note(name, &right, "%"); // the offline search tells "4 of 21" from "21 of 4" only by its neighbours
    Ok(())
}

async fn idle(table: &mut Table, runs: usize) -> Result<(), Failed> {
    let (mut ready, mut memory, mut share) = (vec![], vec![], vec![]);
    for _ in 0..runs {
        let directory = tempfile::tempdir()?;
        let server = Server::start(directory.path())?;
        ready.push(server.ready_after.as_secs_f64());
        let idle = whole::idle(&server, Duration::from_secs(5)).await?;
        memory.push(idle.0);
        share.push(idle.1);
    }
    table.at_most("new database: ready after", &ready, 1.0, "s");
    table.at_most("new database: idle, resident memory", &memory, 80.0, "MiB");
    table.at_most("new database: idle, share of a core", &share, 1.0, "%");
    Ok(())
}

/// 1,000 documents; the most memory that they took, in MiB.
async fn ingestion(table: &mut Table, runs: usize) -> Result<f64, Failed> {
    let (mut rates, mut memory) = (vec![], vec![]);
    for _ in 0..runs {
        let directory = tempfile::tempdir()?;
        let server = Server::start(directory.path())?;
        rates.push(whole::ingest(&server, 1_000).await?);
        memory.push(server.memory()?.1);
    }
    let name = "ingestion, 1,000 documents of 4 KB, documents/s";
    table.at_least(name, &rates, 150.0, "/s");
    table.note("memory at most, 1,000 documents", &memory, "MiB");
    memory.sort_unstable_by(f64::total_cmp);
    Ok(memory.get(memory.len() / 2).copied().unwrap_or(f64::NAN))
}

/// 20,000 documents, and the database with their events: how soon it is ready again, and what it then takes.
async fn backlog(table: &mut Table) -> Result<(), Failed> {
    let small = ingestion(&mut Table::default(), 1).await?;
    let directory = tempfile::tempdir()?;
    let server = Server::start(directory.path())?;
    let rate = whole::ingest(&server, 20_000).await?;
    let large = server.memory()?.1;
    drop(server);
    table.note("ingestion, 20,000 documents, documents/s", &[rate], "/s");
    table.note("memory at most, 20,000 documents", &[large], "MiB");
    let name = "memory, 20,000 against 1,000 documents";
    table.at_most(name, &[large / small], 1.3, "x");
    let events = whole::events(directory.path()).await?;
    let name = "database of 20,000 documents: events";
    table.at_least(name, &[events as f64], 100_000.0, "");
    let (mut ready, mut memory, mut share) = (vec![], vec![], vec![]);
    for _ in 0..3 {
        let server = Server::start(directory.path())?;
        ready.push(server.ready_after.as_secs_f64());
        let idle = whole::idle(&server, Duration::from_secs(5)).await?;
        memory.push(idle.0);
        share.push(idle.1);
    }
    table.at_most("that database: ready after", &ready, 2.0, "s");
    table.at_most("that database: idle, resident memory", &memory, 80.0, "MiB");
    table.at_most("that database: idle, share of a core", &share, 1.0, "%");
    Ok(())
}

/// At the median within twice what it takes alone, plus 5 ms.
async fn fairness(table: &mut Table, runs: usize) -> Result<(), Failed> {
    let median = |times: &mut Vec<f64>| {
        times.sort_unstable_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let (mut alone, mut beside) = ([vec![], vec![]], [vec![], vec![]]);
    for _ in 0..runs {
        let directory = tempfile::tempdir()?;
        let mut fair = fairness::measure(directory.path()).await?;
        alone[0].push(median(&mut fair.alone.questions));
        alone[1].push(median(&mut fair.alone.documents));
        beside[0].push(median(&mut fair.beside.questions));
        beside[1].push(median(&mut fair.beside.documents));
    }
    for (what, (mut alone, beside)) in ["question", "document"]
        .iter()
        .zip(alone.into_iter().zip(beside))
    {
        table.note(&format!("fairness: a {what} alone, p50"), &alone, "ms");
        let name = format!("fairness: a {what} beside 20,000 documents, p50");
        table.at_most(&name, &beside, 2.0 * median(&mut alone) + 5.0, "ms");
    }
    Ok(())
}
