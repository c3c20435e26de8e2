//! What is checked of a message before its worker sees it: tenant, size, identity, holds, where answers go.
use super::outside;
use super::sabotage::Sabotage;
use super::step::{HoldState, Job, LaneHold, Stop};
use crate::codec::UnknownSchema;
use crate::emission::MAX_EVENT;
use crate::ports::log::{Message, Outgoing};
use crate::ports::state::{Row, Save};
use crate::rows::{IDENTITIES, Seen};
use crate::{Moment, PortError, trace};
use events::envelope::Envelope;
use events::map::{Tenants, TopicKind};
use events::record::Datum;
use events::{Key, MessageId, TenantId};
use std::sync::Arc;

/// How long a border remembers an identity, in milliseconds: 7 days (I3).
pub(super) const REMEMBERED_MS: i64 = 7 * 24 * 3_600_000;

/// A message that may be handled.
pub(super) struct Sound {
    pub moment: Moment,
    pub tenant: TenantId,
    pub envelope: Envelope,
    pub redriven: bool,
    pub undoes: Option<String>,
    /// To be saved with its result (I3).
    pub identity: Option<Box<Save>>,
}

/// What the checks found.
pub(super) enum Checked {
    Sound(Box<Sound>),
    /// It was a dead letter when it came first: the very same again.
    Repeated(Vec<Arc<Outgoing>>),
    /// It came before, from another place (I3, D4). If it is named, it was a dead letter once, has had its
    /// effect in another copy, and holds its key no more.
    Duplicate(Option<MessageId>),
    /// It waits behind a dead letter of its key (D3).
    Held {
        behind: String,
    },
}

pub(super) async fn check(job: &Job) -> Result<Checked, Stop> {
    let (spec, message) = (&job.spec, &job.message);
    let dead = |code: &'static str, why: String| Stop::Dead { code, why };
    let envelope = Envelope::read(&message.headers);
    let (key, tenant) = key_and_tenant(job, &envelope)?;
    if let Some(tenants) = &spec.border {
        check_border(job, tenants, &tenant)?;
    }
    let mut moment = moment(job, &key, &tenant, &envelope);
    if spec.border.is_some() {
        let address = outside::address(job, tenant.as_str(), &moment.message);
        if let Some((code, why)) = address.wrong {
            return Err(dead(code, why));
        }
        moment.reply_to = address.usable;
        if spec.commands {
            outside::check_headers(job)?;
        }
    } else if let Some(to) = &moment.reply_to {
        let allowed = spec
            .map
            .topic(&to.topic)
            .is_some_and(|t| t.may_be_answered(to.from_outside));
        if !allowed {
            return Err(dead(
                "runtime.invalid_reply_to",
                format!("nobody may be answered on {}", to.topic),
            ));
        }
    }
    let redriven = letter_of(job, &envelope).is_some();
    // Who redrives it wants it done, however late (E6).
    let now_ms = moment.now_ms;
    moment
        .deadline_ms
        .take_if(|deadline| redriven && spec.commands && *deadline < now_ms);
    // What came before is dropped whatever holds its key now: it must not become a letter once more.
    let mut identity = None;
    if let Some(id) = letter_identity(job, &envelope) {
        match seen(job, id, letters_kept_ms(job)).await? {
            None => return Ok(Checked::Duplicate(None)),
            Some(save) => identity = save,
        }
    }
    if let Some(id) = border_identity(job, &moment) {
        match seen(job, id, REMEMBERED_MS).await? {
            None => {
                let done = redriven.then(|| moment.message.clone());
                return Ok(Checked::Duplicate(done));
            }
            // It tells copies of one letter apart, too.
            Some(save) => identity = save,
        }
    }
    // From outside nothing is undone but by a command.
    let undoes = envelope.undoes.clone().filter(|_| spec.border.is_none());
    if let Some(held) = held(job, redriven, undoes.as_deref(), &moment) {
        return Ok(held);
    }
    Ok(Checked::Sound(Box::new(Sound {
        moment,
        tenant,
        envelope,
        redriven,
        undoes,
        identity,
    })))
}

/// Keys are `<tenant>/<id>`, and the header agrees (I4).
fn key_and_tenant(job: &Job, envelope: &Envelope) -> Result<(Key, TenantId), Stop> {
    let dead = |code: &'static str, why: String| Stop::Dead { code, why };
    let text = std::str::from_utf8(&job.message.key)
        .map_err(|_| dead("runtime.invalid_key", "the key is not text".into()))?;
    let key = Key::parse(text).map_err(|e| dead("runtime.invalid_key", e.to_string()))?;
    let tenant = key.tenant();
    let named = envelope.tenant.as_deref().unwrap_or(tenant.as_str());
    if named != tenant.as_str() && !job.spec.breaks(Sabotage::I4TenantUnchecked) {
        let why = format!("the key says {tenant}, and ce_tenantid says {named}");
        return Err(dead("runtime.tenant_mismatch", why));
    }
    Ok((key, tenant))
}

