//! Everything at once, in an order that follows from a seed: workers, the edge and the servers die under load and come
//! back, workers stand still. `tests/services/chaos` runs it for as long as one wants.
use super::cluster::{Cluster, GROUPS};
use super::load::{Amount, Load};
use super::servers::Server;
use super::with_cluster;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// For how long, in seconds, unless `TROUPE_TEST_CHAOS_S` says another.
const LASTS_S: u64 = 30;
/// From which the order follows, unless `TROUPE_TEST_CHAOS_SEED` says another.
const SEED: u64 = 1;
/// Longer than a session (K5).
const STANDS_STILL: Duration = Duration::from_secs(8);

/// What may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Blow {
    /// SIGKILL.
    Kill(&'static str),
    /// SIGSTOP, for longer than a session while another takes over.
    Stop(&'static str),
    /// SIGKILL.
    Edge,
    /// SIGKILL.
    Server(Server),
}

/// Numbers that follow from a seed (splitmix64).
struct Random(u64);
impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % most
    }
    fn millis(&mut self, most: u64) -> Duration {
        Duration::from_millis(self.below(most))
    }
}

/// Each kind once, in another order each time: a short run has met most, a long one all.
fn deck(random: &mut Random) -> Vec<Blow> {
    let groups = || GROUPS.iter().map(|(group, _)| *group);
    let stopped = groups().nth(usize::try_from(random.below(GROUPS.len() as u64)).expect("small"));
    let servers = [Server::Kafka, Server::Mongo, Server::Registry];
    let mut deck: Vec<Blow> = groups().map(Blow::Kill).collect();
    deck.extend(stopped.map(Blow::Stop));
    deck.push(Blow::Edge);
    deck.extend(servers.map(Blow::Server));
    for at in (1..deck.len()).rev() {
        let other = random.below(at as u64 + 1);
        deck.swap(at, usize::try_from(other).expect("small"));
    }
    deck
}

async fn strike(cluster: &mut Cluster, blow: Blow, random: &mut Random) {
    match blow {
        Blow::Kill(group) => {
            cluster.take_oldest(group).kill().await;
            cluster.start(group).await;
        }
        Blow::Stop(group) => {
            cluster.oldest(group).signal("-STOP");
            let since = Instant::now();
            cluster.start(group).await;
            sleep(STANDS_STILL.saturating_sub(since.elapsed())).await;
            cluster.oldest(group).signal("-CONT");
            sleep(random.millis(1_500)).await;
            // Either may go, in either way.
            let heir = random.below(2) == 1;
            let first = cluster.take_oldest(group);
            let second = cluster.take_oldest(group);
            let (goes, stays) = if heir {
                (second, first)
            } else {
                (first, second)
            };
            if random.below(2) == 1 {
                goes.stop().await;
            } else {
                goes.kill().await;
            }
            cluster.give(group, stays);
        }
        Blow::Edge => cluster.restart_edge().await,
        Blow::Server(server) => {
            cluster.kill(server);
            sleep(random.millis(2_000)).await;
            cluster.servers.start_again(server).await;
        }
    }
}

fn setting(variable: &str, otherwise: u64) -> u64 {
    let set = std::env::var(variable).ok();
    set.map_or(otherwise, |text| {
        text.parse().unwrap_or_else(|e| panic!("{variable}: {e}"))
    })
}

#[test]
fn whatever_dies_at_random_under_load_no_law_is_broken() {
    with_cluster(async |cluster| {
        let lasts = Duration::from_secs(setting("TROUPE_TEST_CHAOS_S", LASTS_S));
        let seed = setting("TROUPE_TEST_CHAOS_SEED", SEED);
        let caller = cluster.tenant("chaos").await;
        let amount = Amount {
            uploaders: 3,
            conversations: 3,
            questions: u32::MAX,
            ..Amount::default()
        };
        let load = Load::start(&caller, "chaos", amount);
        let (mut random, mut struck) = (Random(seed), BTreeMap::<Blow, u32>::new());
        let over = Instant::now() + lasts;
        'chaos: loop {
            for blow in deck(&mut random) {
                if Instant::now() >= over {
                    break 'chaos;
                }
                sleep(random.millis(1_000)).await;
                let began = Instant::now();
                strike(cluster, blow, &mut random).await;
                eprintln!("chaos: {blow:?} in {:?}", began.elapsed());
                *struck.entry(blow).or_default() += 1;
            }
        }
        load.enough();
        let ended = Instant::now();
        let told = load.finish().await;
        let questions: usize = told.conversations.values().map(Vec::len).sum();
        eprintln!(
            "chaos of seed {seed}: {struck:?}; {} documents, {questions} questions, the last {:?} after the end",
            told.documents.len(),
            ended.elapsed(),
        );
        assert!(
            told.documents.len() > 3 && questions > 3,
            "there was something to lose"
        );
        cluster.check(&caller, &told).await;
    });
}
