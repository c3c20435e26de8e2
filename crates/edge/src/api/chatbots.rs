//! `/v1/chatbots`.
use super::settings::{self, MAX_CHATBOT_NAME, MAX_NAME, SettingsRequest};
use super::{chosen, line};
use crate::app::App;
use crate::asked::Asked;
use crate::body::{JsonBody, JsonRequest, QueryOf};
use crate::operations::{Kind, Subject};
use crate::problem::{Code, Problem};
use crate::read_models::{Paging, chatbots};
use crate::submit::{New, fingerprint};
use crate::tenant::Tenant;
use crate::upload::{PUT_PREFIX, check_blob};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use events::chatbots::{
    CreateChatbot, DeleteChatbot, PauseChatbot, ResumeChatbot, Source, UpdateChatbot,
};
use events::{Addressed, BlobRef};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// The most sources that a chatbot is created with; more are uploaded afterwards.
const MAX_SOURCES: usize = 200;

/// `POST /v1/chatbots`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateRequest {
    id: Option<String>,
    name: String,
    #[serde(default)]
    settings: SettingsRequest,
    #[serde(default)]
    sources: Vec<SourceRequest>,
}
impl JsonRequest for CreateRequest {}

/// One source: a blob that was put before.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceRequest {
    name: String,
    #[serde(default = "any_type")]
    media_type: String,
    blob: BlobRequest,
}
fn any_type() -> String {
    "application/octet-stream".into()
}

/// What `POST /v1/blobs` answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlobRequest {
    id: String,
    size: i64,
    sha256: String,
}

/// `PATCH /v1/chatbots/{chatbot}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateRequest {
    name: Option<String>,
    /// A merge patch; null is one too: all of them are the defaults again.
    #[serde(default, deserialize_with = "even_null")]
    settings: Option<Value>,
}
impl JsonRequest for UpdateRequest {}

fn even_null<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

impl SourceRequest {
    fn check(self, operation: &str, i: usize) -> Result<Source, Problem> {
        let at = |field: &str| format!("sources[{i}].{field}");
        Ok(Source {
            document: events::id::derived(&[operation, "source", &i.to_string()]).to_string(),
            name: line(&self.name, MAX_NAME, &at("name"))?,
            media_type: line(&self.media_type, MAX_NAME, &at("media_type"))?,
            blob: BlobRef {
                id: self.blob.id,
                size: self.blob.size,
                sha256: self.blob.sha256,
            },
        })
    }
}

/// Every blob was put before, by the same tenant.
async fn all_there(app: &App, tenant: &Tenant, sources: &[Source]) -> Result<(), Problem> {
    for (i, source) in sources.iter().enumerate() {
        if !source.blob.id.starts_with(PUT_PREFIX) || !check_blob(app, tenant, &source.blob).await?
        {
            let problem = Problem::new(Code::Invalid, "there is no such blob; put it first");
            return Err(problem.with("where", format!("sources[{i}].blob")));
        }
    }
    Ok(())
}

/// Creates a chatbot with all its sources, or nothing.
pub async fn create(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    asked: Asked,
    JsonBody(request): JsonBody<CreateRequest>,
) -> Result<Response, Problem> {
    let fingerprint = fingerprint(&asked.endpoint, &request);
    let operation = asked.operation_id(&app, &tenant);
    let chatbot = chosen(request.id, "id")?.unwrap_or_else(|| operation.clone());
    let name = line(&request.name, MAX_CHATBOT_NAME, "name")?;
    if request.sources.len() > MAX_SOURCES {
        let detail = format!("{MAX_SOURCES} sources are taken; upload more afterwards");
        return Err(Problem::new(Code::Invalid, detail).with("where", "sources"));
    }
    let sources = request
        .sources
        .into_iter()
        .enumerate()
        .map(|(i, source)| source.check(&operation, i));
    let sources: Vec<Source> = sources.collect::<Result<_, _>>()?;
    app.unless_repeat(&tenant, &asked, all_there(&app, &tenant, &sources))
        .await?;
    let record = CreateChatbot {
        chatbot: chatbot.clone(),
        name,
        settings: request.settings.check()?,
        sources,
    };
    let new = new(Kind::CreateChatbot, operation, chatbot, fingerprint);
    app.submit(&tenant, &asked, new, &record).await
}

