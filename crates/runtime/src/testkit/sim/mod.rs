//! A simulated cluster: deterministic, in memory, in the cluster's shape, not the embedded one's: two stores,
//! commits whose outcome is unknown, leases, zombies (docs/PROTOCOL.md).
//!
//! One [`Sim`] is one world. Each simulated process has its own ports to it, so that one can be killed (nothing
//! it calls ever returns), stopped (everything it calls waits: a zombie, whose partitions are taken over
//! meanwhile) and started again. Every call takes a seeded virtual time and may suffer a seeded fault.
//!
//! It is to be driven on a current-thread tokio with paused time; then the same seed gives the same history,
//! byte for byte, unless whoever uses the ports brings chance of their own.

mod blobs;
mod clock;
mod faults;
mod groups;
mod history;
mod log;
mod member;
mod options;
mod publish;
mod random;
mod schemas;
mod search;
mod state;
#[cfg(test)]
mod tests;
mod topics;
mod wire;
mod world;

pub use faults::{CALLS, Call, Fault};
pub use history::{Event, History, What};
pub use options::{SimOptions, SimTopic};
pub use random::Random;

use crate::Stores;
use crate::ports::blobs::Blobs;
use crate::ports::clock::Clock;
use crate::ports::log::{Checkpoint, Log, Message};
use crate::ports::schemas::SchemaRegistry;
use crate::ports::search::Search;
use crate::ports::state::{Row, State};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use wire::Wire;
use world::{Blow, Shared, World};

/// On which side of a write something befalls its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It was not sent: nothing of it ever happens.
    Before,
    /// It happened, and its answer is lost (or comes when the process is continued).
    After,
}

/// A simulated world. Clones are the same world.
#[derive(Clone)]
pub struct Sim {
    world: Shared,
}

impl Sim {
    /// A new world; all chance in it comes from `seed`. To be called within tokio, whose time should be paused.
    pub fn new(seed: u64, options: SimOptions) -> Self {
        Self {
            world: World::begin(seed, options),
        }
    }

    /// Makes a topic; nothing if there is one of that name.
    pub fn topic(&self, topic: SimTopic) {
        let mut world = self.world.lock();
        world
            .topics
            .entry(topic.name.clone())
            .or_insert_with(|| topics::Topic::new(topic));
    }

    /// From now on the topic takes nothing any more, whatever it says of itself.
    pub fn refuse(&self, topic: &str) {
        self.refuses(topic, true);
    }
    /// That topic takes messages again.
    pub fn accept(&self, topic: &str) {
        self.refuses(topic, false);
    }
    fn refuses(&self, topic: &str, refuses: bool) {
        if let Some(topic) = self.world.lock().topics.get_mut(topic) {
            topic.refuses = refuses;
        }
    }

    /// Starts a process. If one of that name still runs, it is killed first.
    pub fn process(&self, name: &str) -> SimProcess {
        let name: Arc<str> = name.into();
        let start = self.world.lock().start(&name, false);
        SimProcess {
            wire: Wire::new(self.world.clone(), name, start),
        }
    }

    /// Somebody outside, for loads and checkers: neither delays nor faults.
    pub fn outside(&self, name: &str) -> SimProcess {
        let name: Arc<str> = name.into();
        let start = self.world.lock().start(&name, true);
        SimProcess {
            wire: Wire::new(self.world.clone(), name, start),
        }
    }

    /// SIGKILL: nothing that the process called or calls ever returns. What it has sent still arrives, and its
    /// partitions are missed when its session runs out.
    pub fn crash(&self, process: &str) {
        self.world.lock().crash(&process.into());
    }

    /// SIGSTOP: whatever the process calls waits, until it is continued.
    pub fn stop(&self, process: &str) {
        self.world.lock().stop(&process.into());
    }

    /// SIGCONT.
    pub fn resume(&self, process: &str) {
        self.world.lock().resume(&process.into());
    }

    /// Kills the process at its `nth` write, counted from 1 over all its starts (see [`Sim::writes`]).
    pub fn crash_at(&self, process: &str, nth: u64, side: Side) {
        self.strike_at(process, nth, side, Blow::Crash);
    }

    /// Stops the process at its `nth` write: a publication or a save that is frozen on its way out.
    pub fn stop_at(&self, process: &str, nth: u64, side: Side) {
        self.strike_at(process, nth, side, Blow::Stop);
    }

