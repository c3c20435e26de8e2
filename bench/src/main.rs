//! Measurements, each beside what the disk itself takes. `--check` exits with 1 if a target is missed.
//!
//! Run it alone on the machine, with `--release`. Figures of one run are comparable with each other only.
mod disk;
mod hop;
mod machine;
mod server;
mod table;
mod whole;

use clap::Parser;
use machine::Failed;
use server::Server;
use std::time::Duration;
use table::Table;

/// Measures Troupe.
#[derive(Parser)]
struct Arguments {
    /// Exit with 1 if a target is missed.
    #[arg(long)]
    check: bool,
    /// Only measurements whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Each measurement so often; the median is shown.
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

#[tokio::main]
async fn main() -> Result<std::process::ExitCode, Failed> {
    let arguments = Arguments::parse();
    let mut table = Table::default();
    let wanted = |name: &str| name.contains(&arguments.only);
    let directory = tempfile::tempdir()?;
    let sync = disk::fdatasync(directory.path())?;
    table.note("disk: fdatasync of 4 KiB", sync.as_secs_f64() * 1e3, "ms");
    if wanted("embedded hop") {
        let (mut p50, mut p99) = (vec![], vec![]);
        for _ in 0..arguments.runs {
            let directory = tempfile::tempdir()?;
            let seen = hop::latency(directory.path(), 100.0, 1_000).await?;
            p50.push(seen.value_at_quantile(0.5) as f64 / 1e3);
            p99.push(seen.value_at_quantile(0.99) as f64 / 1e3);
        }
        table.at_most("embedded hop, 100 messages/s, p50", &p50, 2.0, "ms");
        table.at_most("embedded hop, 100 messages/s, p99", &p99, 10.0, "ms");
    }
    for (name, entity, messages, least) in [
        ("no-op handler, messages/s", false, 100_000, 20_000.0),
        ("entity, messages/s", true, 50_000, 8_000.0),
    ] {
        if wanted(name) {
            let mut rates = vec![];
            for _ in 0..arguments.runs {
                let directory = tempfile::tempdir()?;
                rates.push(hop::throughput(directory.path(), messages, entity).await?);
            }
            table.at_least(name, &rates, least, "/s");
        }
    }
    if wanted("question") {
        let (mut p50, mut p99) = (vec![], vec![]);
        for _ in 0..arguments.runs {
            let directory = tempfile::tempdir()?;
            let mut times = whole::questions(directory.path(), 200).await?;
            times.sort_unstable_by(f64::total_cmp);
            p50.push(times[times.len() / 2]);
            p99.push(times[times.len() * 99 / 100]);
        }
        table.at_most(
            "question, 10,000 passages, over HTTP, p50",
            &p50,
            15.0,
            "ms",
        );
        table.at_most(
            "question, 10,000 passages, over HTTP, p99",
            &p99,
            f64::INFINITY,
            "ms",
        );
    }
    if wanted("ingestion") || wanted("idle") {
        ingestion_and_idle(&mut table, arguments.runs).await?;
    }
    table.print();
    let missed = arguments.check && table.missed();
    Ok(if missed {
        std::process::ExitCode::FAILURE
    } else {
        std::process::ExitCode::SUCCESS
    })
}

/// 1,000 documents, then 20,000 on another file, which is then opened again: its log holds some 250,000 events.
async fn ingestion_and_idle(table: &mut Table, runs: usize) -> Result<(), Failed> {
    let (mut rates, mut small) = (vec![], vec![]);
    let (mut ready, mut idle_memory, mut idle_share) = (vec![], vec![], vec![]);
    for _ in 0..runs {
        let directory = tempfile::tempdir()?;
        let server = Server::start(directory.path())?;
        ready.push(server.ready_after.as_secs_f64());
        let (memory, share) = whole::idle(&server, Duration::from_secs(5)).await?;
        idle_memory.push(memory);
        idle_share.push(share);
        rates.push(whole::ingest(&server, 1_000).await?);
        small.push(server.memory()?.1);
    }
    let directory = tempfile::tempdir()?;
    let server = Server::start(directory.path())?;
    let rate = whole::ingest(&server, 20_000).await?;
    let large = server.memory()?.1;
    drop(server);
    let again = Server::start(directory.path())?;
    table.at_least(
        "ingestion, 1,000 documents of 4 KB, documents/s",
        &rates,
        150.0,
        "/s",
    );
    table.note("ingestion, 20,000 documents, documents/s", rate, "/s");
    small.sort_unstable_by(f64::total_cmp);
    let median = small[small.len() / 2];
    table.note("memory at most, 1,000 documents", median, "MiB");
    table.note("memory at most, 20,000 documents", large, "MiB");
    table.at_most(
        "memory, 20,000 against 1,000 documents",
        &[large / median],
        1.3,
        "x",
    );
    table.at_most("idle: resident memory", &idle_memory, 80.0, "MiB");
    table.at_most("idle: share of a core", &idle_share, 1.0, "%");
    table.at_most("ready after, new database", &ready, 1.0, "s");
    table.at_most(
        "ready after, database of 20,000 documents",
        &[again.ready_after.as_secs_f64()],
        2.0,
        "s",
    );
    Ok(())
}
