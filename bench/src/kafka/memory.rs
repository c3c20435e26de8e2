//! What a worker's process takes in memory: `copy-stage` beside this program, which runs the real machine.
use super::load::{Load, PARTITIONS};
use super::{Arrivals, Servers, Topics, fresh};
use crate::machine::Failed;
use crate::table::Table;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// What takes longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(60);
/// Messages a second where it has little to do, and for how long.
const RATE: f64 = 100.0;
const MESSAGES: usize = 2_000;
/// Backlogs that are compared.
const SMALL: usize = 10_000;
const LARGE: usize = 1_000_000;
/// Bytes in a value.
const BYTES: usize = 512;

/// The row.
///
/// # Errors
/// If the worker does not do all of its work, in time and exactly once.
pub async fn measure(servers: &Servers, table: &mut Table, runs: usize) -> Result<(), Failed> {
    let (mut calm, mut small, mut large, mut against) = (vec![], vec![], vec![], vec![]);
    for _ in 0..runs {
        calm.push(trickle(servers).await?);
        let (few, many) = (
            backlog(servers, SMALL).await?,
            backlog(servers, LARGE).await?,
        );
        small.push(few);
        large.push(many);
        against.push(many / few);
    }
    table.at_most("kafka-memory: at 100 messages/s", &calm, 60.0, "MB");
    table.at_most(
        "kafka-memory: most, 1,000,000 messages of backlog",
        &large,
        150.0,
        "MB",
    );
    table.note(
        "kafka-memory: most, 10,000 messages of backlog",
        &small,
        "MB",
    );
    table.at_most("kafka-memory: 1,000,000 against 10,000", &against, 1.3, "x");
    Ok(())
}

/// The most resident memory in MB at a few messages a second, from 5 s after the first on.
async fn trickle(servers: &Servers) -> Result<f64, Failed> {
    let load = Load {
        messages: MESSAGES,
        keys: 200,
        bytes: BYTES,
    };
    let worker = Worker::start(servers, &load).await?;
    let producer: ThreadedProducer<DefaultProducerContext> = servers
        .client()
        .set("acks", "all")
        .set("linger.ms", "0")
        .create()?;
    let (mut arrivals, begun) = (Arrivals::at(RATE), Instant::now());
    let mut most = 0f64;
    for n in 0..load.messages {
        arrivals.next().await;
        let (key, value) = (load.key(n), load.value(n));
        let partition = events::id::partition_of(key.as_bytes(), PARTITIONS);
        let record = BaseRecord::to(&worker.input).key(&key).payload(&value);
        let sent = producer.send(record.partition(partition));
        sent.map_err(|(e, _)| e)?;
        if n % 10 == 0 && begun.elapsed() > Duration::from_secs(5) {
            most = most.max(worker.memory("VmRSS:")?);
        }
    }
    producer.flush(PATIENCE)?;
    worker.end(servers, &load).await?;
    Ok(most)
}

/// The most resident memory in MB from the start on until a backlog is done.
async fn backlog(servers: &Servers, messages: usize) -> Result<f64, Failed> {
    let load = Load {
        messages,
        keys: 1_000,
        bytes: BYTES,
    };
    let worker = Worker::start(servers, &load).await?;
    worker.end(servers, &load).await
}

/// `copy-stage`, with a pass that runs.
struct Worker {
    child: Child,
    stdin: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
    input: String,
    output: String,
    group: String,
    _topics: Topics,
}

impl Worker {
    /// A backlog is there before it begins; with the rate's load it waits for its first message.
    async fn start(servers: &Servers, load: &Load) -> Result<Self, Failed> {
        let group = fresh();
        let (input, output) = (format!("{group}.in"), format!("{group}.out"));
        let wanted = [(input.as_str(), PARTITIONS), (output.as_str(), PARTITIONS)];
        let topics = Topics::make(servers, &wanted).await?;
        if load.messages != MESSAGES {
            let (load, servers, input) = (*load, servers.clone(), input.clone());
            tokio::task::spawn_blocking(move || load.fill(&servers, &input)).await??;
        }
        let binary = std::env::current_exe()?.with_file_name("copy-stage");
        let mut child = Command::new(&binary)
            .args(["--bootstrap", &servers.kafka])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|e| format!("{}: {e}; build it with --release first", binary.display()))?;
        let stdin = child.stdin.take().ok_or("no stdin")?;
        let said = BufReader::new(child.stdout.take().ok_or("no stdout")?).lines();
        let mut worker = Self {
            child,
            stdin,
            said,
            input,
            output,
            group,
            _topics: topics,
        };
        worker.says("READY").await?;
        let (input, output, group) = (&worker.input, &worker.output, &worker.group);
        let pass = format!("PASS {input} {output} {group} {}\n", load.messages);
        worker.stdin.write_all(pass.as_bytes()).await?;
        Ok(worker)
    }

    async fn says(&mut self, word: &str) -> Result<(), Failed> {
        loop {
            let line = tokio::time::timeout(PATIENCE, self.said.next_line()).await??;
            let line = line.ok_or_else(|| format!("copy-stage ended before it said {word}"))?;
            if line.starts_with(word) {
                return Ok(());
            }
        }
    }

    /// In MB.
    fn memory(&self, which: &str) -> Result<f64, Failed> {
        let pid = self.child.id().ok_or("copy-stage has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix(which));
        let kib = line.ok_or("no such line")?.trim().trim_end_matches(" kB");
        Ok(kib.parse::<f64>()? * 1_024.0 / 1e6)
    }

    /// Waits until all is committed, stops it, and reads what it left; the most memory that it ever took, in MB.
    async fn end(mut self, servers: &Servers, load: &Load) -> Result<f64, Failed> {
        let until = Instant::now() + PATIENCE;
        let (group, input, client) = (self.group.clone(), self.input.clone(), servers.client());
        let mut client = client;
        let consumer: BaseConsumer = client.set("group.id", &group).create()?;
        let wanted = i64::try_from(load.messages)?;
        let (consumer, input) = (std::sync::Arc::new(consumer), input);
        loop {
            let (asked, topic) = (consumer.clone(), input.clone());
            let done = tokio::task::spawn_blocking(move || committed(&asked, &topic)).await??;
            if done >= wanted {
                break;
            }
            if Instant::now() > until {
                return Err(format!("{done} of {wanted} done within {PATIENCE:?}").into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let most = self.memory("VmHWM:")?;
        self.stdin.write_all(b"STOP\n").await?;
        self.says("STOPPED").await?;
        let (load, servers, output) = (*load, servers.clone(), self.output.clone());
        tokio::task::spawn_blocking(move || load.check(&servers, &output)).await??;
        Ok(most)
    }
}

/// The offset below which all is done, of all partitions together.
fn committed(consumer: &BaseConsumer, topic: &str) -> Result<i64, Failed> {
    let mut list = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        list.add_partition(topic, partition);
    }
    let list = match consumer.committed_offsets(list, Duration::from_secs(5)) {
        Ok(list) => list,
        Err(_) => return Ok(0), // a transaction is open
    };
    let offsets = list.elements();
    let done = offsets.iter().filter_map(|of| of.offset().to_raw());
    Ok(done.filter(|offset| *offset > 0).sum())
}
