//! Trials without chance, for rules that a storm seldom touches.
use super::business::{self, Ask, DOCUMENT, Document};
use super::load::{self, Load};
use super::outside::Outside;
use super::run::Plan;
use super::seen::seen;
use events::{ReplyStatus, TenantId};
use futures::StreamExt;
use runtime::engine::{self, Options, Running};
use runtime::rows::EntityRow;
use runtime::testkit::sim::{Side, Sim, SimOptions};
use std::collections::BTreeSet;
use std::time::Duration;

/// As often as the map says that handlers try.
const ATTEMPTS: usize = 4;

/// The first document, as it is stored.
pub fn document(sim: &Sim) -> Document {
    let row = sim.rows(DOCUMENT).into_iter().next();
    let Some((_, row)) = row else {
        return Document::default();
    };
    let row: EntityRow = serde_json::from_slice(&row.body).expect("a row of ours");
    let state = row
        .state
        .map(|state| serde_json::from_str(state.get()).expect("a document"));
    state.unwrap_or_default()
}

struct Trial {
    sim: Sim,
    outside: Outside,
    options: Options,
    load: Load,
}

impl Trial {
    async fn new(plan: Plan) -> Self {
        let sim = Sim::new(plan.seed, SimOptions::calm());
        Load::topics(&sim);
        let load = Load::new(&sim, plan.seed).await;
        let options = Options::new(business::map()).breaking(plan.of_engine());
        Self {
            outside: Outside::new(plan.seed),
            options,
            load,
            sim,
        }
    }
    fn document(&self) -> Document {
        document(&self.sim)
    }

    /// Starts a process.
    async fn start(&self, name: &str) -> Running {
        let process = self.sim.process(name);
        let ports = load::ports(&process).await;
        let consumers = business::consumers(&process, &self.outside);
        engine::start(&ports, consumers, &self.options).expect("the wiring is right")
    }
}

/// D2: what work needs is down for longer than all its attempts would take.
async fn outage_longer_than_all_attempts(plan: Plan) -> Vec<String> {
    let mut trial = Trial::new(plan).await;
    let running = trial.start("a").await;
    trial.outside.set_down(true);
    trial.load.send_plain().await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    trial.outside.set_down(false);
    tokio::time::sleep(Duration::from_secs(60)).await;
    running.abort();
    match seen(&trial.sim, "documents.effects.dead").len() {
        0 if trial.outside.effects().len() == 1 => vec![],
        dead => vec![format!(
            "{dead} dead letters, {:?}",
            trial.outside.effects()
        )],
    }
}

/// E6: a process is killed when it has saved what a command did and not yet answered; its deadline is over when
/// the command comes again.
async fn killed_before_it_answers(plan: Plan) -> Vec<String> {
    let mut trial = Trial::new(plan).await;
    let running = trial.start("a").await;
    trial.load.send_plain().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    // The next write is the save of the row.
    trial
        .sim
        .crash_at("a", trial.sim.writes("a") + 1, Side::After);
    trial.load.send_hurried_deletion().await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    running.abort();
    let running = trial.start("a").await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    running.abort();
    let answers = seen(&trial.sim, "replies");
    let statuses: Vec<_> = answers
        .iter()
        .map(|answer| answer.envelope.reply_status)
        .collect();
    if statuses == [Some(ReplyStatus::Done)] {
        return vec![];
    }
    vec![format!("it was done, and the answer is {statuses:?}")]
}

/// E4: a save is frozen on its way, and arrives when another process has gone on with the row.
async fn frozen_save_after_the_takeover(plan: Plan) -> Vec<String> {
    let mut trial = Trial::new(plan).await;
    let first = trial.start("a").await;
    trial.load.send_late().await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    trial
        .sim
        .stop_at("a", trial.sim.writes("a") + 1, Side::Before);
    trial.load.send_late().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let second = trial.start("b").await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    trial.load.send_late().await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    trial.sim.resume("a");
    tokio::time::sleep(Duration::from_secs(30)).await;
    first.abort();
    second.abort();
    let log = trial.document().log;
    if log == ["cmd-0", "cmd-1", "cmd-2"] {
        vec![]
    } else {
        vec![format!("had effect in the end: {log:?}")]
    }
}

/// All trials, each by its name.
pub async fn all(plan: Plan) -> Vec<(&'static str, Vec<String>)> {
    vec![
        (
            "killed after every attempt",
            killed_after_every_attempt(plan).await,
        ),
        (
            "a clock set back between wakes",
            clock_set_back_between_wakes(plan).await,
        ),
        ("a long outage", outage_longer_than_all_attempts(plan).await),
        (
            "killed between save and publication",
            killed_before_it_answers(plan).await,
        ),
        ("a frozen save", frozen_save_after_the_takeover(plan).await),
        ("blobs of two tenants", blobs_of_two_tenants(plan).await),
        (
            "more keys wait than there is room for",
            more_wait_than_there_is_room_for(plan).await,
        ),
    ]
}

