//! A member of a consumer's group: two threads of its own, one that fetches, one that publishes.
mod checkpoints;
mod context;
mod fetching;
mod inbox;
mod leases;
mod publishing;
mod shared;

use super::health::MemberHealth;
use super::message::unreachable;
use super::options::Options;
use super::topics::Topics;
use context::Context;
use fetching::Fetching;
use publishing::{Command, Publishing};
use rdkafka::consumer::{BaseConsumer, Consumer};
use runtime::BoxFuture;
use runtime::ports::PortError;
use runtime::ports::log::{
    Checkpoint, Happening, Joining, Lease, Member, Publication, PublishError,
};
use shared::Shared;
use std::sync::{Arc, mpsc};
use tokio::sync::oneshot;
use uuid::Uuid;

/// A membership. Dropping it leaves the group too, without waiting for that.
pub(super) struct KafkaMember {
    shared: Arc<Shared>,
}

/// What the log keeps of a member.
pub(super) struct Watch {
    consumer: Arc<str>,
    shared: std::sync::Weak<Shared>,
}

impl Watch {
    /// `None` when the member has left.
    pub fn tell(&self) -> Option<MemberHealth> {
        let shared = self.shared.upgrade()?;
        (!shared.is_stopping()).then(|| shared.tell(&self.consumer))
    }
    /// Tells whenever the answer changes.
    #[cfg(all(test, feature = "servers"))]
    pub fn changes(&self) -> Option<tokio::sync::watch::Receiver<u64>> {
        Some(self.shared.upgrade()?.changes())
    }
}

impl KafkaMember {
    /// Joins; blocks for as long as creating a client takes.
    pub fn join(
        joining: Joining,
        options: &Options,
        topics: &Arc<Topics>,
    ) -> Result<(Self, Watch), PortError> {
        let (commanding, commands) = mpsc::channel();
        let shared = Arc::new(Shared::new(options.room, commanding));
        let config = options.member(&joining.consumer);
        let mut consumer: BaseConsumer<Context> = config
            .create_with_context(Context::default())
            .map_err(unreachable)?;
        let events = shared.clone();
        consumer.set_nonempty_callback(move || events.group_event());
        consumer.subscribe(&[&joining.topic]).map_err(unreachable)?;
        let consumer = Arc::new(consumer);
        let name = joining.consumer.clone();

        let publishing = Publishing::new(
            consumer.clone(),
            shared.clone(),
            joining.topic.clone(),
            topics.clone(),
            options.clone(),
            // K3. Each membership is a start of its own: two of one consumer in one process do not fence each other.
            format!("{}.{name}.{}", options.cluster, Uuid::now_v7()),
        );
        let publisher = std::thread::Builder::new()
            .name(format!("publish {name}"))
            .spawn(move || publishing.run(&commands))
            .map_err(unreachable)?;
        let (first, bounds) = (options.first_checkpoints, options.bounds);
        let mut fetching = Fetching::new(consumer, shared.clone(), joining, first, bounds);
        fetching.publisher = Some(publisher);
        let fetcher = std::thread::Builder::new()
            .name(format!("fetch {name}"))
            .spawn(move || fetching.run())
            .map_err(unreachable)?;
        shared.fetched_by(fetcher.thread().clone());
        let watch = Watch {
            consumer: name,
            shared: Arc::downgrade(&shared),
        };
        Ok((Self { shared }, watch))
    }
}

/// A commit costs milliseconds whatever it holds: so many messages of a partition make it cheap.
const ROOM: usize = 8_000;

impl Member for KafkaMember {
    fn room(&self) -> usize {
        ROOM
    }

    fn next(&self) -> BoxFuture<'_, Result<Happening, PortError>> {
        Box::pin(self.shared.inbox.next(|| self.shared.wake()))
    }

    fn pause(&self, lease: Lease, paused: bool) {
        self.shared.inbox.pause(lease, paused);
    }

    fn publish(&self, publication: Publication) -> BoxFuture<'_, Result<(), PublishError>> {
        Box::pin(async move {
            let leases: Vec<Lease> = publication.checkpoints.iter().map(|(l, _)| *l).collect();
            let over = self.shared.leases.over(leases.iter().copied());
            if !over.is_empty() {
                return Err(PublishError::Fenced(over));
            }
            if publication.outgoing.is_empty() && leases.is_empty() {
                return Ok(());
            }
            let (done, hearing) = oneshot::channel();
            let command = Command::Publish(publication, done);
            if self.shared.command(command).is_err() {
                return Err(gone(leases));
            }
            match hearing.await {
                Ok(published) => published,
                Err(_) => Err(PublishError::Unknown("the member is gone".to_owned())),
            }
        })
    }

    fn committed(&self, lease: Lease) -> BoxFuture<'_, Result<Option<Checkpoint>, PublishError>> {
        Box::pin(async move {
            let (done, hearing) = oneshot::channel();
            if self
                .shared
                .command(Command::Committed(lease, done))
                .is_err()
            {
                return Err(gone(vec![lease]));
            }
            hearing.await.unwrap_or_else(|_| Err(gone(vec![lease])))
        })
    }

    fn leave(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let mut left = self.shared.leaving();
            self.shared.stop();
            // Fails only if the threads are gone, and then it has left.
            let _ = left.wait_for(|left| *left).await;
        })
    }
}

/// A member that left holds nothing.
fn gone(leases: Vec<Lease>) -> PublishError {
    if leases.is_empty() {
        unreachable("the member has left").into()
    } else {
        PublishError::Fenced(leases)
    }
}

impl Drop for KafkaMember {
    fn drop(&mut self) {
        self.shared.stop();
    }
}