fn check_border(job: &Job, tenants: &Tenants, tenant: &TenantId) -> Result<(), Stop> {
    let dead = |code: &'static str, why: String| Stop::Dead { code, why };
    if !tenants.allow(tenant.as_str()) && !job.spec.breaks(Sabotage::I4TenantUnchecked) {
        return Err(dead(
            "runtime.tenant_not_allowed",
            format!("the writers of this inbox may not name {tenant}"),
        ));
    }
    let message = &job.message;
    let size = message.key.len() + message.headers.size() + message.payload.len();
    if size > MAX_EVENT {
        return Err(dead(
            "runtime.too_large",
            format!("{size} bytes, and {MAX_EVENT} are allowed (G2)"),
        ));
    }
    Ok(())
}

/// The message's circumstances. At an inbox, where its answer goes is looked at besides.
pub(super) fn moment(job: &Job, key: &Key, tenant: &TenantId, envelope: &Envelope) -> Moment {
    let at = &job.message.at;
    let place = || format!("{}/{}/{}", job.topic_id, at.partition, at.offset);
    let id = envelope.id.clone().unwrap_or_else(place);
    // Answers, wakes and what was redriven come from the log itself: outside an inbox, headers are ours.
    let border = job.spec.border.is_some();
    let reply_to = envelope.reply_to.clone().filter(|_| !border);
    let source = envelope.source.clone().unwrap_or_else(|| "log".into());
    let given = envelope.idempotency_key.clone();
    // What an outsider calls an effect is not what we, or another outsider, call one.
    let given = given.map(|given| match border {
        true => events::id::derived(&[&source, &given]).to_string(),
        false => given,
    });
    let idempotency_key_given = given.is_some();
    let mut idempotency_key = given.unwrap_or_else(|| id.clone());
    if job.spec.breaks(Sabotage::O1KeyOfEachAttempt) {
        idempotency_key = format!("{idempotency_key}#{}", job.attempts);
    }
    Moment {
        tenant: tenant.as_str().into(),
        id: key.id().into(),
        now_ms: job.ports.clock.now_ms(),
        consumer: job.spec.name.clone(),
        correlation: envelope.correlation.as_deref().unwrap_or(&id).into(),
        traceparent: traceparent(envelope),
        message: MessageId {
            tenant: tenant.as_str().to_owned(),
            source,
            id,
        },
        // An answer is never answered: its own `correlation-id` names the request.
        reply_to: if envelope.reply_status.is_some() {
            None
        } else {
            reply_to
        },
        reply_status: envelope.reply_status.filter(|_| !border),
        request: envelope.request.clone(),
        idempotency_key_given,
        idempotency_key,
        deadline_ms: envelope.deadline_ms,
        attempt: job.attempts,
    }
}

/// The trace that a message belongs to. What is no `traceparent` means nothing.
pub(super) fn traceparent(envelope: &Envelope) -> Option<Arc<str>> {
    let text = envelope.traceparent.as_deref()?;
    trace::is_traceparent(text).then(|| text.into())
}

/// Whether it is a repeat of a dead letter, or waits behind one.
fn held(job: &Job, redriven: bool, undoes: Option<&str>, moment: &Moment) -> Option<Checked> {
    let HoldState::Held(LaneHold { row: hold, .. }) = &job.hold else {
        return None;
    };
    if !job.spec.ordered {
        return None; // it says what is parked (C2)
    }
    let offset = job.message.at.offset;
    let same_life = hold
        .applied
        .as_ref()
        .is_some_and(|a| a.topic_id == *job.topic_id && offset <= a.offset);
    if same_life && let Some(pending) = hold.pending.iter().find(|p| p.offset == offset) {
        return Some(Checked::Repeated(pending.outgoing.clone()));
    }
    let head = hold.held.first()?;
    // An undo, and another try of the same effect, never queue behind what they cancel (S4).
    let again = moment
        .idempotency_key_given
        .then_some(moment.idempotency_key.as_str());
    let record = super::dead::record_of(job);
    let held = |key: &str, what: Option<&str>| {
        let mut letters = hold.held.iter();
        letters.any(|h| h.idempotency_key == key && what.is_none_or(|what| h.record == what))
    };
    let cancels = undoes.is_some_and(|key| held(key, None))
        || again.is_some_and(|key| held(key, Some(record)));
    // Redriven messages have effect in their order: if the head dies again, those behind it follow once more.
    let itself = redriven && head.is(&moment.message);
    if same_life || itself || cancels || job.spec.breaks(Sabotage::D3LaterPassesDeadLetter) {
        return None;
    }
    Some(Checked::Held {
        behind: head.id.clone(),
    })
}

