//! Request and reply over Kafka, as an edge asks: a command with the address of its answer, and a partition of replies that
//! is read by hand (H1).
use super::{KafkaMachine, Servers};
use crate::machine::{Failed, MAP};
use crate::table::Table;
use events::documents::{DocumentDeleted, ParseUpload};
use events::record::decode;
use events::{Addressed, Envelope, ReplyAddress, ReplyStatus, topic};
use hdrhistogram::Histogram;
use runtime::emission::Emitter;
use runtime::{Consumer, Context, Emits, Handler, Moment, PortError, Ports, reply};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// What has no answer by then never will.
const PATIENCE: Duration = Duration::from_secs(20);
/// Requests that are asked before the first one counts.
const WARM_UP: usize = 100;
/// Requests one after the other, of which each counts.
const ALONE: usize = 1_000;
/// Requests that are always under way.
const AT_ONCE: usize = 32;
/// For so long.
const TOGETHER: Duration = Duration::from_secs(5);

/// Answers with what it was asked.
struct Answering;
impl Handler for Answering {
    type Message = ParseUpload;
    type Error = PortError;
    async fn handle(&self, asked: ParseUpload, _: &Context) -> Result<Emits, Self::Error> {
        Ok(reply(DocumentDeleted {
            document: asked.document,
            chatbot: asked.revision,
        }))
    }
}

/// An answer, as it stands on the log.
pub(super) struct Answer {
    /// What it is.
    pub status: Option<ReplyStatus>,
    /// Framed.
    pub payload: Vec<u8>,
}

type Waiting = Arc<Mutex<BTreeMap<String, oneshot::Sender<Answer>>>>;

/// Asks as an edge does.
pub(super) struct Asker {
    ports: Ports,
    partition: i32,
    waiting: Waiting,
    heard: Arc<AtomicUsize>,
    listening: JoinHandle<()>,
    /// Tells the ids of one run from those of another on the same topics.
    run: String,
}

impl Drop for Asker {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Asker {
    /// Hears a partition of the replies from now on.
    pub async fn start(ports: &Ports, partition: i32) -> Result<Self, Failed> {
        let from = end(ports, partition).await?;
        let (waiting, heard) = (Waiting::default(), Arc::<AtomicUsize>::default());
        let listening = listen(
            ports.clone(),
            partition,
            from,
            waiting.clone(),
            heard.clone(),
        );
        let random = ports.clock.random();
        Ok(Self {
            ports: ports.clone(),
            partition,
            waiting,
            heard,
            listening: tokio::spawn(listening),
            run: random[..6]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        })
    }

    /// An id that no other run has.
    pub fn id(&self, name: &str, n: usize) -> String {
        format!("{name}-{}-{n}", self.run)
    }

    /// Answers that nobody (or nobody any more) waited for are counted too.
    pub fn heard(&self) -> usize {
        self.heard.load(Ordering::Relaxed)
    }

