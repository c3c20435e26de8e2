//! `/v1/blobs`: content for those who refer to it: sources of a chatbot, systems that publish on inboxes.
use crate::app::App;
use crate::asked::Asked;
use crate::problem::Problem;
use crate::tenant::Tenant;
use crate::upload::{Into, PUT_PREFIX, put_body};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;

/// Puts a blob; the answer is the reference to it.
pub async fn put(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    asked: Asked,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let id = format!("{PUT_PREFIX}{}", asked.operation_id(&app, &tenant));
    let into = Into {
        app: &app,
        tenant: &tenant,
        repeat: false,
    };
    let blob = put_body(&into, &id, body).await?;
    Ok((
        StatusCode::CREATED,
        Json(json!({"id": blob.id, "size": blob.size, "sha256": blob.sha256})),
    ))
}
