//! The whole of Troupe on servers: Kafka, a schema registry, a MongoDB-wire server, S3, and a double of Qdrant. Each worker
//! is a process of its own.
mod demo;
#[cfg(feature = "faults")]
mod faults;
mod house;
mod outside;
mod outsiders;
mod servers;

use house::House;
use std::time::{Duration, Instant};

/// K5: a session of 6 s, a heartbeat, and an open transaction that the broker looks for every second (K3).
const SERVED_AGAIN: Duration = Duration::from_secs(8);

/// Whoever has it runs workers on the broker that all of these tests share: its topics have fixed names.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_in_processes_of_their_own_do_the_whole_work_on_servers_and_lose_nothing_when_killed()
 {
    let _alone = ALONE.lock().await;
    let mut house = House::build().await;
    let bot = format!("bot-{}", std::process::id());
    let bot = bot.as_str();
    house.create(bot).await;
    for document in [
        "visitor-guide.pdf",
        "volunteer-handbook.docx",
        "telescope-care.md",
    ] {
        house.upload(bot, document).await;
    }
    let answer = house
        .ask(bot, "What does a ticket for an adult cost?")
        .await;
    assert_eq!(
        answer["known"], false,
        "no price was uploaded yet: {answer}"
    );

    // Killed with work in hand: it comes back, and what was waiting is done.
    let began = Instant::now();
    let waiting = house.upload_later(bot, "prices.xlsx").await;
    house.kill("knowledge").await;
    house.start("knowledge").await;
    house.done(&waiting).await;
    let took = began.elapsed();
    eprintln!("indexed {took:?} after the kill, the new process's start included");
    assert!(took < SERVED_AGAIN + Duration::from_secs(12), "{took:?}");

    let answer = house
        .ask(bot, "What does a ticket for an adult cost?")
        .await;
    assert_eq!(answer["known"], true, "{answer}");
    assert_eq!(answer["citations"][0]["name"], "prices.xlsx", "{answer}");

    // What cannot be read is refused with a reason, and goes to no dead letters.
    let refused = house
        .upload_bytes(bot, "broken.pdf", b"%PDF-1.7 not one".to_vec())
        .await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert_eq!(
        house.delete(bot).await,
        200,
        "the deletion proves that nothing is left"
    );
    let asked = house.asked(bot, "What does a ticket cost?").await;
    assert!(matches!(asked.status, 404 | 409), "{}", asked.body);

    house.stop().await;
    outside::nothing_is_said_twice(&house).await;
}
