//! One dead letter, as a person reads it.
use super::{Fate, LettersError};
use crate::PortError;
use crate::codec::UnknownSchema;
use crate::context::Ports;
use crate::engine::header;
use crate::ports::log::Message;
use bytes::Bytes;
use events::map::TopicMap;
use events::record::decode_json;
use events::{Envelope, Headers, Key, MessageId};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Where a letter stands; its name. As text `<consumer>.dead/<partition>/<offset>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Place {
    /// `<consumer>.dead`.
    pub topic: String,
    /// Of the topic.
    pub partition: i32,
    /// Of the partition.
    pub offset: i64,
}

impl Place {
    pub(super) fn new(consumer: &str, partition: i32, offset: i64) -> Self {
        Self {
            topic: TopicMap::dead_topic(consumer),
            partition,
            offset,
        }
    }
    /// Whose letter it is.
    pub fn consumer(&self) -> &str {
        self.topic.strip_suffix(".dead").unwrap_or(&self.topic)
    }
}
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.topic, self.partition, self.offset)
    }
}
impl FromStr for Place {
    type Err = LettersError;
    fn from_str(text: &str) -> Result<Self, LettersError> {
        let parts: Vec<&str> = text.split('/').collect();
        let place = match parts[..] {
            [topic, partition, offset] if topic.ends_with(".dead") => {
                let (partition, offset) = (partition.parse().ok(), offset.parse().ok());
                partition.zip(offset).map(|(partition, offset)| Self {
                    topic: topic.to_owned(),
                    partition,
                    offset,
                })
            }
            _ => None,
        };
        place
            .filter(|place| place.partition >= 0 && place.offset >= 0)
            .ok_or_else(|| LettersError::NotAPlace(text.chars().take(300).collect()))
    }
}
impl TryFrom<String> for Place {
    type Error = LettersError;
    fn try_from(text: String) -> Result<Self, LettersError> {
        text.parse()
    }
}
impl From<Place> for String {
    fn from(place: Place) -> String {
        place.to_string()
    }
}

/// Where it was before it was a dead letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Was {
    /// The consumer's input.
    pub topic: String,
    /// Of the topic.
    pub partition: i32,
    /// Of the partition.
    pub offset: i64,
    /// When it was appended there, in milliseconds since 1970.
    pub timestamp_ms: i64,
}

/// What it says.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// Decoded. Sealed fields stay sealed (G1).
    Json(serde_json::Value),
    /// It cannot be decoded: why.
    Unreadable(String),
}

/// A dead letter.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Letter {
    /// Where it stands.
    pub place: Place,
    /// Who could not handle it.
    pub consumer: String,
    /// When it became a dead letter, in milliseconds since 1970.
    pub at_ms: i64,
    /// Why, as a stable code; it has a page under docs/errors/.
    pub code: String,
    /// Why, for a person.
    pub message: String,
    /// Attempts that failed.
    pub attempts: u32,
    /// RFC 3339; empty if it is not known.
    pub first_failed_at: String,
    /// Where it was, if its headers say so.
    pub was: Option<Was>,
    /// The message that it waits behind (D3).
    pub behind: Option<String>,
    /// Whether its key waits for it now.
    pub holds: bool,
    /// The letter that it was before, if it was redriven and died again.
    pub redriven: Option<Place>,
    /// Its key; what is not UTF-8 in it is replaced.
    pub key: String,
    /// Who it is (I1); its tenant is the key's, empty if the key is none.
    pub id: MessageId,
    /// The same in all that one request caused.
    pub correlation: Option<String>,
    /// The record's full name, if its schema is known.
    pub record: Option<String>,
    /// What it says.
    pub body: Body,
    /// What became of it.
    pub fate: Fate,
}

/// What is needed of a letter to put it in order.
#[derive(Clone, Debug)]
pub(super) struct Brief {
    pub place: Place,
    pub key: Bytes,
    pub id: MessageId,
    pub code: String,
    pub at_ms: i64,
    /// The id of the hold that it was put in.
    pub holds: Option<String>,
    pub redriven: Option<Place>,
}

impl Brief {
    /// Its key, if it is one.
    pub fn key(&self) -> Option<Key> {
        Key::parse(std::str::from_utf8(&self.key).ok()?).ok()
    }
    /// What it is in order with: its hold, else its key.
    pub fn line(&self) -> Vec<u8> {
        self.holds
            .as_ref()
            .map_or_else(|| self.key.to_vec(), |id| id.clone().into_bytes())
    }
}

pub(super) fn brief(message: &Message) -> Brief {
    let (headers, at) = (&message.headers, &message.at);
    let envelope = Envelope::read(headers);
    let place = Place {
        topic: at.topic.to_string(),
        partition: at.partition,
        offset: at.offset,
    };
    let id = MessageId {
        tenant: String::new(),
        source: envelope.source.unwrap_or_else(|| "log".into()),
        id: envelope
            .id
            .or_else(|| text(headers, header::ID))
            .unwrap_or_default(),
    };
    let mut brief = Brief {
        place,
        key: message.key.clone(),
        id,
        code: text(headers, header::CODE).unwrap_or_default(),
        at_ms: message.timestamp_ms,
        holds: text(headers, header::HOLDS),
        redriven: envelope.redriven.and_then(|place| place.parse().ok()),
    };
    if let Some(key) = brief.key() {
        brief.id.tenant = key.tenant().as_str().to_owned();
    }
    brief
}

fn text(headers: &Headers, name: &str) -> Option<String> {
    headers.text(name).map(str::to_owned)
}

pub(super) fn was(headers: &Headers) -> Option<Was> {
    let number = |name| headers.text(name)?.parse::<i64>().ok();
    Some(Was {
        topic: text(headers, header::TOPIC)?,
        partition: i32::try_from(number(header::PARTITION)?).ok()?,
        offset: number(header::OFFSET)?,
        timestamp_ms: number(header::TIMESTAMP)?,
    })
}

pub(super) async fn body(
    ports: &Ports,
    message: &Message,
) -> Result<(Option<String>, Body), PortError> {
    match ports.schemas.datum(&message.payload).await {
        Ok(datum) => {
            let body = decode_json(&datum).map_or_else(|e| Body::Unreadable(e.0), Body::Json);
            Ok((Some(datum.record.to_owned()), body))
        }
        Err(UnknownSchema::Registry(e)) => Err(e),
        Err(e) => Ok((None, Body::Unreadable(e.to_string()))),
    }
}

pub(super) fn letter(
    message: &Message,
    brief: Brief,
    body: (Option<String>, Body),
    fate: Fate,
    holds: bool,
) -> Letter {
    let headers = &message.headers;
    let (record, body) = body;
    Letter {
        consumer: brief.place.consumer().to_owned(),
        at_ms: brief.at_ms,
        message: text(headers, header::MESSAGE).unwrap_or_default(),
        attempts: headers
            .text(header::ATTEMPTS)
            .and_then(|n| n.parse().ok())
            .unwrap_or(0),
        first_failed_at: text(headers, header::FIRST_FAILED_AT).unwrap_or_default(),
        was: was(headers),
        behind: text(headers, header::BEHIND),
        holds,
        redriven: brief.redriven,
        key: String::from_utf8_lossy(&brief.key).into_owned(),
        id: brief.id,
        correlation: Envelope::read(headers).correlation,
        code: brief.code,
        place: brief.place,
        record,
        body,
        fate,
    }
}
