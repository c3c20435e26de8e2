//! Looks whether anything of a chatbot can still be found.
use crate::VerifyGoneError;
use events::chatbots::{self, VerifiedGone};
use runtime::{Context, Emits, Handler, reply};

/// Looks before it is a dead letter. What was removed last may still be on its way out of the index; with backoff these
/// take a few minutes, and they stay below the attempts that topics.yaml allows, so that the code is ours.
pub const LOOKS: u32 = 6;

/// Counts what a search could find of a chatbot, by looking.
///
/// Effects: none; it asks the index. `Done` only if nothing is found: then there is no document either.
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
        if retrievable > 0 {
            let attempt = cx.moment.attempt;
            return Err(VerifyGoneError::StillRetrievable {
                retrievable,
                attempt,
            });
        }
        Ok(reply(VerifiedGone {
            chatbot: verify.chatbot,
            retrievable: 0,
            documents: 0,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::TenantId;
    use runtime::ports::search::{Counts, Hit, IndexedPassage, Query, Revision, Search};
    use runtime::testkit::handlers::given;
    use runtime::testkit::nowhere::Nowhere;
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
    fn verify() -> chatbots::VerifyGone {
        chatbots::VerifyGone {
            chatbot: "bot".into(),
        }
    }

    #[tokio::test]
    async fn a_chatbot_of_which_nothing_is_found_is_gone() {
        let then = given(VerifyGone)
            .await
            .with_search(Arc::new(Finds(0)))
            .when(verify())
            .await;
        then.emits(reply(VerifiedGone {
            chatbot: "bot".into(),
            retrievable: 0,
            documents: 0,
        }));
    }
    #[tokio::test]
    async fn what_is_still_found_is_looked_for_again_but_not_for_ever() {
        for (attempt, verdict) in [
            (0, Verdict::Retry(Retry::Backoff)),
            (LOOKS - 2, Verdict::Retry(Retry::Backoff)),
            (LOOKS - 1, Verdict::DeadLetter("chatbots.still_retrievable")),
        ] {
            let handler = given(VerifyGone).await.with_search(Arc::new(Finds(1)));
            handler
                .at(|at| at.attempt = attempt)
                .when(verify())
                .await
                .fails(verdict);
        }
    }
    #[tokio::test]
    async fn an_index_that_is_down_proves_nothing() {
        let then = given(VerifyGone).await.when(verify()).await;
        then.fails(Verdict::Retry(Retry::WhenUp("search".into())));
    }
}
