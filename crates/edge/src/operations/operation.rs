//! An operation as a client is shown it: while it runs, and the answer when there is one.
use super::row::{Kind, OperationRow};
use super::told::Told;
use crate::problem::{Code, Problem};
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use events::ReplyStatus;
use runtime::time::rfc3339;
use serde_json::{Map, Value, json};

/// The edge's row and what was answered, together.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Within its tenant.
    pub id: String,
    /// What was asked.
    pub row: OperationRow,
    /// What was answered, personal fields opened.
    pub told: Told,
    /// The operations that it consists of, if it does.
    pub parts: Vec<Operation>,
}

/// Where an operation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// No final answer yet.
    Running,
    /// It happened.
    Done,
    /// It did not happen.
    Refused,
    /// It failed, and perhaps it happened; of several parts: not all are done.
    Failed,
}
impl Status {
    /// As it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

impl Operation {
    /// Where it stands.
    pub fn status(&self) -> Status {
        if !self.row.parts.is_empty() {
            let parts: Vec<Status> = self.parts.iter().map(Self::status).collect();
            let all = |status| parts.iter().all(|part| *part == status);
            return if parts.len() < self.row.parts.len() || parts.contains(&Status::Running) {
                Status::Running
            } else if all(Status::Done) {
                Status::Done
            } else if all(Status::Refused) {
                Status::Refused
            } else {
                Status::Failed
            };
        }
        match self.told.status {
            Some(ReplyStatus::Done) => Status::Done,
            Some(ReplyStatus::Refused) => Status::Refused,
            Some(ReplyStatus::Failed) => Status::Failed,
            Some(ReplyStatus::Progress) | None => Status::Running,
        }
    }
    /// Whether there is a final answer.
    pub fn is_final(&self) -> bool {
        self.status() != Status::Running
    }
    /// Its own address.
    pub fn location(&self) -> String {
        format!("/v1/operations/{}", self.id)
    }
    /// The address of what it made or changed, if that has one.
    fn thing(&self) -> Option<String> {
        let subject = &self.row.subject;
        let chatbot = subject
            .chatbot
            .as_ref()
            .map(|id| format!("/v1/chatbots/{id}"));
        match self.row.kind {
            Kind::CreateChatbot
            | Kind::UpdateChatbot
            | Kind::PauseChatbot
            | Kind::ResumeChatbot => chatbot,
            Kind::AddDocument | Kind::ReplaceDocument => Some(format!(
                "{}/documents/{}",
                chatbot?,
                subject.document.as_ref()?
            )),
            Kind::AddDocuments => Some(format!("{}/documents", chatbot?)),
            Kind::AskQuestion => subject
                .conversation
                .as_ref()
                .map(|id| format!("/v1/conversations/{id}")),
            Kind::DeleteChatbot | Kind::DeleteDocument | Kind::EndConversation => None,
        }
    }

    /// What a client reads when it is done.
    pub fn result(&self) -> Value {
        let (subject, body) = (&self.row.subject, &self.told.body);
        let mut result = Map::new();
        match self.row.kind {
            Kind::AskQuestion => {
                for name in ["question", "conversation", "visitor"] {
                    result.insert(name.into(), body[name].clone());
                }
                result.insert("answer".into(), body["text"].clone());
                for name in ["known", "citations", "model", "provider", "usage"] {
                    result.insert(name.into(), body[name].clone());
                }
            }
            Kind::AddDocument | Kind::ReplaceDocument => {
                result.insert("id".into(), json!(subject.document));
                for name in ["chatbot", "revision", "name", "passages"] {
                    result.insert(name.into(), body[name].clone());
                }
            }
            Kind::AddDocuments => {
                let documents: Vec<Value> = self.parts.iter().map(Self::to_json).collect();
                result.insert("documents".into(), documents.into());
            }
            Kind::DeleteDocument => {
                result.insert("id".into(), json!(subject.document));
            }
            Kind::EndConversation => {
                result.insert("id".into(), json!(subject.conversation));
            }
            _ => {
                result.insert("id".into(), json!(subject.chatbot));
            }
        }
        result.insert("operation".into(), self.id.as_str().into());
        result.into()
    }

