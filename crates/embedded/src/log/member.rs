//! A member of a consumer's group.
use crate::crash::CrashPoint;
use crate::embedded::Inner;
use crate::fault::Fault;
use crate::log::append::{Checked, check};
use crate::log::checkpoints;
use crate::log::groups::Groups;
use crate::log::rows::{self, FETCH_MESSAGES};
use crate::log::seat::{Ready, Seat};
use crate::state::save;
use crate::writer::Batch;
use runtime::ports::log::{
    Checkpoint, Happening, Joining, Lease, Member, Publication, PublishError, Together,
};
use runtime::ports::state::Save;
use runtime::{BoxFuture, PortError};
use std::pin::pin;
use std::sync::Arc;
use tokio::sync::Mutex;

/// The member; dropping it gives its partitions back, as the end of a process does.
pub(crate) struct Membership {
    inner: Arc<Inner>,
    seat: Arc<Seat>,
    /// One caller of `next` at a time.
    turn: Mutex<()>,
}

impl Membership {
    /// Joins.
    pub(crate) async fn join(inner: Arc<Inner>, joining: Joining) -> Result<Self, PortError> {
        let refuse = |why: String| PortError::Unreachable { port: "log", why };
        let topic = inner.shared.topics.get(&joining.topic).map(Arc::clone);
        let topic = topic.ok_or_else(|| refuse(format!("there is no topic {}", joining.topic)))?;
        let seat = Seat::new(inner.next_member(), Arc::clone(&joining.consumer), topic);
        // From here on, dropping it leaves.
        let member = Self {
            inner,
            seat: Arc::clone(&seat),
            turn: Mutex::new(()),
        };
        let joined = member
            .inner
            .writer
            .run_alone(move |batch| Groups::join(batch, &joining, &seat));
        joined
            .await
            .map_err(|fault| fault.of("log"))?
            .map_err(refuse)?;
        Ok(member)
    }

    fn commit(
        &self,
        saves: Vec<Save>,
        publication: Publication,
    ) -> BoxFuture<'static, Result<Together, PublishError>> {
        let outgoing = match check(&self.inner.shared.topics, publication.outgoing) {
            Ok(outgoing) => outgoing,
            Err((index, error)) => {
                let why = error.to_string();
                return Box::pin(async move { Err(PublishError::Refused { index, why }) });
            }
        };
        if let Err(error) = save::check(&saves) {
            return Box::pin(async { Err(error.into()) });
        }
        let (seat, checkpoints) = (Arc::clone(&self.seat), publication.checkpoints);
        let done = self
            .inner
            .writer
            .run(move |batch| commit(batch, &seat, &saves, outgoing, &checkpoints));
        Box::pin(async move { done.await.map_err(Fault::of_publication)? })
    }
}

fn commit(
    batch: &mut Batch<'_>,
    seat: &Seat,
    saves: &[Save],
    outgoing: Vec<Checked>,
    checkpoints: &[(Lease, Checkpoint)],
) -> Result<Result<Together, PublishError>, Fault> {
    let stale = batch
        .shared
        .groups
        .stale(seat, checkpoints.iter().map(|(lease, _)| *lease));
    if !stale.is_empty() {
        return Ok(Err(PublishError::Fenced(stale)));
    }
    let lost = save::lost(batch.sql, saves)?;
    if !lost.is_empty() {
        return Ok(Ok(Together::Lost(lost)));
    }
    for change in saves {
        batch.bytes += save::weight(change);
        save::write(batch.sql, change)?;
    }
    if !saves.is_empty() {
        batch.shared.crash.pass(CrashPoint::BetweenStateAndLog);
    }
    batch.append(outgoing)?;
    batch.shared.crash.pass(CrashPoint::BeforeCheckpoint);
    for (lease, checkpoint) in checkpoints {
        checkpoints::save(
            batch.sql,
            &seat.consumer,
            seat.topic.no,
            lease.partition,
            checkpoint,
        )?;
    }
    Ok(Ok(Together::Done))
}

impl Member for Membership {
    fn next(&self) -> BoxFuture<'_, Result<Happening, PortError>> {
        Box::pin(async move {
            let _turn = self.turn.lock().await;
            loop {
                let mut changed = pin!(self.seat.topic.changed.notified());
                changed.as_mut().enable();
                match self.seat.ready(&self.inner.shared.tail) {
                    Ready::Told(happening) => return Ok(happening),
                    Ready::Nothing => changed.await,
                    Ready::InFile(lease, from, end) => {
                        let topic = Arc::clone(&self.seat.topic);
                        let read = move |sql: &_| {
                            rows::read(sql, &topic, lease.partition, from, FETCH_MESSAGES)
                        };
                        let messages = self
                            .inner
                            .readers
                            .run(read)
                            .await
                            .map_err(|fault| fault.of("log"))?;
                        if let Some(happening) = self.seat.fetched(lease, from, end, messages) {
                            return Ok(happening);
                        }
                    }
                }
            }
        })
    }

    fn pause(&self, lease: Lease, paused: bool) {
        self.seat.pause(lease, paused);
        if !paused {
            self.seat.topic.changed.notify_waiters();
        }
    }

    fn publish(&self, publication: Publication) -> BoxFuture<'_, Result<(), PublishError>> {
        let done = self.commit(vec![], publication);
        Box::pin(async move { done.await.map(|_| ()) })
    }

    fn together(
        &self,
        saves: &[Save],
        publication: &Publication,
    ) -> Option<BoxFuture<'_, Result<Together, PublishError>>> {
        Some(self.commit(saves.to_vec(), publication.clone()))
    }

    fn committed(&self, lease: Lease) -> BoxFuture<'_, Result<Option<Checkpoint>, PublishError>> {
        // Through the writer: whatever was published before is behind it then.
        let seat = Arc::clone(&self.seat);
        let found = self.inner.writer.run(move |batch| {
            let stale = batch.shared.groups.stale(&seat, std::iter::once(lease));
            if !stale.is_empty() {
                return Ok(Err(PublishError::Fenced(stale)));
            }
            Ok(Ok(checkpoints::load(
                batch.sql,
                &seat.consumer,
                seat.topic.no,
                lease.partition,
            )?))
        });
        Box::pin(async move { found.await.map_err(Fault::of_publication)? })
    }

    fn leave(&self) -> BoxFuture<'_, ()> {
        let left = self.begin_to_leave();
        Box::pin(async move {
            if let Err(fault) = left.await {
                tracing::warn!(?fault, "left while the file could not be written");
            }
        })
    }
}

impl Membership {
    fn begin_to_leave(&self) -> impl Future<Output = Result<(), Fault>> + Send + 'static {
        let seat = Arc::clone(&self.seat);
        self.inner.writer.run_alone(move |batch| {
            batch.shared.groups.leave(&seat);
            Ok(())
        })
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        // The job is queued already; nobody needs its outcome.
        drop(self.begin_to_leave());
    }
}
