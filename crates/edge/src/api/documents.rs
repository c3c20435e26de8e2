//! `/v1/chatbots/{chatbot}/documents`.
use super::receive::{Named, content_type, receive, receive_raw};
use crate::app::App;
use crate::asked::Asked;
use crate::body::{QueryOf, drain};
use crate::operations::under_way::Berth;
use crate::operations::{Kind, Subject};
use crate::problem::{Code, Problem};
use crate::read_models::{Paging, chatbots, documents};
use crate::submit::{New, answer, fingerprint};
use crate::tenant::Tenant;
use crate::upload::Into;
use crate::upload::UPLOAD_PREFIX;
use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use events::documents::{AddDocument, DeleteDocument};
use serde_json::Value;
use std::sync::Arc;
use tokio::time::Instant;

/// Adds one document (raw body, or multipart with one file) or several (multipart).
pub async fn add(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    asked: Asked,
    Path(chatbot): Path<String>,
    QueryOf(named): QueryOf<Named>,
    request: Request,
) -> Result<Response, Problem> {
    let usable = async { chatbots::usable(&app, &tenant, &chatbot).await.map(|_| ()) };
    let repeat = match app.unless_repeat(&tenant, &asked, usable).await {
        Ok(repeat) => repeat,
        Err(problem) => {
            drain(request.into_body()).await;
            return Err(problem);
        }
    };
    let berth = match app.document_berth(&tenant, repeat).await {
        Ok(berth) => berth,
        Err(problem) => {
            drain(request.into_body()).await;
            return Err(problem);
        }
    };
    let operation = asked.operation_id(&app, &tenant);
    let into = Into {
        app: &app,
        tenant: &tenant,
        repeat,
    };
    let files = receive(&into, &asked, &operation, named, request).await?;
    let seen: Vec<_> = files
        .iter()
        .map(|file| (&file.name, &file.media_type, &file.blob.sha256))
        .collect();
    let fingerprint = fingerprint(&asked.endpoint, &seen);

    let single = files.len() == 1;
    let (mut begins, mut parts) = (Vec::new(), Vec::new());
    for (i, file) in files.into_iter().enumerate() {
        let id = match single {
            true => operation.clone(),
            false => events::id::derived(&[&operation, "part", &i.to_string()]).to_string(),
        };
        let subject = subject(&chatbot, &id, Some(&file.name));
        let new = New {
            id: id.clone(),
            kind: Kind::AddDocument,
            subject,
            fingerprint: fingerprint.clone(),
            deltas: None,
        };
        let record = AddDocument {
            document: id.clone(),
            chatbot: chatbot.clone(),
            name: file.name,
            media_type: file.media_type,
            blob: file.blob,
        };
        begins.push(app.command(&tenant, &asked, new, &record).await?);
        parts.push(id);
    }
    let until = Instant::now() + asked.wait;
    let operation = if single {
        let begin = app.operations.begin(tenant.id(), begins);
        let begun = app
            .operations
            .under_way(&tenant, berth, parts, begin, |begun| begun)
            .await?;
        let operations = app.operations.wait_all(tenant.id(), begun, until).await?;
        operations
            .into_iter()
            .next()
            .ok_or_else(|| Problem::new(Code::Internal, "nothing was begun"))?
    } else {
        let subject = Subject {
            chatbot: Some(chatbot),
            ..Subject::default()
        };
        let new = New {
            id: operation,
            kind: Kind::AddDocuments,
            subject,
            fingerprint,
            deltas: None,
        };
        let group = app.group(&tenant, new, parts.clone());
        let begin = app.operations.begin_group(tenant.id(), group, begins);
        let (mut operation, begun) = app
            .operations
            .under_way(&tenant, berth, parts, begin, |(_, begun)| begun)
            .await?;
        operation.parts = app.operations.wait_all(tenant.id(), begun, until).await?;
        operation
    };
    Ok(answer(&operation, &asked))
}

