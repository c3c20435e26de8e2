//! Dead letters sent to their input once more, on Kafka: how many a second, each key in order. Their handling is apart: the
//! handler waits until all of them are back, and then meets each once, in the order of its key.
use super::{KafkaMachine, Servers};
use crate::machine::Failed;
use crate::table::Table;
use events::consumer::DOCUMENTS_EFFECTS;
use events::documents::ParseUpload;
use runtime::dead_letters::{DeadLetters, Filter, Rate};
use runtime::emission::Emitter;
use runtime::{Consumer, Context, Emits, Failure, Handler, Moment, Verdict};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// An input whose consumer is ordered, so that each key waits behind its first letter; and where what was done is told.
const MAP: &str = "
defaults: { partitions: 4, retention: 7d, from: first, limit: 64, attempts: 4, dead_retention: 90d }
topics:
  - name: documents.effects
    kind: effects
    meaning: What cannot be handled, until somebody puts it right.
    key: document
    schemas: [troupe.documents.ParseUpload]
    producers: [documents.document]
    consumers: [{ name: documents.effects, kind: handlers, ordered: true }]
  - name: documents.document
    kind: input
    meaning: Nothing.
    key: document
    schemas: [troupe.documents.AddDocument]
    producers: [edge]
    consumers: [{ name: documents.document, kind: entity, ordered: true }]
  - name: letter.decided
    kind: event
    meaning: What a person did with a dead letter.
    key: subject
    compatibility: FULL_TRANSITIVE
    schemas: [troupe.system.LetterDecided]
    producers: [operator]
";

/// Keys, each with so many letters.
const KEYS: usize = 2_000;
const EACH: usize = 10;
/// The emulator of MongoDB that `tests/services` starts looks at every row of a collection to find one with an id and a
/// version, which MongoDB finds by its id: there fewer keys say what there is to say.
const KEYS_ON_MONGODB: usize = 200;
/// Messages appended at once.
const BATCH: usize = 1_000;
/// What takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Debug)]
struct Wrong;
impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not before somebody puts it right")
    }
}
impl std::error::Error for Wrong {}
impl Failure for Wrong {
    fn verdict(&self) -> Verdict {
        Verdict::DeadLetter("documents.wrong")
    }
}

/// What the handler does with its messages.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Is {
    Wrong,
    Waiting,
    Right,
}

struct Parse {
    is: watch::Receiver<Is>,
    /// Of each key: the numbers of its messages, as they were handled.
    handled: Arc<Mutex<BTreeMap<String, Vec<String>>>>,
}

impl Handler for Parse {
    type Message = ParseUpload;
    type Error = Wrong;
    async fn handle(&self, upload: ParseUpload, _: &Context) -> Result<Emits, Wrong> {
        let mut is = self.is.clone();
        if is
            .wait_for(|is| *is != Is::Waiting)
            .await
            .is_ok_and(|is| *is == Is::Wrong)
        {
            return Err(Wrong);
        }
        let mut handled = self.handled.lock().unwrap_or_else(PoisonError::into_inner);
        let of_key = handled.entry(upload.document).or_default();
        of_key.push(upload.revision);
        Ok(Emits::default())
    }
}

/// The rows: with the state in a file, and on MongoDB's protocol if a server is named.
///
/// # Errors
/// If a server does not answer, or what was redriven is not there once, in order.
pub async fn measure(servers: &Servers, table: &mut Table, runs: usize) -> Result<(), Failed> {
    let in_a_file = Servers {
        mongodb: None,
        ..servers.clone()
    };
    let (mut rates, mut plans) = (vec![], vec![]);
    for _ in 0..runs {
        let (planned, redriven) = run(&in_a_file, KEYS).await?;
        rates.push((KEYS * EACH) as f64 / redriven.as_secs_f64());
        plans.push(planned.as_secs_f64() * 1e3);
    }
    table.at_least("kafka-redrive: letters/s", &rates, 5_000.0, "/s");
    let name = "kafka-redrive: planning 20,000 letters";
    table.note(name, &plans, "ms");
    if servers.mongodb.is_some() {
        let (_, redriven) = run(servers, KEYS_ON_MONGODB).await?;
        let rate = (KEYS_ON_MONGODB * EACH) as f64 / redriven.as_secs_f64();
        let name = "kafka-redrive: letters/s, their rows on MongoDB's protocol";
        table.note(name, &[rate], "/s");
    }
    Ok(())
}

