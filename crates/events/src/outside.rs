//! How an outsider's request is called while Troupe carries it out: one text, since that is what travels with commands
//! and stands in the rows of entities that answer late ([`crate::ReplyAddress`]).
use crate::id::check_part;

/// The headers of Spring Kafka's `ReplyingKafkaTemplate`.
pub mod spring {
    /// The topic that the reply is expected on.
    pub const REPLY_TOPIC: &str = "kafka_replyTopic";
    /// The partition that it is expected in: 4 bytes, big-endian.
    pub const REPLY_PARTITION: &str = "kafka_replyPartition";
    /// Names the request: bytes, which the reply brings back as they were.
    pub const CORRELATION: &str = "kafka_correlationId";
}

/// A request from outside, as it stands in [`crate::ReplyAddress::request`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideRequest {
    /// Names the command for as long as it may be sent again: the hash of its source and id (I3).
    pub command: String,
    /// Its `correlation-id`, if it has one.
    pub correlation: Option<String>,
    /// Its `kafka_correlationId`, if it has one.
    pub spring: Option<Vec<u8>>,
}

impl OutsideRequest {
    /// As one text.
    pub fn carried(&self) -> String {
        let correlation = match &self.correlation {
            Some(text) => format!("={text}"),
            None => String::new(),
        };
        let spring = self.spring.as_deref().map(hex).unwrap_or_default();
        format!("{};{spring};{correlation}", self.command)
    }
    /// From that text; `None` if it is none.
    pub fn read(carried: &str) -> Option<Self> {
        let mut parts = carried.splitn(3, ';');
        let (command, spring, correlation) = (parts.next()?, parts.next()?, parts.next()?);
        check_part(command).ok()?;
        Some(Self {
            command: command.to_owned(),
            correlation: correlation.strip_prefix('=').map(str::to_owned),
            spring: match spring {
                "" => None,
                digits => Some(bytes(digits)?),
            },
        })
    }
    /// What the answer's `correlation-id` says: what the command's said, or Spring's in hexadecimal digits.
    pub fn request(&self) -> Option<String> {
        let spring = || self.spring.as_deref().map(hex);
        self.correlation.clone().or_else(spring)
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
fn bytes(digits: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |pair: &[u8]| match *pair {
        [high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
        _ => None,
    };
    digits.as_bytes().chunks(2).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_carried_is_read_back_whatever_the_outsider_called_it() {
        for (correlation, spring) in [
            (None, None),
            (Some(""), None),
            (Some("a;b;=c"), Some(vec![])),
            (None, Some(vec![0, 255, 59])),
            (Some("r-1"), Some((0..16).collect())),
        ] {
            let request = OutsideRequest {
                command: "0a-b".into(),
                correlation: correlation.map(str::to_owned),
                // No bytes are no correlation.
                spring: spring.filter(|bytes: &Vec<u8>| !bytes.is_empty()),
            };
            assert_eq!(
                OutsideRequest::read(&request.carried()).as_ref(),
                Some(&request)
            );
        }
    }
    #[test]
    fn what_others_call_their_requests_is_none() {
        for other in ["", "op-1", "A;;", "a;0;", "a;zz;", "a;+1;", "step.3"] {
            assert_eq!(OutsideRequest::read(other), None, "{other}");
        }
    }
}
