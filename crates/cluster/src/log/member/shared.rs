//! What a member's threads and its callers share.
use super::inbox::Inbox;
use super::leases::Leases;
use super::publishing::Command;
use crate::log::health::{MemberHealth, PartitionHealth};
use crate::log::options::Room;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::thread::Thread;
use std::time::Instant;
use tokio::sync::watch;

pub(super) struct Shared {
    pub leases: Leases,
    pub inbox: Inbox,
    /// The thread that fetches.
    fetching: OnceLock<Thread>,
    commands: Mutex<Option<mpsc::Sender<Command>>>,
    stopping: AtomicBool,
    group_event: AtomicBool,
    has_left: watch::Sender<bool>,
    health: Mutex<Health>,
    /// Counts what changed in it, but for the time of the last poll.
    changes: watch::Sender<u64>,
}

struct Health {
    partitions: BTreeMap<i32, PartitionHealth>,
    polled_at: Instant,
    fetched_at: Option<Instant>,
    trouble: Option<String>,
}

impl Shared {
    pub fn new(room: Room, commands: mpsc::Sender<Command>) -> Self {
        Self {
            leases: Leases::default(),
            inbox: Inbox::new(room),
            fetching: OnceLock::new(),
            commands: Mutex::new(Some(commands)),
            stopping: AtomicBool::new(false),
            group_event: AtomicBool::new(true),
            has_left: watch::Sender::new(false),
            health: Mutex::new(Health {
                partitions: BTreeMap::new(),
                polled_at: Instant::now(),
                fetched_at: None,
                trouble: None,
            }),
            changes: watch::Sender::new(0),
        }
    }

    pub fn fetched_by(&self, thread: Thread) {
        let _ = self.fetching.set(thread);
        self.wake();
    }
    /// Wakes the thread that fetches; nothing is missed if it is awake.
    pub fn wake(&self) {
        if let Some(thread) = self.fetching.get() {
            thread.unpark();
        }
    }
    /// The group has something to say.
    pub fn group_event(&self) {
        self.group_event.store(true, Ordering::Release);
        self.wake();
    }
    pub fn take_group_event(&self) -> bool {
        self.group_event.swap(false, Ordering::AcqRel)
    }

    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.wake();
    }
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
    pub fn left(&self) {
        self.has_left.send_replace(true);
    }
    pub fn leaving(&self) -> watch::Receiver<bool> {
        self.has_left.subscribe()
    }

    /// Hands a command to the thread that publishes; back if it has ended.
    pub fn command(&self, command: Command) -> Result<(), Command> {
        let commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
        match &*commands {
            Some(commands) => commands.send(command).map_err(|e| e.0),
            None => Err(command),
        }
    }
    /// The thread that publishes ends when it has done what it was told.
    pub fn close_publisher(&self) {
        let mut commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
        commands.take();
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn change(&self, change: impl FnOnce(&mut Health)) {
        change(&mut self.health());
        self.changes.send_modify(|changes| *changes += 1);
    }
    /// Tells whenever something changes in what [`Self::tell`] says.
    #[cfg(all(test, feature = "servers"))]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
    pub fn polled(&self) {
        self.health().polled_at = Instant::now();
    }
    pub fn last_trouble(&self, why: String) {
        self.change(|health| health.trouble = Some(why));
    }
    pub fn started(&self, partition: i32, at: i64) {
        let begun = PartitionHealth {
            position: at,
            end: None,
            full: false,
            stopped: None,
        };
        self.change(|health| {
            health.partitions.insert(partition, begun);
        });
    }
    pub fn ended(&self, partition: i32) {
        self.change(|health| {
            health.partitions.remove(&partition);
        });
    }
    pub fn fetched(&self, partition: i32, position: i64) {
        self.change(|health| {
            health.fetched_at = Some(Instant::now());
            if let Some(of) = health.partitions.get_mut(&partition) {
                of.position = position;
            }
        });
    }
    pub fn position(&self, partition: i32) -> i64 {
        let health = self.health();
        health.partitions.get(&partition).map_or(0, |p| p.position)
    }
    pub fn ends_at(&self, partition: i32, end: Option<i64>, full: bool) {
        self.change(|health| {
            if let Some(of) = health.partitions.get_mut(&partition) {
                of.end = end;
                of.full = full;
            }
        });
    }
    pub fn stopped(&self, partition: i32, why: &str) {
        let unread = PartitionHealth {
            position: 0,
            end: None,
            full: false,
            stopped: None,
        };
        self.change(|health| {
            let of = health.partitions.entry(partition).or_insert(unread);
            of.stopped = Some(why.to_owned());
        });
    }

    pub fn tell(&self, consumer: &Arc<str>) -> MemberHealth {
        let health = self.health();
        MemberHealth {
            consumer: consumer.clone(),
            since_polled: health.polled_at.elapsed(),
            since_fetched: health.fetched_at.map(|at| at.elapsed()),
            partitions: health.partitions.clone(),
            trouble: health.trouble.clone(),
        }
    }
}
