//! A handler: one step with effects on the outside.
use crate::{Context, Emits, Failure, Inbox};

/// One step with effects on the outside (parse, embed, charge).
///
/// Called at least once with a stable idempotency key (O1); what it emits takes effect exactly once. It has
/// no state (O4).
pub trait Handler: Send + Sync + 'static {
    /// One record, or an enum of several.
    type Message: Inbox;
    /// Its one error enum.
    type Error: Failure;
    /// Does it.
    fn handle(
        &self,
        message: Self::Message,
        cx: &Context,
    ) -> impl Future<Output = Result<Emits, Self::Error>> + Send;
}
