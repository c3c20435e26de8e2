//! Members that come and go all the time.
use super::copying::{check, copy};
use super::{KafkaLog, World, join, placed, within};
use futures::future::select_all;
use runtime::ports::log::{Log, Outgoing};
use std::collections::BTreeMap;
use tokio::sync::watch;

const MESSAGES: u32 = 3_000;
const KEYS: u32 = 30;
/// Messages that are sent and not copied, about.
const AHEAD: i64 = 400;

/// Until the output has so many messages; their transactions' markers take offsets too, so it may be some fewer.
async fn copied(log: &KafkaLog, topic: &str, enough: i64) {
    within("copies", async {
        loop {
            let mut ends = vec![];
            for partition in 0..3 {
                ends.push(log.end(topic, partition).await.expect("answers"));
            }
            if ends.iter().sum::<i64>() >= enough {
                return;
            }
            let growing = (0..).zip(ends);
            let growing = growing.map(|(partition, end)| log.grown(topic, partition, end));
            select_all(growing).await.0.expect("grows");
        }
    })
    .await;
}

/// K2, K3: whatever the group does, each message is copied once, in the order of its key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_while_members_come_and_go() {
    let world = World::new();
    let (input, output) = (
        world.topic("in", 4, &[]).await,
        world.topic("out", 3, &[]).await,
    );
    let (log, group) = (world.log().await, world.name("copier"));
    let (stop, stopped) = watch::channel(false);
    let members = (0..3u64).map(|slot| {
        let (log, input, output) = (log.clone(), input.clone(), output.clone());
        let (group, stopped) = (group.clone(), stopped.clone());
        tokio::spawn(async move {
            let mut round = slot;
            while !*stopped.borrow() {
                round += 1;
                let member = join(&log, &group, &input).await;
                let staying = usize::try_from(20 + 60 * (round % 4)).expect("few");
                copy(&*member, &output, stopped.clone(), Some(staying)).await;
                // Some say that they go, some are just gone, in the middle of a publication perhaps.
                if round.is_multiple_of(2) {
                    within("leaving", member.leave()).await;
                }
            }
        })
    });
    let members: Vec<_> = members.collect();
    let mut sent: BTreeMap<Vec<u8>, Vec<Vec<u8>>> = BTreeMap::new();
    for n in 0..MESSAGES {
        let key = format!("acme/{}", n % KEYS).into_bytes();
        let payload = n.to_be_bytes().to_vec();
        sent.entry(key.clone()).or_default().push(payload.clone());
        let message = Outgoing {
            partition: None,
            key: key.into(),
            ..placed(&input, 0, payload)
        };
        log.append(vec![message]).await.expect("appends");
        // No further ahead of the copies than this, so that the members come and go all the while.
        let ahead = i64::from(n) - AHEAD;
        if ahead > 0 && ahead % 50 == 0 {
            copied(&log, &output, ahead).await;
        }
    }
    stop.send_replace(true);
    for member in members {
        within("the members", member).await.expect("no panic");
    }
    // Whoever comes last finishes.
    let (last_stop, last_stopped) = watch::channel(false);
    let last = join(&log, &group, &input).await;
    let finishing = tokio::spawn({
        let output = output.clone();
        async move {
            copy(&*last, &output, last_stopped, None).await;
            last.leave().await;
        }
    });
    check(&log, &output, &sent).await;
    last_stop.send_replace(true);
    within("the last member", finishing)
        .await
        .expect("no panic");
}
