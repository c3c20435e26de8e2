//! The rows of the table that are measured on Kafka. Goals stand in the names; the bars decide.
use super::hop::Between;
use super::{Servers, copy, hop, slow};
use crate::machine::Failed;
use crate::table::Table;
use hdrhistogram::Histogram;

/// Messages of the hop that count, at 100 a second.
const HOPS: usize = 1_500;

/// Throughput of a worker that does nothing.
///
/// # Errors
/// If it could not be measured, or what was copied is not what was sent.
pub async fn copy(servers: &Servers, table: &mut Table, runs: usize) -> Result<(), Failed> {
    let rates = copy::rates(servers, runs).await?;
    let of = |what: fn(&copy::Rates) -> f64| rates.iter().map(what).collect::<Vec<f64>>();
    let name = "kafka-copy: raw loop, at least once, messages/s";
    table.note(name, &of(|rates| rates.raw), "/s");
    let name = "kafka-copy: barest transactions, messages/s";
    table.note(name, &of(|rates| rates.bare), "/s");
    let name = "kafka-copy: exactly once, ordered, messages/s";
    table.note(name, &of(|rates| rates.ours), "/s");
    table.note(
        "kafka-copy: messages in a commit",
        &of(|rates| rates.batch),
        "",
    );
    let name = "kafka-copy: a commit, p50";
    table.note(name, &of(|rates| rates.commit), "ms");
    let name = "kafka-copy: exactly once of at least once (goal 75)";
    table.at_least(name, &of(|rates| 100.0 * rates.ours / rates.raw), 60.0, "%");
    Ok(())
}

fn milliseconds(of: &Histogram<u64>, quantile: f64) -> f64 {
    of.value_at_quantile(quantile) as f64 / 1e3
}

/// Latency of one hop.
///
/// # Errors
/// If it could not be measured, or what arrived is not what was sent.
pub async fn hop(servers: &Servers, table: &mut Table, runs: usize) -> Result<(), Failed> {
    let (mut p50, mut p99, mut bare50, mut bare99) = (vec![], vec![], vec![], vec![]);
    let (mut commit50, mut commit99) = (vec![], vec![]);
    for _ in 0..runs {
        let bare = hop::latency(servers, Between::Bare, 100.0, HOPS).await?;
        bare50.push(milliseconds(&bare.latency, 0.5));
        bare99.push(milliseconds(&bare.latency, 0.99));
        let ours = hop::latency(servers, Between::Ours, 100.0, HOPS).await?;
        p50.push(milliseconds(&ours.latency, 0.5));
        p99.push(milliseconds(&ours.latency, 0.99));
        let commits = ours.commits.ok_or("no commits")?;
        commit50.push(milliseconds(&commits, 0.5));
        commit99.push(milliseconds(&commits, 0.99));
    }
    table.note("kafka-hop: barest transactions, p50", &bare50, "ms");
    table.note("kafka-hop: barest transactions, p99", &bare99, "ms");
    table.note("kafka-hop: commit of ours, p50", &commit50, "ms");
    table.note("kafka-hop: commit of ours, p99", &commit99, "ms");
    table.at_most("kafka-hop: p50 (goal 4)", &p50, 5.0, "ms");
    table.at_most("kafka-hop: p99 (goal 8)", &p99, 12.0, "ms");
    Ok(())
}

/// Handlers that take 20 ms.
///
/// # Errors
/// If it could not be measured, or what was handled is not what was sent.
pub async fn slow(servers: &Servers, table: &mut Table, runs: usize) -> Result<(), Failed> {
    let (mut handled, mut committed) = (vec![], vec![]);
    for _ in 0..runs {
        let took = slow::took(servers).await?;
        handled.push(took.handled);
        committed.push(took.committed);
    }
    let name = "kafka-slow: 2,000 of 20 ms, 100 at once: handled";
    table.at_most(name, &handled, 450.0, "ms");
    let name = "kafka-slow: 2,000 of 20 ms, 100 at once: committed";
    table.at_most(name, &committed, 480.0, "ms");
    Ok(())
}
