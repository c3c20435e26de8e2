//! Dead letters and holds (D3-D5): the message as it was, why, and the key that waits behind it.
use super::checks::{self, Sound, corrupt};
use super::entity_step;
use super::spec::Spec;
use super::step::{Ended, HoldState, Job, LaneHold, Ready, Stop, shared};
use crate::consumer::Behaviour;
use crate::emission::Emitter;
use crate::emits::failed;
use crate::ports::log::Outgoing;
use crate::rows::{Applied, Held, Pending};
use crate::{Moment, time};
use events::envelope::Envelope;
use events::{Key, MessageId, ReplyStatus};
use std::sync::Arc;

/// The headers that a dead letter has besides its own.
pub mod header {
    /// Why, as a stable code.
    pub const CODE: &str = "dlq-code";
    /// Why, for a person.
    pub const MESSAGE: &str = "dlq-message";
    /// The consumer.
    pub const WORKER: &str = "dlq-worker";
    /// Failed attempts.
    pub const ATTEMPTS: &str = "dlq-attempts";
    /// RFC 3339.
    pub const FIRST_FAILED_AT: &str = "dlq-first-failed-at";
    /// Where it was.
    pub const TOPIC: &str = "dlq-topic";
    /// Where it was.
    pub const PARTITION: &str = "dlq-partition";
    /// Where it was.
    pub const OFFSET: &str = "dlq-offset";
    /// When it was appended there, in milliseconds since 1970.
    pub const TIMESTAMP: &str = "dlq-timestamp";
    /// The id of the message that it waits behind.
    pub const BEHIND: &str = "dlq-behind";
    /// Who it is, if it has no id of its own (I1).
    pub const ID: &str = "dlq-id";
    /// The id of the hold that it is in, if it holds a key.
    pub const HOLDS: &str = "dlq-holds";
    /// When it comes back by itself, if it is parked (C2). RFC 3339.
    pub const RETURNS_AT: &str = "dlq-returns-at";
    /// Of what was parked and is back: the attempts that failed before.
    pub const PARKED_ATTEMPTS: &str = "parked-attempts";
}

/// The code of what waits behind a dead letter of its key.
pub const HELD: &str = "runtime.held";

/// The code of what waits there for its next attempt, and comes back by itself (C2).
pub const PARKED: &str = "runtime.parked";

/// What holds the message's key, if its lane does not know it and order matters.
pub(super) async fn load_hold(job: &mut Job) -> Result<(), Stop> {
    if job.spec.ordered {
        load(job).await?;
    }
    Ok(())
}
/// The same, and the entity's row, if its lane does not know that: both at once, since both are needed nearly always.
pub(super) async fn load_hold_and_row(job: &mut Job) -> Result<(), Stop> {
    let hold = async {
        match job.spec.ordered {
            true => read(job).await,
            false => Ok(None),
        }
    };
    let (hold, row) = futures::join!(hold, entity_step::read(job));
    if let Some(hold) = hold? {
        job.hold = hold;
    }
    job.found = row?;
    Ok(())
}
async fn load(job: &mut Job) -> Result<(), Stop> {
    if let Some(hold) = read(job).await? {
        job.hold = hold;
    }
    Ok(())
}
/// What holds the key; `None` if that is known, or nothing can.
async fn read(job: &Job) -> Result<Option<HoldState>, Stop> {
    if job.hold != HoldState::Unknown {
        return Ok(None);
    }
    let Some(id) = hold_of(job) else {
        return Ok(None);
    };
    let rows = job
        .ports
        .state
        .load(&job.spec.holds(), std::slice::from_ref(&id))
        .await?;
    Ok(Some(match rows.into_iter().next().flatten() {
        None => HoldState::Free,
        Some(row) => {
            let body = serde_json::from_slice(&row.body).map_err(|e| corrupt(&id, &e))?;
            HoldState::Held(LaneHold {
                version: row.version,
                row: body,
            })
        }
    }))
}
/// The id of a lane's hold: the key itself; of a view, whose lanes are by view key and met in every
/// partition, the lane's key and the partition. A key that is none holds nothing.
pub(super) fn hold_id(spec: &Spec, partition: i32, lane_key: &[u8]) -> Option<String> {
    let key = Key::parse(std::str::from_utf8(lane_key).ok()?).ok()?;
    Some(match spec.behaviour {
        Behaviour::View(_) => format!("{key}/{partition}"),
        _ => key.as_str().to_owned(),
    })
}
fn hold_of(job: &Job) -> Option<String> {
    hold_id(&job.spec, job.message.at.partition, &job.lane_key)
}

