//! The laws of the log.
mod append;
mod groups;
mod publish;
mod together;

pub use append::*;
pub use groups::*;
pub use publish::*;
pub use together::*;

use super::{Keep, within};
use crate::ports::log::{Checkpoint, Happening, Joining, Lease, Log, Member, Message, Outgoing};
use crate::ports::state::State;
use events::Headers;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

/// A topic that the suite needs: with 4 partitions and [`MAX_MESSAGE_BYTES`], kept for ever.
pub const INPUT: &str = "conformance.input";
/// The same with 2 partitions.
pub const OUTPUT: &str = "conformance.output";
/// Name and partitions of the topics that must be there.
pub const TOPICS: [(&str, i32); 2] = [(INPUT, 4), (OUTPUT, 2)];
/// The largest message of each.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// A new, empty world.
pub struct Logs {
    /// A process.
    pub one: Arc<dyn Log>,
    /// Another process of the same world, or the same.
    pub other: Arc<dyn Log>,
    /// The state beside it, for [`Member::together`].
    pub state: Arc<dyn State>,
    /// As long as the law runs.
    pub keep: Keep,
}

/// Every law. `make` gives a new world each time.
///
/// # Panics
/// If a law is broken.
pub async fn all(make: impl AsyncFn() -> Logs) {
    a_topic_says_how_many_partitions_it_has_and_what_it_takes(make().await).await;
    a_message_comes_back_as_it_was_appended(make().await).await;
    messages_of_a_key_share_a_partition_in_order(make().await).await;
    a_given_partition_wins_over_the_key(make().await).await;
    read_starts_at_the_offset_and_keeps_the_limit(make().await).await;
    grown_returns_when_there_is_something(make().await).await;
    appends_at_the_same_time_lose_nothing(make().await).await;
    the_first_member_is_given_every_partition(make().await).await;
    every_message_is_fetched_once_and_in_order(make().await).await;
    consumers_do_not_disturb_each_other(make().await).await;
    a_dropped_next_loses_nothing(make().await).await;
    a_paused_partition_rests_until_it_goes_on(make().await).await;
    who_begins_now_begins_after_what_is_there(make().await).await;
    two_members_share_and_who_stays_gets_all(make().await).await;
    outputs_and_checkpoint_move_together(make().await).await;
    a_publication_may_hold_outputs_only(make().await).await;
    a_checkpoint_of_4096_bytes_comes_back(make().await).await;
    a_new_owner_is_given_what_the_old_one_committed(make().await).await;
    nothing_is_published_after_leaving(make().await).await;
    nothing_is_published_under_a_lease_that_moved(make().await).await;
    one_lease_that_is_over_stops_the_whole_publication(make().await).await;
    saves_and_publication_are_done_together(make().await).await;
    a_lost_save_undoes_everything_beside_it(make().await).await;
    together_is_fenced_too(make().await).await;
}

/// A message for `key` with one header.
fn message(topic: &str, key: &str, payload: impl Into<Vec<u8>>) -> Outgoing {
    let headers = Headers(vec![("ce_id".to_owned(), b"id".to_vec())]);
    Outgoing {
        topic: topic.into(),
        partition: None,
        key: key.to_owned().into(),
        headers,
        payload: payload.into().into(),
    }
}

/// A message for a partition.
fn placed(topic: &str, partition: i32, payload: impl Into<Vec<u8>>) -> Outgoing {
    Outgoing {
        partition: Some(partition),
        ..message(topic, "acme/placed", payload)
    }
}

async fn join(log: &Arc<dyn Log>, consumer: &str, from_first: bool) -> Arc<dyn Member> {
    let joining = Joining {
        consumer: consumer.into(),
        topic: INPUT.into(),
        from_first,
    };
    within("joining", log.join(joining)).await.expect("joins")
}

async fn end(log: &Arc<dyn Log>, topic: &str, partition: i32) -> i64 {
    log.end(topic, partition).await.expect("has an end")
}

