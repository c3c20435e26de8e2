//! What is told of a member: how far it is behind, and whether that is a fault.
use super::{KafkaLog, MemberHealth, Options, Told, World, health, join, placed, within};
use crate::log::Room;
use runtime::ports::log::Log;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_far_a_member_is_behind_is_told_and_falls_to_nothing() {
    let world = World::new();
    let topic = world.topic("in", 1, &[]).await;
    let room = Room {
        messages: 2,
        ..Room::default()
    };
    let options = Options {
        room,
        ..world.options()
    };
    let log = KafkaLog::open(options).await.expect("opens");
    let ten = (0..10u8).map(|n| placed(&topic, 0, vec![n]));
    log.append(ten.collect()).await.expect("appends");
    let member = join(&log, &world.name("c"), &topic).await;
    let lag = |health: &MemberHealth| health.partitions.get(&0)?.lag();
    // Nobody asks for what was fetched: it is behind, and not to blame.
    let full = |health: &MemberHealth| health.partitions.get(&0).is_some_and(|p| p.full);
    let told = health(&log, |health| full(health) && lag(health) == Some(8)).await;
    assert!(!told.stalls(SOON), "{told:?}");
    let mut heard = Told::default();
    let all = |told: &Told| told.fetched.len() == 10;
    heard.until(&*member, "all messages", all).await;
    let told = health(&log, |health| lag(health) == Some(0)).await;
    assert!(!told.stalls(SOON), "{told:?}");
    within("leaving", member.leave()).await;
    assert_eq!(log.health(), [], "who left is not told of");
}
