//! Taking a partition over from an owner who did not give it back (C5): a message may have killed him.
//!
//! Whoever takes a partition says so in its checkpoint before anything runs, and takes it back when he leaves. If he
//! finds that several before him died while the watermark stood still, what may have been open runs one message at a
//! time, each after a commit that names it: so the one that kills its process is found, and becomes a
//! dead letter after its attempts, and those beside it do not.
use super::actor::Actor;
use super::checkpoint::Mark;
use super::lanes::LaneId;
use crate::ports::log::Lease;

/// So many owners in a row who died while the watermark stood still are no accident. Many, since a process also dies of
/// other things, and a message that takes long is there whenever something else ends it (ADR 3).
pub(super) const SUSPICIOUS: u32 = 50;

/// How carefully a partition is run.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Care {
    /// Nothing runs before the checkpoint with this count, or a later one, has been committed: it says that the
    /// partition is ours. Then what lies below an offset runs one at a time, if there is one.
    Marking { count: u64, suspects: Option<i64> },
    /// What lies below this offset runs one at a time.
    OneByOne { below: i64, trying: Option<Trying> },
    /// As ever.
    Free,
}

/// The message whose turn it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Trying {
    lane: LaneId,
    offset: i64,
    /// It runs when the checkpoint with this count has been committed.
    count: u64,
    runs: bool,
}

impl Actor {
    /// A partition has become ours: says so in its next checkpoint, and how careful we are until then.
    pub(super) async fn take_over(&mut self, lease: Lease) {
        let Some(before) = self.partitions.get(&lease.partition) else {
            return;
        };
        let (before, from) = (before.tracker.mark(), before.tracker.watermark());
        // Whoever got past the message that the watermark stood at was not killed by it.
        let stuck = before.owners > 0 && before.since == from;
        let (died, since) = if stuck {
            (before.owners, before.since)
        } else {
            (0, from)
        };
        let mut suspects = None;
        if died >= SUSPICIOUS {
            let end = self.end_of(lease.partition).await;
            suspects = Some(end).filter(|end| from < *end);
        }
        if let Some(end) = suspects {
            tracing::warn!(
                consumer = %self.spec.name,
                partition = lease.partition,
                died,
                suspects = end - from,
                "owners died one after the other: what may have been open runs one message at a time"
            );
        }
        let Some(partition) = self.partitions.get_mut(&lease.partition) else {
            return;
        };
        partition.tracker.set_mark(Mark {
            owners: died.saturating_add(1),
            since,
            alone: None,
        });
        partition.care = Care::Marking {
            count: partition.tracker.count() + 1,
            suspects,
        };
        self.dirty.insert(lease.partition);
    }

    /// The end of a partition of the input: what was ever fetched lies below it.
    async fn end_of(&self, partition: i32) -> i64 {
        loop {
            match self.ports.log.end(&self.spec.topic, partition).await {
                Ok(end) => return end,
                Err(e) => {
                    tracing::warn!(consumer = %self.spec.name, error = %e, "the end of a partition cannot be read yet");
                    self.ports.clock.sleep(super::actor::PAUSE).await;
                }
            }
        }
    }

    /// Whether a lane's next message may run now, as far as this is concerned. If it must wait until it has been named,
    /// that is begun.
    pub(super) fn may_run(&mut self, id: LaneId) -> bool {
        let front = |actor: &Self| {
            let lane = actor.lanes.get(id)?;
            Some(lane.queue.front()?.offset)
        };
        let Some(offset) = front(self) else {
            return false;
        };
        match self.partitions.get(&id.partition).map(|p| &p.care) {
            None | Some(Care::Marking { .. }) => false,
            Some(Care::Free) => true,
            Some(Care::OneByOne { below, .. }) if offset >= *below => true,
            Some(Care::OneByOne { trying: None, .. }) => {
                self.try_next(id.partition);
                false
            }
            Some(Care::OneByOne {
                trying: Some(trying),
                ..
            }) => {
                let its_turn = trying.lane == id && trying.runs;
                if its_turn && trying.offset != offset {
                    // Its lane began anew, and another message is in front again.
                    self.tried(id.partition);
                    return false;
                }
                its_turn
            }
        }
    }

