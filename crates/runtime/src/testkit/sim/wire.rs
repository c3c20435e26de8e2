//! How a call goes from a process to the world and back, and what may befall it on the way.
use super::Side;
use super::faults::{Call, Course};
use super::history::process_name;
use super::world::{Shared, Status, World};
use crate::PortError;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// One start of one process, as its ports see it.
#[derive(Clone)]
pub(super) struct Wire {
    pub world: Shared,
    pub process: Arc<str>,
    pub start: u32,
    /// Both, as they stand in the history.
    pub called: Arc<str>,
}

/// What becomes of a call that reached its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is done and answered.
    Fine,
    /// It is done, in part or whole, and not answered.
    Unanswered,
    /// It is done twice, and answered once.
    Twice,
}

impl Wire {
    /// Of this start of a process.
    pub fn new(world: Shared, process: Arc<str>, start: u32) -> Self {
        let called = process_name(&process, start);
        Self {
            world,
            process,
            start,
            called,
        }
    }

    /// As it stands in the history.
    pub fn name(&self) -> Arc<str> {
        self.called.clone()
    }

    /// Returns while the process runs: waits while it is stopped, for ever once it has crashed.
    pub async fn gate(&self) {
        loop {
            let changed = {
                let world = self.world.lock();
                match world.processes.get(&self.process) {
                    Some(process) if process.start == self.start => match process.status {
                        Status::Running => return,
                        Status::Stopped => Some(process.changed.clone().notified_owned()),
                        Status::Crashed => None,
                    },
                    _ => None,
                }
            };
            match changed {
                Some(changed) => changed.await,
                None => std::future::pending().await,
            }
        }
    }

    /// Returns once this start of the process has crashed.
    pub async fn died(&self) {
        loop {
            let changed = {
                let world = self.world.lock();
                match world.processes.get(&self.process) {
                    Some(process)
                        if process.start == self.start && process.status != Status::Crashed =>
                    {
                        process.changed.clone().notified_owned()
                    }
                    _ => return,
                }
            };
            changed.await;
        }
    }

    /// A call begins: the process may not come further than this.
    pub(super) async fn begin(&self, call: Call) -> Course {
        self.gate().await;
        let course = self.world.lock().sets_out(&self.process, call);
        self.gate().await;
        course
    }

    /// A call was done: the process may not hear of it.
    pub(super) fn done(&self, world: &mut World, call: Call, course: &Course) {
        world.done(&self.process, self.start, call, course);
    }

    /// A call that changes nothing.
    pub async fn read<T>(
        &self,
        call: Call,
        act: impl FnOnce(&mut World) -> T,
    ) -> Result<T, PortError> {
        let course = self.begin(call).await;
        travel(course.there).await;
        let result = {
            let mut world = self.world.lock();
            // Whether a read was done or not is the same.
            let refused = world.refused(&self.process, call, &course)
                || world.fault(&self.process, |options| options.fail_after);
            let result = match refused {
                true => Err(unreachable(call, "a read failed")),
                false if course.hangs() => Err(unreachable(call, "no answer in time")),
                false => Ok(act(&mut world)),
            };
            self.done(&mut world, call, &course);
            result
        };
        travel(course.back).await;
        self.gate().await;
        result
    }

    /// A call that changes something: `act` is told whether its answer will arrive, and may do only a part of
    /// what it was asked if not.
    pub async fn write<T: Send + 'static>(
        &self,
        call: Call,
        act: impl FnOnce(&mut World, Fate) -> Result<T, PortError> + Send + 'static,
    ) -> Result<T, PortError> {
        let process = self.process.clone();
        self.exchange(call, move |world, course| {
            if course.hangs() {
                if world.random.chance(500) {
                    act(world, Fate::Unanswered)?;
                }
                return Err(unreachable(call, "no answer in time"));
            }
            if world.refused(&process, call, course) {
                return Err(unreachable(call, "a write failed before it happened"));
            }
            if world.lost(&process, call, course) {
                act(world, Fate::Unanswered)?;
                return Err(unreachable(call, "a write failed after it happened"));
            }
            match world.twice(call, course) {
                true => act(world, Fate::Twice),
                false => act(world, Fate::Fine),
            }
        })
        .await
    }

    /// The bare way of a write: what was sent arrives even if the sender is stopped, dies or stops waiting.
    /// Crash points lie before it is sent and right after it happened.
    pub async fn exchange<T: Send + 'static>(
        &self,
        call: Call,
        act: impl FnOnce(&mut World, &Course) -> T + Send + 'static,
    ) -> T {
        self.gate().await;
        let write = {
            let mut world = self.world.lock();
            let process = world.processes.get_mut(&self.process);
            let write = process.map_or(0, |process| {
                process.writes += 1;
                process.writes
            });
            world.blow(&self.process, call, write, Side::Before);
            write
        };
        let course = self.begin(call).await;
        let (answer, answered) = oneshot::channel();
        let wire = self.clone();
        tokio::spawn(async move {
            travel(course.there).await;
            let result = {
                let mut world = wire.world.lock();
                let result = act(&mut world, &course);
                if world.is_start(&wire.process, wire.start) {
                    world.blow(&wire.process, call, write, Side::After);
                }
                wire.done(&mut world, call, &course);
                result
            };
            travel(course.back).await;
            let _ = answer.send(result); // nobody waits any more: as good as a lost answer
        });
        match answered.await {
            Ok(result) => {
                self.gate().await;
                result
            }
            Err(_) => std::future::pending().await, // the world has ended
        }
    }
}

/// Virtual time on the wire; 0 lets others run first.
pub(super) async fn travel(ms: u64) {
    if ms == 0 {
        tokio::task::yield_now().await;
    } else {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}

/// Of a call, or of a port.
pub(super) fn unreachable(call: &'static str, why: &str) -> PortError {
    let port = call.split_once('.').map_or(call, |(port, _)| port);
    let port = if port == "member" || port == "schemas" {
        "log"
    } else {
        port
    };
    PortError::Unreachable {
        port,
        why: why.to_owned(),
    }
}