/// Makes a dead letter of the message, and holds its key where order matters.
pub(super) async fn bury(job: &mut Job, code: &'static str, why: &str) -> Result<Ready, Stop> {
    letter(job, code, why, None, None).await
}
/// Lets the message wait among the dead letters, until it comes back by itself (C2). `None`: it may not, since it passes
/// others that wait there, or its key is none.
pub(super) async fn park(job: &mut Job, until_ms: i64) -> Result<Option<Ready>, Stop> {
    load(job).await?;
    let envelope = Envelope::read(&job.message.headers);
    let passes = match &job.hold {
        HoldState::Held(hold) if job.spec.ordered => {
            let id = identity_in(job, &envelope);
            hold.row.held.first().is_some_and(|head| !head.is(&id))
        }
        _ => false,
    };
    if passes || hold_of(job).is_none() {
        return Ok(None);
    }
    let why = format!(
        "it waits for its next attempt, and comes back at {}",
        time::rfc3339(until_ms)
    );
    letter(job, PARKED, &why, None, Some(until_ms))
        .await
        .map(Some)
}
/// The message follows its key's dead letters.
pub(super) async fn hold_back(job: &mut Job, behind: &str) -> Result<Ready, Stop> {
    let returns_at_ms = match &job.hold {
        HoldState::Held(hold) => hold.row.returns_at_ms(true),
        HoldState::Free | HoldState::Unknown => None,
    };
    let why = format!("waits behind {behind}, a dead letter of its key");
    letter(job, HELD, &why, Some(behind), returns_at_ms).await
}

async fn letter(
    job: &mut Job,
    code: &'static str,
    why: &str,
    behind: Option<&str>,
    returns_at_ms: Option<i64>,
) -> Result<Ready, Stop> {
    let message = job.message.clone();
    let envelope = Envelope::read(&message.headers);
    let identity = match checks::letter_identity(job, &envelope) {
        Some(id) => match checks::seen(job, id, checks::letters_kept_ms(job)).await? {
            // Another copy of the letter that it was is a letter already, or done.
            None => return Ok(nothing()),
            Some(save) => save,
        },
        None => None,
    };
    // Who may not name a tenant must not hold a key of its (I4).
    let foreign = matches!(
        code,
        "runtime.tenant_not_allowed" | "runtime.tenant_mismatch"
    );
    let holds = hold_of(job).filter(|_| job.spec.ordered && !foreign);
    let now = job.ports.clock.now_ms();
    let mut headers = message.headers.clone();
    headers.set(header::CODE, code);
    headers.set(header::MESSAGE, crate::emits::clipped(why));
    headers.set(header::WORKER, &*job.spec.name);
    headers.set(header::ATTEMPTS, job.attempts.to_string());
    headers.set(
        header::FIRST_FAILED_AT,
        time::rfc3339(job.delayed.first_failed_at_ms.unwrap_or(now)),
    );
    headers.set(header::TOPIC, &*message.at.topic);
    headers.set(header::PARTITION, message.at.partition.to_string());
    headers.set(header::OFFSET, message.at.offset.to_string());
    headers.set(header::TIMESTAMP, message.timestamp_ms.to_string());
    let earlier = [
        header::BEHIND,
        header::HOLDS,
        header::RETURNS_AT,
        header::PARKED_ATTEMPTS,
    ];
    headers
        .0
        .retain(|(name, _)| !earlier.contains(&name.as_str()));
    headers.set_some(header::BEHIND, behind);
    headers.set_some(header::HOLDS, holds.as_deref());
    headers.set_some(header::RETURNS_AT, returns_at_ms.map(time::rfc3339));
    if envelope.id.is_none() {
        headers.set(header::ID, identity_in(job, &envelope).id);
    }
    let mut outgoing = vec![Outgoing {
        topic: job.spec.dead_topic.clone(),
        partition: Some(message.at.partition),
        key: message.key.clone(),
        headers,
        payload: message.payload.clone(),
    }];
    outgoing.extend(answer(job, &envelope, code, why).await?);
    let outgoing = shared(outgoing);
    let parked = code == PARKED;
    let hold_changed =
        (holds.is_some() || parked) && hold(job, &envelope, &outgoing, returns_at_ms);
    Ok(Ready {
        outgoing,
        hold_changed,
        identity,
        ended: if parked {
            Ended::Parked
        } else {
            Ended::DeadLettered
        },
        ..nothing()
    })
}

/// The copy of a letter that is one already, or done.
fn nothing() -> Ready {
    Ready::of(vec![], Ended::Repeated)
}

/// Who the message is, as its moment would say; its tenant is its key's, if it has one.
fn identity_in(job: &Job, envelope: &Envelope) -> MessageId {
    let at = &job.message.at;
    let place = || format!("{}/{}/{}", job.topic_id, at.partition, at.offset);
    MessageId {
        tenant: envelope.tenant.clone().unwrap_or_default(),
        source: envelope.source.clone().unwrap_or_else(|| "log".into()),
        id: envelope.id.clone().unwrap_or_else(place),
    }
}

