//! The story, step by step. Each step writes what it saw into the [`Evidence`].
mod asking;
mod ingestion;

use super::client::Client;
use super::evidence::{Document, Evidence, Ledger};
use super::found::Stores;
use super::house::{House, Site};
use super::material::{self, Source};
use super::questions::Question;
use super::show::Show;
use super::trouble::{Trouble, within};
use crate::clock::SystemClock;
use documents::parse::Limits;
use runtime::ports::clock::Clock;
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;

/// How long it may take until every message is handled.
const QUIET: Duration = Duration::from_secs(60);
/// How often anything else is looked at.
const SOMETIMES: Duration = Duration::from_millis(50);

/// The tenant of `troupe up --dev`. On a cluster, which others use too, each demo has one of its own.
pub const TENANT: &str = "demo";
const CHATBOT: &str = "observatory";

/// The story while it is told.
pub struct Story<'a> {
    /// Tells it.
    pub show: &'a Show,
    /// Who does it.
    pub house: House,
    /// Where it is kept.
    pub stores: Stores,
    /// How the workers read documents.
    pub limits: Limits,
    /// The documents.
    pub sources: Vec<Source>,
    /// The questions.
    pub questions: Vec<Question>,
    /// What was seen.
    pub seen: Evidence,
    /// What it is doing, for whoever asks why it does not go on.
    pub step: String,
}

/// A document as the edge lists it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Listed {
    id: String,
    name: String,
    state: String,
    passages: i64,
    ledger: Option<Ledger>,
}

impl Story<'_> {
    /// Tells the whole story.
    ///
    /// # Errors
    /// [`Trouble`] of the first step that did not go on; what was seen until then is kept.
    pub async fn tell(&mut self) -> Result<(), Trouble> {
        self.begin("reading the documents");
        self.read()?;
        self.begin("making a chatbot of the documents");
        self.show
            .step(1, &format!("{} become a chatbot", self.what_there_is()));
        self.start().await?;
        let operation = self
            .create(
                CHATBOT,
                "Observatory",
                &self.sources.clone(),
                Duration::ZERO,
            )
            .await?;
        self.begin("waiting for the middle of the ingestion");
        let operation = operation
            .expect("202 and an operation", |reply| reply.location.is_some())?
            .location
            .unwrap_or_default();
        self.middle().await?;

        self.begin("killing the working process, and starting it again");
        let killed = match self.seen.cluster {
            true => "The process that indexes is killed in the middle, and started again",
            false => "The working process is killed in the middle, and started again",
        };
        self.show.step(2, killed);
        self.crash().await?;
        self.begin("waiting for the ingestion to go on by itself");
        self.go_on(&operation).await?;

        self.begin("reading the ledger");
        self.show.step(
            3,
            "The ledger: passages expected, embedded, stored, retrievable",
        );
        self.ledgers().await?;

        self.show.step(4, "Questions");
        for question in self.questions.clone() {
            self.begin(&format!("asking {:?}", question.text));
            self.ask(question).await?;
        }

        self.begin("creating a chatbot with a source that cannot be read");
        self.show
            .step(5, "A chatbot with a source that cannot be read");
        self.fail_to_create().await?;

        self.begin("waiting until every message is handled");
        self.show.step(6, "Everything is held against the database");
        self.quiet().await?;
        self.begin("stopping the working process");
        self.seen.exit_code = self.house.stop().await?;
        Ok(())
    }

    fn begin(&mut self, step: &str) {
        step.clone_into(&mut self.step);
    }
    fn client(&self) -> Result<&Client, Trouble> {
        self.house.client()
    }

    /// Reads every file as the worker will, to know what must come out.
    fn read(&mut self) -> Result<(), Trouble> {
        let site = self.house.site();
        self.seen.cluster = matches!(site, Site::Servers { .. });
        self.seen.tenant = match site {
            Site::File(_) => TENANT.into(),
            Site::Servers { tenant, .. } => tenant.clone(),
        };
        self.seen.chatbot = CHATBOT.into();
        self.seen.began_ms = SystemClock.now_ms();
        self.seen.questions = self.questions.len();
        for source in &self.sources {
            let passages = material::passages(source, &self.limits)?;
            self.seen.documents.push(Document {
                name: source.name.clone(),
                generated: source.generated,
                read: passages.len() as u64,
                digest: material::digest(passages.iter().map(|passage| passage.text.as_str())),
                ..Document::default()
            });
        }
        Ok(())
    }
    fn what_there_is(&self) -> String {
        let generated = self
            .sources
            .iter()
            .filter(|source| source.generated)
            .count();
        let given = self.sources.len() - generated;
        match generated {
            0 => format!("{given} documents"),
            _ => format!(
                "{given} documents, and {generated} made-up ones so that there is a middle,"
            ),
        }
    }

    async fn start(&mut self) -> Result<(), Trouble> {
        self.house.start().await?;
        let processes = self.house.processes();
        match self.house.site() {
            Site::File(database) => {
                for (_, pid) in processes {
                    let database = database.display();
                    self.show
                        .note(format_args!("   process {pid} works on {database}"));
                }
            }
            Site::Servers { tenant, .. } => {
                let each = processes.map(|(name, pid)| format!("{name} {pid}"));
                let each = each.collect::<Vec<_>>().join(", ");
                self.show.note(format_args!(
                    "   processes: {each}; all of it is {tenant}'s"
                ));
            }
        }
        Ok(())
    }

    /// Uploads the sources and asks for a chatbot of them.
    async fn create(
        &self,
        id: &str,
        name: &str,
        sources: &[Source],
        wait: Duration,
    ) -> Result<super::client::Reply, Trouble> {
        let client = self.client()?;
        let mut uploaded = Vec::new();
        for source in sources {
            let blob = client.put_blob(source.bytes.to_vec()).await?;
            uploaded.push(json!({"name": source.name, "blob": blob}));
        }
        client
            .post(
                "/v1/chatbots",
                &json!({"id": id, "name": name, "sources": uploaded}),
                wait,
            )
            .await
    }

    /// Waits until every consumer has read its topic to the end.
    async fn quiet(&self) -> Result<(), Trouble> {
        let mut unread = Vec::new();
        let reading = async {
            loop {
                unread = self.stores.unread(&self.seen).await?;
                if unread.is_empty() {
                    return Ok(());
                }
                tokio::time::sleep(SOMETIMES).await;
            }
        };
        let read = within(QUIET, "every message to be handled", reading).await;
        match read {
            Err(Trouble::Late { limit, .. }) => {
                let waiting_for =
                    format!("every message to be handled; unread: {}", unread.join(", "));
                Err(Trouble::Late { waiting_for, limit })
            }
            read => read,
        }
    }
}
