//! The one thread that writes. Each turn takes what has queued up meanwhile, does it in one transaction,
//! commits once, and answers all: group commit, in which nobody waits for a batch to fill.
use crate::crash::{Crash, CrashPoint};
use crate::fault::Fault;
use crate::log::{append::Heads, groups::Groups, tail::Tail, topics::Topics};
use runtime::ports::{clock::Clock, log::Message};
use rusqlite::Connection;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// A transaction takes no further job after so long, or with so much in it.
const TURN: Duration = Duration::from_millis(5);
/// See [`TURN`].
const TURN_BYTES: usize = 4 << 20;

/// What the writer shares with the rest.
pub(crate) struct Shared {
    pub topics: Topics,
    pub tail: Tail,
    pub groups: Groups,
    pub clock: Arc<dyn Clock>,
    pub crash: Crash,
}

/// Something that follows a commit.
pub(crate) type Deed = Box<dyn FnOnce(&Shared) + Send>;

/// The transaction that is open, as a job sees it.
pub(crate) struct Batch<'a> {
    pub sql: &'a Connection,
    pub shared: &'a Shared,
    pub now_ms: i64,
    /// The next offsets.
    pub heads: &'a mut Heads,
    /// What will be in the tail.
    pub appended: Vec<(usize, Arc<Message>)>,
    /// What happens once it is committed, before anybody is answered.
    pub after: Vec<Deed>,
    /// Bytes written, about.
    pub bytes: usize,
}

/// One request of the writer.
trait Work: Send {
    /// Does it in the open transaction. A fault rolls all of it back.
    fn apply(&mut self, batch: &mut Batch<'_>) -> Result<(), Fault>;
    /// Says how it went.
    fn answer(self: Box<Self>, outcome: Result<(), Fault>);
    /// Whether it wants a transaction of its own, as whatever changes leases does (K2).
    fn alone(&self) -> bool;
}

struct Job<T, F> {
    work: Option<F>,
    done: Option<T>,
    answer: oneshot::Sender<Result<T, Fault>>,
    alone: bool,
}

impl<T: Send, F: FnOnce(&mut Batch<'_>) -> Result<T, Fault> + Send> Work for Job<T, F> {
    fn apply(&mut self, batch: &mut Batch<'_>) -> Result<(), Fault> {
        if let Some(work) = self.work.take() {
            self.done = Some(work(batch)?);
        }
        Ok(())
    }
    fn answer(self: Box<Self>, outcome: Result<(), Fault>) {
        let Self { done, answer, .. } = *self;
        // Whoever asked may have gone.
        let _ = answer.send(outcome.and_then(|()| done.ok_or_else(stopped)));
    }
    fn alone(&self) -> bool {
        self.alone
    }
}

/// The writer, as everybody else sees it. When the last handle goes, what is queued is still done.
pub(crate) struct Writer {
    queue: Option<Sender<Box<dyn Work>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread on its connection.
    pub(crate) fn start(sql: Connection, shared: Arc<Shared>) -> std::io::Result<Self> {
        let (queue, jobs) = std::sync::mpsc::channel();
        let heads = Heads::new(shared.topics.ends.clone());
        let turns = Turns {
            sql,
            shared,
            heads,
            doubt: false,
        };
        let thread = std::thread::Builder::new()
            .name("troupe-writer".into())
            .spawn(move || turns.run(&jobs))?;
        Ok(Self {
            queue: Some(queue),
            thread: Mutex::new(Some(thread)),
        })
    }
    /// A writer that refuses everything: the file is only read.
    pub(crate) fn none() -> Self {
        Self {
            queue: None,
            thread: Mutex::new(None),
        }
    }

