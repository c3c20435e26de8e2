//! Looks whether anything of a chatbot's conversations is still shown.
use crate::endings::Endings;
use crate::error::VerifyEndedError;
use crate::history::History;
use crate::roster::{Roster, SHELVES, shelf};
use events::consumer;
use events::conversations;
use runtime::{Context, Emits, Handler, reply};
use std::time::Duration;

/// Looks that find something before it is a dead letter; below the attempts that topics.yaml allows, so that the code
/// is ours.
pub const LOOKS: u32 = 6;

/// How long it waits after a look that found something; `attempt` looks found something before.
///
/// The views follow by some milliseconds, mostly: one second, four, sixteen. What the roster knew of too late is ended two
/// minutes after the others ([`crate::closing::SWEEP_MS`]), so the last look is more than five minutes after the first.
pub fn pause(attempt: u32) -> Duration {
    Duration::from_secs(4_u64.saturating_pow(attempt.min(LOOKS)))
}

/// Counts the conversations of a chatbot whose history would still be shown, by looking at each. What was ended
/// is shown no more, and its rows are swept.
///
/// Effects: none. `Done` only if there is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct VerifyEnded;

impl Handler for VerifyEnded {
    type Message = conversations::VerifyEnded;
    type Error = VerifyEndedError;

    async fn handle(
        &self,
        verify: conversations::VerifyEnded,
        cx: &Context,
    ) -> Result<Emits, VerifyEndedError> {
        let chatbot = verify.chatbot;
        let (mut shown, mut one) = (0_u64, String::new());
        for number in 0..SHELVES {
            let name = consumer::CONVERSATIONS_ROSTER;
            let row = cx.view(&Roster, name, &shelf(&chatbot, number)).await?;
            for conversation in row.conversations.into_keys() {
                let name = consumer::CONVERSATIONS_HISTORY;
                let history = cx.view(&History, name, &conversation).await?;
                if history.entries.is_empty() {
                    continue;
                }
                let name = consumer::CONVERSATIONS_ENDINGS;
                let ended = cx.view(&Endings, name, &conversation).await?;
                if ended.endings <= history.endings {
                    (shown, one) = (shown + 1, conversation);
                }
            }
        }
        if shown > 0 {
            let attempt = cx.moment.attempt;
            return Err(VerifyEndedError::StillShown {
                shown,
                one,
                attempt,
            });
        }
        Ok(reply(events::reply::Ok { id: chatbot }))
    }
}
