//! A stage of the real machine between two topics of any names: its handler copies, or answers, bytes as they are.
use super::machine::ports;
use crate::machine::Failed;
use cluster::KafkaLog;
use events::Headers;
use events::map::TopicMap;
use hdrhistogram::Histogram;
use runtime::consumer::BytesStep;
use runtime::engine::{Options, Running, Stats, start};
use runtime::ports::PortError;
use runtime::ports::log::{
    Checkpoint, Happening, Joining, Lease, Log, Member, Message, Outgoing, Position, Publication,
    PublishError,
};
use runtime::{BoxFuture, Consumer};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What the map calls the stage: the rules of the house allow no topic or group of another form, so that these names stand
/// for those that the stage was given.
const NAME: &str = "copy.effects";

/// The map of the house where the stage lives. The entity is there because effects are somebody's; it is not run.
const MAP: &str = "
defaults: { partitions: 4, retention: 7d, from: first, limit: {limit}, attempts: 4, dead_retention: 90d }
topics:
  - name: copy.effects
    kind: effects
    meaning: What is copied.
    key: record
    schemas: [troupe.reply.Ok]
    producers: [copy.record]
    consumers: [{ name: copy.effects, kind: handlers, ordered: false }]
  - name: copy.record
    kind: input
    meaning: Nothing.
    key: record
    schemas: [troupe.reply.Ok]
    producers: [edge]
    consumers: [{ name: copy.record, kind: entity, ordered: true }]
";

/// What a stage does.
#[derive(Clone, Debug)]
pub struct StageOptions {
    /// Where it reads.
    pub input: String,
    /// Where it writes; not used by a stage that answers.
    pub output: String,
    /// Its group.
    pub group: String,
    /// Messages handled at once, at most.
    pub limit: usize,
    /// How long each takes.
    pub sleep: Option<Duration>,
    /// Answers where each message says, instead of copying it.
    pub reply: bool,
    /// So many are expected.
    pub messages: usize,
}

/// What is told of a stage while it runs, by the worker that finds it.
pub trait Watch: Send + Sync + 'static {
    /// The first message has reached the handler.
    fn first(&self) {}
    /// As many messages as are expected have been handled; they need not be committed.
    fn last(&self) {}
}

