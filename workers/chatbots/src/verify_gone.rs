//! Looks whether anything of a chatbot is left: passages that a search finds, and blobs of its documents.
use crate::VerifyGoneError;
use crate::uploads::{SHELVES, Uploads, shelf};
use events::chatbots::{self, VerifiedGone};
use events::consumer;
use runtime::{Context, Emits, Handler, reply};
use std::time::Duration;

/// Looks before it is a dead letter; they stay below the attempts that topics.yaml allows, so that the code is ours.
pub const LOOKS: u32 = 6;

/// How long it waits after a look that found something; `attempt` looks found something before.
///
/// What was removed last may still be on its way out of the index: one second, four, sixteen. What a process had begun to
/// write before it was stopped may land after the removal; documents then remove it once more some minutes later. So the
/// last look is more than five minutes after the first.
pub fn pause(attempt: u32) -> Duration {
    Duration::from_secs(4_u64.saturating_pow(attempt.min(LOOKS)))
}

/// Ids listed at a time.
const PAGE: usize = 500;

/// Counts what a search could find of a chatbot, and the blobs of its documents, by looking.
///
/// Effects: none; it asks the index and the blob store. `Done` only if nothing is found: then there is no document
/// either. Its conversations are looked for where they are kept, by another step.
#[derive(Clone, Copy, Debug, Default)]
pub struct VerifyGone;

impl Handler for VerifyGone {
    type Message = chatbots::VerifyGone;
    type Error = VerifyGoneError;

    async fn handle(
        &self,
        verify: chatbots::VerifyGone,
        cx: &Context,
    ) -> Result<Emits, VerifyGoneError> {
        let retrievable = cx.search().count_chatbot(&verify.chatbot).await?;
        let blobs = blobs_left(&verify.chatbot, cx).await?;
        if retrievable > 0 || blobs > 0 {
            let attempt = cx.moment.attempt;
            return Err(VerifyGoneError::StillRetrievable {
                retrievable,
                blobs,
                attempt,
            });
        }
        Ok(reply(VerifiedGone {
            chatbot: verify.chatbot,
            retrievable: 0,
            documents: 0,
            blobs: 0,
        }))
    }
}

/// Blobs that should have gone with the documents: their passages, and the uploads that were taken in for them alone.
async fn blobs_left(chatbot: &str, cx: &Context) -> Result<u64, VerifyGoneError> {
    let mut left = 0;
    for number in 0..SHELVES {
        let name = consumer::CHATBOTS_UPLOADS;
        let row = cx.view(&Uploads, name, &shelf(chatbot, number)).await?;
        for (document, uploads) in row.documents {
            for upload in uploads {
                let found = cx.blobs().list(&upload, "", 1).await?;
                left += u64::from(found.contains(&upload));
            }
            left += passages_left(&document, cx).await?;
        }
    }
    Ok(left)
}

