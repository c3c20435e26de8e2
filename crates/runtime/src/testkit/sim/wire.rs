//! How a call goes from a process to the world and back, and what may befall it on the way.
use super::Side;
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
}

/// What becomes of a call that reached its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is done and answered.
    Fine,
    /// It is done, in part or whole, and not answered.
    Unanswered,
}

impl Wire {
    /// As it stands in the history.
    pub fn name(&self) -> String {
        process_name(&self.process, self.start)
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

    /// A call that changes nothing.
    pub async fn read<T>(
        &self,
        port: &'static str,
        act: impl FnOnce(&mut World) -> T,
    ) -> Result<T, PortError> {
        self.gate().await;
        let (there, back) = self.delays();
        travel(there).await;
        let result = {
            let mut world = self.world.lock();
            if world.fault(&self.process, |options| {
                options.fail_before + options.fail_after
            }) {
                Err(unreachable(port, "a read failed"))
            } else {
                Ok(act(&mut world))
            }
        };
        travel(back).await;
        self.gate().await;
        result
    }

    /// A call that changes something: `act` is told whether its answer will arrive, and may do only a part of
    /// what it was asked if not.
    pub async fn write<T: Send + 'static>(
        &self,
        port: &'static str,
        act: impl FnOnce(&mut World, Fate) -> Result<T, PortError> + Send + 'static,
    ) -> Result<T, PortError> {
        let process = self.process.clone();
        self.exchange(move |world| {
            if world.fault(&process, |options| options.fail_before) {
                return Err(unreachable(port, "a write failed before it happened"));
            }
            if world.fault(&process, |options| options.fail_after) {
                act(world, Fate::Unanswered)?;
                return Err(unreachable(port, "a write failed after it happened"));
            }
            act(world, Fate::Fine)
        })
        .await
    }

    /// The bare way of a write: what was sent arrives even if the sender is stopped, dies or stops waiting.
    /// Crash points lie before it is sent and right after it happened.
    pub async fn exchange<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut World) -> T + Send + 'static,
    ) -> T {
        self.gate().await;
        let write = {
            let mut world = self.world.lock();
            let process = world.processes.get_mut(&self.process);
            let write = process.map_or(0, |process| {
                process.writes += 1;
                process.writes
            });
            world.blow(&self.process, write, Side::Before);
            write
        };
        self.gate().await;
        let (there, back) = self.delays();
        let (answer, answered) = oneshot::channel();
        let wire = self.clone();
        tokio::spawn(async move {
            travel(there).await;
            let result = {
                let mut world = wire.world.lock();
                let result = act(&mut world);
                if world
                    .processes
                    .get(&wire.process)
                    .is_some_and(|process| process.start == wire.start)
                {
                    world.blow(&wire.process, write, Side::After);
                }
                result
            };
            travel(back).await;
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

    fn delays(&self) -> (u64, u64) {
        let mut world = self.world.lock();
        (world.delay_ms(&self.process), world.delay_ms(&self.process))
    }
}

/// Virtual time on the wire; 0 lets others run first.
async fn travel(ms: u64) {
    if ms == 0 {
        tokio::task::yield_now().await;
    } else {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}

pub(super) fn unreachable(port: &'static str, why: &str) -> PortError {
    PortError::Unreachable {
        port,
        why: why.to_owned(),
    }
}