    fn strike_at(&self, process: &str, nth: u64, side: Side, blow: Blow) {
        if let Some(process) = self.world.lock().processes.get_mut(process) {
            process.blows.push((nth, side, blow));
        }
    }

    /// The next such call, of whoever runs and meets faults at all, meets this one.
    pub fn plan(&self, call: Call, fault: Fault) {
        self.world.lock().plan(call, fault);
    }

    /// How often each call met each fault so far.
    pub fn met(&self) -> BTreeMap<(Call, Fault), u64> {
        self.world.lock().met()
    }

    /// How many writes a process has called, over all its starts: appends, publications, saves, sweeps, what
    /// it stored in the index or as blobs, and leaving.
    pub fn writes(&self, process: &str) -> u64 {
        self.world
            .lock()
            .processes
            .get(process)
            .map_or(0, |process| process.writes)
    }

    /// Takes about half of a consumer's partitions from their owners and gives them away at random.
    pub fn shake(&self, consumer: &str) {
        self.world.lock().shake(consumer);
    }

    /// How it behaves from now on.
    pub fn set_options(&self, options: SimOptions) {
        self.world.lock().options = options;
    }

    /// Sets a process's clock back by so many milliseconds, and leaves it there.
    pub fn set_back(&self, process: &str, ms: i64) {
        if let Some(process) = self.world.lock().processes.get_mut(process) {
            process.behind_ms += ms;
        }
    }

    /// No more faults, and nothing befalls anybody at a write: what was begun can be finished.
    pub fn calm_down(&self) {
        let mut world = self.world.lock();
        world
            .processes
            .values_mut()
            .for_each(|process| process.blows.clear());
        world.forget_plans();
        world.options = world.options.without_faults();
    }

    /// Draws from the world's chance, for whoever drives it.
    pub fn draw(&self, low: u64, high: u64) -> u64 {
        self.world.lock().random.between(low, high)
    }

    /// Adds a line to the history.
    pub fn tell(&self, who: &str, text: impl Into<String>) {
        self.world.lock().tell(who, text);
    }

    /// Waits until nothing has happened for `quiet` of virtual time; `false` if more than `limit` things happen
    /// before.
    pub async fn settled(&self, quiet: Duration, limit: usize) -> bool {
        let until = self.happened() + limit;
        loop {
            let before = self.happened();
            tokio::time::sleep(quiet).await;
            if self.happened() == before {
                return true;
            }
            if self.happened() > until {
                return false;
            }
        }
    }

    // ---- for checkers: the truth, at once ----

    /// Virtual milliseconds since the world began.
    pub fn elapsed_ms(&self) -> u64 {
        self.world.lock().elapsed_ms()
    }

    /// All messages of a topic that may be read, partition by partition.
    pub fn messages(&self, topic: &str) -> Vec<Message> {
        let world = self.world.lock();
        let Some(topic) = world.topics.get(topic) else {
            return Vec::new();
        };
        (0..topic.options.partitions)
            .flat_map(|partition| topic.read(partition, 0, usize::MAX))
            .collect()
    }

    /// The names of all topics, in order.
    pub fn topics(&self) -> Vec<String> {
        self.world.lock().topics.keys().cloned().collect()
    }

    /// All rows of a collection, by id.
    pub fn rows(&self, collection: &str) -> Vec<(String, Row)> {
        let world = self.world.lock();
        world
            .rows
            .get(collection)
            .into_iter()
            .flatten()
            .map(|(id, row)| (id.clone(), (**row).clone()))
            .collect()
    }

    /// The names of all collections that hold or held rows, in order.
    pub fn collections(&self) -> Vec<String> {
        self.world.lock().rows.keys().cloned().collect()
    }

    /// What a consumer has committed, by partition.
    pub fn checkpoints(&self, consumer: &str) -> Vec<Option<Checkpoint>> {
        self.world
            .lock()
            .groups
            .get(consumer)
            .map(|group| group.checkpoints.clone())
            .unwrap_or_default()
    }

    /// By partition of a consumer: the name of the process that owns it.
    pub fn owners(&self, consumer: &str) -> Vec<Option<String>> {
        let world = self.world.lock();
        let owners = world
            .groups
            .get(consumer)
            .into_iter()
            .flat_map(|group| &group.owners);
        owners
            .map(|owner| {
                owner
                    .and_then(|(id, _)| world.members.get(&id))
                    .map(|member| member.process.to_string())
            })
            .collect()
    }

