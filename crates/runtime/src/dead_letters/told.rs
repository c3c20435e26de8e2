//! What a person did with a letter is an event itself (`letter.decided`): who, why, when, what.
use super::DeadLetters;
use super::letter::Brief;
use crate::emission::{EmissionError, Emitter};
use crate::ports::log::{Message, Outgoing};
use crate::{Moment, PortError};
use events::system::LetterDecided;
use events::{Addressed, Envelope, MessageId, Record};

/// Who says it.
const OPERATOR: &str = "operator";
/// Whose it is, if the letter's key names no tenant.
const NOBODYS: &str = "troupe";

impl DeadLetters {
    /// The event; `None` where the map has no topic for it. Of one decision it is always the very same, id included.
    pub(super) async fn decided(
        &self,
        brief: &Brief,
        message: &Message,
        decision: &str,
        by: &str,
        why: &str,
        at_ms: i64,
    ) -> Result<Option<Outgoing>, PortError> {
        if self.map.topic(LetterDecided::TOPIC).is_none() {
            return Ok(None);
        }
        let (consumer, place) = (brief.place.consumer(), brief.place.to_string());
        let (tenant, id) = match brief.key() {
            Some(key) => (key.tenant().as_str().to_owned(), key.id().to_owned()),
            None => (NOBODYS.to_owned(), consumer.replace(['.', '_'], "-")),
        };
        let correlation = Envelope::read(&message.headers).correlation;
        let at = Moment {
            tenant: tenant.as_str().into(),
            id: id.as_str().into(),
            now_ms: at_ms,
            consumer: OPERATOR.into(),
            correlation: correlation.as_deref().unwrap_or(&brief.id.id).into(),
            message: MessageId {
                tenant,
                ..brief.id.clone()
            },
            ..Moment::blank()
        };
        let event = LetterDecided {
            subject: id,
            letter: place.clone(),
            worker: consumer.to_owned(),
            code: brief.code.clone(),
            message: brief.id.id.clone(),
            decision: decision.to_owned(),
            by: by.to_owned(),
            why: why.to_owned(),
            at_ms,
        };
        let part = format!("{decision}/{place}");
        let emitter = Emitter::new(&self.ports);
        match emitter.own(&at, LetterDecided::TOPIC, &event, &part).await {
            Ok(said) => Ok(Some(said)),
            Err(EmissionError::Port(e)) => Err(e),
            Err(e) => Err(PortError::Corrupt {
                port: "log",
                why: format!("{}: {e}", LetterDecided::NAME),
            }),
        }
    }
}
