//! Handlers that take a while: how many of them run at once, and how soon what they did is committed.
use super::load::{Load, PARTITIONS};
use super::machine::log_options;
use super::stage::{Stage, StageOptions, Times};
use super::{Servers, Topics, fresh};
use crate::machine::Failed;
use cluster::KafkaLog;
use std::sync::Arc;
use std::time::Duration;

/// What is handled.
const LOAD: Load = Load {
    messages: 2_000,
    keys: 200,
    bytes: 512,
};
/// How long each takes.
const EACH: Duration = Duration::from_millis(20);
/// Handled at once.
const LIMIT: usize = 100;

/// Milliseconds from the first message's reaching its handler.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    /// Until the last was handled.
    pub handled: f64,
    /// Until the last was committed.
    pub committed: f64,
}

/// Handles 2,000 messages of 20 ms; then each is looked for in the output.
///
/// # Errors
/// What the broker says, or what was lost, twice or out of order.
pub async fn took(servers: &Servers) -> Result<Took, Failed> {
    let run = fresh();
    let (input, output) = (format!("{run}.in"), format!("{run}.out"));
    let _topics = Topics::make(servers, &[(&input, PARTITIONS), (&output, PARTITIONS)]).await?;
    let (at, topic) = (servers.clone(), input.clone());
    tokio::task::spawn_blocking(move || LOAD.fill(&at, &topic)).await??;
    let log = KafkaLog::open(log_options(&servers.kafka)).await?;
    let times = Arc::new(Times::default());
    let options = StageOptions {
        input,
        output: output.clone(),
        group: run,
        limit: LIMIT,
        sleep: Some(EACH),
        reply: false,
        messages: LOAD.messages,
    };
    let stage = Stage::start(&log, &options, times.clone()).await?;
    stage
        .until_committed(LOAD.messages, Duration::from_secs(30))
        .await?;
    let first = times.first_at().ok_or("nothing was handled")?;
    let committed = first.elapsed();
    let last = times.last_at().ok_or("not all was handled")?;
    stage.stop().await?;
    let at = servers.clone();
    tokio::task::spawn_blocking(move || LOAD.check(&at, &output)).await??;
    Ok(Took {
        handled: (last - first).as_secs_f64() * 1e3,
        committed: committed.as_secs_f64() * 1e3,
    })
}