    /// How many messages stand on the log, all topics together, where anybody may read them.
    pub fn standing(&self) -> usize {
        let world = self.world.lock();
        world.topics.values().map(|topic| topic.standing).sum()
    }

    /// How many of the things that happened so far are such.
    pub fn count(&self, of: impl Fn(&Event) -> bool) -> usize {
        let world = self.world.lock();
        world.history.0.iter().filter(|event| of(event)).count()
    }

    /// How many things have happened so far.
    pub fn happened(&self) -> usize {
        self.world.lock().history.0.len()
    }

    /// Everything that happened so far, in order.
    pub fn events(&self) -> Vec<Event> {
        self.world.lock().history.0.clone()
    }

    /// The same, for people: a line each.
    pub fn history(&self) -> String {
        self.world.lock().history.to_string()
    }
}

/// A call of somebody outside who is none of the simulated ports.
#[derive(Clone, Copy, Debug)]
pub struct Calling {
    call: Call,
    course: faults::Course,
    /// How it is to be answered: [`Fault::Fails`] or [`Fault::Hangs`], not at all; [`Fault::Twice`], [`Fault::Wrong`].
    pub fault: Option<Fault>,
}

/// One start of a simulated process: its ports.
#[derive(Clone)]
pub struct SimProcess {
    wire: Wire,
}

impl SimProcess {
    /// Its name with the number of its start: `a#2`.
    pub fn name(&self) -> String {
        self.wire.name().to_string()
    }
    /// Its log.
    pub fn log(&self) -> Arc<dyn Log> {
        Arc::new(log::SimLog(self.wire.clone()))
    }
    /// Its state.
    pub fn state(&self) -> Arc<dyn State> {
        Arc::new(state::SimState(self.wire.clone()))
    }
    /// Its search index.
    pub fn search(&self) -> Arc<dyn Search> {
        Arc::new(search::SimSearch(self.wire.clone()))
    }
    /// Its blob store.
    pub fn blobs(&self) -> Arc<dyn Blobs> {
        Arc::new(blobs::SimBlobs(self.wire.clone()))
    }
    /// What it reaches, as the runtime's ports take it.
    pub fn stores(&self) -> Stores {
        Stores {
            log: self.log(),
            state: self.state(),
            search: self.search(),
            blobs: self.blobs(),
        }
    }
    /// Its schema registry.
    pub fn schemas(&self) -> Arc<dyn SchemaRegistry> {
        Arc::new(schemas::SimSchemas(self.wire.clone()))
    }
    /// Its clock.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(clock::SimClock(self.wire.clone()))
    }
    /// The process calls somebody outside who is none of these ports (a model, a gateway): what befalls the call. Time
    /// has passed, and the process may not come further than this. Afterwards it is to tell [`SimProcess::called`].
    pub async fn calls(&self, call: Call) -> Calling {
        let course = self.wire.begin(call).await;
        wire::travel(course.there).await;
        let mut world = self.wire.world.lock();
        let process = &self.wire.process;
        let fault = match course.fault {
            Some(Fault::Wrong | Fault::Twice) => {
                course.fault.inspect(|fault| world.meets(call, *fault))
            }
            Some(Fault::Hangs) => course.fault,
            _ if world.refused(process, call, &course) => Some(Fault::Fails),
            _ => None,
        };
        Calling {
            call,
            course,
            fault,
        }
    }
    /// The call is done: its process may not hear of it, and if it does, after a while.
    pub async fn called(&self, calling: Calling) {
        let Calling { call, course, .. } = calling;
        self.wire.done(&mut self.wire.world.lock(), call, &course);
        wire::travel(course.back).await;
        self.wire.gate().await;
    }
    /// Returns while it runs: waits while it is stopped, for ever once it was killed. For what a test's own
    /// code does in its name.
    pub async fn gate(&self) {
        self.wire.gate().await;
    }
    /// Returns once it was killed.
    pub async fn died(&self) {
        self.wire.died().await;
    }
    /// Whether it was killed.
    pub fn is_dead(&self) -> bool {
        let world = self.wire.world.lock();
        world
            .processes
            .get(&self.wire.process)
            .is_none_or(|process| {
                process.start != self.wire.start || process.status == world::Status::Crashed
            })
    }
    /// Runs `work` until it ends or the process is killed, which drops it.
    pub fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<Option<T>> {
        let wire = self.wire.clone();
        tokio::spawn(async move {
            tokio::select! {
                biased;
                () = wire.died() => None,
                result = work => Some(result),
            }
        })
    }
}
