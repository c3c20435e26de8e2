//! A no-op worker of the real machine between two topics, driven by lines on stdin, so that others can be measured beside
//! it with the same driver.
//!
//! ```text
//! READY                                      it says, once
//! PASS <in-topic> <out-topic> <group> <n>    copies every record, exactly once, those of a key in their order
//! FIRST <epoch µs>                           it says when the first record reaches the handler
//! LAST <epoch µs>                            with --sleep-ms: when n records have been handled
//! STOP                                       ends the pass: what is handled is committed
//! STOPPED                                    it says then
//! ```
//! The topics of a pass exist. With `--reply`, each record is answered on the topic that its `kafka_replyTopic` names, with
//! its `kafka_correlationId`; the out-topic is not used. The end of stdin ends the program.
use bench::kafka::machine::log_options;
use bench::kafka::stage::{Stage, StageOptions, Watch};
use bench::machine::Failed;
use clap::Parser;
use cluster::KafkaLog;
use runtime::ports::log::Log;
use std::io::{BufRead, Write};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;

/// Copies topics exactly once, as it is told on stdin.
#[derive(Parser)]
struct Arguments {
    /// Kafka's addresses.
    #[arg(long)]
    bootstrap: String,
    /// Records handled at once, at most.
    #[arg(long, default_value_t = 100)]
    limit: usize,
    /// Each record takes so long.
    #[arg(long)]
    sleep_ms: Option<u64>,
    /// Answers each record where its headers say, instead of copying it.
    #[arg(long)]
    reply: bool,
}

/// How long a pass waits for its topics to be known.
const TOPICS: Duration = Duration::from_secs(30);

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Who drives it may be gone.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn say_at(what: &str) {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    say(&format!("{what} {}", since.unwrap_or_default().as_micros()));
}

/// Says when.
struct Saying {
    last: bool,
}
impl Watch for Saying {
    fn first(&self) {
        say_at("FIRST");
    }
    fn last(&self) {
        if self.last {
            say_at("LAST");
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("copy-stage: {e}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Failed> {
    let log = KafkaLog::open(log_options(&arguments.bootstrap)).await?;
    let mut lines = lines();
    say("READY");
    let mut running: Option<Stage> = None;
    while let Some(line) = lines.recv().await {
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["PASS", input, output, group, n] => {
                if running.is_some() {
                    return Err("PASS while a pass runs".into());
                }
                let options = StageOptions {
                    input: input.to_owned(),
                    output: output.to_owned(),
                    group: group.to_owned(),
                    limit: arguments.limit,
                    sleep: arguments.sleep_ms.map(Duration::from_millis),
                    reply: arguments.reply,
                    messages: n.parse()?,
                };
                known(&log, input).await?;
                if !arguments.reply {
                    known(&log, output).await?;
                }
                let last = arguments.sleep_ms.is_some();
                running = Some(Stage::start(&log, &options, Saying { last }).await?);
            }
            ["STOP"] => {
                let stage = running.take().ok_or("STOP while no pass runs")?;
                stage.stop().await?;
                say("STOPPED");
            }
            [] => {}
            _ => return Err(format!("not understood: {line}").into()),
        }
    }
    match running.take() {
        Some(stage) => stage.stop().await,
        None => Ok(()),
    }
}

/// Stdin, line by line; it ends with it.
fn lines() -> mpsc::UnboundedReceiver<String> {
    let (told, hearing) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if told.send(line).is_err() {
                return;
            }
        }
    });
    hearing
}

/// Returns when the log knows the topic, which may be new.
async fn known(log: &KafkaLog, topic: &str) -> Result<(), Failed> {
    let until = tokio::time::Instant::now() + TOPICS;
    loop {
        // The question blocks while a broker is asked.
        let (asked, name) = (log.clone(), topic.to_owned());
        if tokio::task::spawn_blocking(move || asked.partitions(&name))
            .await?
            .is_some()
        {
            return Ok(());
        }
        if tokio::time::Instant::now() > until {
            return Err(format!("there is no topic {topic}").into());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
