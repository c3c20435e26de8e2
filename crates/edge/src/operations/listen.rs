//! Hearing replies: one partition, read by hand, only to wake who waits (H1). What nobody waits for is left to the
//! consumer `operations`; what is missed here is found in its rows.
use super::Operations;
use super::told::Reply;
use events::{Envelope, ReplyStatus, topic};
use runtime::inbox::Opening;
use runtime::ports::log::Message;
use runtime::{Incoming, PortError};
use std::time::Duration;

/// Messages read at a time.
const BATCH: usize = 500;
/// The pause after the log could not be asked.
const PAUSE: Duration = Duration::from_millis(250);

impl Operations {
    /// The offset from which replies are heard: to be asked for before the first command is sent.
    ///
    /// # Errors
    /// If the log cannot be asked.
    pub async fn replies_end(&self) -> Result<i64, PortError> {
        self.ports.log.end(topic::REPLIES, self.partition).await
    }

    /// Hears replies from `offset` on; never returns.
    pub async fn listen(&self, mut offset: i64) {
        loop {
            match self.hear(offset).await {
                Ok(next) => offset = next,
                Err(error) => {
                    tracing::warn!(%error, "cannot hear replies; answers come late");
                    self.ports.clock.sleep(PAUSE).await;
                }
            }
        }
    }

    async fn hear(&self, offset: i64) -> Result<i64, PortError> {
        self.ports
            .log
            .grown(topic::REPLIES, self.partition, offset)
            .await?;
        let messages = self
            .ports
            .log
            .read(topic::REPLIES, self.partition, offset, BATCH)
            .await?;
        let mut next = offset;
        for message in &messages {
            next = message.at.offset + 1;
            let Ok(key) = std::str::from_utf8(&message.key) else {
                continue;
            };
            if self.under_way.counts(key) && is_final(message) {
                self.under_way.end(key);
            }
            if !self.waiters.wait_for(key) {
                continue;
            }
            // One that cannot be read is the consumer's dead letter; here it wakes nobody.
            if let Some(reply) = self.read_reply(message).await {
                self.waiters
                    .tell(key, |told| told.hear(reply, message.timestamp_ms));
            }
        }
        Ok(next)
    }

    async fn read_reply(&self, message: &Message) -> Option<Reply> {
        let envelope = Envelope::read(&message.headers);
        let datum = self.ports.schemas.datum(&message.payload).await.ok()?;
        let tenant = envelope.tenant.clone().unwrap_or_default();
        let incoming = Incoming {
            datum,
            envelope: &envelope,
            tenant: &tenant,
            opening: &Opening::Nobody,
        };
        Reply::read(&incoming).ok()
    }
}

fn is_final(reply: &Message) -> bool {
    let status = Envelope::read(&reply.headers).reply_status;
    status.is_some_and(|status| status != ReplyStatus::Progress)
}
