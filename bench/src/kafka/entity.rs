//! An entity worker beside the plain driver: documents saved a second, under the same check of their version.
//!
//! The worker is given each entity's next message when all of the round before are done, so that no two changes of a
//! document go into one save; what counts is the versions that are there afterwards. The plain driver then saves the very
//! documents that the worker left, in the same rounds, as many of them under way as the worker has messages under way.
//!
//! The emulator that `tests/services` starts looks at every document of a collection to find one with an id and a version,
//! which MongoDB finds by its id: there are few documents, so that this is a small part of a save, the worker's or not.
use super::{KafkaMachine, Servers, fresh};
use crate::machine::{Count, Failed, MAP};
use crate::table::Table;
use events::consumer::DOCUMENTS_DOCUMENT;
use events::documents::AddDocument;
use futures::{StreamExt, TryStreamExt, stream};
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, RawDocumentBuf, doc, rawdoc};
use mongodb::options::{ReplaceOptions, WriteConcern};
use mongodb::{Client, Collection};
use runtime::emission::Emitter;
use runtime::ports::state::Row;
use runtime::{Consumer, Moment};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Entities, each with a document.
const ENTITIES: usize = 1_000;
/// Messages to each of them in one run.
const ROUNDS: usize = 10;
/// Messages of the worker under way: the `limit` of the map.
const UNDER_WAY: usize = 64;
/// Documents in one command of the worker, and commands under way: what the plain driver does in bulk.
const IN_A_COMMAND: usize = 128;
const COMMANDS: usize = 8;
/// What takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// The row.
///
/// # Errors
/// If a server does not answer, or a message was not applied, or not saved by itself.
pub async fn measure(servers: &Servers, table: &mut Table, runs: usize) -> Result<(), Failed> {
    let url = servers.mongodb.as_deref();
    let url = url.ok_or("documents are saved on MongoDB's protocol: name a server")?;
    let mut machine = KafkaMachine::start(servers, MAP).await?;
    machine.run(vec![Consumer::entity::<Count>(DOCUMENTS_DOCUMENT)])?;
    let raw = Raw::open(url).await?;
    tell(&machine, 1).await?; // every document is there
    raw.insert(&rows(&machine).await?).await?;
    let (mut worker, mut plain, mut bulk, mut shares) = (vec![], vec![], vec![], vec![]);
    for _ in 0..runs {
        let before = saves(&rows(&machine).await?);
        let took = tell(&machine, ROUNDS).await?.as_secs_f64();
        let rows = rows(&machine).await?;
        let saved = saves(&rows) - before;
        if saved != (ENTITIES * ROUNDS) as u64 {
            return Err(format!("{saved} saves: changes of one document were put together").into());
        }
        worker.push(saved as f64 / took);
        plain.push(raw.save(&rows).await?);
        bulk.push(raw.save_in_bulk(&rows).await?);
        shares.push(100.0 * worker[worker.len() - 1] / plain[plain.len() - 1]);
    }
    table.note("kafka-entity: documents saved/s", &worker, "/s");
    table.note("kafka-entity: plain driver, 64 at once", &plain, "/s");
    table.note(
        "kafka-entity: plain driver, 8 times 128 at once",
        &bulk,
        "/s",
    );
    table.at_least("kafka-entity: of the plain driver", &shares, 60.0, "%");
    machine.stop().await
}

