//! A stage over bytes: what is done at once needs no lane, and keeps its order with what is not.
use super::fixtures::*;
use crate::consumer::BytesStep;
use crate::engine::{self, Options, Running};
use crate::ports::log::{Message, Outgoing};
use crate::testkit::sim::{Side, SimOptions, SimProcess};
use crate::{BoxFuture, Consumer};
use bytes::Bytes;
use events::Headers;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const TO: &str = "document.changed";
const REFUSING: &str = "replies";

/// Copies; what a message says first is what becomes of it.
#[derive(Clone, Default)]
struct Copy(Arc<Mutex<BTreeSet<Bytes>>>);

impl BytesStep for Copy {
    fn run<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Vec<Outgoing>, String>> {
        Box::pin(async move {
            let says = |what: &str| message.payload.starts_with(what.as_bytes());
            if says("waits") {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            if says("fails")
                && self
                    .0
                    .lock()
                    .expect("whole")
                    .insert(message.payload.clone())
            {
                return Err("not the first time".to_owned());
            }
            Ok(vec![Outgoing {
                topic: if says("refused") { REFUSING } else { TO }.into(),
                partition: Some(0),
                key: message.key.clone(),
                headers: Headers::default(),
                payload: message.payload.clone(),
            }])
        })
    }
}

type Process = (SimProcess, Running);

async fn start(world: &World, copy: &Copy) -> Process {
    let process = world.sim.process("a");
    let ports = ports(&process).await;
    let stage = Consumer::bytes(EFFECTS, copy.clone());
    let options = Options {
        // So few that some of what passed is always left for the next commit.
        results: 5,
        ..Options::new(world.map.clone())
    };
    let running = engine::start(&ports, vec![stage], &options);
    (process, running.expect("wired"))
}

type ByKey = BTreeMap<Bytes, Vec<Bytes>>;

/// So many messages of seven keys, one or the other of which is not done at once.
async fn send(world: &World, count: usize) -> ByKey {
    let mut sent = ByKey::new();
    for n in 0..count {
        let what = match n % 11 {
            3 => "waits",
            7 => "fails",
            _ => "at once",
        };
        let message = put(&format!("acme/k{}", n * n % 7), &format!("{what} {n}"));
        let of = sent.entry(message.key.clone()).or_default();
        of.push(message.payload.clone());
        world.send(message).await;
    }
    sent
}

fn put(key: &str, payload: &str) -> Outgoing {
    Outgoing {
        topic: EFFECTS.into(),
        partition: None,
        key: key.to_owned().into(),
        headers: Headers::default(),
        payload: payload.to_owned().into(),
    }
}

fn copied(world: &World) -> ByKey {
    let mut copied = ByKey::new();
    for message in world.sim.messages(TO) {
        let of = copied.entry(message.key).or_default();
        of.push(message.payload);
    }
    copied
}

/// Until nothing happens any more, with a process that is started again whenever it is dead.
async fn settle(world: &World, copy: &Copy, mut process: Process) -> Process {
    loop {
        let settled = world.sim.settled(Duration::from_secs(20), 100_000).await;
        assert!(settled, "it does not settle:\n{}", world.sim.history());
        if !process.0.is_dead() {
            return process;
        }
        process.1.abort();
        process = start(world, copy).await;
    }
}

#[test]
fn what_passes_keeps_its_order_with_what_waits_or_is_tried_again_whenever_the_process_dies() {
    for (nth, side) in (1..=24).flat_map(|nth| [(nth, Side::Before), (nth, Side::After)]) {
        simulate(async move |world| {
            let copy = Copy::default();
            let process = start(&world, &copy).await;
            world.sim.crash_at("a", world.sim.writes("a") + nth, side);
            let sent = send(&world, 400).await;
            let _process = settle(&world, &copy, process).await;
            assert_eq!(copied(&world), sent, "{nth} {side:?}");
        });
    }
}

#[test]
fn what_passes_passes_once_in_any_storm() {
    for turn in 0..30 {
        simulate(async move |world| {
            let copy = Copy::default();
            (0..turn).for_each(|_| {
                world.sim.draw(0, 1);
            });
            let process = start(&world, &copy).await;
            world.sim.set_options(SimOptions::stormy());
            let mut sent = send(&world, 200).await;
            world.sim.shake(EFFECTS);
            for (key, more) in send(&world, 200).await {
                sent.entry(key).or_default().extend(more);
            }
            world.sim.calm_down();
            let _process = settle(&world, &copy, process).await;
            assert_eq!(
                copied(&world),
                sent,
                "turn {turn}:\n{}",
                world.sim.history()
            );
        });
    }
}

#[test]
fn what_passed_and_is_refused_is_a_dead_letter_and_what_is_beside_it_goes_on() {
    simulate(async |world| {
        let copy = Copy::default();
        world.sim.refuse(REFUSING);
        let mut sent = send(&world, 30).await;
        world.send(put("acme/k1", "refused")).await;
        for (key, more) in send(&world, 30).await {
            sent.entry(key).or_default().extend(more);
        }
        let process = start(&world, &copy).await;
        let _process = settle(&world, &copy, process).await;
        assert_eq!(copied(&world), sent);
        let codes = world.dead(EFFECTS).await;
        let codes: Vec<&str> = codes.iter().map(|(_, code)| code.as_str()).collect();
        assert_eq!(codes, ["runtime.output_refused"]);
    });
}