/// When the first and the last came.
#[derive(Debug, Default)]
pub struct Times {
    first: Mutex<Option<Instant>>,
    last: Mutex<Option<Instant>>,
}
impl Times {
    fn get(of: &Mutex<Option<Instant>>) -> Option<Instant> {
        *of.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn set(of: &Mutex<Option<Instant>>) {
        *of.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
    /// When the first message reached the handler.
    pub fn first_at(&self) -> Option<Instant> {
        Self::get(&self.first)
    }
    /// When the last message had been handled.
    pub fn last_at(&self) -> Option<Instant> {
        Self::get(&self.last)
    }
}
impl Watch for Arc<Times> {
    fn first(&self) {
        Times::set(&self.first);
    }
    fn last(&self) {
        Times::set(&self.last);
    }
}

/// A stage that runs.
pub struct Stage {
    running: Running,
    stats: Arc<Stats>,
    /// Microseconds of each commit, from the engine's asking for it to its being done.
    pub commits: Arc<Mutex<Histogram<u64>>>,
    _directory: TempDir,
}

impl Stage {
    /// Starts it; it joins its group by itself. Its topics must be there.
    ///
    /// # Errors
    /// If the machine cannot be put together.
    pub async fn start(
        log: &KafkaLog,
        options: &StageOptions,
        watch: impl Watch,
    ) -> Result<Self, Failed> {
        let map = MAP.replace("{limit}", &options.limit.max(1).to_string());
        let commits = Arc::new(Mutex::new(Histogram::new_with_bounds(1, 60_000_000, 3)?));
        let named = Named {
            log: log.clone(),
            input: options.input.as_str().into(),
            group: options.group.as_str().into(),
            commits: commits.clone(),
        };
        let step = Step {
            partitions: log.partitions(&options.output).unwrap_or(1),
            log: Some(log.clone()),
            options: options.clone(),
            begun: AtomicU64::new(0),
            handled: AtomicU64::new(0),
            watch: Box::new(watch),
        };
        let directory = tempfile::tempdir()?;
        let ports = ports(Arc::new(named), None, &directory).await?;
        let consumer = Consumer::bytes(NAME, step);
        let options = Options::new(Arc::new(TopicMap::parse(&map)?));
        let running = start(&ports, vec![consumer], &options)?;
        let stats = running.stats().into_iter().next();
        Ok(Self {
            stats: stats.ok_or("no consumer")?.1,
            running,
            commits,
            _directory: directory,
        })
    }
    /// Messages whose results are committed.
    pub fn committed(&self) -> u64 {
        self.stats.done.load(Ordering::Relaxed)
    }
    /// Commits that took place.
    pub fn commits(&self) -> u64 {
        self.stats.commits.load(Ordering::Relaxed)
    }
    /// Returns when so many results are committed.
    ///
    /// # Errors
    /// If they are not, in time.
    pub async fn until_committed(&self, messages: usize, within: Duration) -> Result<(), Failed> {
        let until = Instant::now() + within;
        while self.committed() < messages as u64 {
            if Instant::now() > until {
                let committed = self.committed();
                return Err(format!("{committed} of {messages} committed in {within:?}").into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }
    /// Finishes what runs, commits it, and leaves the group.
    ///
    /// # Errors
    /// If it did not in time.
    pub async fn stop(self) -> Result<(), Failed> {
        let unfinished = self.running.stop(Duration::from_secs(10)).await;
        match unfinished.is_empty() {
            true => Ok(()),
            false => Err("the stage did not stop in time".into()),
        }
    }
}

/// The stage's one handler.
pub struct Step {
    log: Option<KafkaLog>,
    options: StageOptions,
    partitions: i32,
    begun: AtomicU64,
    handled: AtomicU64,
    watch: Box<dyn Watch>,
}

impl Step {
    /// A handler that copies to a topic of so many partitions, for an engine that has no Kafka.
    pub fn copying(topic: &str, partitions: i32) -> Self {
        let options = StageOptions {
            input: String::new(),
            output: topic.to_owned(),
            group: String::new(),
            limit: 1,
            sleep: None,
            reply: false,
            messages: 0,
        };
        Self {
            log: None,
            options,
            partitions,
            begun: AtomicU64::new(0),
            handled: AtomicU64::new(0),
            watch: Box::new(Arc::new(Times::default())),
        }
    }
    fn copy(&self, message: &Message) -> Outgoing {
        // Without a key a message has no order, and no place of its own.
        let keyless = message.key.is_empty();
        Outgoing {
            topic: self.options.output.clone().into(),
            partition: keyless.then_some(message.at.partition % self.partitions),
            key: message.key.clone(),
            headers: message.headers.clone(),
            payload: message.payload.clone(),
        }
    }
    /// As Spring's `ReplyingKafkaTemplate` asks. Who names no topic that is there gets no answer.
    fn answer(&self, message: &Message) -> Option<Outgoing> {
        let topic = message.headers.text("kafka_replyTopic")?;
        let partitions = self.log.as_ref()?.partitions(topic)?;
        let named = message.headers.get("kafka_replyPartition");
        let named = named.and_then(|bytes| Some(i32::from_be_bytes(bytes.try_into().ok()?)));
        let named = named.filter(|partition| (0..partitions).contains(partition));
        let mut headers = Headers::default();
        let correlation = message.headers.get("kafka_correlationId");
        headers.set_some("kafka_correlationId", correlation);
        let keyless = message.key.is_empty();
        Some(Outgoing {
            topic: topic.into(),
            partition: named.or(keyless.then_some(message.at.partition % partitions)),
            key: message.key.clone(),
            headers,
            payload: message.payload.clone(),
        })
    }
    fn outputs(&self, message: &Message) -> Vec<Outgoing> {
        let outputs = match self.options.reply {
            true => self.answer(message).into_iter().collect(),
            false => vec![self.copy(message)],
        };
        let handled = self.handled.fetch_add(1, Ordering::Relaxed) + 1;
        if handled == self.options.messages as u64 {
            self.watch.last();
        }
        outputs
    }
}

impl BytesStep for Step {
    fn run<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Vec<Outgoing>, String>> {
        if self.begun.fetch_add(1, Ordering::Relaxed) == 0 {
            self.watch.first();
        }
        match self.options.sleep {
            None => Box::pin(std::future::ready(Ok(self.outputs(message)))),
            Some(sleep) => Box::pin(async move {
                tokio::time::sleep(sleep).await;
                Ok(self.outputs(message))
            }),
        }
    }
}

/// The log, with the stage's own names for what the map calls [`NAME`].
struct Named {
    log: KafkaLog,
    input: Arc<str>,
    group: Arc<str>,
    commits: Arc<Mutex<Histogram<u64>>>,
}

impl Named {
    fn of<'a>(&'a self, topic: &'a str) -> &'a str {
        if topic == NAME { &self.input } else { topic }
    }
}

impl Log for Named {
    fn partitions(&self, topic: &str) -> Option<i32> {
        self.log.partitions(self.of(topic))
    }
    fn max_message_bytes(&self, topic: &str) -> usize {
        self.log.max_message_bytes(self.of(topic))
    }
    fn append(&self, messages: Vec<Outgoing>) -> BoxFuture<'_, Result<Vec<Position>, PortError>> {
        self.log.append(messages)
    }
    fn join(&self, joining: Joining) -> BoxFuture<'_, Result<Arc<dyn Member>, PortError>> {
        Box::pin(async move {
            let member = self.log.join(Joining {
                consumer: self.group.clone(),
                topic: self.input.clone(),
                ..joining
            });
            let commits = self.commits.clone();
            let member = member.await?;
            Ok(Arc::new(Timed { member, commits }) as Arc<dyn Member>)
        })
    }
    fn read<'a>(
        &'a self,
        topic: &'a str,
        partition: i32,
        offset: i64,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Message>, PortError>> {
        self.log.read(self.of(topic), partition, offset, limit)
    }
    fn end<'a>(&'a self, topic: &'a str, partition: i32) -> BoxFuture<'a, Result<i64, PortError>> {
        self.log.end(self.of(topic), partition)
    }
    fn grown<'a>(
        &'a self,
        topic: &'a str,
        partition: i32,
        offset: i64,
    ) -> BoxFuture<'a, Result<(), PortError>> {
        self.log.grown(self.of(topic), partition, offset)
    }
}

/// A member whose commits are timed.
struct Timed {
    member: Arc<dyn Member>,
    commits: Arc<Mutex<Histogram<u64>>>,
}

impl Member for Timed {
    fn next(&self) -> BoxFuture<'_, Result<Happening, PortError>> {
        self.member.next()
    }
    fn pause(&self, lease: Lease, paused: bool) {
        self.member.pause(lease, paused);
    }
    fn room(&self) -> usize {
        self.member.room()
    }
    fn publish(&self, publication: Publication) -> BoxFuture<'_, Result<(), PublishError>> {
        let (begun, published) = (Instant::now(), self.member.publish(publication));
        Box::pin(async move {
            let outcome = published.await;
            let took = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
            let mut commits = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
            commits.saturating_record(took);
            outcome
        })
    }
    fn committed(&self, lease: Lease) -> BoxFuture<'_, Result<Option<Checkpoint>, PublishError>> {
        self.member.committed(lease)
    }
    fn leave(&self) -> BoxFuture<'_, ()> {
        self.member.leave()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_of_the_stage_keeps_the_rules_of_the_house() {
        let map = TopicMap::parse(&MAP.replace("{limit}", "7")).expect("a map");
        let (_, consumer) = map.consumer(NAME).expect("the stage");
        assert_eq!(consumer.limit, 7);
    }
}
