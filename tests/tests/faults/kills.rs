//! The real process is killed under load, again and again, and started again on the same file.
use super::kept;
use super::lives::{Lives, Moment, Random};
use super::load::{Amount, Load};
use embedded::CrashPoint;
use std::time::Instant;

/// How often it is killed.
const KILLS: u32 = 200;
/// From which the moments follow, unless `TROUPE_SEEDS` says another.
const SEED: u64 = 1;

fn seed() -> u64 {
    let wanted = std::env::var("TROUPE_SEEDS").ok();
    wanted.and_then(|seed| seed.parse().ok()).unwrap_or(SEED)
}

/// With a chatbot, made before anything goes wrong.
async fn prepared() -> Lives {
    let lives = Lives::new().await;
    let mut life = lives.start(&[]);
    lives
        .ready(&mut life)
        .await
        .expect("it starts")
        .create("bot")
        .await;
    lives.stop(life).await;
    lives
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_kills_lose_nothing_and_double_nothing() {
    let (begun, seed, lives) = (Instant::now(), seed(), prepared().await);
    let amount = Amount {
        askers: 2,
        large_every: 16,
    };
    let load = Load::start(&lives, amount);
    let mut random = Random(seed);
    for life in 0..KILLS {
        lives.live_until_killed(Moment::of(life, &mut random)).await;
    }
    let killing = begun.elapsed();

    let mut life = lives.start(&[]);
    let caller = lives
        .ready(&mut life)
        .await
        .expect("it starts on what was left");
    // Who comes second is told so, and harms nobody.
    let second = lives.place.run(&["up", "--listen", "127.0.0.1:0"]).await;
    second.fails(
        1,
        &["troupe.db is in use by process", "stop that process first"],
    );
    let told = load.finish().await;
    kept::check(&lives, life, &caller, &told).await;
    let questions: usize = told.conversations.values().map(Vec::len).sum();
    println!(
        "seed {seed}: {KILLS} kills in {killing:.0?}, {} documents, {questions} questions, {:.0?} in all",
        told.documents.len(),
        begun.elapsed(),
    );
    assert!(
        told.documents.len() > 20 && questions > 20,
        "there was something to lose"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_point_of_the_commit_path_can_be_the_last() {
    let (begun, seed, lives) = (Instant::now(), seed(), prepared().await);
    let amount = Amount {
        askers: 1,
        large_every: 2,
    };
    let load = Load::start(&lives, amount);
    let (mut random, mut while_serving) = (Random(seed), 0);
    for point in CrashPoint::ALL {
        // A large upload passes the points of blobs and stages a few times, the others are passed all the time.
        let most = match point {
            CrashPoint::MidBlob | CrashPoint::BeforeBlobWhole => 3,
            CrashPoint::MidStage | CrashPoint::BeforeSwitch => 8,
            _ => 120,
        };
        for passage in [1, 1 + random.below(most), 1 + random.below(most)] {
            let at = format!("{}:{passage}", point.name());
            while_serving += u32::from(lives.live_until_crash(&at).await);
        }
    }
    let mut life = lives.start(&[]);
    let caller = lives
        .ready(&mut life)
        .await
        .expect("it starts on what was left");
    let told = load.finish().await;
    kept::check(&lives, life, &caller, &told).await;
    println!(
        "seed {seed}: {while_serving} of {} crashes while it served, {} documents, {:.0?} in all",
        3 * CrashPoint::ALL.len(),
        told.documents.len(),
        begun.elapsed(),
    );
    assert!(while_serving >= 15, "{while_serving} were under load");
}