/// Who asked is told, since a person may redrive it some day: it may yet happen (D5).
async fn answer(
    job: &Job,
    envelope: &Envelope,
    code: &str,
    why: &str,
) -> Result<Option<Outgoing>, Stop> {
    let key = std::str::from_utf8(&job.message.key)
        .ok()
        .and_then(|text| Key::parse(text).ok());
    let Some(key) = key else { return Ok(None) };
    let id = identity_in(job, envelope);
    let to = if job.spec.border.is_some() {
        let message = MessageId {
            tenant: key.tenant().as_str().to_owned(),
            ..id.clone()
        };
        super::outside::address(job, key.tenant().as_str(), &message).usable
    } else {
        let to = envelope.reply_to.clone();
        to.filter(|to| {
            let topic = job.spec.map.topic(&to.topic);
            envelope.reply_status.is_none()
                && topic.is_some_and(|t| t.may_be_answered(to.from_outside))
        })
    };
    let Some(to) = to else { return Ok(None) };
    if job
        .spec
        .breaks(super::sabotage::Sabotage::D5DeadLettersUnanswered)
    {
        return Ok(None);
    }
    let at = Moment {
        tenant: key.tenant().as_str().into(),
        id: key.id().into(),
        now_ms: job.ports.clock.now_ms(),
        consumer: job.spec.name.clone(),
        correlation: envelope.correlation.as_deref().unwrap_or(&id.id).into(),
        traceparent: checks::traceparent(envelope),
        message: MessageId {
            tenant: key.tenant().as_str().to_owned(),
            ..id.clone()
        },
        ..Moment::blank()
    };
    let body = failed(code, why, true);
    let emitter = Emitter::new(&job.ports);
    // Its part is its place: a redriven message that dies again says so again.
    let part = format!(
        "dead/{}/{}",
        job.message.at.partition, job.message.at.offset
    );
    match emitter
        .reply(&at, &to, ReplyStatus::Failed, &body, &part)
        .await
    {
        Ok(outgoing) => Ok(Some(outgoing)),
        Err(crate::emission::EmissionError::Port(e)) => Err(e.into()),
        // The asker named a place that cannot take an answer: the letter says everything.
        Err(_) => Ok(None),
    }
}

fn hold(
    job: &mut Job,
    envelope: &Envelope,
    outgoing: &[Arc<Outgoing>],
    returns_at_ms: Option<i64>,
) -> bool {
    let id = identity_in(job, envelope);
    let mut hold = match std::mem::take(&mut job.hold) {
        HoldState::Held(hold) => hold,
        HoldState::Free | HoldState::Unknown => LaneHold {
            version: 0,
            row: Box::default(),
        },
    };
    // One that dies again keeps its place at the head.
    if let Some(held) = hold.row.held.iter_mut().find(|held| held.is(&id)) {
        held.returns_at_ms = returns_at_ms;
    } else {
        let idempotency_key = envelope.idempotency_key.clone();
        hold.row.held.push(Held {
            idempotency_key: idempotency_key.unwrap_or_else(|| id.id.clone()),
            id: id.id.clone(),
            source: id.source.clone(),
            record: record_of(job).to_owned(),
            returns_at_ms,
        });
    }
    // Behind the head all wait for it alone (C2).
    if job.spec.ordered && hold.row.held.first().is_some_and(|head| head.is(&id)) {
        hold.row
            .held
            .iter_mut()
            .for_each(|held| held.returns_at_ms = returns_at_ms);
    }
    applied(job, &mut hold);
    let (offset, outgoing) = (job.message.at.offset, outgoing.to_vec());
    hold.row.pending.push(Pending { offset, outgoing });
    job.hold = HoldState::Held(hold);
    true
}

/// What the message says it is; with its idempotency key it names the effect (O1).
pub(super) fn record_of(job: &Job) -> &str {
    job.message
        .headers
        .text(events::envelope::name::TYPE)
        .unwrap_or_default()
}

fn applied(job: &Job, hold: &mut LaneHold) {
    let (topic_id, offset) = (job.topic_id.to_string(), job.message.at.offset);
    hold.row.applied = Some(Applied { topic_id, offset });
}

/// A message was done: its key waits for one less if it was a dead letter (D4), and for those that it
/// undoes (S4). Whether the hold changed.
pub(super) fn release(job: &mut Job, sound: &Sound) -> bool {
    let (moment, undoes) = (&sound.moment, sound.undoes.as_ref());
    let again = moment
        .idempotency_key_given
        .then_some(&moment.idempotency_key);
    let record = record_of(job).to_owned();
    free(job, |held| {
        let key = Some(&held.idempotency_key);
        let itself = sound.redriven && held.is(&moment.message);
        itself || key == undoes || (key == again && held.record == record)
    })
}
/// A redriven message turned out to have been done in another copy: its key waits for one less.
pub(super) fn release_done(job: &mut Job, message: &MessageId) -> bool {
    free(job, |held| held.is(message))
}

fn free(job: &mut Job, which: impl Fn(&Held) -> bool) -> bool {
    let HoldState::Held(hold) = &mut job.hold else {
        return false;
    };
    let mut hold = hold.clone();
    let before = hold.row.held.len();
    hold.row.held.retain(|held| !which(held));
    let changed = hold.row.held.len() != before;
    if changed {
        applied(job, &mut hold);
    }
    job.hold = HoldState::Held(hold);
    changed
}
