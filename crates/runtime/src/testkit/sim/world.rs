//! The one world behind all ports of all simulated processes.
use super::blobs::Stored;
use super::faults::{Call, Fault, Faults};
use super::groups::{Group, MemberState, Transaction};
use super::history::{Event, History, What, process_name};
use super::random::Random;
use super::search::Index;
use super::topics::Topic;
use super::{Side, SimOptions};
use crate::ports::log::{Message, Outgoing};
use crate::ports::state::Row;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::time::Instant;

/// The world, shared.
#[derive(Clone)]
pub(super) struct Shared(pub Arc<Mutex<World>>);

impl Shared {
    /// For one step; never held while something is awaited.
    pub fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a process is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Running,
    /// SIGSTOP: everything it calls waits.
    Stopped,
    /// SIGKILL: nothing that it calls ever returns.
    Crashed,
}

/// What befalls a process at a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blow {
    Crash,
    Stop,
}

/// A process, over all its starts.
pub(super) struct Process {
    /// How often it was started; a port of an earlier start is a crashed process's.
    pub start: u32,
    pub status: Status,
    /// Told when status or start change.
    pub changed: Arc<Notify>,
    /// Since when it has been silent, in virtual milliseconds.
    pub silent_since: Option<u64>,
    /// Write calls so far.
    pub writes: u64,
    /// What befalls it at which write.
    pub blows: Vec<(u64, Side, Blow)>,
    /// How far its clock has stepped back.
    pub behind_ms: i64,
    /// No delays and no faults.
    pub calm: bool,
    /// Its own chance, for `Clock::random`.
    pub random: Random,
}

/// Everything there is.
pub(super) struct World {
    pub me: std::sync::Weak<Mutex<World>>,
    pub options: SimOptions,
    pub random: Random,
    pub began: Instant,
    pub processes: BTreeMap<Arc<str>, Process>,
    pub topics: BTreeMap<String, Topic>,
    pub groups: BTreeMap<String, Group>,
    pub members: BTreeMap<u64, MemberState>,
    pub transactions: BTreeMap<u64, Transaction>,
    pub publications: u64,
    pub rows: BTreeMap<String, BTreeMap<String, Arc<Row>>>,
    pub schemas: Vec<String>,
    pub index: Index,
    pub blobs: BTreeMap<(String, String), Stored>,
    pub history: History,
    pub faults: Faults,
}

impl World {
    /// A new world of `seed`.
    pub fn begin(seed: u64, options: SimOptions) -> Shared {
        Shared(Arc::new_cyclic(|me| {
            Mutex::new(World {
                me: me.clone(),
                options,
                random: Random::new(seed),
                began: Instant::now(),
                processes: BTreeMap::new(),
                topics: BTreeMap::new(),
                groups: BTreeMap::new(),
                members: BTreeMap::new(),
                transactions: BTreeMap::new(),
                publications: 0,
                rows: BTreeMap::new(),
                schemas: Vec::new(),
                index: Index::default(),
                blobs: BTreeMap::new(),
                history: History::default(),
                faults: Faults::default(),
            })
        }))
    }

    /// Virtual milliseconds since the world began.
    pub fn elapsed_ms(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }

    /// What the brokers' clocks show; they never step back.
    pub fn now_ms(&self) -> i64 {
        self.options.epoch_ms + self.elapsed_ms() as i64
    }

    pub fn note(&mut self, process: impl Into<Arc<str>>, what: What) {
        self.history.0.push(Event {
            at_ms: self.elapsed_ms(),
            process: process.into(),
            what,
        });
    }

    /// Notes something in words.
    pub fn tell(&mut self, process: impl Into<Arc<str>>, text: impl Into<String>) {
        self.note(process, What::Note(text.into()));
    }

