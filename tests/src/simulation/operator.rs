//! A person who puts right what can be put right, and is interrupted at it.
use super::load;
use events::map::TopicMap;
use runtime::Ports;
use runtime::dead_letters::{DeadLetters, Filter, LettersError, Rate};
use runtime::testkit::sim::{Side, Sim};
use std::sync::Arc;

const PERSON: &str = "person";

/// Redrives the dead letters of these consumers that are left (D4); says whether there were any. One time in two
/// whoever does it is killed at some write, and the next one does not know how far it came.
pub async fn redrive_all(sim: &Sim, map: &Arc<TopicMap>, consumers: &[&str]) -> bool {
    let mut process = sim.process(PERSON);
    if sim.draw(0, 1) == 0 {
        let side = if sim.draw(0, 1) == 0 {
            Side::Before
        } else {
            Side::After
        };
        sim.crash_at(PERSON, sim.writes(PERSON) + sim.draw(1, 9), side);
    }
    let mut any = false;
    loop {
        let (worker, map) = (process.clone(), map.clone());
        let consumers: Vec<String> = consumers.iter().map(|&name| name.to_owned()).collect();
        let work = process.spawn(async move {
            let ports = load::ports(&worker).await;
            let mut redriven = 0;
            for consumer in consumers {
                redriven += redrive(&ports, &map, consumer).await?;
            }
            Ok::<usize, LettersError>(redriven)
        });
        match work.await.expect("it does not panic") {
            Some(count) => return any || count.expect("no faults but the crash") > 0,
            None => (any, process) = (true, sim.process(PERSON)),
        }
    }
}

async fn redrive(
    ports: &Ports,
    map: &Arc<TopicMap>,
    consumer: String,
) -> Result<usize, LettersError> {
    let letters = DeadLetters::new(ports, map.clone());
    let filter = Filter {
        consumer: Some(consumer),
        ..Filter::default()
    };
    let plan = letters.plan_redrive(&filter).await?;
    let (places, why) = (plan.places(), "it may pass now");
    letters.redrive(&places, PERSON, why, Rate::FASTEST).await?;
    Ok(plan.count())
}

/// Discards what will never pass these borders (D4).
pub async fn discard_foreign(sim: &Sim, map: &Arc<TopicMap>, borders: &[&str]) {
    sim.calm_down();
    let ports = load::ports(&sim.process(PERSON)).await;
    let letters = DeadLetters::new(&ports, map.clone());
    for border in borders {
        let filter = Filter {
            consumer: Some((*border).to_owned()),
            ..Filter::default()
        };
        let page = letters.list(&filter, None, 1_000).await.expect("no faults");
        for letter in page.letters {
            letters
                .discard(&letter.place, PERSON, "it does not belong here")
                .await
                .expect("no faults");
        }
    }
}
