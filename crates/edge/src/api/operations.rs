//! `/v1/operations/{operation}`.
use crate::app::App;
use crate::asked::Asked;
use crate::operations::Operation;
use crate::problem::Problem;
use crate::streams::stream;
use crate::tenant::Tenant;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::Value;
use std::sync::Arc;
use tokio::time::Instant;

impl App {
    async fn operation(&self, tenant: &Tenant, id: &str) -> Result<Operation, Problem> {
        tenant.key(id, "operation")?;
        self.operations
            .load(tenant.id(), id)
            .await?
            .ok_or_else(|| Problem::nothing("operation"))
    }
    /// Checks what a new request needs. A repeat is answered as before, whatever has changed since (H2); whether it is
    /// one.
    ///
    /// # Errors
    /// The check's; or if State cannot be asked.
    pub async fn unless_repeat(
        &self,
        tenant: &Tenant,
        asked: &Asked,
        check: impl Future<Output = Result<(), Problem>>,
    ) -> Result<bool, Problem> {
        if asked.idempotency_key.is_some() {
            let id = asked.operation_id(self, tenant);
            if self.operations.load(tenant.id(), &id).await?.is_some() {
                return Ok(true);
            }
        }
        check.await.map(|()| false)
    }
}

/// How an operation stands; with `Prefer: wait` as soon as it has ended.
pub async fn get(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    asked: Asked,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let waiter = app.operations.join(tenant.id(), &id);
    let mut operation = app.operation(&tenant, &id).await?;
    if headers.contains_key("prefer") {
        let until = Instant::now() + asked.wait;
        operation = app
            .operations
            .wait(tenant.id(), operation, true, waiter, until)
            .await?;
    }
    Ok(Json(operation.to_json()))
}

/// The operation as it goes on, as server-sent events.
pub async fn events(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    asked: Asked,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let waiter = app.operations.join(tenant.id(), &id);
    let operation = app.operation(&tenant, &id).await?;
    Ok(stream(app, tenant, &asked, operation, waiter))
}
