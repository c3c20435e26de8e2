//! What is known of topics: how many partitions they have, and how large a message they take.
use super::message::unreachable;
use super::options::Options;
use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use runtime::ports::PortError;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

/// What framing, varints and a batch's own head may add to a message's key, headers and payload: 61 bytes of batch,
/// at most 36 of record, 4 a header for up to a hundred of them.
pub const OVERHEAD: usize = 512;
/// Kafka's own default of `max.message.bytes`.
const USUAL_BYTES: usize = 1_048_588;
/// A topic that takes less is not one of ours, or is written a message at a time: one such on the cluster must not
/// make every batch of every topic tiny.
const LEAST_BATCH: usize = 64 << 10;
/// How long what is known counts as true. Partitions are never added to keyed topics (I5).
const FRESH: Duration = Duration::from_secs(30);
/// A topic that was not there is not asked for again before.
const ABSENT: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, Debug)]
pub(super) struct Topic {
    pub partitions: i32,
    /// As the broker counts: whole batches.
    pub max_bytes: usize,
}

#[derive(Default)]
struct Known {
    topics: HashMap<String, Topic>,
    asked_at: Option<Instant>,
}

/// Asks on a thread of its own, since the port's questions are not asynchronous and rdkafka's answers are.
pub(super) struct Topics {
    known: Arc<Mutex<Known>>,
    asking: Mutex<mpsc::Sender<mpsc::Sender<()>>>,
    patience: Duration,
}

impl Topics {
    /// Starts the thread and asks for the first time.
    pub fn open(options: &Options) -> Result<Self, PortError> {
        let client: AdminClient<DefaultClientContext> =
            options.admin().create().map_err(unreachable)?;
        let known = Arc::<Mutex<Known>>::default();
        let (asking, asked) = mpsc::channel::<mpsc::Sender<()>>();
        let (patience, cache) = (options.bounds.call, known.clone());
        std::thread::Builder::new()
            .name("topics".to_owned())
            .spawn(move || {
                // Ends when the log is dropped.
                loop {
                    let waiting = match asked.recv_timeout(FRESH) {
                        Ok(waiting) => Some(waiting),
                        Err(mpsc::RecvTimeoutError::Timeout) => None,
                        Err(mpsc::RecvTimeoutError::Disconnected) => return,
                    };
                    match ask(&client, patience, &cache) {
                        Ok(topics) => {
                            let mut known = cache.lock().unwrap_or_else(PoisonError::into_inner);
                            known.topics = topics;
                            known.asked_at = Some(Instant::now());
                        }
                        Err(e) => {
                            tracing::warn!(error = %e, "the brokers do not say which topics there are");
                        }
                    }
                    if let Some(waiting) = waiting {
                        let _ = waiting.send(());
                    }
                }
            })
            .map_err(unreachable)?;
        let topics = Self {
            known,
            asking: Mutex::new(asking),
            patience: patience * 2,
        };
        topics.ask_now();
        if topics.lock().asked_at.is_none() {
            return Err(unreachable(format!(
                "no broker at {} within {patience:?}",
                options.kafka.bootstrap
            )));
        }
        Ok(topics)
    }

    /// What is known of a topic; asks the brokers if that is nothing (this blocks, at most twice the bound of a
    /// call).
    pub fn of(&self, topic: &str) -> Option<Topic> {
        let known = self.lock();
        if let Some(topic) = known.topics.get(topic) {
            return Some(*topic);
        }
        let lately = known.asked_at.is_some_and(|at| at.elapsed() < ABSENT);
        drop(known);
        if lately {
            return None;
        }
        self.ask_now();
        self.lock().topics.get(topic).copied()
    }

    /// What a batch of any topic may hold: the smallest `max.message.bytes` there is, of those that are large enough
    /// to be one of ours ([`LEAST_BATCH`]).
    pub fn smallest_batch(&self) -> usize {
        let known = self.lock();
        let sizes = known.topics.values().map(|topic| topic.max_bytes);
        let smallest = sizes.filter(|bytes| *bytes >= LEAST_BATCH).min();
        smallest.unwrap_or(USUAL_BYTES)
    }

    fn ask_now(&self) {
        let (asking, answered) = mpsc::channel();
        let sent = self
            .asking
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .send(asking);
        if sent.is_ok() {
            let _ = answered.recv_timeout(self.patience);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All topics there are, with their sizes; those that are known already keep theirs.
fn ask(
    client: &AdminClient<DefaultClientContext>,
    patience: Duration,
    cache: &Mutex<Known>,
) -> Result<HashMap<String, Topic>, PortError> {
    let metadata = client
        .inner()
        .fetch_metadata(None, patience)
        .map_err(unreachable)?;
    let there = metadata.topics().iter().filter(|topic| {
        topic.error().is_none() && !topic.partitions().is_empty() && !topic.name().starts_with("__")
    });
    let there: Vec<(String, i32)> = there
        .filter_map(|t| {
            Some((
                t.name().to_owned(),
                i32::try_from(t.partitions().len()).ok()?,
            ))
        })
        .collect();
    let sizes = sizes(
        client,
        patience,
        there.iter().map(|(name, _)| name.as_str()),
    );
    let sizes = sizes.unwrap_or_else(|e| {
        // Not everybody may describe configurations; then what was known counts, or Kafka's default.
        tracing::warn!(error = %e, "the brokers do not say how large messages may be");
        HashMap::new()
    });
    let known = cache.lock().unwrap_or_else(PoisonError::into_inner);
    let topics = there.into_iter().map(|(name, partitions)| {
        let before = known.topics.get(&name).map(|topic| topic.max_bytes);
        let max_bytes = sizes.get(&name).copied().or(before).unwrap_or(USUAL_BYTES);
        (
            name,
            Topic {
                partitions,
                max_bytes,
            },
        )
    });
    Ok(topics.collect())
}

fn sizes<'a>(
    client: &AdminClient<DefaultClientContext>,
    patience: Duration,
    topics: impl Iterator<Item = &'a str>,
) -> Result<HashMap<String, usize>, PortError> {
    let topics: Vec<ResourceSpecifier<'a>> = topics.map(ResourceSpecifier::Topic).collect();
    if topics.is_empty() {
        return Ok(HashMap::new());
    }
    let options = AdminOptions::new().request_timeout(Some(patience));
    let asked = client.describe_configs(&topics, &options);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(unreachable)?;
    let described = runtime.block_on(asked).map_err(unreachable)?;
    let mut sizes = HashMap::with_capacity(described.len());
    for resource in described.into_iter().flatten() {
        let bytes = resource
            .get("max.message.bytes")
            .and_then(|entry| entry.value.as_ref())
            .and_then(|value| value.parse().ok());
        if let (rdkafka::admin::OwnedResourceSpecifier::Topic(name), Some(bytes)) =
            (resource.specifier, bytes)
        {
            sizes.insert(name, bytes);
        }
    }
    Ok(sizes)
}
