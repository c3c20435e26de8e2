//! Documents on their way in: a raw body with a name, or multipart with files.
use crate::asked::Asked;
use crate::body::drain;
use crate::problem::{Code, Problem};
use crate::upload::{self, Into, UPLOAD_PREFIX};
use axum::body::Body;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::header;
use events::BlobRef;
use serde::Deserialize;

/// `?name=`, for a raw upload.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Named {
    name: Option<String>,
}

/// A file that is in the blob store.
pub struct Stored {
    /// What it is called.
    pub name: String,
    /// What the uploader calls its content.
    pub media_type: String,
    /// Where it is.
    pub blob: BlobRef,
}

/// `Content-Type`, empty if there is none.
pub fn content_type(request: &Request) -> String {
    let value = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

/// Streams what the request carries into the blob store: a raw body as one file, multipart as one or several.
///
/// # Errors
/// 400 for what breaks off, 413 for what is too large or too much, 422 for what is no file or has no name.
pub async fn receive(
    into: &Into<'_>,
    asked: &Asked,
    operation: &str,
    named: Named,
    request: Request,
) -> Result<Vec<Stored>, Problem> {
    let content_type = content_type(&request);
    if !content_type
        .trim_start()
        .to_ascii_lowercase()
        .starts_with("multipart/")
    {
        return Ok(vec![
            receive_raw(
                into,
                &format!("{UPLOAD_PREFIX}{operation}"),
                named,
                &content_type,
                request.into_body(),
            )
            .await?,
        ]);
    }
    let mut files = Vec::new();
    let received = receive_parts(into, operation, request, &mut files).await;
    if let Err(problem) = received {
        // Under a key the same blobs may belong to an earlier or later try of the same request.
        if asked.idempotency_key.is_none() {
            let blobs: Vec<BlobRef> = files.into_iter().map(|file| file.blob).collect();
            upload::forget(into.app, into.tenant, &blobs).await;
        }
        return Err(problem);
    }
    Ok(files)
}

/// Streams a raw body into the blob store.
///
/// # Errors
/// 422 without a name; see [`upload::put_body`].
pub async fn receive_raw(
    into: &Into<'_>,
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
    let blob = upload::put_body(into, id, body).await?;
    Ok(Stored {
        name,
        media_type: upload::media_type(Some(content_type)),
        blob,
    })
}

async fn receive_parts(
    into: &Into<'_>,
    operation: &str,
    request: Request,
    files: &mut Vec<Stored>,
) -> Result<(), Problem> {
    let broken = |e: &dyn std::fmt::Display| {
        Problem::new(
            Code::Malformed,
            format!("the multipart body cannot be read: {e}"),
        )
    };
    let mut parts = Multipart::from_request(request, into.app)
        .await
        .map_err(|e| broken(&e.body_text()))?;
    let mut failed = None;
    while let Some(mut part) = parts
        .next_field()
        .await
        .map_err(|e| broken(&e.body_text()))?
    {
        if failed.is_some() {
            // Read on, within the bounds of multipart itself, so that the answer is read too.
            let mut left = into.app.config.limits.upload_bytes;
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
                Err(
                    Problem::new(Code::Invalid, format!("the field {field:?} is not a file"))
                        .with("where", at),
                )
            }
            Some(None) => Err(Problem::new(Code::Invalid, "a file has no name").with("where", at)),
            Some(Some(_)) if files.len() >= into.app.config.limits.files => {
                let most = into.app.config.limits.files;
                Err(
                    Problem::new(Code::TooLarge, format!("{most} files are taken at once"))
                        .with("limit", most),
                )
            }
            Some(Some(name)) => {
                let media_type = upload::media_type(part.content_type());
                let id = format!("{UPLOAD_PREFIX}{operation}/{}", files.len());
                let blob = upload::put(into, &id, &mut part).await;
                blob.map(|blob| Stored {
                    name,
                    media_type,
                    blob,
                })
                .map_err(|problem| problem.with("where", at))
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
