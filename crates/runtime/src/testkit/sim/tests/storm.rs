//! A simple consumer in a storm: leases, checkpoints and settling must be enough for exactly once.
use super::*;

/// Copies `in` to `out`, one message a publication, as a simple runtime would.
async fn copy(process: SimProcess) {
    let member = loop {
        if let Ok(member) = process.log().join(joining(true)).await {
            break member;
        }
    };
    loop {
        let Ok(Happening::Fetched(lease, messages)) = member.next().await else {
            continue;
        };
        for message in messages {
            let key = String::from_utf8_lossy(&message.key).into_owned();
            let publication = publication(lease, message.at.offset + 1, &[&key]);
            loop {
                match member.publish(publication.clone()).await {
                    Ok(()) => break,
                    Err(PublishError::Fenced(_)) => break,
                    Err(PublishError::Refused { index, why }) => panic!("{index}: {why}"),
                    Err(PublishError::Port(_)) => continue,
                    Err(PublishError::Unknown(_)) => {}
                }
                let settled = loop {
                    match member.committed(lease).await {
                        Err(PublishError::Port(_)) => {}
                        settled => break settled,
                    }
                };
                let done = |checkpoint: &Option<Checkpoint>| {
                    checkpoint
                        .as_ref()
                        .is_some_and(|c| c.watermark > message.at.offset)
                };
                if settled.as_ref().map_or(true, done) {
                    break;
                }
            }
        }
    }
}

/// Three processes copy 60 messages through crashes, stops and rebalances; gives what came out, and the history.
async fn storm(seed: u64) -> (Vec<String>, String) {
    let sim = world(seed, SimOptions::stormy());
    for name in ["a", "b", "c"] {
        let process = sim.process(name);
        process.spawn(copy(process.clone()));
    }
    let log = sim.outside("load").log();
    for n in 0..60 {
        log.append(vec![message("in", &format!("t/{n}"))])
            .await
            .expect("appends");
        tokio::time::sleep(Duration::from_millis(sim.draw(0, 300))).await;
        match sim.draw(0, 30) {
            0 => {
                let process = sim.process("a");
                process.spawn(copy(process.clone()));
            }
            1 => sim.stop("b"),
            2 => sim.resume("b"),
            3 => sim.shake("c"),
            _ => {}
        }
    }
    sim.calm_down();
    sim.resume("b");
    assert!(
        sim.settled(Duration::from_secs(30), 10_000).await,
        "seed {seed} does not settle:\n{}",
        sim.history()
    );
    let keys = sim
        .messages("out")
        .iter()
        .map(|m| String::from_utf8_lossy(&m.key).into_owned())
        .collect();
    (keys, sim.history())
}

#[test]
fn leases_checkpoints_and_settling_are_enough_to_copy_exactly_once_through_any_storm() {
    for seed in 0..40 {
        let (mut keys, history) = simulate(storm(seed));
        keys.sort();
        let mut expected: Vec<String> = (0..60).map(|n| format!("t/{n}")).collect();
        expected.sort();
        assert_eq!(keys, expected, "seed {seed}\n{history}");
    }
}

#[test]
fn the_same_seed_gives_the_same_history() {
    let (first, second) = (simulate(storm(3)).1, simulate(storm(3)).1);
    assert!(first == second, "{first}\n----\n{second}");
    assert!(first != simulate(storm(4)).1);
    for happened in [
        "fenced a publication",
        "crashed",
        "stopped",
        "stays open",
        "aborted",
    ] {
        assert!(
            (0..20).any(|seed| simulate(storm(seed)).1.contains(happened)),
            "never {happened}"
        );
    }
}