    /// Queues a job now; the future is its outcome. A future that is dropped does not stop the job.
    pub(crate) fn run<T, F>(
        &self,
        work: F,
    ) -> impl Future<Output = Result<T, Fault>> + Send + 'static
    where
        T: Send + 'static,
        F: FnOnce(&mut Batch<'_>) -> Result<T, Fault> + Send + 'static,
    {
        self.enqueue(work, false)
    }
    /// The same, in a transaction of its own.
    pub(crate) fn run_alone<T, F>(
        &self,
        work: F,
    ) -> impl Future<Output = Result<T, Fault>> + Send + 'static
    where
        T: Send + 'static,
        F: FnOnce(&mut Batch<'_>) -> Result<T, Fault> + Send + 'static,
    {
        self.enqueue(work, true)
    }

    fn enqueue<T, F>(
        &self,
        work: F,
        alone: bool,
    ) -> impl Future<Output = Result<T, Fault>> + Send + 'static
    where
        T: Send + 'static,
        F: FnOnce(&mut Batch<'_>) -> Result<T, Fault> + Send + 'static,
    {
        let (answer, outcome) = oneshot::channel();
        let queued = match &self.queue {
            Some(queue) => {
                let job = Job {
                    work: Some(work),
                    done: None,
                    answer,
                    alone,
                };
                queue.send(Box::new(job)).map_err(|_| stopped())
            }
            None => Err(Fault::Failed(
                "the file is open for reading only".to_owned(),
            )),
        };
        async move {
            queued?;
            outcome.await.unwrap_or_else(|_| Err(stopped()))
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the writer had panicked");
        }
    }
}

fn stopped() -> Fault {
    Fault::Failed("the writer has stopped".to_owned())
}

/// What the thread owns.
struct Turns {
    sql: Connection,
    shared: Arc<Shared>,
    heads: Heads,
    /// A commit failed on its way to the disk: the next one settles it.
    doubt: bool,
}

impl Turns {
    fn run(mut self, queue: &Receiver<Box<dyn Work>>) {
        while let Ok(first) = queue.recv() {
            let mut next = Some(first);
            while let Some(first) = next.take() {
                next = self.turn(first, queue);
                if self.shared.groups.has_orphans() {
                    self.adopt();
                }
            }
        }
    }

    /// One transaction; what comes back did not fit into it.
    fn turn(
        &mut self,
        first: Box<dyn Work>,
        queue: &Receiver<Box<dyn Work>>,
    ) -> Option<Box<dyn Work>> {
        let mut jobs = vec![];
        let mut left = Some(first);
        let outcome = self.transaction(|batch| {
            let begun = Instant::now();
            while let Some(mut job) = left.take() {
                let alone = job.alone();
                if alone && !jobs.is_empty() {
                    left = Some(job);
                    return Ok(());
                }
                let applied = job.apply(batch);
                jobs.push(job);
                applied?;
                if alone || begun.elapsed() > TURN || batch.bytes > TURN_BYTES {
                    return Ok(());
                }
                left = queue.try_recv().ok();
            }
            Ok(())
        });
        if let Err(fault) = &outcome {
            tracing::warn!(?fault, jobs = jobs.len(), "a transaction was rolled back");
        }
        // Where not even BEGIN worked, the first job was never taken.
        if let (Err(fault), Some(job)) = (&outcome, jobs.is_empty().then(|| left.take()).flatten())
        {
            job.answer(Err(fault.clone()));
        }
        for job in jobs {
            job.answer(outcome.clone());
        }
        left
    }

    /// Runs `work` between BEGIN and COMMIT, then shows what it did to the rest of the process.
    fn transaction(
        &mut self,
        work: impl FnOnce(&mut Batch<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut batch = Batch {
            sql: &self.sql,
            shared: &self.shared,
            now_ms: self.shared.clock.now_ms(),
            heads: &mut self.heads,
            appended: vec![],
            after: vec![],
            bytes: 0,
        };
        let crash = &self.shared.crash;
        let mut doubt = self.doubt;
        let attempt = || -> Result<(), Fault> {
            batch.sql.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
            crash.pass(CrashPoint::AfterBegin);
            if doubt {
                batch
                    .sql
                    .execute("UPDATE meta SET value = value + 1 WHERE name = 'doubt'", [])?;
            }
            work(&mut batch)?;
            crash.pass(CrashPoint::BeforeCommit);
            let committed = batch
                .sql
                .prepare_cached("COMMIT")?
                .execute([])
                .map_err(Fault::from);
            doubt = doubt && committed.is_err();
            committed.map(|_| ()).map_err(Fault::while_committing)
        };
        let outcome = attempt();
        self.doubt = doubt || matches!(outcome, Err(Fault::Doubt(_)));
        if let Err(fault) = outcome {
            batch.heads.roll_back();
            if !self.sql.is_autocommit()
                && let Err(error) = self.sql.execute_batch("ROLLBACK")
            {
                tracing::error!(%error, "cannot roll back");
            }
            return Err(fault);
        }
        crash.pass(CrashPoint::AfterCommitBeforeAnswer);
        let Batch {
            appended,
            after,
            heads,
            ..
        } = batch;
        let touched = heads.commit();
        self.shared.tail.push(appended);
        for act in after {
            act(&self.shared);
        }
        for topic in touched
            .into_iter()
            .filter_map(|no| self.shared.topics.by_no(no))
        {
            topic.changed.notify_waiters();
        }
        Ok(())
    }

    /// Gives partitions that lost their owner to a member that is left.
    fn adopt(&mut self) {
        if let Err(fault) = self.transaction(Groups::adopt) {
            tracing::warn!(?fault, "partitions wait for an owner");
        }
    }
}