/// The dead letter that the message was: `<dead topic>/<partition>/<offset>`. What is not the place of a
/// letter of this consumer is not ours, and means nothing.
fn letter_of<'e>(job: &Job, envelope: &'e Envelope) -> Option<&'e str> {
    let letter = envelope.redriven.as_deref()?;
    let place = letter.strip_prefix(&*job.spec.dead_topic)?;
    let (partition, offset) = place.strip_prefix('/')?.split_once('/')?;
    let is_place = partition.parse::<u32>().is_ok() && offset.parse::<u64>().is_ok();
    is_place.then_some(letter)
}

/// Tells copies of a redriven letter apart (D4): each letter has its effect once, or dies again once.
pub(super) fn letter_identity(job: &Job, envelope: &Envelope) -> Option<String> {
    let letter =
        letter_of(job, envelope).filter(|_| !job.spec.breaks(Sabotage::D4RedrivenTwice))?;
    let key = std::str::from_utf8(&job.message.key).ok();
    let key = key.and_then(|text| Key::parse(text).ok());
    let tenant = key.map_or_else(String::new, |key| key.tenant().as_str().to_owned());
    Some(format!("{tenant}/{}/redriven/{letter}", job.spec.name))
}
/// As long as there are letters, each may be redriven once more by whoever was interrupted.
pub(super) fn letters_kept_ms(job: &Job) -> i64 {
    let kept = job.spec.map.consumer(&job.spec.name);
    let kept = kept.map_or(0, |(_, consumer)| consumer.dead_retention.as_millis());
    i64::try_from(kept)
        .unwrap_or(i64::MAX / 4)
        .max(REMEMBERED_MS)
}

/// At a border, who the message is (I3).
fn border_identity(job: &Job, moment: &Moment) -> Option<String> {
    job.spec.border.as_ref()?;
    let source = if job.spec.breaks(Sabotage::I1SourceIgnored) {
        ""
    } else {
        &moment.message.source
    };
    let hash = match source.is_empty() {
        false => outside::identity(&moment.message),
        true => events::id::derived(&[source, &moment.message.id]).to_string(),
    };
    Some(format!("{}/{}/{hash}", moment.tenant, job.spec.name))
}

/// `None`: a duplicate. Otherwise what must be saved, if it is new here.
pub(super) async fn seen(
    job: &Job,
    id: String,
    remembered_ms: i64,
) -> Result<Option<Option<Box<Save>>>, Stop> {
    let at = &job.message.at;
    let here = Seen {
        topic_id: job.topic_id.to_string(),
        partition: at.partition,
        offset: at.offset,
    };
    let rows = job
        .ports
        .state
        .load(IDENTITIES, std::slice::from_ref(&id))
        .await?;
    if let Some(row) = rows.into_iter().next().flatten() {
        let seen: Seen = serde_json::from_slice(&row.body).map_err(|e| corrupt(&id, &e))?;
        if job.spec.breaks(Sabotage::I3RepeatsDropped) {
            return Ok(None);
        }
        let passes = seen == here || job.spec.breaks(Sabotage::I3DuplicatesPass);
        return Ok(passes.then_some(None));
    }
    let body = serde_json::to_vec(&here).map_err(|e| corrupt(&id, &e))?;
    let expires_at_ms = Some(job.ports.clock.now_ms() + remembered_ms);
    let row = Row {
        version: 1,
        partition: -1,
        expires_at_ms,
        body,
        ..Row::default()
    };
    Ok(Some(Some(Box::new(Save {
        collection: IDENTITIES.into(),
        id,
        expected: 0,
        row: Some(row),
    }))))
}

/// The bytes and what wrote them. At an inbox only what topics.yaml lists may come in.
pub(super) async fn datum<'m>(job: &Job, message: &'m Message) -> Result<Datum<'m>, Stop> {
    let datum = job
        .ports
        .schemas
        .datum(&message.payload)
        .await
        .map_err(|e| match e {
            UnknownSchema::Registry(e) => Stop::from(e),
            e => Stop::Dead {
                code: "runtime.unknown_schema",
                why: e.to_string(),
            },
        })?;
    let topic = job
        .spec
        .map
        .topic(&job.spec.topic)
        .filter(|t| t.kind == TopicKind::Inbox);
    if topic.is_some_and(|t| !t.schemas.iter().any(|s| s == datum.record)) {
        let why = format!("{} does not belong on this inbox", datum.record);
        return Err(Stop::Dead {
            code: "runtime.unknown_schema",
            why,
        });
    }
    Ok(datum)
}

pub(super) fn corrupt(id: &str, why: &dyn std::fmt::Display) -> PortError {
    PortError::Corrupt {
        port: "state",
        why: format!("{id}: {why}"),
    }
}
