//! Publications: outputs and checkpoints in one transaction, fenced by leases, sometimes of unknown outcome.
use super::faults::{Call, Course, Fault};
use super::groups::Transaction;
use super::history::What;
use super::member::note_fenced;
use super::wire::{Wire, unreachable};
use super::world::World;
use crate::ports::log::{Lease, Publication, PublishError};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What it is called in the table of faults.
const CALL: Call = "member.publish";

/// A publication that has arrived at the brokers.
pub(super) fn publish(
    world: &mut World,
    wire: &Wire,
    member: u64,
    publication: Publication,
    course: &Course,
) -> Result<(), PublishError> {
    settle(world, member);
    if world.refused(&wire.process, CALL, course) {
        return Err(unreachable(CALL, "a publication failed before it began").into());
    }
    if course.hangs() && world.random.chance(500) {
        return Err(PublishError::Unknown("no answer in time".to_owned()));
    }
    let Some(consumer) = world
        .members
        .get(&member)
        .map(|state| state.consumer.clone())
    else {
        return Err(unreachable(CALL, "not a member").into());
    };
    let leases = publication.checkpoints.iter().map(|(lease, _)| *lease);
    let over: Vec<Lease> = leases.filter(|lease| !world.owns(member, *lease)).collect();
    if !over.is_empty() {
        note_fenced(world, &wire.name(), &consumer, &over);
        return Err(PublishError::Fenced(over));
    }
    // What the runtime should have checked (K4); a person should see it, so it is in the history.
    let mut partitions = Vec::new();
    for (index, message) in publication.outgoing.iter().enumerate() {
        let topic = world
            .topics
            .get(&*message.topic)
            .ok_or_else(|| format!("there is no topic {}", message.topic));
        match topic.and_then(|topic| topic.check(message)) {
            Ok(partition) => partitions.push(partition),
            Err(why) => {
                world.tell(
                    wire.name(),
                    format!("REFUSED a publication of {consumer}: {why}"),
                );
                return Err(PublishError::Refused { index, why });
            }
        }
    }
    let id = begin(world, wire, &consumer, publication, partitions);
    let lost =
        course.fault == Some(Fault::Lost) || world.fault(&wire.process, |options| options.unknown);
    if !lost && !course.hangs() {
        end(world, id, true);
        return Ok(());
    }
    if lost {
        world.meets(CALL, Fault::Lost);
    }
    let unknown = PublishError::Unknown("the answer to a commit was lost".to_owned());
    match world.random.between(0, 2) {
        0 => end(world, id, true),
        1 => end(world, id, false),
        _ => {
            if let Some(state) = world.members.get_mut(&member) {
                state.unsettled = Some(id);
            }
            let transaction = world.options.transaction.as_millis() as u64;
            let wait = Duration::from_millis(world.random.between(1, transaction));
            world.tell(wire.name(), format!("publication {id} stays open"));
            world.later(wait, move |world| {
                let committed = world.random.chance(500);
                end(world, id, committed);
            });
        }
    }
    Err(unknown)
}

/// Decides what a member left open, as `init_transactions` does (K3).
pub(super) fn settle(world: &mut World, member: u64) {
    let unsettled = world
        .members
        .get_mut(&member)
        .and_then(|state| state.unsettled.take());
    if let Some(id) = unsettled {
        let committed = world.random.chance(500);
        end(world, id, committed);
    }
}

/// Writes the messages, which nobody may read yet.
fn begin(
    world: &mut World,
    wire: &Wire,
    consumer: &Arc<str>,
    publication: Publication,
    partitions: Vec<i32>,
) -> u64 {
    world.publications += 1;
    let id = world.publications;
    let mut messages: BTreeMap<(Arc<str>, i32), Vec<i64>> = BTreeMap::new();
    for (outgoing, partition) in publication.outgoing.into_iter().zip(partitions) {
        let (topic, outgoing) = (outgoing.topic.clone(), Arc::unwrap_or_clone(outgoing));
        if let Some(message) = world.append(&wire.name(), partition, outgoing, Some(id), true) {
            messages
                .entry((topic, partition))
                .or_default()
                .push(message.at.offset);
        }
    }
    let transaction = Transaction {
        process: wire.name(),
        consumer: consumer.clone(),
        messages,
        checkpoints: publication.checkpoints,
    };
    world.transactions.insert(id, transaction);
    id
}

/// Commits or aborts; nothing if that was decided before.
fn end(world: &mut World, id: u64, committed: bool) {
    let Some(transaction) = world.transactions.remove(&id) else {
        return;
    };
    let Transaction {
        process,
        consumer,
        messages,
        checkpoints,
    } = transaction;
    for ((topic, partition), offsets) in &messages {
        if let Some(topic) = world.topics.get_mut(&**topic) {
            topic.end_transaction(*partition, offsets, committed);
        }
    }
    if committed && let Some(group) = world.groups.get_mut(&*consumer) {
        for (lease, checkpoint) in &checkpoints {
            group.checkpoints[lease.partition as usize] = Some(checkpoint.clone());
        }
    }
    let checkpoints = checkpoints
        .into_iter()
        .map(|(lease, checkpoint)| (lease.partition, checkpoint))
        .collect();
    world.note(
        process,
        What::Published {
            publication: id,
            consumer: consumer.to_string(),
            committed,
            checkpoints,
        },
    );
    for (topic, _) in messages.into_keys() {
        world.grew(&topic);
    }
}
