//! The documents become a chatbot, and the process that does it is killed in the middle.
use super::{CHATBOT, Listed, SOMETIMES, Story};
use crate::clock::SystemClock;
use crate::demo::evidence::Crash;
use crate::demo::report;
use crate::demo::trouble::{Trouble, within};
use reqwest::StatusCode;
use runtime::ports::clock::Clock;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long bringing in all documents may take, before and after the crash.
const INGESTION: Duration = Duration::from_secs(120);
/// How often the middle of the ingestion is looked for: it is over soon.
const OFTEN: Duration = Duration::from_millis(3);

impl Story<'_> {
    /// Looks where the documents are.
    async fn look(&mut self) -> Result<BTreeMap<String, i64>, Trouble> {
        let path = format!("/v1/chatbots/{CHATBOT}/documents");
        let listed: Vec<Listed> = self.client()?.list(&path).await?;
        let passages = listed
            .iter()
            .map(|listed| (listed.id.clone(), listed.passages))
            .collect();
        for listed in listed {
            if let Some(known) = self
                .seen
                .documents
                .iter_mut()
                .find(|known| known.name == listed.name)
            {
                (known.id, known.state) = (listed.id, listed.state);
            }
        }
        Ok(passages)
    }
    fn ready(&self) -> usize {
        self.seen
            .documents
            .iter()
            .filter(|document| document.state == "ready")
            .count()
    }

    /// Waits until some documents are ready and some are not.
    pub(super) async fn middle(&mut self) -> Result<(), Trouble> {
        let show = self.show;
        let mut board = show.board(&self.seen.documents);
        let watching = async {
            loop {
                let passages = self.look().await?;
                board.update(&self.seen.documents, &passages);
                if self.ready() > 0 {
                    return Ok(());
                }
                tokio::time::sleep(OFTEN).await;
            }
        };
        within(INGESTION, "the first document to become ready", watching).await
    }

    pub(super) async fn crash(&mut self) -> Result<(), Trouble> {
        let (ready_before, of) = (self.ready(), self.seen.documents.len());
        let killed = self.house.kill().await?;
        let mut crash = Crash {
            killed_pid: killed.pid,
            signal: killed.signal,
            killed_at_ms: SystemClock.now_ms(),
            ready_before,
            of,
            ..Crash::default()
        };
        let how = crash.signal.map_or_else(
            || "without a signal".to_owned(),
            |signal| format!("by signal {signal}"),
        );
        self.show.note(format_args!(
            "   process {} ended {how}, with {ready_before} of {of} documents ready",
            crash.killed_pid
        ));
        let again = Instant::now();
        crash.restarted_pid = self.house.start_again().await?;
        crash.ready_again_ms = u64::try_from(again.elapsed().as_millis()).unwrap_or(u64::MAX);
        let goes_on = match self.seen.cluster {
            true => "; Kafka gives it its partitions when the session of the other has run out",
            false => "",
        };
        self.show.note(format_args!(
            "   process {} was ready after {} ms; nobody tells it what to do{goes_on}",
            crash.restarted_pid, crash.ready_again_ms
        ));
        self.seen.crash = Some(crash);
        Ok(())
    }

    /// Watches, and does nothing else, until the chatbot is there.
    pub(super) async fn go_on(&mut self, operation: &str) -> Result<(), Trouble> {
        let show = self.show;
        let mut board = show.board(&self.seen.documents);
        let watching = async {
            loop {
                let state = self
                    .client()?
                    .get(operation)
                    .await?
                    .expect("the operation", |reply| reply.status == StatusCode::OK)?;
                let passages = self.look().await?;
                board.update(&self.seen.documents, &passages);
                let ended = Some(state.text("status")).filter(|status| status != "running");
                if let Some(status) = ended
                    .filter(|status| status != "done" || self.ready() == self.seen.documents.len())
                {
                    if let Some(why) = state.body["error"]["detail"].as_str() {
                        show.note(format_args!("   the chatbot was not created: {why}"));
                    }
                    self.seen.created = Some(status);
                    return Ok(());
                }
                tokio::time::sleep(SOMETIMES).await;
            }
        };
        within(
            INGESTION,
            "all documents to become ready, and the chatbot to be there",
            watching,
        )
        .await
    }

    pub(super) async fn ledgers(&mut self) -> Result<(), Trouble> {
        let complete = async {
            for index in 0..self.seen.documents.len() {
                let path = format!(
                    "/v1/chatbots/{CHATBOT}/documents/{}",
                    self.seen.documents[index].id
                );
                loop {
                    let reply = self
                        .client()?
                        .get(&path)
                        .await?
                        .expect("the document", |reply| reply.status == StatusCode::OK)?;
                    let listed: Listed = reply.read("a document")?;
                    if listed.ledger.is_some() {
                        self.seen.documents[index].ledger = listed.ledger;
                        break;
                    }
                    tokio::time::sleep(SOMETIMES).await; // the ledger follows the document by some milliseconds
                }
            }
            Ok(())
        };
        within(INGESTION, "the ledger of every document", complete).await?;
        self.show.result(report::ledger(&self.seen));
        Ok(())
    }
}
