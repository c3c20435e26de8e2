//! Partitions that come and go, and what is fetched of them.
use super::super::checkpoint::{PAUSE_AT, Tracker};
use super::super::dead::header;
use super::super::lane::Queued;
use super::super::parking::{FULL_BYTES, Parked};
use super::super::sabotage::Sabotage;
use super::super::stats::Stats;
use super::super::takeover::Care;
use super::passing::{Passed, bytes_key};
use super::{Actor, PAUSE, Partition};
use crate::consumer::Behaviour;
use crate::inbox::{Incoming, Opening};
use crate::ports::log::{Checkpoint, Happening, Lease, Member, Message};
use crate::{Moment, PortError};
use bytes::Bytes;
use events::Envelope;
use std::sync::Arc;
use tokio::task::AbortHandle;

impl Partition {
    /// What is frozen does not count: the next batch is fetched and handled while that is committed.
    fn is_full(&self, room: usize) -> bool {
        self.checkpoint_bytes > PAUSE_AT
            || self.waiting_bytes >= FULL_BYTES
            || self.tracker.open() >= room
    }
    fn is_roomy(&self, room: usize) -> bool {
        self.checkpoint_bytes <= PAUSE_AT
            && self.waiting_bytes < FULL_BYTES / 2
            && self.tracker.open() < room - room / 4
    }
}

impl Actor {
    pub(super) async fn happened(&mut self, happening: Happening, member: &dyn Member) {
        match happening {
            Happening::Assigned {
                lease,
                checkpoint,
                topic_id,
            } => {
                self.assigned(lease, checkpoint, topic_id).await;
            }
            Happening::Revoked(lease) => self.revoked(lease),
            Happening::Fetched(lease, messages) => self.fetched(lease, messages, member).await,
        }
        Stats::set(&self.stats.partitions, self.partitions.len());
    }

    async fn assigned(&mut self, lease: Lease, checkpoint: Option<Checkpoint>, topic_id: Arc<str>) {
        let broken = self.spec.breaks(Sabotage::C1DoneAgainAfterRestart);
        let checkpoint = checkpoint.map(|c| {
            if broken {
                Checkpoint {
                    text: String::new(),
                    ..c
                }
            } else {
                c
            }
        });
        self.forget(lease.partition);
        let partition = Partition {
            lease,
            topic_id,
            tracker: Tracker::begin(checkpoint.as_ref()),
            assigned_at_ms: self.ports.clock.now_ms(),
            paused: false,
            checkpoint_bytes: 0,
            waiting_bytes: 0,
            care: Care::Free,
            parked: Parked::default(),
            passed: Passed::default(),
        };
        self.partitions.insert(lease.partition, partition);
        self.take_over(lease).await;
        while let Err(e) = self.load_due(lease.partition).await {
            tracing::warn!(consumer = %self.spec.name, error = %e, "wakes cannot be read yet");
            self.ports.clock.sleep(PAUSE).await;
        }
    }

    /// What wants to be woken (E7), and what is parked (C2).
    async fn load_due(&mut self, partition: i32) -> Result<(), PortError> {
        let state = &*self.ports.state;
        if self.spec.wakes() {
            self.wakes.load(state, &self.spec.name, partition).await?;
        }
        if self.spec.parks {
            let holds = self.spec.holds();
            self.parked.load(state, &holds, partition).await?;
        }
        Ok(())
    }

    pub(super) fn revoked(&mut self, lease: Lease) {
        let ours = self
            .partitions
            .get(&lease.partition)
            .is_some_and(|p| p.lease == lease);
        if ours {
            self.forget(lease.partition);
        }
    }

    fn forget(&mut self, partition: i32) {
        self.partitions.remove(&partition);
        // A step that goes on would meet the same message of the next lease, should it be ours again.
        let ended = self.lanes.forget(partition);
        let steps = ended.iter().filter_map(|lane| lane.step.as_ref());
        steps.for_each(AbortHandle::abort);
        self.to_commit.retain(|id| id.partition != partition);
        self.timers.retain(|(_, id)| id.partition != partition);
        self.dirty.remove(&partition);
        self.wakes.forget(partition);
        self.parked.forget(partition);
    }

    async fn fetched(&mut self, lease: Lease, messages: Vec<Message>, member: &dyn Member) {
        for message in messages {
            let key = self.lane_key(&message).await;
            let Some(partition) = self.partitions.get_mut(&lease.partition) else {
                return;
            };
            if partition.lease != lease {
                return;
            }
            let Some(attempts) = partition.tracker.fetched(message.at.offset) else {
                continue;
            };
            // Attempts from before it was parked (C2). What has some left was parked, whatever a header says.
            let before = message.headers.text(header::PARKED_ATTEMPTS);
            let before = before.and_then(|n| n.parse().ok()).unwrap_or(0);
            let attempts = attempts.max(before.min(self.spec.attempts - 1));
            Stats::add(&self.stats.fetched, 1);
            let queued = Queued::new(message, attempts);
            partition.waiting_bytes += queued.size;
            let key = key.unwrap_or_else(|| queued.message.key.clone());
            let Some(queued) = self.pass(lease, queued, &key) else {
                continue;
            };
            let id = self.lanes.of(lease.partition, &key);
            if let Some(lane) = self.lanes.get_mut(id) {
                lane.queue.push_back(queued);
            }
            self.list(id);
        }
        let Some(partition) = self.partitions.get_mut(&lease.partition) else {
            return;
        };
        if !partition.paused && partition.is_full(self.room) {
            partition.paused = true;
            member.pause(lease, true);
        }
        self.count_waiting();
    }

    pub(super) fn resume_fetching(&mut self, member: &dyn Member) {
        for partition in self.partitions.values_mut() {
            if partition.paused && partition.is_roomy(self.room) {
                partition.paused = false;
                member.pause(partition.lease, false);
            }
        }
        let numbers: Vec<i32> = self.partitions.keys().copied().collect();
        numbers
            .into_iter()
            .for_each(|number| self.make_room(number));
        self.count_waiting();
    }
    fn count_waiting(&self) {
        let waiting = self.partitions.values().map(|p| p.tracker.waiting());
        Stats::set(&self.stats.waiting, waiting.sum());
    }

    /// A lane is a key, the message's own if nothing is said here; a view's lane is a view key, since its rows are (V1).
    async fn lane_key(&self, message: &Message) -> Option<Bytes> {
        if self.spec.breaks(Sabotage::C3TwoAtATime) {
            let offset = message.at.offset.to_be_bytes();
            return Some([&message.key[..], b"/", &offset].concat().into());
        }
        let step = match &self.spec.behaviour {
            Behaviour::Bytes(_) => return Some(bytes_key(message)),
            Behaviour::View(step) => step,
            Behaviour::Entity(_) | Behaviour::Handlers(_) | Behaviour::Route(_) => return None,
        };
        let Ok(datum) = self.ports.schemas.datum(&message.payload).await else {
            return None;
        };
        let key = String::from_utf8_lossy(&message.key).into_owned();
        let (tenant, id) = key.split_once('/').unwrap_or((&key, ""));
        let envelope = Envelope::read(&message.headers);
        let incoming = Incoming {
            datum,
            envelope: &envelope,
            tenant,
            opening: &Opening::Shut,
        };
        let at = Moment {
            tenant: tenant.into(),
            id: id.into(),
            reply_status: envelope.reply_status,
            request: envelope.request.clone(),
            ..Moment::blank()
        };
        match step.key(&incoming, &at) {
            Ok(view_key) => Some(format!("{tenant}/{view_key}").into()),
            Err(_) => None,
        }
    }
}
