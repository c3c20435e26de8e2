//! `/v1/chatbots/{chatbot}/questions`: waited for, fetched later, or streamed.
use super::chosen;
use crate::app::App;
use crate::asked::Asked;
use crate::body::{JsonBody, JsonRequest};
use crate::config::Limits;
use crate::operations::row::Deltas;
use crate::operations::{Kind, Subject};
use crate::problem::{Code, Problem};
use crate::read_models::chatbots;
use crate::streams::stream;
use crate::submit::{New, answer, fingerprint};
use crate::tenant::Tenant;
use axum::extract::{Path, State};
use axum::response::Response;
use events::chatbots::ChatbotState;
use events::conversations::AskQuestion;
use events::id::partition_of;
use events::topic;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::time::Instant;

/// `POST /v1/chatbots/{chatbot}/questions`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuestionRequest {
    text: String,
    conversation: Option<String>,
    visitor: Option<String>,
}
impl JsonRequest for QuestionRequest {
    fn limit(limits: &Limits) -> usize {
        limits.question_bytes
    }
}

/// Asks a chatbot.
pub async fn ask(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    asked: Asked,
    Path(chatbot): Path<String>,
    JsonBody(request): JsonBody<QuestionRequest>,
) -> Result<Response, Problem> {
    let answers = async {
        match chatbots::usable(&app, &tenant, &chatbot).await?.state {
            ChatbotState::Paused => Err(Problem::new(
                Code::Conflict,
                "the chatbot is paused; resume it first",
            )),
            _ => Ok(()),
        }
    };
    app.unless_repeat(&tenant, &asked, answers).await?;
    let fingerprint = fingerprint(&asked.endpoint, &request);
    let text = check(&request.text, app.config.limits.question_chars)?;
    let question = asked.operation_id(&app, &tenant);
    let new_id = |what: &str| events::id::derived(&[&question, what]).to_string();
    let conversation =
        chosen(request.conversation, "conversation")?.unwrap_or_else(|| new_id("conversation"));
    let visitor = chosen(request.visitor, "visitor")?.unwrap_or_else(|| new_id("visitor"));

    let subject = Subject {
        chatbot: Some(chatbot.clone()),
        conversation: Some(conversation.clone()),
        question: Some(question.clone()),
        visitor: Some(visitor.clone()),
        ..Subject::default()
    };
    let deltas = Some(deltas_of(&app, &tenant, &question).await?);
    let new = New {
        id: question.clone(),
        kind: Kind::AskQuestion,
        subject,
        fingerprint,
        deltas,
    };
    let record = AskQuestion {
        question,
        conversation,
        chatbot,
        visitor,
        text: text.into(),
    };
    let begin = app.command(&tenant, &asked, new, &record).await?;
    let begun = app.begin(&tenant, begin).await?;
    if asked.events {
        let (operation, waiter) = begun.into_parts();
        return Ok(stream(app, tenant, &asked, operation, waiter));
    }
    let until = Instant::now() + asked.wait;
    let operations = app
        .operations
        .wait_all(tenant.id(), vec![begun], until)
        .await?;
    let operation = operations
        .first()
        .ok_or_else(|| Problem::new(Code::Internal, "nothing was begun"))?;
    Ok(answer(operation, &asked))
}

fn check(text: &str, most: usize) -> Result<String, Problem> {
    let text = text.trim();
    let wrong = |code, why: String| Err(Problem::new(code, why).with("where", "text"));
    match text.chars().count() {
        0 => wrong(Code::Invalid, "the question is empty".into()),
        n if n > most => wrong(
            Code::TooLarge,
            format!("a question may have {most} characters, and this has {n}"),
        ),
        _ => Ok(text.to_owned()),
    }
}

/// Where the deltas of a question that is about to be asked will be: none is before the partition's end now.
async fn deltas_of(app: &App, tenant: &Tenant, question: &str) -> Result<Deltas, Problem> {
    let log = &app.ports.log;
    let missing = || Problem::new(Code::Internal, "there is no topic for deltas");
    let partitions = log.partitions(topic::ANSWERS_DELTAS).ok_or_else(missing)?;
    let partition = partition_of(format!("{}/{question}", tenant.id()).as_bytes(), partitions);
    Ok(Deltas {
        partition,
        from: log.end(topic::ANSWERS_DELTAS, partition).await?,
    })
}
