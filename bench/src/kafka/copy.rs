//! How fast a worker that does nothing is, exactly once, beside a plain client that promises less.
use super::load::{Load, PARTITIONS};
use super::machine::log_options;
use super::raw;
use super::stage::{Stage, StageOptions, Times};
use super::{Servers, Topics, fresh};
use crate::machine::Failed;
use cluster::KafkaLog;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// What is copied.
pub const LOAD: Load = Load {
    messages: 400_000,
    keys: 2_000,
    bytes: 512,
};
/// Messages handled at once.
const LIMIT: usize = 100;
/// What takes longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Messages a second of each, one after the other on the same broker.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// A plain loop, at least once.
    pub raw: f64,
    /// The barest loop with transactions.
    pub bare: f64,
    /// Our stage, exactly once, order per key kept.
    pub ours: f64,
    /// Messages in a commit of ours, on average.
    pub batch: f64,
    /// Milliseconds that half of our commits took at most.
    pub commit: f64,
}

/// Measures all three `runs` times in turn, after a round that warms the broker up. What each has copied is read back and
/// checked.
///
/// # Errors
/// What the broker says, or what was lost, twice or out of order.
pub async fn rates(servers: &Servers, runs: usize) -> Result<Vec<Rates>, Failed> {
    let run = fresh();
    let input = format!("{run}.in");
    let _topics = Topics::make(servers, &[(&input, PARTITIONS)]).await?;
    let (at, topic) = (servers.clone(), input.clone());
    tokio::task::spawn_blocking(move || LOAD.fill(&at, &topic)).await??;
    let mut all = vec![];
    for round in 0..=runs {
        let raw = plain(servers, &input, &format!("{run}.raw{round}"), false).await?;
        let (ours, batch, commit) = ours(servers, &input, &format!("{run}.ours{round}")).await?;
        let bare = plain(servers, &input, &format!("{run}.bare{round}"), true).await?;
        if round > 0 {
            all.push(Rates {
                raw,
                bare,
                ours,
                batch,
                commit,
            });
        }
    }
    Ok(all)
}

async fn check(servers: &Servers, output: &str) -> Result<(), Failed> {
    let (servers, output) = (servers.clone(), output.to_owned());
    tokio::task::spawn_blocking(move || LOAD.check(&servers, &output)).await?
}

fn rate(took: Duration) -> f64 {
    LOAD.messages as f64 / took.as_secs_f64()
}

/// A plain loop; `name` is its topic and its group.
async fn plain(
    servers: &Servers,
    input: &str,
    name: &str,
    transactions: bool,
) -> Result<f64, Failed> {
    let _topics = Topics::make(servers, &[(name, PARTITIONS)]).await?;
    let (at, from, to) = (servers.clone(), input.to_owned(), name.to_owned());
    let copied = tokio::task::spawn_blocking(move || {
        let never = AtomicBool::new(false);
        if transactions {
            raw::exactly_once(&at, (&from, &to), &to, LOAD.messages, &never)
        } else {
            raw::at_least_once(&at, (&from, &to), &to, LOAD.messages)
        }
    });
    let copied = copied.await??;
    check(servers, name).await?;
    Ok(rate(copied.took))
}

async fn ours(servers: &Servers, input: &str, name: &str) -> Result<(f64, f64, f64), Failed> {
    let _topics = Topics::make(servers, &[(name, PARTITIONS)]).await?;
    let log = KafkaLog::open(log_options(&servers.kafka)).await?;
    let times = Arc::new(Times::default());
    let options = StageOptions {
        input: input.to_owned(),
        output: name.to_owned(),
        group: name.to_owned(),
        limit: LIMIT,
        sleep: None,
        reply: false,
        messages: LOAD.messages,
    };
    let stage = Stage::start(&log, &options, times.clone()).await?;
    stage.until_committed(LOAD.messages, PATIENCE).await?;
    let first = times.first_at().ok_or("nothing was handled")?;
    let rate = rate(first.elapsed());
    let batch = LOAD.messages as f64 / stage.commits() as f64;
    let commits = stage.commits.clone();
    stage.stop().await?;
    check(servers, name).await?;
    let commits = commits.lock().map_err(|e| e.to_string())?;
    Ok((rate, batch, commits.value_at_quantile(0.5) as f64 / 1e3))
}
