//! Files on their way into the blob store: streamed, never held whole.
use crate::app::App;
use crate::body::drain;
use crate::problem::{Code, Problem};
use crate::tenant::Tenant;
use axum::body::{Body, Bytes};
use events::BlobRef;
use futures::{Stream, StreamExt};
use runtime::ports::blobs::{BlobError, Content};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// Blobs that were put by themselves (`POST /v1/blobs`), to be referred to later.
pub const PUT_PREFIX: &str = "put/";
/// Blobs of documents.
pub const UPLOAD_PREFIX: &str = "upload/";
/// Chunks between the network and the store.
const CHUNKS: usize = 4;

/// Whose files they are, and whether they came before.
pub struct Into<'a> {
    /// The edge.
    pub app: &'a Arc<App>,
    /// Whose key they came with.
    pub tenant: &'a Tenant,
    /// The operation that they belong to was begun before, with the same files: they were stored then. They are only
    /// measured, since what they became may be deleted by now, and would be there again.
    pub repeat: bool,
}

impl Into<'_> {
    async fn store(&self, id: &str, content: Content, limit: u64) -> Result<BlobRef, BlobError> {
        if self.repeat {
            return measure(id, content, limit).await;
        }
        let blobs = &self.app.ports.blobs;
        blobs.put(self.tenant.id(), id, content, limit).await
    }
}

/// What a blob would be called by, without storing it.
async fn measure(id: &str, mut content: Content, limit: u64) -> Result<BlobRef, BlobError> {
    let (mut size, mut hash) = (0, Sha256::new());
    while let Some(chunk) = content.next().await {
        let chunk = chunk?;
        size += chunk.len() as u64;
        if size > limit {
            return Err(BlobError::TooLarge { limit });
        }
        hash.update(&chunk);
    }
    Ok(BlobRef {
        id: id.to_owned(),
        size: i64::try_from(size).unwrap_or(i64::MAX),
        sha256: hash
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
    })
}

/// Streams one file into the tenant's blobs. A file that is too large is refused as soon as that is known.
///
/// # Errors
/// 413, 400 if it breaks off, 422 if the same id holds other content, 503 and 507 for the store.
pub async fn put<S, E>(into: &Into<'_>, id: &str, mut file: S) -> Result<BlobRef, Problem>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: std::fmt::Display,
{
    let limit = into.app.config.limits.upload_bytes;
    let (chunks, content) = mpsc::channel::<Result<Bytes, BlobError>>(CHUNKS);
    let content: Content = ReceiverStream::new(content).boxed();
    let pass_on = async {
        while let Some(chunk) = file.next().await {
            let (chunk, broken) = match chunk {
                Ok(chunk) => (Ok(chunk), false),
                Err(error) => (Err(BlobError::BrokeOff(error.to_string())), true),
            };
            // The store has had enough: it says why.
            if chunks.send(chunk).await.is_err() || broken {
                break;
            }
        }
        drop(chunks);
    };
    let (stored, ()) = futures::join!(into.store(id, content, limit), pass_on);
    stored.map_err(|error| match error {
        BlobError::TooLarge { .. } => {
            Problem::new(Code::TooLarge, format!("a file may have {limit} bytes"))
                .with("limit", limit)
        }
        BlobError::Exists(_) => Problem::new(
            Code::IdempotencyKeyReused,
            "another file came with this Idempotency-Key before; use a new key",
        ),
        error => error.into(),
    })
}

/// Streams a whole body as one file; what is refused is read on for a while, so that the answer is read too.
///
/// # Errors
/// See [`put`].
pub async fn put_body(into: &Into<'_>, id: &str, body: Body) -> Result<BlobRef, Problem> {
    use axum::body::HttpBody;
    let limit = into.app.config.limits.upload_bytes;
    if body.size_hint().lower() > limit {
        drain(body).await;
        return Err(
            Problem::new(Code::TooLarge, format!("a file may have {limit} bytes"))
                .with("limit", limit),
        );
    }
    let mut stream = body.into_data_stream();
    let stored = put(into, id, &mut stream).await;
    if stored.is_err() {
        drain(Body::from_stream(stream)).await;
    }
    stored
}

/// Removes what was stored for a request that then failed. Not if a repeat of it may refer to the same blobs.
pub async fn forget(app: &App, tenant: &Tenant, blobs: &[BlobRef]) {
    for blob in blobs {
        if let Err(error) = app.ports.blobs.delete(tenant.id(), &blob.id).await {
            tracing::warn!(%error, blob = blob.id, "a blob that nobody needs stays");
        }
    }
}

/// Whether the tenant has this blob.
///
/// # Errors
/// If the store cannot be asked.
pub async fn check_blob(app: &App, tenant: &Tenant, blob: &BlobRef) -> Result<bool, Problem> {
    let fits = |id: &str| {
        let known = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'/' | b'.');
        (1..=256).contains(&id.len()) && id.bytes().all(known) && !id.contains("..")
    };
    let hex = blob.sha256.len() == 64
        && blob
            .sha256
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !fits(&blob.id) || !hex || blob.size < 0 {
        return Ok(false);
    }
    match app.ports.blobs.get(tenant.id(), &blob.id).await {
        Ok(_) => Ok(true),
        Err(BlobError::Missing(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// What a file may be called: without its folders, without control characters, at most 200 characters.
pub fn file_name(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|c| !c.is_control()).take(200).collect();
    let clean = clean.trim();
    (!clean.is_empty() && clean != "." && clean != "..").then(|| clean.to_owned())
}

/// What the uploader calls the content: a hint, of bounded length.
pub fn media_type(text: Option<&str>) -> String {
    let text = text
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    let fits = (1..=100).contains(&text.len())
        && text.contains('/')
        && text.bytes().all(|b| b.is_ascii_graphic());
    if fits {
        text.to_ascii_lowercase()
    } else {
        "application/octet-stream".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_called_by_its_last_name() {
        assert_eq!(file_name("../../etc/passwd").as_deref(), Some("passwd"));
        assert_eq!(
            file_name("C:\\Users\\me\\report.pdf").as_deref(),
            Some("report.pdf")
        );
        assert_eq!(file_name("Prüfung\u{0}.md").as_deref(), Some("Prüfung.md"));
        for none in ["", "/", "..", " "] {
            assert_eq!(file_name(none), None, "{none:?}");
        }
    }
    #[test]
    fn a_media_type_is_a_hint() {
        assert_eq!(media_type(Some("Text/HTML; charset=utf-8")), "text/html");
        assert_eq!(media_type(Some("nonsense")), "application/octet-stream");
        assert_eq!(media_type(None), "application/octet-stream");
    }
}