async fn passages_left(document: &str, cx: &Context) -> Result<u64, VerifyGoneError> {
    let (prefix, mut after, mut left) = (format!("{document}/"), String::new(), 0);
    loop {
        let found = cx.blobs().list(&prefix, &after, PAGE).await?;
        // A document may be called `upload` or `put`: what begins so may be anybody's.
        let passages =
            |blob: &&String| blob.ends_with("/passages") && blob.matches('/').count() == 2;
        left += found.iter().filter(passages).count() as u64;
        match found.last() {
            Some(last) if found.len() == PAGE => after.clone_from(last),
            _ => return Ok(left),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uploads::Shelf;
    use events::TenantId;
    use events::id::partition_of;
    use runtime::ports::search::{Counts, Hit, IndexedPassage, Query, Revision, Search};
    use runtime::testkit::handlers::{Given, given};
    use runtime::testkit::nowhere::Nowhere;
    use runtime::testkit::views::ViewRows;
    use runtime::{BoxFuture, PortError, Retry, Verdict};
    use std::sync::Arc;

    /// An index that finds so many passages of every chatbot, and answers nothing else.
    struct Finds(u64);
    impl Search for Finds {
        fn count_chatbot<'a>(
            &'a self,
            _: &'a TenantId,
            _: &'a str,
        ) -> BoxFuture<'a, Result<u64, PortError>> {
            Box::pin(async { Ok(self.0) })
        }
        fn stage<'a>(
            &'a self,
            tenant: &'a TenantId,
            revision: &'a Revision,
            passages: Vec<IndexedPassage>,
        ) -> BoxFuture<'a, Result<(), PortError>> {
            Nowhere.stage(tenant, revision, passages)
        }
        fn publish<'a>(
            &'a self,
            tenant: &'a TenantId,
            revision: &'a Revision,
            version: i64,
        ) -> BoxFuture<'a, Result<bool, PortError>> {
            Nowhere.publish(tenant, revision, version)
        }
        fn retire<'a>(
            &'a self,
            tenant: &'a TenantId,
            document: &'a str,
            version: i64,
        ) -> BoxFuture<'a, Result<bool, PortError>> {
            Nowhere.retire(tenant, document, version)
        }
        fn count<'a>(
            &'a self,
            tenant: &'a TenantId,
            document: &'a str,
            revision: &'a str,
        ) -> BoxFuture<'a, Result<Counts, PortError>> {
            Nowhere.count(tenant, document, revision)
        }
        fn query<'a>(
            &'a self,
            tenant: &'a TenantId,
            query: &'a Query,
        ) -> BoxFuture<'a, Result<Vec<Hit>, PortError>> {
            Nowhere.query(tenant, query)
        }
        fn sweep(&self, before_ms: i64, limit: usize) -> BoxFuture<'_, Result<usize, PortError>> {
            Nowhere.sweep(before_ms, limit)
        }
    }
    /// What is known of the chatbot: a document with an upload of its own.
    async fn knowing() -> Given<VerifyGone> {
        let mut row = Shelf::default();
        let number = partition_of(b"d1", SHELVES);
        row.documents.insert("d1".into(), vec!["upload/u1".into()]);
        let rows = ViewRows::default();
        let rows = rows.with(
            "acme",
            consumer::CHATBOTS_UPLOADS,
            &shelf("bot", number),
            row,
        );
        let given = given(VerifyGone)
            .await
            .with_search(Arc::new(Finds(0)))
            .with_ports(|ports| ports.state = Arc::new(rows));
        given.at(|at| at.tenant = "acme".into())
    }
    fn verify() -> chatbots::VerifyGone {
        chatbots::VerifyGone {
            chatbot: "bot".into(),
        }
    }

    #[tokio::test]
    async fn a_chatbot_of_which_nothing_is_found_is_gone() {
        let others = ["put/p1", "d12/r1/passages", "upload/u12", "d1/strange"];
        let given = others
            .into_iter()
            .fold(knowing().await, |given, blob| given.with_blob(blob, b"x"));
        let then = given.when(verify()).await;
        then.emits(reply(VerifiedGone {
            chatbot: "bot".into(),
            retrievable: 0,
            documents: 0,
            blobs: 0,
        }));
    }
    #[tokio::test]
    async fn what_is_still_found_is_looked_for_again_but_not_for_ever() {
        for (attempt, verdict) in [
            (0, Verdict::Retry(Retry::After(Duration::from_secs(1)))),
            (
                LOOKS - 2,
                Verdict::Retry(Retry::After(Duration::from_secs(256))),
            ),
            (LOOKS - 1, Verdict::DeadLetter("chatbots.still_retrievable")),
        ] {
            let handler = knowing().await.with_search(Arc::new(Finds(1)));
            handler
                .at(|at| at.attempt = attempt)
                .when(verify())
                .await
                .fails(verdict);
        }
    }
    #[tokio::test]
    async fn a_blob_that_is_left_is_found() {
        for blob in ["upload/u1", "d1/r1/passages"] {
            let then = knowing().await.with_blob(blob, b"x").when(verify()).await;
            let failed = then.outcome.expect_err(blob).to_string();
            let wanted = "0 passages and 1 blobs of the chatbot can still be found";
            assert_eq!(failed, wanted, "{blob}");
        }
        let down = knowing().await.with_blobs_unreachable();
        let then = down.when(verify()).await;
        then.fails(Verdict::Retry(Retry::WhenUp("blobs".into())));
    }
    #[tokio::test]
    async fn an_index_that_is_down_proves_nothing() {
        let then = given(VerifyGone).await.when(verify()).await;
        then.fails(Verdict::Retry(Retry::WhenUp("search".into())));
    }
}