    /// Does something with the world after a while, as time, brokers and wires do.
    pub fn later(&self, wait: std::time::Duration, act: impl FnOnce(&mut World) + Send + 'static) {
        let me = self.me.clone();
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            if let Some(world) = me.upgrade() {
                act(&mut Shared(world).lock());
            }
        });
    }

    /// Appends a checked message and tells whom it concerns.
    pub fn append(
        &mut self,
        process: &Arc<str>,
        partition: i32,
        message: Outgoing,
        publication: Option<u64>,
        open: bool,
    ) -> Option<Arc<Message>> {
        let now_ms = self.now_ms();
        let topic = self.topics.get_mut(&*message.topic)?;
        let message = topic.append(partition, message, now_ms, open);
        let name = topic.name.clone();
        self.note(
            process.clone(),
            What::Appended {
                message: message.clone(),
                publication,
            },
        );
        self.grew(&name);
        Some(message)
    }

    /// Tells all who wait for a topic's messages.
    pub fn grew(&mut self, topic: &str) {
        let Some(topic) = self.topics.get(topic) else {
            return;
        };
        topic.grown.notify_waiters();
        let groups = topic
            .groups
            .iter()
            .filter_map(|name| self.groups.get(&**name));
        for member in groups.flat_map(|group| &group.members) {
            if let Some(member) = self.members.get(member) {
                member.news.notify_one();
            }
        }
    }

    // ---- processes ----

    /// Starts a process; what ran under its name before is dead.
    pub fn start(&mut self, name: &Arc<str>, calm: bool) -> u32 {
        if self
            .processes
            .get(name)
            .is_some_and(|process| process.status != Status::Crashed)
        {
            self.crash(name);
        }
        let random = self.random.stream(name);
        let process = self
            .processes
            .entry(name.clone())
            .or_insert_with(|| Process {
                start: 0,
                status: Status::Crashed,
                changed: Arc::default(),
                silent_since: None,
                writes: 0,
                blows: Vec::new(),
                behind_ms: 0,
                calm,
                random,
            });
        process.start += 1;
        process.status = Status::Running;
        process.silent_since = None;
        process.changed.notify_waiters();
        let start = process.start;
        if !calm {
            self.tell(process_name(name, start), "started");
        }
        start
    }

    /// SIGKILL.
    pub fn crash(&mut self, name: &Arc<str>) {
        self.strike(name, Status::Crashed, "crashed");
    }

    /// SIGSTOP.
    pub fn stop(&mut self, name: &Arc<str>) {
        self.strike(name, Status::Stopped, "stopped");
    }

    fn strike(&mut self, name: &Arc<str>, status: Status, word: &str) {
        let Some(process) = self.processes.get_mut(name) else {
            return;
        };
        if process.status == status || process.status == Status::Crashed {
            return;
        }
        let was_silent = process.status == Status::Stopped;
        process.status = status;
        process.changed.notify_waiters();
        let (start, name) = (process.start, name.clone());
        self.tell(process_name(&name, start), word);
        if was_silent {
            return; // its session runs out already
        }
        let since = self.elapsed_ms();
        if let Some(process) = self.processes.get_mut(&name) {
            process.silent_since = Some(since);
        }
        self.later(self.options.session, move |world| {
            let silent = world.processes.get(&name).is_some_and(|process| {
                process.start != start || process.silent_since == Some(since)
            });
            if silent {
                world.expire(&name, start);
            }
        });
    }

    /// SIGCONT.
    pub fn resume(&mut self, name: &Arc<str>) {
        let Some(process) = self.processes.get_mut(name) else {
            return;
        };
        if process.status != Status::Stopped {
            return;
        }
        process.status = Status::Running;
        process.silent_since = None;
        process.changed.notify_waiters();
        let start = process.start;
        self.tell(process_name(name, start), "resumed");
        let members = self
            .members
            .values()
            .filter(|state| state.process == *name && state.start == start);
        let consumers: Vec<Arc<str>> = members.map(|state| state.consumer.clone()).collect();
        for consumer in consumers {
            self.rebalance(&consumer);
        }
    }

    /// Counts a write of a process and says whether something befalls it there.
    pub fn blow(&mut self, name: &Arc<str>, call: Call, write: u64, side: Side) {
        let Some(process) = self.processes.get_mut(name) else {
            return;
        };
        let blow = process
            .blows
            .iter()
            .position(|(at, on, _)| (*at, *on) == (write, side));
        let Some(blow) = blow.map(|index| process.blows.swap_remove(index).2) else {
            return;
        };
        let fault = match (blow, side) {
            (Blow::Crash, Side::Before) => Fault::CrashBefore,
            (Blow::Crash, Side::After) => Fault::CrashAfter,
            (Blow::Stop, Side::Before) => Fault::StopBefore,
            (Blow::Stop, Side::After) => Fault::StopAfter,
        };
        self.meets(call, fault);
        match blow {
            Blow::Crash => self.crash(name),
            Blow::Stop => self.stop(name),
        }
    }

    /// How long one way of a call takes.
    pub fn delay_ms(&mut self, process: &Arc<str>) -> u64 {
        if self.is_calm(process) {
            return 0;
        }
        if self.random.chance(self.options.slow) {
            return self.random.between(1, self.options.slow_ms);
        }
        self.random.between(0, self.options.delay_ms)
    }

    /// Whether a fault that happens in so many of 1,000 calls happens to a call of this process.
    pub fn fault(&mut self, process: &Arc<str>, per_mille: fn(&SimOptions) -> u32) -> bool {
        !self.is_calm(process) && self.random.chance(per_mille(&self.options))
    }

    /// Whether a process meets neither delays nor faults.
    pub fn is_calm(&self, process: &Arc<str>) -> bool {
        self.processes
            .get(process)
            .is_none_or(|process| process.calm)
    }

    /// Whether this start of a process is still its latest one, and not dead.
    pub fn is_start(&self, process: &Arc<str>, start: u32) -> bool {
        self.processes
            .get(process)
            .is_some_and(|process| process.start == start && process.status != Status::Crashed)
    }
}
