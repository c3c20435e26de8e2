//! Removes blobs of a document that nothing needs any more.
use crate::DiscardBlobsError;
use crate::blobs::{is_passages_of, is_upload, passages_prefix};
use events::documents;
use runtime::ports::blobs::BlobError;
use runtime::{Context, Emits, Handler, reply};

/// Ids listed at a time.
const PAGE: usize = 500;

/// Removes blobs of a document: those that are named, and all its passages if it is gone.
///
/// Effects: removes blobs; what is not there is as good as removed, so a second attempt does no harm (O2). It waits
/// behind the reading of the same document, so that no passages are written after it (C3). A blob that may be
/// another's too is left, whoever names it: see [`crate::blobs`].
#[derive(Clone, Copy, Debug, Default)]
pub struct DiscardBlobs;

impl Handler for DiscardBlobs {
    type Message = documents::DiscardBlobs;
    type Error = DiscardBlobsError;

    async fn handle(
        &self,
        discard: documents::DiscardBlobs,
        cx: &Context,
    ) -> Result<Emits, DiscardBlobsError> {
        let documents::DiscardBlobs {
            document,
            blobs,
            all,
        } = discard;
        for blob in blobs {
            if is_upload(&blob) || is_passages_of(&document, &blob) {
                cx.blobs().delete(&blob).await?;
            }
        }
        if all {
            discard_passages(&document, cx).await?;
        }
        Ok(reply(events::reply::Ok { id: document }))
    }
}

async fn discard_passages(document: &str, cx: &Context) -> Result<(), BlobError> {
    let (prefix, mut after) = (passages_prefix(document), String::new());
    loop {
        let page = cx.blobs().list(&prefix, &after, PAGE).await?;
        for blob in page.iter().filter(|blob| is_passages_of(document, blob)) {
            cx.blobs().delete(blob).await?;
        }
        match page.last() {
            Some(last) if page.len() == PAGE => after.clone_from(last),
            _ => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::testkit::handlers::{Given, given};
    use runtime::{Retry, Verdict};

    fn discard(document: &str, blobs: &[&str], all: bool) -> documents::DiscardBlobs {
        documents::DiscardBlobs {
            document: document.into(),
            blobs: blobs.iter().map(|&blob| blob.to_owned()).collect(),
            all,
        }
    }
    async fn with_blobs(blobs: &[&str]) -> Given<DiscardBlobs> {
        let none = given(DiscardBlobs).await;
        blobs
            .iter()
            .fold(none, |given, blob| given.with_blob(blob, b"x"))
    }
    fn ok(document: &str) -> Emits {
        reply(events::reply::Ok {
            id: document.into(),
        })
    }

    #[tokio::test]
    async fn what_is_named_goes_and_nothing_else() {
        let held = ["upload/u1", "upload/u2", "d1/r1/passages", "d1/r2/passages"];
        let then = with_blobs(&held)
            .await
            .when(discard("d1", &["upload/u1", "d1/r1/passages"], false))
            .await
            .emits(ok("d1"));
        let left: Vec<_> = held
            .into_iter()
            .filter(|b| then.blob(b).is_some())
            .collect();
        assert_eq!(left, ["upload/u2", "d1/r2/passages"]);
    }
    #[tokio::test]
    async fn all_passages_of_a_document_that_is_gone_go() {
        let held = ["d1/r1/passages", "d1/r2/passages", "d12/r1/passages"];
        let then = with_blobs(&held)
            .await
            .when(discard("d1", &[], true))
            .await
            .emits(ok("d1"));
        let left: Vec<_> = held
            .into_iter()
            .filter(|b| then.blob(b).is_some())
            .collect();
        assert_eq!(left, ["d12/r1/passages"]);
    }
    #[tokio::test]
    async fn many_revisions_are_removed_page_by_page() {
        let names: Vec<String> = (0..=PAGE).map(|n| format!("d1/r{n}/passages")).collect();
        let held: Vec<&str> = names.iter().map(String::as_str).collect();
        let then = with_blobs(&held).await.when(discard("d1", &[], true)).await;
        assert!(names.iter().all(|blob| then.blob(blob).is_none()));
    }
    #[tokio::test]
    async fn what_may_be_a_source_of_another_document_stays() {
        let held = ["put/p1", "crm/7", "d2/r1/passages"];
        let then = with_blobs(&held)
            .await
            .when(discard("d1", &held, true))
            .await
            .emits(ok("d1"));
        assert!(held.iter().all(|blob| then.blob(blob).is_some()));
    }
    #[tokio::test]
    async fn a_document_that_is_called_as_all_uploads_begin_takes_none_of_them_along() {
        for (document, blob) in [("upload", "upload/u1/0"), ("put", "put/p1")] {
            let then = with_blobs(&[blob])
                .await
                .when(discard(document, &[], true))
                .await;
            assert!(then.emits(ok(document)).blob(blob).is_some());
        }
    }
    #[tokio::test]
    async fn what_is_not_there_is_as_good_as_removed() {
        let then = given(DiscardBlobs).await;
        then.when(discard("d1", &["upload/u1"], true))
            .await
            .emits(ok("d1"));
    }
    #[tokio::test]
    async fn a_blob_store_that_is_down_burns_no_attempt() {
        let down = given(DiscardBlobs).await.with_blobs_unreachable();
        down.when(discard("d1", &["upload/u1"], false))
            .await
            .fails(Verdict::Retry(Retry::WhenUp("blobs".into())));
    }
}
