//! What a member has to tell, until it is asked.
use crate::log::message::weight;
use crate::log::options::Room;
use runtime::ports::PortError;
use runtime::ports::log::{Happening, Lease, Message};
use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Messages in one happening, at most.
const BATCH: usize = 256;

/// Filled by the thread that fetches, emptied by whoever asks. Messages that nobody asks for stay here: librdkafka
/// would drop what it has prefetched for a partition that it is told to pause.
pub(super) struct Inbox {
    state: Mutex<State>,
    filled: Notify,
    room: Room,
}

#[derive(Default)]
struct State {
    events: VecDeque<Result<Happening, PortError>>,
    partitions: BTreeMap<i32, Fetched>,
    /// Whose turn it was last.
    turn: i32,
}

struct Fetched {
    lease: Lease,
    messages: VecDeque<Message>,
    bytes: usize,
    paused: bool,
    /// Whoever fetches was told that there is no room.
    full: bool,
}

impl Inbox {
    pub fn new(room: Room) -> Self {
        Self {
            state: Mutex::default(),
            filled: Notify::new(),
            room,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next thing to know, when there is one. `make_room` is called when there is room again for a partition
    /// that was full.
    pub async fn next(&self, make_room: impl Fn()) -> Result<Happening, PortError> {
        loop {
            let mut filled = pin!(self.filled.notified());
            // From here on no call is missed, whatever is found.
            filled.as_mut().enable();
            let (happening, roomy) = self.take();
            if roomy {
                make_room();
            }
            if let Some(happening) = happening {
                return happening;
            }
            filled.await;
        }
    }

    fn take(&self) -> (Option<Result<Happening, PortError>>, bool) {
        let mut state = self.lock();
        if let Some(event) = state.events.pop_front() {
            return (Some(event), false);
        }
        let turn = state.turn;
        let ready = |fetched: &Fetched| !fetched.paused && !fetched.messages.is_empty();
        // The partitions take turns.
        let after = state.partitions.range(turn + 1..).find(|(_, f)| ready(f));
        let next = after.or_else(|| state.partitions.range(..=turn).find(|(_, f)| ready(f)));
        let Some(partition) = next.map(|(partition, _)| *partition) else {
            return (None, false);
        };
        state.turn = partition;
        let Some(fetched) = state.partitions.get_mut(&partition) else {
            return (None, false);
        };
        let some = fetched.messages.len().min(BATCH);
        let messages: Vec<Message> = fetched.messages.drain(..some).collect();
        fetched.bytes -= messages.iter().map(weight).sum::<usize>();
        let roomy = fetched.full
            && fetched.messages.len() <= self.room.messages / 2
            && fetched.bytes <= self.room.bytes / 2;
        fetched.full &= !roomy;
        let happening = Happening::Fetched(fetched.lease, messages);
        (Some(Ok(happening)), roomy)
    }

    /// A partition is ours: said before any of its messages.
    pub fn assigned(&self, lease: Lease, happening: Happening) {
        let fetched = Fetched {
            lease,
            messages: VecDeque::new(),
            bytes: 0,
            paused: false,
            full: false,
        };
        let mut state = self.lock();
        state.partitions.insert(lease.partition, fetched);
        state.events.push_back(Ok(happening));
        drop(state);
        self.filled.notify_waiters();
    }

    /// A partition is no longer ours: what was not asked for is dropped.
    pub fn revoked(&self, lease: Lease) {
        let mut state = self.lock();
        state.partitions.remove(&lease.partition);
        state.events.push_back(Ok(Happening::Revoked(lease)));
        drop(state);
        self.filled.notify_waiters();
    }

    /// Something failed that whoever asks should know.
    pub fn failed(&self, e: PortError) {
        let mut state = self.lock();
        // One is enough to be told.
        if !state.events.iter().any(Result::is_err) {
            state.events.push_back(Err(e));
        }
        drop(state);
        self.filled.notify_waiters();
    }

    /// How many more messages a partition has room for; if none, `next` will call.
    pub fn room(&self, lease: Lease) -> usize {
        let mut state = self.lock();
        let Some(fetched) = state.partitions.get_mut(&lease.partition) else {
            return 0;
        };
        if fetched.lease != lease {
            return 0;
        }
        let full = fetched.bytes >= self.room.bytes || fetched.messages.len() >= self.room.messages;
        fetched.full = full;
        if full {
            0
        } else {
            self.room.messages - fetched.messages.len()
        }
    }

    /// Messages of one partition, in order.
    pub fn fetched(&self, lease: Lease, messages: Vec<Message>) {
        let mut state = self.lock();
        let of = state.partitions.get_mut(&lease.partition);
        if let Some(fetched) = of.filter(|fetched| fetched.lease == lease) {
            fetched.bytes += messages.iter().map(weight).sum::<usize>();
            fetched.messages.extend(messages);
        }
        drop(state);
        self.filled.notify_waiters();
    }

    /// Stops or goes on handing out a partition.
    pub fn pause(&self, lease: Lease, paused: bool) {
        let mut state = self.lock();
        let of = state.partitions.get_mut(&lease.partition);
        if let Some(fetched) = of.filter(|fetched| fetched.lease == lease) {
            fetched.paused = paused;
        }
        drop(state);
        self.filled.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::Headers;
    use futures::FutureExt;
    use runtime::ports::log::Position;

    const LEASE: Lease = Lease {
        partition: 2,
        assignment: 1,
    };

    fn message(offset: i64) -> Message {
        let at = Position {
            topic: "t".into(),
            partition: 2,
            offset,
        };
        let headers = Headers(vec![]);
        let (key, payload) = (vec![], vec![0; 100]);
        Message {
            at,
            timestamp_ms: 1,
            key: key.into(),
            headers,
            payload: payload.into(),
        }
    }

    fn inbox(messages: usize, bytes: usize) -> Inbox {
        let inbox = Inbox::new(Room {
            messages,
            bytes,
            ..Room::default()
        });
        inbox.assigned(LEASE, Happening::Revoked(LEASE));
        let first = inbox.next(|| {}).now_or_never();
        assert_eq!(
            first,
            Some(Ok(Happening::Revoked(LEASE))),
            "as it was put in"
        );
        inbox
    }

    fn count(next: Option<Result<Happening, PortError>>) -> usize {
        match next {
            Some(Ok(Happening::Fetched(_, messages))) => messages.len(),
            None => 0,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_partition_that_is_full_in_messages_or_bytes_calls_when_it_is_half_empty() {
        for (messages, bytes) in [(600, usize::MAX), (usize::MAX, 600 * 228)] {
            let inbox = inbox(messages, bytes);
            assert!(inbox.room(LEASE) > 0);
            inbox.fetched(LEASE, (0..600).map(message).collect());
            assert_eq!(inbox.room(LEASE), 0);
            let called = std::cell::Cell::new(0);
            let call = || called.set(called.get() + 1);
            let mut called_after = vec![];
            for _ in 0..3 {
                count(inbox.next(call).now_or_never());
                called_after.push(called.get());
            }
            assert_eq!(called_after, [0, 1, 1], "256 of 600, 512 of 600, all");
        }
    }

    #[test]
    fn what_is_paused_stays_and_goes_on_in_order() {
        let inbox = inbox(1_000, usize::MAX);
        inbox.pause(LEASE, true);
        inbox.fetched(LEASE, (0..300).map(message).collect());
        assert_eq!(inbox.next(|| {}).now_or_never(), None);
        inbox.pause(LEASE, false);
        let mut offsets = vec![];
        while let Some(Ok(Happening::Fetched(_, messages))) = inbox.next(|| {}).now_or_never() {
            offsets.extend(messages.iter().map(|message| message.at.offset));
        }
        assert_eq!(offsets, (0..300).collect::<Vec<_>>());
    }

    #[test]
    fn what_comes_under_a_lease_that_is_over_is_dropped() {
        let inbox = inbox(1_000, usize::MAX);
        inbox.fetched(LEASE, vec![message(1)]);
        inbox.revoked(LEASE);
        let again = Lease {
            assignment: 2,
            ..LEASE
        };
        inbox.assigned(again, Happening::Revoked(again));
        inbox.fetched(LEASE, vec![message(2)]);
        inbox.fetched(again, vec![message(3)]);
        let told: Vec<_> = std::iter::from_fn(|| inbox.next(|| {}).now_or_never()).collect();
        let wanted = [
            Happening::Revoked(LEASE),
            Happening::Revoked(again),
            Happening::Fetched(again, vec![message(3)]),
        ];
        assert_eq!(told, wanted.map(Ok));
        assert_eq!(inbox.room(LEASE), 0, "nor is there room for it");
    }
}