/// How long planning takes, and redriving.
async fn run(servers: &Servers, keys: usize) -> Result<(Duration, Duration), Failed> {
    let mut machine = KafkaMachine::start(servers, MAP).await?;
    let (is, receiver) = watch::channel(Is::Wrong);
    let parse = Parse {
        is: receiver,
        handled: Arc::default(),
    };
    let handled = parse.handled.clone();
    machine.run(vec![Consumer::handlers(DOCUMENTS_EFFECTS).handler(parse)])?;
    append(&machine, keys).await?;
    let stats = machine.stats(DOCUMENTS_EFFECTS).ok_or("it runs")?;
    let letters = keys * EACH;
    until(&stats.dead_lettered, letters).await?;
    is.send_replace(Is::Waiting);

    let dead = DeadLetters::new(&machine.ports, machine.map.clone());
    let begun = Instant::now();
    let plan = dead.plan_redrive(&Filter::default()).await?;
    let (planned, places) = (begun.elapsed(), plan.places());
    let begun = Instant::now();
    let redriven = dead.redrive(&places, "bench", "it is right now", Rate::FASTEST);
    let redriven = redriven.await?;
    let took = begun.elapsed();
    if redriven.done.len() != letters {
        return Err(format!("{} of {letters} were redriven", redriven.done.len()).into());
    }
    let before = stats.done.load(Ordering::Relaxed);
    is.send_replace(Is::Right);
    until(&stats.done, usize::try_from(before)? + letters).await?;
    let handled = std::mem::take(&mut *handled.lock().unwrap_or_else(PoisonError::into_inner));
    let wanted: Vec<String> = (0..EACH).map(|n| format!("r{n}")).collect();
    if handled.len() != keys || handled.values().any(|of_key| *of_key != wanted) {
        return Err("not each once, in order".into());
    }
    machine.stop().await?;
    Ok((planned, took))
}

async fn append(machine: &KafkaMachine, keys: usize) -> Result<(), Failed> {
    let emitter = Emitter::new(&machine.ports);
    let mut batch = Vec::with_capacity(BATCH);
    for n in 0..keys * EACH {
        let (key, round) = (n % keys, n / keys);
        let body = ParseUpload {
            document: format!("d{key}"),
            revision: format!("r{round}"),
            name: "a name of a file.md".into(),
            media_type: "text/markdown".into(),
            ..ParseUpload::default()
        };
        let mut at = Moment::for_tests(&body.document);
        at.message.id = format!("bench-{n}");
        batch.push(emitter.own(&at, DOCUMENTS_EFFECTS, &body, "bench").await?);
        if batch.len() == BATCH {
            machine.ports.log.append(std::mem::take(&mut batch)).await?;
        }
    }
    machine.ports.log.append(batch).await?;
    Ok(())
}

async fn until(counted: &AtomicU64, wanted: usize) -> Result<(), Failed> {
    let begun = Instant::now();
    while counted.load(Ordering::Relaxed) < wanted as u64 {
        if begun.elapsed() > PATIENCE {
            let got = counted.load(Ordering::Relaxed);
            return Err(format!("{got} of {wanted} within {PATIENCE:?}").into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::map::TopicMap;

    #[test]
    fn its_map_keeps_the_rules_of_the_house() {
        assert!(TopicMap::parse(MAP).is_ok());
    }
}