    /// Sends a command and waits for its answer. `request` names it; never twice the same.
    pub async fn ask<A: Addressed>(&self, request: &str, command: &A) -> Result<Answer, Failed> {
        let (answered, answer) = oneshot::channel();
        self.lock().insert(request.to_owned(), answered);
        let mut at = Moment::for_tests(command.id());
        at.now_ms = self.ports.clock.now_ms();
        at.message.source = "bench".into();
        at.message.id = request.to_owned();
        let to = ReplyAddress {
            topic: topic::REPLIES.into(),
            key: format!("acme/{request}"),
            partition: Some(self.partition),
            request: request.to_owned(),
            from_outside: false,
        };
        let deadline = at.now_ms + 60_000;
        let command = Emitter::new(&self.ports)
            .command(&at, command, &to, deadline)
            .await?;
        self.ports.log.append(vec![command]).await?;
        let answer = tokio::time::timeout(PATIENCE, answer).await;
        Ok(answer.map_err(|_| format!("{request} has no answer after {PATIENCE:?}"))??)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, oneshot::Sender<Answer>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of a partition of the replies; asked again while nobody leads it yet, since the topic is new.
async fn end(ports: &Ports, partition: i32) -> Result<i64, PortError> {
    let until = Instant::now() + PATIENCE;
    loop {
        match ports.log.end(topic::REPLIES, partition).await {
            Err(PortError::Unreachable { .. }) if Instant::now() < until => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            end => return end,
        }
    }
}

/// Hands answers out until it is aborted.
async fn listen(
    ports: Ports,
    partition: i32,
    mut from: i64,
    waiting: Waiting,
    heard: Arc<AtomicUsize>,
) {
    let log = &ports.log;
    loop {
        let grown = log.grown(topic::REPLIES, partition, from).await;
        let read = log.read(topic::REPLIES, partition, from, 500).await;
        let (Ok(()), Ok(messages)) = (grown, read) else {
            eprintln!("replies cannot be heard");
            return;
        };
        for message in messages {
            from = message.at.offset + 1;
            heard.fetch_add(1, Ordering::Relaxed);
            let envelope = Envelope::read(&message.headers);
            let (Some(request), status) = (envelope.request, envelope.reply_status) else {
                continue;
            };
            let asked = waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&request);
            if let Some(asked) = asked {
                let payload = message.payload;
                let _ = asked.send(Answer {
                    status,
                    payload: payload.into(),
                });
            }
        }
    }
}

/// The row.
///
/// # Errors
/// If a server does not answer, or a request has another answer than its own, or several.
pub async fn measure(servers: &Servers, table: &mut Table, runs: usize) -> Result<(), Failed> {
    let (mut alone_50, mut alone_99, mut rates, mut together_99) = (vec![], vec![], vec![], vec![]);
    for _ in 0..runs {
        let mut machine = KafkaMachine::start(servers, MAP).await?;
        machine.run(consumers())?;
        let asker = Arc::new(Asker::start(&machine.ports, 0).await?);
        for n in 0..WARM_UP {
            ask(&asker, n).await?;
        }
        let mut alone = histogram()?;
        for n in 0..ALONE {
            alone.saturating_record(ask(&asker, WARM_UP + n).await?);
        }
        let (rate, together) = together(&asker).await?;
        let asked = WARM_UP + ALONE + usize::try_from(together.len())?;
        if asker.heard() != asked {
            return Err(format!("{} answers to {asked} requests", asker.heard()).into());
        }
        alone_50.push(ms(&alone, 0.5));
        alone_99.push(ms(&alone, 0.99));
        rates.push(rate);
        together_99.push(ms(&together, 0.99));
        drop(asker);
        machine.stop().await?;
    }
    table.at_most("kafka-reply: one at a time, p50", &alone_50, 6.0, "ms");
    table.note("kafka-reply: one at a time, p99", &alone_99, "ms");
    table.at_least("kafka-reply: 32 at once, requests/s", &rates, 1_500.0, "/s");
    table.at_most("kafka-reply: 32 at once, p99", &together_99, 60.0, "ms");
    Ok(())
}

fn consumers() -> Vec<Consumer> {
    vec![Consumer::handlers(events::consumer::DOCUMENTS_EFFECTS).handler(Answering)]
}

pub(super) fn histogram() -> Result<Histogram<u64>, Failed> {
    Ok(Histogram::new_with_bounds(1, 60_000_000, 3)?)
}
/// A quantile in milliseconds.
pub(super) fn ms(of: &Histogram<u64>, quantile: f64) -> f64 {
    of.value_at_quantile(quantile) as f64 / 1e3
}

/// Microseconds from the request to its answer, which is the one to this request.
async fn ask(asker: &Asker, n: usize) -> Result<u64, Failed> {
    let request = asker.id("r", n);
    let command = ParseUpload {
        document: format!("d{}", n % 200),
        revision: request.clone(),
        name: "a name of a file.md".into(),
        media_type: "text/markdown".into(),
        ..ParseUpload::default()
    };
    let begun = Instant::now();
    let answer = asker.ask(&request, &command).await?;
    let took = begun.elapsed();
    let datum = asker.ports.schemas.datum(&answer.payload).await?;
    let said: DocumentDeleted = decode(&datum)?;
    if answer.status != Some(ReplyStatus::Done) || said.chatbot != request {
        return Err(format!("{request} was answered {:?}: {said:?}", answer.status).into());
    }
    Ok(u64::try_from(took.as_micros()).unwrap_or(u64::MAX))
}

/// As many as ever are answered, always so many under way: a second, and how long each took.
async fn together(asker: &Arc<Asker>) -> Result<(f64, Histogram<u64>), Failed> {
    let next = Arc::new(AtomicUsize::new(WARM_UP + ALONE));
    let begun = Instant::now();
    let askers: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (asker, next) = (asker.clone(), next.clone());
            tokio::spawn(async move {
                let mut took = histogram()?;
                while begun.elapsed() < TOGETHER {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    took.saturating_record(ask(&asker, n).await?);
                }
                Ok::<_, Failed>(took)
            })
        })
        .collect();
    let mut all = histogram()?;
    for asker in askers {
        all.add(asker.await??)?;
    }
    Ok((all.len() as f64 / begun.elapsed().as_secs_f64(), all))
}
