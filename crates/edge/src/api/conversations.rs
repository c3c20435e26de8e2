//! `/v1/conversations/{conversation}` and a chatbot's list of them.
use super::chosen;
use crate::app::App;
use crate::asked::Asked;
use crate::body::QueryOf;
use crate::operations::{Kind, Subject};
use crate::problem::Problem;
use crate::read_models::{Paging, chatbots, conversations};
use crate::submit::{New, fingerprint};
use crate::tenant::Tenant;
use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use events::conversations::EndConversation;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

/// `?visitor=&limit=&after=`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Which {
    visitor: Option<String>,
    limit: Option<usize>,
    after: String,
}

/// A chatbot's conversations, of one visitor or of all.
pub async fn list(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    Path(chatbot): Path<String>,
    QueryOf(which): QueryOf<Which>,
) -> Result<Json<Value>, Problem> {
    chatbots::find(&app, &tenant, &chatbot).await?;
    let visitor = chosen(which.visitor, "visitor")?;
    let paging = Paging {
        limit: which.limit,
        after: which.after,
    };
    let page = conversations::list(&app, &tenant, &chatbot, visitor.as_deref(), &paging).await?;
    Ok(Json(page.to_json()))
}

/// One conversation, turn by turn.
pub async fn get(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    Path(conversation): Path<String>,
) -> Result<Json<Value>, Problem> {
    Ok(Json(
        conversations::find(&app, &tenant, &conversation).await?,
    ))
}

/// Ends a conversation; its turns are forgotten.
pub async fn delete(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    asked: Asked,
    Path(conversation): Path<String>,
) -> Result<Response, Problem> {
    let there = async {
        conversations::find(&app, &tenant, &conversation)
            .await
            .map(|_| ())
    };
    app.unless_repeat(&tenant, &asked, there).await?;
    let new = New {
        id: asked.operation_id(&app, &tenant),
        kind: Kind::EndConversation,
        subject: Subject {
            conversation: Some(conversation.clone()),
            ..Subject::default()
        },
        fingerprint: fingerprint(&asked.endpoint, &()),
        deltas: None,
    };
    app.submit(&tenant, &asked, new, &EndConversation { conversation })
        .await
}
