//! Measurements, each beside what the disk itself takes. `--check` exits with 1 if a target is missed.
//!
//! Run it alone on the machine, with `--release`. Figures of one run are comparable with each other only.
mod disk;
mod hop;
mod machine;
mod table;

use clap::Parser;
use machine::Failed;
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
    table.print();
    let missed = arguments.check && table.missed();
    Ok(if missed {
        std::process::ExitCode::FAILURE
    } else {
        std::process::ExitCode::SUCCESS
    })
}