/// A message to every entity, so many times, each time when all of the time before are applied; how long it took.
async fn tell(machine: &KafkaMachine, rounds: usize) -> Result<Duration, Failed> {
    let stats = machine.stats(DOCUMENTS_DOCUMENT).ok_or("it runs")?;
    let mut wanted = stats.done.load(Ordering::Relaxed);
    let emitter = Emitter::new(&machine.ports);
    let mut took = Duration::ZERO;
    for round in 0..rounds {
        let mut batch = Vec::with_capacity(ENTITIES);
        for n in 0..ENTITIES {
            let body = AddDocument {
                document: format!("d{n}"),
                chatbot: format!("n{round}"),
                name: "a name of a file.md".into(),
                media_type: "text/markdown".into(),
                ..AddDocument::default()
            };
            let mut at = Moment::for_tests(&body.document);
            at.message.id = format!("bench-{wanted}-{n}");
            batch.push(emitter.own(&at, DOCUMENTS_DOCUMENT, &body, "bench").await?);
        }
        wanted += ENTITIES as u64;
        let begun = Instant::now();
        machine.ports.log.append(batch).await?;
        while stats.done.load(Ordering::Relaxed) < wanted {
            if begun.elapsed() > PATIENCE {
                let done = stats.done.load(Ordering::Relaxed);
                return Err(format!("{done} of {wanted} messages within {PATIENCE:?}").into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        took += begun.elapsed();
    }
    let dead = stats.dead_lettered.load(Ordering::Relaxed);
    if dead > 0 {
        return Err(format!("{dead} messages were not applied").into());
    }
    Ok(took)
}

/// The documents as they are now, in order of their ids.
async fn rows(machine: &KafkaMachine) -> Result<Vec<(String, Row)>, Failed> {
    let state = &machine.ports.state;
    let (mut rows, mut after) = (Vec::with_capacity(ENTITIES), String::new());
    loop {
        let more = state
            .scan(DOCUMENTS_DOCUMENT, "acme/", &after, 2_000)
            .await?;
        let Some((last, _)) = more.last() else { break };
        after.clone_from(last);
        rows.extend(more);
    }
    if rows.len() != ENTITIES {
        return Err(format!("{} of {ENTITIES} documents are there", rows.len()).into());
    }
    Ok(rows)
}

fn saves(rows: &[(String, Row)]) -> u64 {
    rows.iter().map(|(_, row)| row.version).sum()
}

/// The plain driver.
struct Raw {
    client: Client,
    documents: Collection<RawDocumentBuf>,
}

impl Raw {
    async fn open(url: &str) -> Result<Self, Failed> {
        let client = Client::with_uri_str(url).await?;
        let documents = client.database(&fresh()).collection("documents");
        Ok(Self { client, documents })
    }

    async fn insert(&self, rows: &[(String, Row)]) -> Result<(), Failed> {
        for rows in rows.chunks(1_000) {
            let documents = rows.iter().map(|(id, row)| document(id, row, 0));
            self.documents.insert_many(documents).await?;
        }
        Ok(())
    }

    /// Each as often as the worker did, one command each; how many a second.
    async fn save(&self, rows: &[(String, Row)]) -> Result<f64, Failed> {
        let from = self.version().await?;
        let options = ReplaceOptions::builder().write_concern(WriteConcern::majority());
        let options = options.build();
        let begun = Instant::now();
        for round in 0..ROUNDS as i64 {
            let version = from + round;
            let saving = rows.iter().map(|(id, row)| {
                let (documents, options) = (self.documents.clone(), options.clone());
                async move {
                    let under = doc! { "_id": id, "version": version };
                    let next = document(id, row, version + 1);
                    let saved = documents
                        .replace_one(under, next)
                        .with_options(options)
                        .await?;
                    match saved.modified_count {
                        1 => Ok(()),
                        n => Err(Failed::from(format!(
                            "{n} documents have version {version}"
                        ))),
                    }
                }
            });
            let saving = stream::iter(saving).buffer_unordered(UNDER_WAY);
            saving.try_collect::<()>().await?;
        }
        Ok((rows.len() * ROUNDS) as f64 / begun.elapsed().as_secs_f64())
    }

    /// The same with many documents in a command, as the worker does it.
    async fn save_in_bulk(&self, rows: &[(String, Row)]) -> Result<f64, Failed> {
        let from = self.version().await?;
        let database = self.client.database(&self.documents.namespace().db);
        let begun = Instant::now();
        for round in 0..ROUNDS as i64 {
            let version = from + round;
            let saving = rows.chunks(IN_A_COMMAND).map(|rows| {
                let updates = rows.iter().map(|(id, row)| {
                    let under = rawdoc! { "_id": id.as_str(), "version": version };
                    rawdoc! { "q": under, "u": document(id, row, version + 1) }
                });
                let updates: mongodb::bson::RawArrayBuf = updates.collect();
                let command = rawdoc! {
                    "update": self.documents.name(), "ordered": false,
                    "writeConcern": { "w": "majority" }, "updates": updates,
                };
                let (database, wanted) = (database.clone(), rows.len());
                async move {
                    let answer = database.run_raw_command(command).await?;
                    let changed = answer.get_i32("nModified").unwrap_or_default();
                    if usize::try_from(changed)? != wanted {
                        return Err(Failed::from(format!("{changed} of {wanted} were saved")));
                    }
                    Ok(())
                }
            });
            let saving = stream::iter(saving).buffer_unordered(COMMANDS);
            saving.try_collect::<()>().await?;
        }
        Ok((rows.len() * ROUNDS) as f64 / begun.elapsed().as_secs_f64())
    }

    /// That of every document.
    async fn version(&self) -> Result<i64, Failed> {
        let one = self.documents.find_one(doc! {}).await?;
        Ok(one.ok_or("no document")?.get_i64("version")?)
    }
}

/// The document of a row, as the state has it.
fn document(id: &str, row: &Row, version: i64) -> RawDocumentBuf {
    let binary = |bytes: &[u8]| Binary {
        subtype: BinarySubtype::Generic,
        bytes: bytes.to_vec(),
    };
    rawdoc! {
        "_id": id,
        "version": version,
        "partition": row.partition,
        "by": binary(&[7; 16]),
        "body": binary(&row.body),
    }
}