/// C2: what most of a partition needs is down for long, and some of it needs something else.
async fn more_wait_than_there_is_room_for(plan: Plan) -> Vec<String> {
    const WAIT: usize = 180;
    let mut trial = Trial::new(plan).await;
    let running = trial.start("a").await;
    trial.outside.set_down(true);
    let documents = Load::neighbours(3, WAIT + WAIT / 3);
    let (waiting, others) = documents.split_at(WAIT);
    for (n, &document) in waiting.iter().enumerate() {
        trial.load.send_command_to(document, Ask::Plain).await;
        if let Some(&other) = others.get(n / 3).filter(|_| n % 3 == 0) {
            trial.load.send_command_to(other, Ask::Refuse).await;
        }
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    let refused = seen(&trial.sim, "replies")
        .iter()
        .filter(|answer| answer.envelope.reply_status == Some(ReplyStatus::Refused))
        .count();
    let mut broken = vec![];
    if refused != others.len() {
        broken.push(format!(
            "{refused} of {} got through between those that wait",
            others.len()
        ));
    }
    trial.outside.set_down(false);
    tokio::time::sleep(Duration::from_secs(1_500)).await;
    running.abort();
    let done: BTreeSet<String> = trial.outside.effects().into_iter().map(|e| e.key).collect();
    if done.len() != WAIT {
        broken.push(format!("{} of {WAIT} came back by themselves", done.len()));
    }
    broken
}

/// G4: handlers of two tenants keep something; what each tenant then has.
async fn blobs_of_two_tenants(plan: Plan) -> Vec<String> {
    let mut trial = Trial::new(plan).await;
    let running = trial.start("a").await;
    trial.load.send_kept().await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    running.abort();
    let blobs = trial.sim.outside("checker").blobs();
    let mut broken = vec![];
    for name in ["acme", "bolt"] {
        let tenant = TenantId::new(name).expect("a tenant");
        let kept = match blobs.get(&tenant, "doc-0").await {
            Ok(mut content) => {
                let mut kept = Vec::new();
                while let Some(chunk) = content.next().await {
                    kept.extend_from_slice(&chunk.expect("no faults"));
                }
                String::from_utf8_lossy(&kept).into_owned()
            }
            Err(e) => e.to_string(),
        };
        if kept != format!("{name}/doc-0") {
            broken.push(format!("{name} has kept {kept:?}"));
        }
    }
    broken
}

/// C4: a process is killed after every attempt at one message that never goes well; what is wrong with the attempts
/// that its handler is told of.
async fn killed_after_every_attempt(plan: Plan) -> Vec<String> {
    let mut trial = Trial::new(plan).await;
    trial.load.send_doomed().await;
    for expected in 1..=ATTEMPTS {
        let running = trial.start("a").await;
        let waiting = async {
            while trial.outside.calls().len() < expected {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        // The last owner's session has to run out, and the pause between attempts to pass.
        if tokio::time::timeout(Duration::from_secs(60), waiting)
            .await
            .is_err()
        {
            break;
        }
        // The attempt fails, and the checkpoint says so; the next one is still to wait.
        tokio::time::sleep(Duration::from_millis(150)).await;
        trial.sim.crash("a");
        running.abort();
    }
    let attempts: Vec<usize> = trial
        .outside
        .calls()
        .iter()
        .map(|call| call.attempt as usize)
        .collect();
    let expected: Vec<usize> = (0..ATTEMPTS).collect();
    if attempts == expected {
        return vec![];
    }
    vec![format!(
        "attempts over restarts: {attempts:?} instead of {expected:?}\n{}",
        trial.sim.history()
    )]
}

/// E7: a clock is set back between two wakes of one document; what is wrong with its wakes.
async fn clock_set_back_between_wakes(plan: Plan) -> Vec<String> {
    let mut trial = Trial::new(plan).await;
    let running = trial.start("a").await;
    for _ in 0..2 {
        trial.load.send_late().await;
        tokio::time::sleep(Duration::from_secs(30)).await;
        trial.sim.set_back("a", 50_000);
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    let document = trial.document();
    let mut broken = document.faults;
    if document.woken != 2 {
        broken.push(format!("it woke {} times", document.woken));
    }
    running.abort();
    broken
}