    /// What a client reads when it is not done and will not be.
    pub fn problem(&self) -> Option<Problem> {
        let body = &self.told.body;
        let text =
            |name: &str, otherwise: &str| body[name].as_str().unwrap_or(otherwise).to_owned();
        let problem = match self.status() {
            Status::Running | Status::Done => return None,
            Status::Refused | Status::Failed if !self.parts.is_empty() => {
                let parts: Vec<Value> = self.parts.iter().map(Self::to_json).collect();
                let detail = "not everything went well; each part says how it ended";
                Problem::new(Code::Invalid, detail).with("documents", parts)
            }
            Status::Refused => {
                let code = text("code", "edge.refused");
                Problem::told(
                    refusal_status(&code),
                    &code,
                    "refused: it did not happen",
                    &text("message", ""),
                )
            }
            Status::Failed => {
                let may_have_happened = body["may_have_happened"].as_bool().unwrap_or(true);
                let title = if may_have_happened {
                    "failed: it may have happened"
                } else {
                    "failed: it did not happen"
                };
                let code = text("code", "edge.failed");
                Problem::told(failure_status(&code), &code, title, &text("message", ""))
                    .with("may_have_happened", may_have_happened)
            }
        };
        Some(problem.with("operation", self.id.as_str()))
    }

    /// The whole operation.
    pub fn to_json(&self) -> Value {
        let row = &self.row;
        let mut operation = Map::new();
        operation.insert("id".into(), self.id.as_str().into());
        operation.insert("kind".into(), json!(row.kind));
        operation.insert("status".into(), self.status().as_str().into());
        operation.insert("created".into(), rfc3339(row.created_ms).into());
        operation.insert("deadline".into(), rfc3339(row.deadline_ms).into());
        operation.insert("subject".into(), json!(row.subject));
        operation.insert(
            "links".into(),
            json!({
                "self": self.location(),
                "events": format!("{}/events", self.location()),
                "subject": self.thing(),
            }),
        );
        if let Some(progress) = &self.told.progress {
            operation.insert("progress".into(), progress.clone());
        }
        if !self.parts.is_empty() {
            let parts: Vec<Value> = self.parts.iter().map(Self::to_json).collect();
            operation.insert("parts".into(), parts.into());
        } else if self.status() == Status::Done {
            operation.insert("result".into(), self.result());
        }
        if self.parts.is_empty()
            && let Some(problem) = self.problem()
        {
            operation.insert("error".into(), problem.to_json(None));
        }
        operation.into()
    }

    /// The answer to whoever asked for it, or a 202 while there is none. The same operation gives the same answer,
    /// however often it is asked for (H2).
    pub fn respond(&self) -> Response {
        let located = |status: StatusCode, location: Option<String>, body: Value| {
            let mut response = (status, Json(body)).into_response();
            if let Some(Ok(location)) = location.map(HeaderValue::try_from) {
                response.headers_mut().insert(header::LOCATION, location);
            }
            response
        };
        match self.status() {
            Status::Running => located(StatusCode::ACCEPTED, Some(self.location()), self.to_json()),
            Status::Done => match self.row.kind {
                Kind::CreateChatbot | Kind::AddDocument | Kind::AddDocuments => {
                    located(StatusCode::CREATED, self.thing(), self.result())
                }
                _ => located(StatusCode::OK, None, self.result()),
            },
            // Some parts are there: not an error as a whole, and not a success either.
            Status::Failed if !self.parts.is_empty() => {
                located(StatusCode::MULTI_STATUS, None, self.result())
            }
            Status::Refused | Status::Failed => match self.problem() {
                Some(problem) => problem.into_response(),
                None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            },
        }
    }
}

/// The status that a refusal's code means to HTTP; 422 unless the code's last word says better.
fn refusal_status(code: &str) -> StatusCode {
    match code.rsplit('.').next().unwrap_or_default() {
        "not_found" | "unknown" | "missing" | "gone" | "deleted" | "removed" | "not_yours" => {
            StatusCode::NOT_FOUND
        }
        "exists" | "already_exists" | "already_started" | "was_undone" | "conflict" | "busy"
        | "paused" | "not_active" | "chatbot_not_active" | "other_chatbot" | "other_visitor"
        | "superseded" | "ended" | "asked_before" | "retiring" => StatusCode::CONFLICT,
        "too_large" => StatusCode::PAYLOAD_TOO_LARGE,
        "unsupported_media_type" => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "expired" => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// The status that a failure's code means to HTTP.
fn failure_status(code: &str) -> StatusCode {
    match code.rsplit('.').next().unwrap_or_default() {
        "expired" | "timeout" | "timed_out" => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