    /// Names the earliest of the suspects that can run; it runs when that is committed.
    fn try_next(&mut self, number: i32) {
        let Some(partition) = self.partitions.get_mut(&number) else {
            return;
        };
        let Care::OneByOne { below, trying } = &mut partition.care else {
            return;
        };
        if partition.tracker.watermark() >= *below {
            return self.past_them(number);
        }
        let front = |id: LaneId| {
            let lane = self.lanes.get(id).filter(|lane| lane.can_run())?;
            let next = lane.queue.front()?;
            let offset = next.offset;
            (offset < *below).then_some((next.attempts, offset, id))
        };
        // Who was there at fewer deaths goes first: what is well gets done, and what kills is left over.
        let next = self.lanes.ids(number).into_iter().filter_map(front).min();
        let Some((_, offset, lane)) = next else {
            return;
        };
        *trying = Some(Trying {
            lane,
            offset,
            count: partition.tracker.count() + 1,
            runs: false,
        });
        let mark = partition.tracker.mark();
        partition.tracker.set_mark(Mark {
            alone: Some(offset),
            ..mark
        });
        self.dirty.insert(number);
    }

    /// The message whose turn it was is done, or waits: it did not kill us.
    pub(super) fn tried(&mut self, number: i32) {
        let Some(partition) = self.partitions.get_mut(&number) else {
            return;
        };
        let Care::OneByOne { trying, .. } = &mut partition.care else {
            return;
        };
        *trying = None;
        let mark = partition.tracker.mark();
        partition.tracker.set_mark(Mark {
            alone: None,
            ..mark
        });
        self.try_next(number);
    }
    /// Whether it is this lane's turn.
    pub(super) fn is_trying(&self, id: LaneId) -> bool {
        let care = self.partitions.get(&id.partition).map(|p| &p.care);
        matches!(care, Some(Care::OneByOne { trying: Some(trying), .. }) if trying.lane == id)
    }

    /// A commit took place with a checkpoint of this partition.
    pub(super) fn said(&mut self, number: i32) {
        let Some(partition) = self.partitions.get_mut(&number) else {
            return;
        };
        let committed = partition.tracker.count();
        match &mut partition.care {
            Care::Free => {}
            Care::Marking { count, suspects } if committed >= *count => match *suspects {
                None => {
                    partition.care = Care::Free;
                    self.list_all(number);
                }
                Some(below) => {
                    partition.care = Care::OneByOne {
                        below,
                        trying: None,
                    };
                    self.list_all(number);
                    self.try_next(number);
                }
            },
            Care::Marking { .. } => {}
            Care::OneByOne {
                trying: Some(trying),
                ..
            } if !trying.runs && committed >= trying.count => {
                trying.runs = true;
                let lane = trying.lane;
                self.list(lane);
            }
            Care::OneByOne { below, .. } => {
                if partition.tracker.watermark() >= *below {
                    self.past_them(number);
                }
            }
        }
    }

    /// All that may have been open when the last owner died is done: nobody is suspected any more.
    fn past_them(&mut self, number: i32) {
        let Some(partition) = self.partitions.get_mut(&number) else {
            return;
        };
        partition.care = Care::Free;
        let since = partition.tracker.watermark();
        partition.tracker.set_mark(Mark {
            owners: 1,
            since,
            alone: None,
        });
        self.dirty.insert(number);
        self.list_all(number);
    }

    fn list_all(&mut self, number: i32) {
        for id in self.lanes.ids(number) {
            self.list(id);
        }
    }

    /// Says in the last checkpoints that the partitions are given back; whether there is anything to say.
    pub(super) fn give_back(&mut self) -> bool {
        for (number, partition) in &mut self.partitions {
            partition.tracker.set_mark(Mark::default());
            self.dirty.insert(*number);
        }
        !self.partitions.is_empty()
    }
}
