//! The collections, their queues of writes, and the journal.
use super::StartError;
use super::collection::Collection;
use super::config;
use super::journal::{Entry, Journal};
use super::refusal::{no_collection, without};
use super::write::Write;
use qdrant_client::qdrant::{
    CreateCollection, DeleteCollection, UpdateCollection, UpdateResult, UpdateStatus,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tonic::Status;

#[derive(Clone)]
pub(super) struct Store(Arc<Inner>);

struct Inner {
    collections: Mutex<BTreeMap<String, Held>>,
    /// Also what puts the queues in the journal's order.
    journal: Mutex<Option<Journal>>,
    lag: Duration,
}

#[derive(Clone)]
struct Held {
    collection: Arc<Mutex<Collection>>,
    queue: mpsc::UnboundedSender<Queued>,
}

struct Queued {
    write: Write,
    /// Half-way through.
    pause: Option<Duration>,
    /// `None`: nobody waits.
    done: Option<oneshot::Sender<Result<u64, Status>>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    /// Needs a runtime: each collection has a task that applies its writes.
    pub(super) fn open(dir: Option<&Path>, lag: Duration) -> Result<Self, StartError> {
        let (journal, entries) = match dir {
            None => (None, vec![]),
            Some(dir) => {
                let (journal, entries) = Journal::open(dir)?;
                (Some(journal), entries)
            }
        };
        let mut collections: BTreeMap<String, Collection> = BTreeMap::new();
        for entry in entries {
            // What was refused when it was applied is refused again.
            let _ = replay(entry, &mut collections);
        }
        let collections = collections
            .into_iter()
            .map(|(name, collection)| (name, held(collection, lag)));
        Ok(Self(Arc::new(Inner {
            collections: Mutex::new(collections.collect()),
            journal: Mutex::new(journal),
            lag,
        })))
    }

    /// Looks at a collection. It does not change meanwhile.
    pub(super) fn look<T>(
        &self,
        name: &str,
        look: impl FnOnce(&Collection) -> Result<T, Status>,
    ) -> Result<T, Status> {
        let held = self.held(name)?;
        let collection = locked(&held.collection);
        look(&collection)
    }

    /// The names of the collections.
    pub(super) fn names(&self) -> Vec<String> {
        locked(&self.0.collections).keys().cloned().collect()
    }

    pub(super) fn create(&self, asked: CreateCollection) -> Result<bool, Status> {
        let collection = Collection::new(asked.clone())?;
        let mut journal = locked(&self.0.journal);
        let mut collections = locked(&self.0.collections);
        let name = asked.collection_name.clone();
        if collections.contains_key(&name) {
            let why = format!("Wrong input: Collection `{name}` already exists!");
            return Err(Status::already_exists(why));
        }
        append(&mut journal, &Entry::Create(asked))?;
        collections.insert(name, held(collection, self.0.lag));
        Ok(true)
    }

    /// `false`: there was none.
    pub(super) fn delete(&self, asked: DeleteCollection) -> Result<bool, Status> {
        let mut journal = locked(&self.0.journal);
        let mut collections = locked(&self.0.collections);
        if !collections.contains_key(&asked.collection_name) {
            return Ok(false);
        }
        append(&mut journal, &Entry::Delete(asked.clone()))?;
        collections.remove(&asked.collection_name);
        Ok(true)
    }

    /// Changes the strict mode or the metadata; settings of indexes and optimizers are accepted, they have no meaning here.
    pub(super) fn update(&self, asked: UpdateCollection) -> Result<bool, Status> {
        without("changes of vectors", &asked.vectors_config)?;
        without("changes of vectors", &asked.sparse_vectors_config)?;
        without("quantization", &asked.quantization_config)?;
        asked
            .strict_mode_config
            .as_ref()
            .map_or(Ok(()), config::strict)?;
        let mut journal = locked(&self.0.journal);
        let held = self.held(&asked.collection_name)?;
        append(&mut journal, &Entry::Update(asked.clone()))?;
        change(&mut locked(&held.collection), asked);
        Ok(true)
    }

    /// Writes. Who waits is answered when it is applied; others when it is written down.
    pub(super) async fn write(
        &self,
        write: Write,
        wait: bool,
        pause: Option<Duration>,
    ) -> Result<UpdateResult, Status> {
        let (done, applied) = oneshot::channel();
        let name = write.collection().to_owned();
        {
            // No collection comes or goes meanwhile.
            let mut journal = locked(&self.0.journal);
            let held = self.held(&name)?;
            write.admit(&locked(&held.collection))?;
            append(&mut journal, &Entry::Write(write.clone()))?;
            let queued = Queued {
                write,
                pause,
                done: wait.then_some(done),
            };
            held.queue.send(queued).map_err(|_| no_collection(&name))?;
        }
        if !wait {
            return Ok(UpdateResult {
                operation_id: None,
                status: UpdateStatus::Acknowledged as i32,
            });
        }
        let version = applied.await.map_err(|_| no_collection(&name))??;
        Ok(UpdateResult {
            operation_id: Some(version),
            status: UpdateStatus::Completed as i32,
        })
    }

    fn held(&self, name: &str) -> Result<Held, Status> {
        locked(&self.0.collections)
            .get(name)
            .cloned()
            .ok_or_else(|| no_collection(name))
    }
}

fn append(journal: &mut Option<Journal>, entry: &Entry) -> Result<(), Status> {
    let Some(journal) = journal else {
        return Ok(());
    };
    let failed = |why: std::io::Error| {
        Status::internal(format!("Service internal error: the journal: {why}"))
    };
    journal.append(entry).map_err(failed)
}

fn change(collection: &mut Collection, asked: UpdateCollection) {
    if let Some(strict) = asked.strict_mode_config {
        collection.created.strict_mode_config = Some(strict);
    }
    collection.created.metadata.extend(asked.metadata);
}

fn replay(entry: Entry, collections: &mut BTreeMap<String, Collection>) -> Result<(), Status> {
    match entry {
        Entry::Create(asked) => {
            let name = asked.collection_name.clone();
            collections.insert(name, Collection::new(asked)?);
        }
        Entry::Delete(asked) => {
            collections.remove(&asked.collection_name);
        }
        Entry::Update(asked) => {
            let name = asked.collection_name.clone();
            change(
                collections
                    .get_mut(&name)
                    .ok_or_else(|| no_collection(&name))?,
                asked,
            );
        }
        Entry::Write(write) => {
            let name = write.collection();
            let collection = collections
                .get_mut(name)
                .ok_or_else(|| no_collection(name))?;
            collection.version += 1;
            let version = collection.version;
            for step in collection.plan(&write)? {
                collection.take(step, version)?;
            }
        }
    }
    Ok(())
}

fn held(collection: Collection, lag: Duration) -> Held {
    let collection = Arc::new(Mutex::new(collection));
    let (queue, queued) = mpsc::unbounded_channel();
    tokio::spawn(work(Arc::clone(&collection), queued, lag));
    Held { collection, queue }
}

/// Applies one write after the other, each point by point, until the collection is gone.
async fn work(
    collection: Arc<Mutex<Collection>>,
    mut queue: mpsc::UnboundedReceiver<Queued>,
    lag: Duration,
) {
    while let Some(Queued { write, pause, done }) = queue.recv().await {
        if done.is_none() {
            tokio::time::sleep(lag).await;
        }
        let applied = apply(&collection, &write, pause).await;
        if let Some(done) = done {
            let _ = done.send(applied);
        }
    }
}

async fn apply(
    collection: &Mutex<Collection>,
    write: &Write,
    pause: Option<Duration>,
) -> Result<u64, Status> {
    let (steps, version) = {
        let mut collection = locked(collection);
        collection.version += 1;
        (collection.plan(write)?, collection.version)
    };
    let half = steps.len() / 2;
    for (n, step) in steps.into_iter().enumerate() {
        if let Some(pause) = pause.filter(|_| n == half) {
            tokio::time::sleep(pause).await;
        }
        locked(collection).take(step, version)?;
        tokio::task::yield_now().await;
    }
    Ok(version)
}
