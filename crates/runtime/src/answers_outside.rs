//! Where the answers to outsiders stand: a view of each `replies.<outsider>`, so that a copy of a command that comes later
//! is answered the same (I3). The answers themselves stay on their topic, which is short-lived, since they are clear text.
use crate::inbox::Incoming;
use crate::ports::log::Message;
use crate::rows::ViewRow;
use crate::{Arm, Consumer, Inbox, Moment, PortError, Ports, View, any};
use events::map::TopicMap;
use events::record::Undecodable;
use events::{Headers, ReplyStatus, TenantId};
use serde::{Deserialize, Serialize};

/// How long it is remembered where an answer stands, in milliseconds: as long as a border knows a copy (7 days, I3).
const KEPT_MS: i64 = 7 * 86_400_000;

/// Rows looked through for one command: one for each partition in which it was answered.
const PAGE: usize = 100;

/// An answer: which command it is to, and whether it is the final one.
#[derive(Clone, Debug)]
pub struct Answer {
    command: Option<String>,
    is_final: bool,
}
impl Inbox for Answer {
    fn arms() -> Vec<Arm<Self>> {
        vec![any(|incoming: &Incoming<'_>| {
            let status = incoming.envelope.reply_status;
            let status =
                status.ok_or_else(|| Undecodable("a reply without reply-status".into()))?;
            Ok(Self {
                command: incoming.envelope.command.clone(),
                is_final: status != ReplyStatus::Progress,
            })
        })]
    }
}

/// What is known of the answers to one command: the place is the position up to which the row is built (V1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// Whether the last of them is final.
    is_final: bool,
    /// When it came, in milliseconds since 1970.
    at_ms: i64,
}

/// The view; its keys are commands.
struct AnswersOutside;
impl View for AnswersOutside {
    type Event = Answer;
    type Row = Answered;

    fn key(&self, answer: &Answer, at: &Moment) -> String {
        answer.command.clone().unwrap_or_else(|| at.id.to_string())
    }
    fn apply(&self, row: &mut Answered, answer: Answer, at: &Moment) {
        *row = Answered {
            is_final: answer.is_final,
            at_ms: at.now_ms,
        };
    }
    fn merge(&self, into: &mut Answered, other: Answered) {
        if other.at_ms > into.at_ms {
            *into = other;
        }
    }
    fn expires_at_ms(&self, row: &Answered) -> Option<i64> {
        Some(row.at_ms + KEPT_MS)
    }
}

/// One consumer for each topic of answers to outsiders that the map names.
pub fn consumers(map: &'static TopicMap) -> Vec<Consumer> {
    let topics = map.topics().filter(|topic| topic.is_for_outsiders());
    topics
        .flat_map(|topic| &topic.consumers)
        .map(|consumer| Consumer::view(consumer.name.as_str(), AnswersOutside))
        .collect()
}

/// The final answer to `command` that stands on `topic`, if there is one and it is still kept.
///
/// # Errors
/// If a port cannot be asked.
pub(crate) async fn answer_to(
    ports: &Ports,
    map: &TopicMap,
    topic: &str,
    tenant: &TenantId,
    command: &str,
) -> Result<Option<Message>, PortError> {
    let Some(view) = map.topic(topic).and_then(|topic| topic.consumers.first()) else {
        return Ok(None);
    };
    let prefix = format!("{tenant}/{command}/");
    let rows = ports.state.scan(&view.name, &prefix, "", PAGE).await?;
    let mut latest: Option<(i64, i32, i64)> = None;
    for (id, row) in rows {
        let row: ViewRow<Answered> =
            serde_json::from_slice(&row.body).map_err(|e| PortError::Corrupt {
                port: "state",
                why: format!("{id}: {e}"),
            })?;
        let partition = id.rsplit('-').next().and_then(|p| p.parse().ok());
        let (Some(partition), Some(applied), true) = (partition, row.applied, row.row.is_final)
        else {
            continue;
        };
        if latest.is_none_or(|(at_ms, ..)| row.row.at_ms > at_ms) {
            latest = Some((row.row.at_ms, partition, applied.offset));
        }
    }
    let Some((_, partition, offset)) = latest else {
        return Ok(None);
    };
    let read = ports.log.read(topic, partition, offset, 1).await?;
    let is_it = |headers: &Headers| headers.text(events::envelope::name::COMMAND) == Some(command);
    Ok(read
        .into_iter()
        .find(|message| message.at.offset == offset && is_it(&message.headers)))
}
