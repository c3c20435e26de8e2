//! `/v1/chatbots/{chatbot}/documents`.
use crate::app::App;
use crate::asked::Asked;
use crate::body::{QueryOf, drain};
use crate::operations::{Kind, Subject};
use crate::problem::{Code, Problem};
use crate::read_models::{Paging, chatbots, documents};
use crate::submit::{New, answer, fingerprint};
use crate::tenant::Tenant;
use crate::upload::{self, UPLOAD_PREFIX};
use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequest, Multipart, Path, Request, State};
use axum::http::header;
use axum::response::Response;
use events::BlobRef;
use events::documents::{AddDocument, DeleteDocument};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use tokio::time::Instant;

/// `?name=`, for a raw upload.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Named {
    name: Option<String>,
}

/// A file that is in the blob store.
struct Stored {
    name: String,
    media_type: String,
    blob: BlobRef,
}

fn content_type(request: &Request) -> String {
    let value = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

/// Adds one document (raw body, or multipart with one file) or several (multipart).
pub async fn add(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    asked: Asked,
    Path(chatbot): Path<String>,
    QueryOf(named): QueryOf<Named>,
    request: Request,
) -> Result<Response, Problem> {
    if let Err(problem) = chatbots::usable(&app, &tenant, &chatbot).await {
        drain(request.into_body()).await;
        return Err(problem);
    }
    let operation = asked.operation_id(&app, &tenant);
    let files = receive(&app, &tenant, &asked, &operation, named, request).await?;
    let seen: Vec<_> = files.iter().map(|file| (&file.name, &file.media_type, &file.blob.sha256)).collect();
    let fingerprint = fingerprint(&asked.endpoint, &seen);

    let single = files.len() == 1;
    let (mut begins, mut parts) = (Vec::new(), Vec::new());
    for (i, file) in files.into_iter().enumerate() {
        let id = match single {
            true => operation.clone(),
            false => events::id::derived(&[&operation, "part", &i.to_string()]).to_string(),
        };
        let subject = subject(&chatbot, &id, Some(&file.name));
        let new = New { id: id.clone(), kind: Kind::AddDocument, subject, fingerprint: fingerprint.clone(), deltas: None };
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
    if !single {
        let subject = Subject { chatbot: Some(chatbot), ..Subject::default() };
        let new = New { id: operation, kind: Kind::AddDocuments, subject, fingerprint, deltas: None };
        begins.push(app.group(&tenant, new, parts));
    }
    let mut begun = app.operations.begin(tenant.id(), begins).await?;
    let until = Instant::now() + asked.wait;
    let group = if single { None } else { begun.pop() };
    let operations = app.operations.wait_all(tenant.id(), begun, until).await?;
    let operation = match group {
        Some(group) => {
            let mut operation = group.operation;
            operation.parts = operations;
            operation
        }
        None => operations.into_iter().next().ok_or_else(|| Problem::new(Code::Internal, "nothing was begun"))?,
    };
    Ok(answer(&operation, &asked))
}

fn subject(chatbot: &str, document: &str, name: Option<&str>) -> Subject {
    Subject {
        chatbot: Some(chatbot.to_owned()),
        document: Some(document.to_owned()),
        name: name.map(str::to_owned),
        ..Subject::default()
    }
}

/// Streams what the request carries into the blob store.
async fn receive(
    app: &Arc<App>,
    tenant: &Tenant,
    asked: &Asked,
    operation: &str,
    named: Named,
    request: Request,
) -> Result<Vec<Stored>, Problem> {
    let content_type = content_type(&request);
    if !content_type.trim_start().to_ascii_lowercase().starts_with("multipart/") {
        return Ok(vec![receive_raw(app, tenant, &format!("{UPLOAD_PREFIX}{operation}"), named, &content_type, request.into_body()).await?]);
    }
    let mut files = Vec::new();
    let received = receive_parts(app, tenant, operation, request, &mut files).await;
    if let Err(problem) = received {
        // Under a key the same blobs may belong to an earlier or later try of the same request.
        if asked.idempotency_key.is_none() {
            let blobs: Vec<BlobRef> = files.into_iter().map(|file| file.blob).collect();
            upload::forget(app, tenant, &blobs).await;
        }
        return Err(problem);
    }
    Ok(files)
}

async fn receive_raw(
    app: &App,
    tenant: &Tenant,
    id: &str,
    named: Named,
    content_type: &str,
    body: Body,
) -> Result<Stored, Problem> {
    let Some(name) = named.name.as_deref().and_then(upload::file_name) else {
        drain(body).await;
        let detail = "say what the file is called: `?name=report.pdf`";
        return Err(Problem::new(Code::Invalid, detail).with("where", "name"));
    };
    let blob = upload::put_body(app, tenant, id, body).await?;
    Ok(Stored { name, media_type: upload::media_type(Some(content_type)), blob })
}

async fn receive_parts(
    app: &Arc<App>,
    tenant: &Tenant,
    operation: &str,
    request: Request,
    files: &mut Vec<Stored>,
) -> Result<(), Problem> {
    let broken = |e: &dyn std::fmt::Display| Problem::new(Code::Malformed, format!("the multipart body cannot be read: {e}"));
    let mut parts = Multipart::from_request(request, app).await.map_err(|e| broken(&e.body_text()))?;
    let mut failed = None;
    while let Some(mut part) = parts.next_field().await.map_err(|e| broken(&e.body_text()))? {
        if failed.is_some() {
            // Read on, within the bounds of multipart itself, so that the answer is read too.
            let mut left = app.config.limits.upload_bytes;
            while let Ok(Some(chunk)) = part.chunk().await {
                left = left.saturating_sub(chunk.len() as u64);
                if left == 0 {
                    return failed.map_or(Ok(()), Err);
                }
            }
            continue;
        }
        let at = format!("part {}", files.len() + 1);
        let stored = match part.file_name().map(upload::file_name) {
            None => {
                let field = part.name().unwrap_or_default().to_owned();
                Err(Problem::new(Code::Invalid, format!("the field {field:?} is not a file")).with("where", at))
            }
            Some(None) => Err(Problem::new(Code::Invalid, "a file has no name").with("where", at)),
            Some(Some(_)) if files.len() >= app.config.limits.files => {
                let most = app.config.limits.files;
                Err(Problem::new(Code::TooLarge, format!("{most} files are taken at once")).with("limit", most))
            }
            Some(Some(name)) => {
                let media_type = upload::media_type(part.content_type());
                let id = format!("{UPLOAD_PREFIX}{operation}/{}", files.len());
                let blob = upload::put(app, tenant, &id, &mut part).await;
                blob.map(|blob| Stored { name, media_type, blob }).map_err(|problem| problem.with("where", at))
            }
        };
        match stored {
            Ok(stored) => files.push(stored),
            Err(problem) => failed = Some(problem),
        }
    }
    match failed {
        Some(problem) => Err(problem),
        None if files.is_empty() => Err(Problem::new(Code::Invalid, "there is no file in it")),
        None => Ok(()),
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
    Ok(Json(documents::list(&app, &tenant, &chatbot, &paging).await?.to_json()))
}

/// One document, with its ledger.
pub async fn get(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    Path((chatbot, document)): Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    Ok(Json(documents::find(&app, &tenant, &chatbot, &document).await?))
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
    if let Err(problem) = allowed.await {
        drain(request.into_body()).await;
        return Err(problem);
    }
    let content_type = content_type(&request);
    let operation = asked.operation_id(&app, &tenant);
    let id = format!("{UPLOAD_PREFIX}{operation}");
    let file = receive_raw(&app, &tenant, &id, named, &content_type, request.into_body()).await?;
    let fingerprint = fingerprint(&asked.endpoint, &(&file.name, &file.media_type, &file.blob.sha256));
    let subject = subject(&chatbot, &document, Some(&file.name));
    let new = New { id: operation, kind: Kind::ReplaceDocument, subject, fingerprint, deltas: None };
    let record = AddDocument { document, chatbot, name: file.name, media_type: file.media_type, blob: file.blob };
    app.submit(&tenant, &asked, new, &record).await
}

/// Deletes a document and all that was made of it.
pub async fn delete(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    asked: Asked,
    Path((chatbot, document)): Path<(String, String)>,
) -> Result<Response, Problem> {
    // A repeat must be answered as before, when there is nothing left to find.
    if asked.idempotency_key.is_none() || !app.is_repeat(&tenant, &asked).await? {
        documents::find(&app, &tenant, &chatbot, &document).await?;
    }
    let new = New {
        id: asked.operation_id(&app, &tenant),
        kind: Kind::DeleteDocument,
        subject: subject(&chatbot, &document, None),
        fingerprint: fingerprint(&asked.endpoint, &()),
        deltas: None,
    };
    app.submit(&tenant, &asked, new, &DeleteDocument { document, chatbot }).await
}
