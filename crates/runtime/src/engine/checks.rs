//! What is checked of a message before its worker sees it: tenant, size, identity, holds, where answers go.
use super::sabotage::Sabotage;
use super::step::{HoldState, Job, LaneHold, Stop};
use crate::codec::UnknownSchema;
use crate::emission::MAX_EVENT;
use crate::ports::log::{Message, Outgoing};
use crate::ports::state::{Row, Save};
use crate::rows::{IDENTITIES, Seen};
use crate::{Moment, PortError};
use events::envelope::Envelope;
use events::map::{Tenants, TopicKind};
use events::record::Datum;
use events::{Key, MessageId, TenantId};

/// How long a border remembers an identity, in milliseconds: 7 days (I3).
const REMEMBERED_MS: i64 = 7 * 24 * 3_600_000;

/// A message that may be handled.
pub(super) struct Sound {
    pub moment: Moment,
    pub tenant: TenantId,
    pub envelope: Envelope,
    pub redriven: bool,
    pub undoes: Option<String>,
    /// To be saved with its result (I3).
    pub identity: Option<Save>,
}

/// What the checks found.
pub(super) enum Checked {
    Sound(Box<Sound>),
    /// It was a dead letter when it came first: the very same again.
    Repeated(Vec<Outgoing>),
    /// It came before, from another place (I3).
    Duplicate,
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
    let moment = moment(job, &key, &tenant, &envelope);
    if let Some(to) = &moment.reply_to {
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
    let redriven = envelope.redriven.is_some();
    if let Some(held) = held(job, redriven, envelope.undoes.as_deref(), &moment) {
        return Ok(held);
    }
    let identity = match identity_of(job, &envelope, &moment) {
        Some(id) => match seen(job, id).await? {
            None => return Ok(Checked::Duplicate),
            Some(save) => save,
        },
        None => None,
    };
    let undoes = envelope.undoes.clone();
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

fn moment(job: &Job, key: &Key, tenant: &TenantId, envelope: &Envelope) -> Moment {
    let at = &job.message.at;
    let place = || format!("{}/{}/{}", job.topic_id, at.partition, at.offset);
    let id = envelope.id.clone().unwrap_or_else(place);
    // Answers, wakes and what was redriven come from the log itself: outside an inbox, headers are ours.
    let reply_to = envelope.reply_to.clone().map(|mut to| {
        to.from_outside |= job.spec.border.is_some();
        to
    });
    let mut idempotency_key = envelope
        .idempotency_key
        .clone()
        .unwrap_or_else(|| id.clone());
    if job.spec.breaks(Sabotage::O1KeyOfEachAttempt) {
        idempotency_key = format!("{idempotency_key}#{}", job.attempts);
    }
    Moment {
        tenant: tenant.as_str().into(),
        id: key.id().into(),
        now_ms: job.ports.clock.now_ms(),
        consumer: job.spec.name.clone(),
        correlation: envelope.correlation.as_deref().unwrap_or(&id).into(),
        message: MessageId {
            tenant: tenant.as_str().to_owned(),
            source: envelope.source.clone().unwrap_or_else(|| "log".into()),
            id,
        },
        // An answer is never answered: its own `correlation-id` names the request.
        reply_to: if envelope.reply_status.is_some() {
            None
        } else {
            reply_to
        },
        reply_status: envelope.reply_status,
        request: envelope.request.clone(),
        idempotency_key_given: envelope.idempotency_key.is_some(),
        idempotency_key,
        deadline_ms: envelope.deadline_ms,
        attempt: job.attempts,
    }
}

/// Whether it is a repeat of a dead letter, or waits behind one.
fn held(job: &Job, redriven: bool, undoes: Option<&str>, moment: &Moment) -> Option<Checked> {
    let HoldState::Held(LaneHold { row: hold, .. }) = &job.hold else {
        return None;
    };
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
    let named = |key: &str| hold.held.iter().any(|h| h.idempotency_key == key);
    let cancels = undoes.is_some_and(named) || again.is_some_and(named);
    let itself = redriven && hold.held.iter().any(|h| h.id == moment.message.id);
    if same_life || itself || cancels || job.spec.breaks(Sabotage::D3LaterPassesDeadLetter) {
        return None;
    }
    Some(Checked::Held {
        behind: head.id.clone(),
    })
}

/// What is checked for having come before: at a border the message's identity (I3), elsewhere the dead
/// letter that it was (D4).
fn identity_of(job: &Job, envelope: &Envelope, moment: &Moment) -> Option<String> {
    let (tenant, consumer) = (&moment.tenant, &job.spec.name);
    if let Some(letter) = &envelope.redriven {
        let broken = job.spec.breaks(Sabotage::D4RedrivenTwice);
        return (!broken).then(|| format!("{tenant}/{consumer}/redriven/{letter}"));
    }
    job.spec.border.as_ref()?;
    let hash = events::id::derived(&[&moment.message.source, &moment.message.id]);
    Some(format!("{tenant}/{consumer}/{hash}"))
}

/// `None`: a duplicate. Otherwise what must be saved, if it is new here.
async fn seen(job: &Job, id: String) -> Result<Option<Option<Save>>, Stop> {
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
    let expires_at_ms = Some(job.ports.clock.now_ms() + REMEMBERED_MS);
    let row = Row {
        version: 1,
        partition: -1,
        expires_at_ms,
        body,
        ..Row::default()
    };
    Ok(Some(Some(Save {
        collection: IDENTITIES.into(),
        id,
        expected: 0,
        row: Some(row),
    })))
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
