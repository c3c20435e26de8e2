//! Turns an uploaded file into passages.
use crate::ParseUploadError;
use crate::blobs::{is_upload, passages_blob};
use crate::parse::{self, Limits, ParseError, Upload, parse_guarded};
use events::documents::{self, Parsed};
use runtime::ports::blobs::BlobError;
use runtime::{Context, Emits, Handler, reply};

/// Turns an uploaded file into passages with headings and page numbers.
///
/// Effects: reads one blob; writes the passages of the revision as another, a JSON array of
/// [`parse::Passage`]. The same bytes give the same passages, so a second attempt writes the same (O2).
pub struct ParseUpload {
    limits: Limits,
}

impl ParseUpload {
    /// Reads nothing beyond these limits.
    pub fn within(limits: Limits) -> Self {
        Self { limits }
    }
    fn check_size(&self, size: i64) -> Result<(), ParseError> {
        let limit = self.limits.max_bytes;
        match usize::try_from(size) {
            Ok(size) if size > limit => Err(ParseError::TooLarge {
                limit: limit as u64,
                unit: "bytes",
            }),
            // A negative size is nobody's; the bytes will tell.
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

impl Handler for ParseUpload {
    type Message = documents::ParseUpload;
    type Error = ParseUploadError;

    async fn handle(
        &self,
        upload: documents::ParseUpload,
        cx: &Context,
    ) -> Result<Emits, ParseUploadError> {
        self.check_size(upload.blob.size)?; // before reading it
        let bytes = read(&upload.blob.id, cx).await?;
        let documents::ParseUpload {
            document,
            revision,
            name,
            media_type,
            blob: _,
        } = upload;
        let limits = self.limits;
        let (parsed, passages) = cx
            .compute(move || -> Result<_, ParseUploadError> {
                let upload = Upload {
                    bytes: &bytes,
                    file_name: &name,
                    declared: &media_type,
                };
                let parsed: parse::Parsed = parse_guarded(&upload, &limits)?;
                let passages = serde_json::to_vec(&parsed.passages)?;
                Ok((parsed, passages))
            })
            .await??;
        let blob = cx
            .blobs()
            .write(&passages_blob(&document, &revision), passages)
            .await?;
        let count = i64::try_from(parsed.passages.len()).unwrap_or(i64::MAX);
        let format = parsed.format.name().to_owned();
        Ok(reply(Parsed {
            document,
            revision,
            passages: blob,
            count,
            title: parsed.title,
            format,
        }))
    }
}

/// The edge wrote an upload before it asked for anything, so one that is not there went with its document: this was done
/// before, and what came after it too, but neither was committed. Upstream may still be putting what it names.
async fn read(blob: &str, cx: &Context) -> Result<Vec<u8>, ParseUploadError> {
    match cx.blobs().read(blob).await {
        Err(BlobError::Missing(gone)) if is_upload(&gone) => Err(ParseUploadError::Discarded),
        read => Ok(read?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::Passage;
    use events::BlobRef;
    use runtime::testkit::handlers::given;
    use runtime::{Retry, Verdict};

    const TEXT: &str = "# Opening hours\n\nWe open at nine.\n\n## Sunday\n\nClosed.\n";

    fn upload(name: &str) -> documents::ParseUpload {
        documents::ParseUpload {
            document: "d1".into(),
            revision: "r1".into(),
            name: name.into(),
            media_type: String::new(),
            blob: BlobRef {
                id: "up".into(),
                size: 1,
                sha256: String::new(),
            },
        }
    }
    fn parser() -> ParseUpload {
        ParseUpload::within(Limits::default())
    }

    #[tokio::test]
    async fn an_upload_becomes_a_blob_of_passages_of_its_revision() {
        let then = given(parser()).await.with_blob("up", TEXT.as_bytes());
        let then = then.when(upload("hours.md")).await;
        let bytes = then
            .blob("d1/r1/passages")
            .expect("the passages are written");
        let passages: Vec<Passage> = serde_json::from_slice(&bytes).expect("they are JSON");
        assert_eq!(passages[0].headings, ["Opening hours"]);
        let blob = BlobRef {
            id: "d1/r1/passages".into(),
            size: i64::try_from(bytes.len()).expect("it is small"),
            sha256: String::new(),
        };
        then.emits(reply(Parsed {
            document: "d1".into(),
            revision: "r1".into(),
            passages: blob,
            count: i64::try_from(passages.len()).expect("there are few"),
            title: Some("Opening hours".into()),
            format: "markdown".into(),
        }));
    }
    #[tokio::test]
    async fn a_file_that_cannot_be_read_is_an_answer_and_not_a_failure() {
        let then = given(parser())
            .await
            .with_blob("up", b"")
            .when(upload("a.pdf"))
            .await;
        then.fails(Verdict::Refuse("document.empty"));
    }
    #[tokio::test]
    async fn a_file_that_is_too_large_is_not_even_read() {
        let mut large = upload("a.pdf");
        large.blob.size = 1 << 40;
        let then = given(parser())
            .await
            .with_blobs_unreachable()
            .when(large)
            .await;
        then.fails(Verdict::Refuse("document.too_large"));
    }
    #[tokio::test]
    async fn a_blob_that_is_not_there_yet_is_waited_for() {
        let then = given(parser()).await.when(upload("a.md")).await;
        then.fails(Verdict::Retry(Retry::Backoff));
    }
    #[tokio::test]
    async fn an_upload_that_went_with_its_document_is_not_waited_for() {
        let mut gone = upload("a.md");
        gone.blob.id = "upload/u1".into();
        let then = given(parser()).await.when(gone).await;
        then.fails(Verdict::Refuse("documents.deleted"));
    }
    #[tokio::test]
    async fn a_blob_store_that_is_down_burns_no_attempt() {
        let then = given(parser())
            .await
            .with_blobs_unreachable()
            .when(upload("a.md"))
            .await;
        then.fails(Verdict::Retry(Retry::WhenUp("blobs".into())));
    }
}