impl App {
    /// Room for one more document of this tenant; whoever has too many under way waits for it.
    async fn document_berth(
        &self,
        tenant: &Tenant,
        repeat: bool,
    ) -> Result<Option<Berth>, Problem> {
        let until = Instant::now() + self.config.limits.max_wait();
        self.operations.berth(tenant, repeat, until).await
    }
}

fn subject(chatbot: &str, document: &str, name: Option<&str>) -> Subject {
    Subject {
        chatbot: Some(chatbot.to_owned()),
        document: Some(document.to_owned()),
        name: name.map(str::to_owned),
        ..Subject::default()
    }
}

/// A chatbot's documents.
pub async fn list(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    Path(chatbot): Path<String>,
    QueryOf(paging): QueryOf<Paging>,
) -> Result<Json<Value>, Problem> {
    chatbots::find(&app, &tenant, &chatbot).await?;
    Ok(Json(
        documents::list(&app, &tenant, &chatbot, &paging)
            .await?
            .to_json(),
    ))
}

/// One document, with its ledger.
pub async fn get(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    Path((chatbot, document)): Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    Ok(Json(
        documents::find(&app, &tenant, &chatbot, &document).await?,
    ))
}

/// New content for a document, or a document under an id that the client chose.
pub async fn replace(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    asked: Asked,
    Path((chatbot, document)): Path<(String, String)>,
    QueryOf(named): QueryOf<Named>,
    request: Request,
) -> Result<Response, Problem> {
    let allowed = async {
        chatbots::usable(&app, &tenant, &chatbot).await?;
        match documents::is_elsewhere(&app, &tenant, &chatbot, &document).await? {
            true => Err(Problem::nothing("document")),
            false => Ok(()),
        }
    };
    let repeat = match app.unless_repeat(&tenant, &asked, allowed).await {
        Ok(repeat) => repeat,
        Err(problem) => {
            drain(request.into_body()).await;
            return Err(problem);
        }
    };
    let berth = match app.document_berth(&tenant, repeat).await {
        Ok(berth) => berth,
        Err(problem) => {
            drain(request.into_body()).await;
            return Err(problem);
        }
    };
    let content_type = content_type(&request);
    let operation = asked.operation_id(&app, &tenant);
    let id = format!("{UPLOAD_PREFIX}{operation}");
    let into = Into {
        app: &app,
        tenant: &tenant,
        repeat,
    };
    let file = receive_raw(&into, &id, named, &content_type, request.into_body()).await?;
    let fingerprint = fingerprint(
        &asked.endpoint,
        &(&file.name, &file.media_type, &file.blob.sha256),
    );
    let subject = subject(&chatbot, &document, Some(&file.name));
    let new = New {
        id: operation,
        kind: Kind::ReplaceDocument,
        subject,
        fingerprint,
        deltas: None,
    };
    let record = AddDocument {
        document,
        chatbot,
        name: file.name,
        media_type: file.media_type,
        blob: file.blob,
    };
    let id = new.id.clone();
    let begin = app.command(&tenant, &asked, new, &record).await?;
    let begin = app.operations.begin(tenant.id(), vec![begin]);
    let operations = &app.operations;
    let begun = operations.under_way(&tenant, berth, vec![id], begin, |begun| begun);
    app.answered(&tenant, &asked, begun.await?).await
}

/// Deletes a document and all that was made of it.
pub async fn delete(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    asked: Asked,
    Path((chatbot, document)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let there = async {
        documents::find(&app, &tenant, &chatbot, &document)
            .await
            .map(|_| ())
    };
    app.unless_repeat(&tenant, &asked, there).await?;
    let new = New {
        id: asked.operation_id(&app, &tenant),
        kind: Kind::DeleteDocument,
        subject: subject(&chatbot, &document, None),
        fingerprint: fingerprint(&asked.endpoint, &()),
        deltas: None,
    };
    app.submit(&tenant, &asked, new, &DeleteDocument { document, chatbot })
        .await
}