async fn read_all(log: &Arc<dyn Log>, topic: &str, partition: i32) -> Vec<Message> {
    let mut all: Vec<Message> = vec![];
    loop {
        let from = all.last().map_or(0, |last| last.at.offset + 1);
        let more = log
            .read(topic, partition, from, 1_000)
            .await
            .expect("reads");
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

/// All payloads of a topic, by partition.
async fn payloads(log: &Arc<dyn Log>, topic: &str) -> Vec<Vec<Vec<u8>>> {
    let mut all = vec![];
    for partition in 0..log.partitions(topic).expect("exists") {
        all.push(
            read_all(log, topic, partition)
                .await
                .into_iter()
                .map(|message| message.payload.to_vec())
                .collect(),
        );
    }
    all
}

/// A member and what it was told, in order.
struct Watched {
    member: Arc<dyn Member>,
    /// The leases that it holds, by partition.
    held: BTreeMap<i32, Lease>,
    /// The checkpoints that came with them.
    checkpoints: BTreeMap<i32, Option<Checkpoint>>,
    /// All leases it ever held.
    ever: Vec<Lease>,
    topic_ids: Vec<Arc<str>>,
    fetched: BTreeMap<i32, Vec<Message>>,
}

impl Watched {
    async fn join(log: &Arc<dyn Log>, consumer: &str, from_first: bool) -> Self {
        Self::new(join(log, consumer, from_first).await)
    }
    fn new(member: Arc<dyn Member>) -> Self {
        Self {
            member,
            held: BTreeMap::new(),
            checkpoints: BTreeMap::new(),
            ever: vec![],
            topic_ids: vec![],
            fetched: BTreeMap::new(),
        }
    }

    /// Takes in what happened; checks what must hold of every happening.
    fn note(&mut self, happening: Happening) {
        match happening {
            Happening::Assigned {
                lease,
                checkpoint,
                topic_id,
            } => {
                assert!(
                    !self.held.contains_key(&lease.partition),
                    "{lease:?} is assigned twice"
                );
                assert!(!self.ever.contains(&lease), "{lease:?} was assigned before");
                self.held.insert(lease.partition, lease);
                self.checkpoints.insert(lease.partition, checkpoint);
                self.fetched.remove(&lease.partition);
                self.ever.push(lease);
                self.topic_ids.push(topic_id);
            }
            Happening::Revoked(lease) => {
                let held = self.held.remove(&lease.partition);
                assert_eq!(held, Some(lease), "what is revoked was held");
            }
            Happening::Fetched(lease, messages) => {
                let held = self.held.get(&lease.partition);
                assert_eq!(
                    held,
                    Some(&lease),
                    "messages come under a lease that is held"
                );
                assert!(!messages.is_empty(), "a fetch holds messages");
                let known = self.fetched.entry(lease.partition).or_default();
                let mut before = known.last().map(|last| last.at.offset);
                for message in messages {
                    assert_eq!(message.at.partition, lease.partition);
                    assert!(
                        before < Some(message.at.offset),
                        "offsets rise: {:?}",
                        message.at
                    );
                    before = Some(message.at.offset);
                    known.push(message);
                }
            }
        }
    }

    /// Listens until `enough`.
    async fn until(&mut self, what: &str, enough: impl Fn(&Self) -> bool) {
        let member = Arc::clone(&self.member);
        let listening = async {
            while !enough(self) {
                let happening = member.next().await.expect("says what happens");
                self.note(happening);
            }
        };
        within(what, listening).await;
    }

    async fn all_partitions(&mut self) {
        self.until("all partitions", |watched| watched.held.len() == 4)
            .await;
    }

    fn count(&self) -> usize {
        self.fetched.values().map(Vec::len).sum()
    }

    fn payloads(&self, partition: i32) -> Vec<Vec<u8>> {
        let fetched = self.fetched.get(&partition).into_iter().flatten();
        fetched.map(|message| message.payload.to_vec()).collect()
    }
}

/// Listens to two members at once until `enough`.
async fn both_until(
    what: &str,
    a: &mut Watched,
    b: &mut Watched,
    enough: impl Fn(&Watched, &Watched) -> bool,
) {
    let (first, second) = (Arc::clone(&a.member), Arc::clone(&b.member));
    let listening = async {
        let mut first_next: Pin<Box<_>> = first.next();
        let mut second_next: Pin<Box<_>> = second.next();
        while !enough(a, b) {
            tokio::select! {
                happening = &mut first_next => {
                    a.note(happening.expect("says what happens"));
                    first_next = first.next();
                }
                happening = &mut second_next => {
                    b.note(happening.expect("says what happens"));
                    second_next = second.next();
                }
            }
        }
    };
    within(what, listening).await;
}
