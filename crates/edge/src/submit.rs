//! From what a client asks to a command on the log, and back to a response.
use crate::app::App;
use crate::asked::Asked;
use crate::operations::row::{Deltas, OperationRow};
use crate::operations::{Begin, Begun, Kind, Operation, Subject};
use crate::problem::{Code, Problem};
use crate::tenant::Tenant;
use axum::http::HeaderValue;
use axum::response::Response;
use events::envelope::name;
use events::{Addressed, MessageId};
use runtime::Moment;
use runtime::emission::Emitter;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::time::Duration;
use tokio::time::Instant;

/// The source of the edge's messages (I1), and its name as a consumer would have one.
const SOURCE: &str = "troupe/edge";

/// What is to be begun, besides its command.
pub struct New {
    /// The operation's id, which is the command's too.
    pub id: String,
    /// What is asked for.
    pub kind: Kind,
    /// What it is about.
    pub subject: Subject,
    /// See [`fingerprint`].
    pub fingerprint: String,
    /// For a question.
    pub deltas: Option<Deltas>,
}

/// By which a repeat of a request is told from another request with the same `Idempotency-Key`.
pub fn fingerprint(endpoint: &str, request: &impl Serialize) -> String {
    let mut hash = Sha256::new_with_prefix(endpoint.as_bytes());
    // What was parsed from JSON can be written as JSON.
    hash.update(serde_json::to_vec(request).unwrap_or_default());
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// How long after a command was sent an attempt may still begin (E6). Not how long the client waits: a question
/// that nobody waits for any more is not worth answering; a document may stand behind a large backlog.
fn lasts(kind: Kind) -> Duration {
    Duration::from_secs(match kind {
        Kind::AskQuestion => 2 * 60,
        Kind::EndConversation | Kind::UpdateChatbot | Kind::PauseChatbot | Kind::ResumeChatbot => {
            10 * 60
        }
        Kind::CreateChatbot | Kind::DeleteChatbot => 6 * 3_600,
        Kind::AddDocument | Kind::AddDocuments | Kind::ReplaceDocument | Kind::DeleteDocument => {
            24 * 3_600
        }
    })
}

impl App {
    fn row(&self, tenant: &Tenant, new: New) -> OperationRow {
        let now_ms = self.now_ms();
        let lasts_ms = i64::try_from(lasts(new.kind).as_millis()).unwrap_or(i64::MAX);
        OperationRow {
            kind: new.kind,
            fingerprint: new.fingerprint,
            principal: tenant.principal().to_owned(),
            created_ms: now_ms,
            deadline_ms: now_ms.saturating_add(lasts_ms),
            subject: new.subject,
            deltas: new.deltas,
            parts: vec![],
            command: None,
        }
    }

    /// An operation that consists of others.
    pub fn group(&self, tenant: &Tenant, new: New, parts: Vec<String>) -> Begin {
        let id = new.id.clone();
        Begin {
            id,
            row: OperationRow {
                parts,
                ..self.row(tenant, new)
            },
        }
    }

    /// An operation with its command, ready to be begun.
    ///
    /// # Errors
    /// If the command cannot be said, or a port cannot be asked.
    pub async fn command<A: Addressed>(
        &self,
        tenant: &Tenant,
        asked: &Asked,
        new: New,
        record: &A,
    ) -> Result<Begin, Problem> {
        let id = new.id.clone();
        let key = tenant.key(&id, "operation")?;
        let mut row = self.row(tenant, new);
        let moment = Moment {
            tenant: tenant.id().as_str().into(),
            id: record.id().into(),
            now_ms: row.created_ms,
            consumer: "edge".into(),
            message: MessageId {
                tenant: tenant.id().to_string(),
                source: SOURCE.into(),
                id: id.clone(),
            },
            correlation: id.as_str().into(),
            traceparent: None, // the command carries the client's own
            reply_to: None,
            reply_status: None,
            request: None,
            idempotency_key: id.clone(),
            idempotency_key_given: false,
            deadline_ms: None,
            attempt: 0,
        };
        let reply_to = self.operations.reply_address(&key);
        let mut command = Emitter::new(&self.ports)
            .command(&moment, record, &reply_to, row.deadline_ms)
            .await?;
        command
            .headers
            .set_some(name::TRACEPARENT, asked.traceparent.as_deref());
        row.command = Some(command);
        Ok(Begin { id, row })
    }

    /// Begins one operation.
    ///
    /// # Errors
    /// See [`crate::operations::Operations::begin`].
    pub async fn begin(&self, tenant: &Tenant, begin: Begin) -> Result<Begun, Problem> {
        let begun = self.operations.begin(tenant.id(), vec![begin]).await?;
        begun
            .into_iter()
            .next()
            .ok_or_else(|| Problem::new(Code::Internal, "nothing was begun"))
    }

    /// Sends a command and answers as the client prefers: with the answer if it comes in time, with 202 if not.
    ///
    /// # Errors
    /// As a problem document.
    pub async fn submit<A: Addressed>(
        &self,
        tenant: &Tenant,
        asked: &Asked,
        new: New,
        record: &A,
    ) -> Result<Response, Problem> {
        let begin = self.command(tenant, asked, new, record).await?;
        let begun = self.begin(tenant, begin).await?;
        self.answered(tenant, asked, vec![begun]).await
    }

    /// The answer to one operation that was begun, as the client prefers.
    ///
    /// # Errors
    /// If State cannot be asked.
    pub async fn answered(
        &self,
        tenant: &Tenant,
        asked: &Asked,
        begun: Vec<Begun>,
    ) -> Result<Response, Problem> {
        let until = Instant::now() + asked.wait;
        let operations = self.operations.wait_all(tenant.id(), begun, until).await?;
        let operation = operations
            .first()
            .ok_or_else(|| Problem::new(Code::Internal, "nothing was begun"))?;
        Ok(answer(operation, asked))
    }
}

/// The response for an operation, which says how the client's preference was met.
pub fn answer(operation: &Operation, asked: &Asked) -> Response {
    let mut response = operation.respond();
    let applied = match asked.wait.as_secs() {
        0 => "respond-async".to_owned(),
        seconds => format!("wait={seconds}"),
    };
    if let Ok(applied) = HeaderValue::try_from(applied) {
        response.headers_mut().insert("preference-applied", applied);
    }
    response
}
