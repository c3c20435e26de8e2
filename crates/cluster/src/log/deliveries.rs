//! What brokers say of messages that were sent.
use super::client;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message as _;
use rdkafka::producer::{DeliveryResult, ProducerContext};
use runtime::ports::log::Position;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Nobody waits.
const NOBODY: usize = usize::MAX;

/// Counts the deliveries of a transaction and wakes the thread that waits for them (K3), once they are all there: to be
/// woken for each would cost it more than the rest of a transaction.
pub(super) struct Deliveries {
    settled: AtomicUsize,
    /// The thread is woken when so many are settled.
    awaited: AtomicUsize,
    refused: Mutex<Vec<(usize, RDKafkaErrorCode)>>,
    waiting: Thread,
}

impl Deliveries {
    /// For the thread that calls this.
    pub fn new() -> Self {
        Self {
            settled: AtomicUsize::new(0),
            awaited: AtomicUsize::new(NOBODY),
            refused: Mutex::default(),
            waiting: std::thread::current(),
        }
    }
    /// Waits until so many are known to be delivered or refused, since ever. Looks itself every `look`, should a callback
    /// ever be lost. Whether they are, before `until`. Called by the thread that made this.
    pub fn wait_for(&self, count: usize, look: Duration, until: Instant) -> bool {
        // In this order, and in one order with what `delivery` does: either it sees who waits, or it is seen.
        self.awaited.store(count, Ordering::SeqCst);
        let mut all = true;
        while self.settled.load(Ordering::SeqCst) < count {
            if Instant::now() > until {
                all = false;
                break;
            }
            std::thread::park_timeout(look);
        }
        self.awaited.store(NOBODY, Ordering::SeqCst);
        all
    }
    /// Those refused since it was asked for last: their index, and why.
    pub fn take_refused(&self) -> Vec<(usize, RDKafkaErrorCode)> {
        std::mem::take(&mut self.refused.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Handed to a producer; the other end is the thread's.
#[derive(Clone)]
pub(super) struct Counting(pub Arc<Deliveries>);

impl ClientContext for Counting {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        client::line(level, facility, text);
    }
    fn error(&self, error: KafkaError, why: &str) {
        client::trouble(&error, why);
    }
}
impl ProducerContext for Counting {
    /// The message's index in its publication.
    type DeliveryOpaque = usize;
    fn delivery(&self, result: &DeliveryResult<'_>, index: usize) {
        if let Err((e, _)) = result {
            let mut refused = self
                .0
                .refused
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let code = e.rdkafka_error_code();
            refused.push((index, code.unwrap_or(RDKafkaErrorCode::Unknown)));
        }
        let settled = self.0.settled.fetch_add(1, Ordering::SeqCst) + 1;
        if settled >= self.0.awaited.load(Ordering::SeqCst) {
            self.0.waiting.unpark();
        }
    }
}

/// Messages appended together.
pub(super) struct Batch {
    topics: Vec<Arc<str>>,
    state: Mutex<BatchState>,
}

struct BatchState {
    places: Vec<Option<Position>>,
    missing: usize,
    refused: Option<String>,
    done: Option<oneshot::Sender<Result<Vec<Position>, String>>>,
}

impl Batch {
    /// One place for each; the receiver hears when the last one is known.
    pub fn new(
        topics: Vec<Arc<str>>,
    ) -> (Arc<Self>, oneshot::Receiver<Result<Vec<Position>, String>>) {
        let (done, hearing) = oneshot::channel();
        let state = BatchState {
            places: vec![None; topics.len()],
            missing: topics.len(),
            refused: None,
            done: Some(done),
        };
        let state = Mutex::new(state);
        (Arc::new(Self { topics, state }), hearing)
    }

    /// What became of one.
    pub fn settle(&self, index: usize, place: Result<(i32, i64), String>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match place {
            Ok((partition, offset)) => {
                let topic = self.topics[index].clone();
                state.places[index] = Some(Position {
                    topic,
                    partition,
                    offset,
                });
            }
            Err(why) => state.refused = Some(why),
        }
        state.missing -= 1;
        if state.missing > 0 {
            return;
        }
        let places = std::mem::take(&mut state.places);
        let outcome = match state.refused.take() {
            Some(why) => Err(why),
            None => Ok(places.into_iter().flatten().collect()),
        };
        if let Some(done) = state.done.take() {
            let _ = done.send(outcome);
        }
    }
}

/// The context of the producer that appends.
pub(super) struct Appending;

impl ClientContext for Appending {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        client::line(level, facility, text);
    }
    fn error(&self, error: KafkaError, why: &str) {
        client::trouble(&error, why);
    }
}
impl ProducerContext for Appending {
    type DeliveryOpaque = Box<(Arc<Batch>, usize)>;
    fn delivery(&self, result: &DeliveryResult<'_>, of: Self::DeliveryOpaque) {
        let place = match result {
            Ok(message) => Ok((message.partition(), message.offset())),
            Err((e, _)) => Err(e.to_string()),
        };
        of.0.settle(of.1, place);
    }
}
