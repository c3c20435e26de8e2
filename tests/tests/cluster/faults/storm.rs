//! Members come and go every second, with slow handlers.
use super::load::{Amount, Load};
use super::with_cluster;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long it goes on.
const STORM: Duration = Duration::from_secs(20);
/// So many come at least, also where one takes longer than a second to start.
const LEAST: u32 = 12;
/// An answer takes so long.
const SLOW: Duration = Duration::from_millis(300);

#[test]
fn members_that_come_and_go_every_second_lose_nothing_and_double_nothing() {
    with_cluster(async |cluster| {
        let caller = cluster.tenant("storm").await;
        let first = Amount {
            documents: 1,
            ..Amount::default()
        };
        let told = Load::start(&caller, "first", first).finish().await;
        cluster.model.takes(SLOW);
        let amount = Amount {
            conversations: 8,
            questions: 1_000,
            ..Amount::default()
        };
        let load = Load::start(&caller, "storm", amount);
        let mut members: VecDeque<_> = [cluster.take_oldest("talk")].into();
        let (over, mut comings) = (Instant::now() + STORM, 0);
        while Instant::now() < over || comings < LEAST {
            let turn = Instant::now() + Duration::from_secs(1);
            members.push_back(cluster.spawn("talk").once_ready().await);
            comings += 1;
            if members.len() > 2 {
                let leaving = members.pop_front().expect("three");
                match comings % 6 {
                    0 => leaving.kill().await,
                    _ => leaving.stop().await,
                }
            }
            tokio::time::sleep(turn.saturating_duration_since(Instant::now())).await;
        }
        load.enough();
        let told = told.and(load.finish().await);
        let answered: usize = told.conversations.values().map(Vec::len).sum();
        eprintln!("{comings} came, {} stay; {answered} answers", members.len());
        let stays = members.pop_back().expect("two");
        for member in members {
            member.stop().await;
        }
        cluster.give("talk", stays);
        cluster.model.takes(Duration::ZERO);
        assert!(answered > 20, "only {answered} answers came through");
        cluster.check(&caller, &told).await;
    });
}