/// The chatbot may be given work, or this request was begun before.
async fn usable(app: &App, tenant: &Tenant, asked: &Asked, chatbot: &str) -> Result<(), Problem> {
    let usable = async { chatbots::usable(app, tenant, chatbot).await.map(|_| ()) };
    app.unless_repeat(tenant, asked, usable).await.map(drop)
}

fn new(kind: Kind, id: String, chatbot: String, fingerprint: String) -> New {
    let subject = Subject {
        chatbot: Some(chatbot),
        ..Subject::default()
    };
    New {
        id,
        kind,
        subject,
        fingerprint,
        deltas: None,
    }
}

/// The tenant's chatbots.
pub async fn list(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    QueryOf(paging): QueryOf<Paging>,
) -> Result<Json<Value>, Problem> {
    Ok(Json(
        chatbots::list(&app, &tenant, &paging).await?.to_json(),
    ))
}

/// One chatbot.
pub async fn get(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    Path(chatbot): Path<String>,
) -> Result<Json<Value>, Problem> {
    Ok(Json(
        chatbots::find(&app, &tenant, &chatbot)
            .await?
            .show(&chatbot),
    ))
}

/// Another name, other settings; what is not named stays, and null is the default again.
pub async fn update(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    asked: Asked,
    Path(chatbot): Path<String>,
    JsonBody(request): JsonBody<UpdateRequest>,
) -> Result<Response, Problem> {
    usable(&app, &tenant, &asked, &chatbot).await?;
    if request.name.is_none() && request.settings.is_none() {
        return Err(Problem::new(
            Code::Invalid,
            "name what is to be changed: `name`, `settings` or both",
        ));
    }
    let named = |name: &String| line(name, MAX_CHATBOT_NAME, "name");
    let record = UpdateChatbot {
        chatbot,
        name: request.name.as_ref().map(named).transpose()?,
        settings: None,
        settings_patch: request.settings.as_ref().map(settings::patch).transpose()?,
    };
    tell(
        &app,
        &tenant,
        &asked,
        Kind::UpdateChatbot,
        &request,
        &record,
    )
    .await
}

/// Sends a command about the chatbot that it is addressed to. `request` is the body that it came with.
async fn tell<A: Addressed>(
    app: &App,
    tenant: &Tenant,
    asked: &Asked,
    kind: Kind,
    request: &impl Serialize,
    record: &A,
) -> Result<Response, Problem> {
    let new = new(
        kind,
        asked.operation_id(app, tenant),
        record.id().to_owned(),
        fingerprint(&asked.endpoint, request),
    );
    app.submit(tenant, asked, new, record).await
}

/// Deletes a chatbot and all that it knows.
pub async fn delete(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    asked: Asked,
    Path(chatbot): Path<String>,
) -> Result<Response, Problem> {
    let there = async { chatbots::find(&app, &tenant, &chatbot).await.map(|_| ()) };
    app.unless_repeat(&tenant, &asked, there).await?;
    let record = DeleteChatbot { chatbot };
    tell(&app, &tenant, &asked, Kind::DeleteChatbot, &(), &record).await
}

/// No more answers until it is resumed.
pub async fn pause(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    asked: Asked,
    Path(chatbot): Path<String>,
) -> Result<Response, Problem> {
    usable(&app, &tenant, &asked, &chatbot).await?;
    let record = PauseChatbot { chatbot };
    tell(&app, &tenant, &asked, Kind::PauseChatbot, &(), &record).await
}

/// Answers again.
pub async fn resume(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    asked: Asked,
    Path(chatbot): Path<String>,
) -> Result<Response, Problem> {
    usable(&app, &tenant, &asked, &chatbot).await?;
    let record = ResumeChatbot { chatbot };
    tell(&app, &tenant, &asked, Kind::ResumeChatbot, &(), &record).await
}
