//! One message of an entity: repeats first, then its deadline, then its decision (E1-E7).
use super::checks::{Sound, corrupt};
use super::handle::{expired, panicked, say, undecodable};
use super::sabotage::Sabotage;
use super::step::{COPIES_KNOWN_MS, Ended, FoundRow, Job, LaneRow, Ready, Stop};
use crate::consumer::{Behaviour, Decided, EntityStep};
use crate::inbox::Incoming;
use crate::ports::log::Outgoing;
use crate::rows::{Answered, Applied, EntityRow, Pending};
use crate::{Decision, Emits, Wake};
use events::envelope::name;
use events::system::Woke;
use events::{Key, Record};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// Edge commands that a row remembers at most; the oldest are forgotten first.
const MAX_ANSWERED: usize = 100;

/// A wake due within this time may have been sent by an owner whose clock is ahead of ours, in milliseconds.
const MAY_BE_SENT_MS: i64 = 60_000;

pub(super) async fn run(
    job: &mut Job,
    step: &dyn EntityStep,
    incoming: &Incoming<'_>,
    sound: &Sound,
) -> Result<Ready, Stop> {
    if job.row.is_none() {
        job.row = Some(load(job, step, sound).await?);
    }
    let Some(row) = job.row.clone() else {
        unreachable!("it was loaded")
    };
    if job.spec.breaks(Sabotage::E6ExpiredBeforeRow)
        && let Some(ready) = expired(job, sound).await?
    {
        return Ok(ready);
    }
    if let Some(ready) = repeat(job, &row) {
        return Ok(ready);
    }
    let mut row = row;
    let copies_unknown = job.spec.breaks(Sabotage::E2CopiesAppliedAgain);
    if let Some(answered) = copy_of_a_command(sound, &row).filter(|_| !copies_unknown) {
        let ready = Ready {
            row_changed: true,
            ..Ready::of(answered.outgoing.clone(), Ended::Repeated)
        };
        return Ok(apply(job, sound, row, ready));
    }
    if incoming.datum.record == Woke::NAME {
        let woke: Woke = incoming.read().map_err(|e| undecodable(e.0))?;
        if row.wake_at_ms != Some(woke.at_ms) && !job.spec.breaks(Sabotage::E7AnyWakeFits) {
            // Late or repeated: it means nothing.
            return say(job, sound, &Emits::default(), Ended::Done).await;
        }
        row.last_wake_at_ms = row.last_wake_at_ms.max(woke.at_ms);
        row.wake_at_ms = None;
    } else if let Some(ready) = expired(job, sound).await? {
        return Ok(apply(
            job,
            sound,
            row,
            Ready {
                row_changed: true,
                ..ready
            },
        ));
    }
    let decide = || step.decide(&row.state, incoming, &sound.moment);
    let decided = std::panic::catch_unwind(AssertUnwindSafe(decide)).map_err(|p| panicked(&*p))?;
    let (decision, ended) = match decided {
        Decided::Undecodable(why) => return Err(undecodable(why)),
        Decided::Refused(code, why) => {
            let emits = Emits::default().reply_refused(code, &why);
            (
                Decision {
                    emits,
                    ..Decision::stay()
                },
                Ended::Refused,
            )
        }
        Decided::Done(decision) => (decision, Ended::Done),
    };
    let ready = say(job, sound, &decision.emits, ended).await?;
    if let Some(next) = decision.next {
        // Written now, so that what cannot be written is this message's verdict and not its batch's.
        step.store(&next).map_err(|e| Stop::Dead {
            code: "runtime.output_refused",
            why: e,
        })?;
        row.state = next;
    }
    match decision.wake {
        Wake::Keep => {}
        Wake::At(at_ms) if job.spec.breaks(Sabotage::E7WakesNotOutgrown) => {
            row.wake_at_ms = Some(at_ms);
        }
        Wake::Never => set_wake(&mut row, None, sound.moment.now_ms),
        Wake::At(at_ms) if row.wake_at_ms == Some(at_ms) => {}
        Wake::At(at_ms) => set_wake(&mut row, Some(at_ms), sound.moment.now_ms),
    }
    row.expires_at_ms = decision.expires_at_ms.or(row.expires_at_ms);
    Ok(apply(
        job,
        sound,
        row,
        Ready {
            row_changed: true,
            ..ready
        },
    ))
}

/// A wake that may be on its way already means nothing any more: the new time is later than any such (E7,
/// docs/adr/0001). One that is further off has not been sent, and holds nothing back.
fn set_wake(row: &mut LaneRow, at_ms: Option<i64>, now_ms: i64) {
    let before = row
        .wake_at_ms
        .filter(|before| *before <= now_ms.saturating_add(MAY_BE_SENT_MS));
    row.last_wake_at_ms = row.last_wake_at_ms.max(before.unwrap_or(i64::MIN));
    row.wake_at_ms = at_ms.map(|at_ms| at_ms.max(row.last_wake_at_ms + 1));
}

/// The row of the message's entity, as it is in the store; `None` if there is no entity, or its lane knows the row.
pub(super) async fn read(job: &Job) -> Result<Option<FoundRow>, Stop> {
    let is_entity = matches!(job.spec.behaviour, Behaviour::Entity(_));
    let key = std::str::from_utf8(&job.message.key).ok();
    let key = key.filter(|_| is_entity && job.row.is_none());
    let Some(key) = key.and_then(|key| Key::parse(key).ok()) else {
        return Ok(None);
    };
    find(job, key.as_str().to_owned()).await.map(Some)
}

async fn find(job: &Job, id: String) -> Result<FoundRow, Stop> {
    let rows = job
        .ports
        .state
        .load(&job.spec.name, std::slice::from_ref(&id))
        .await?;
    let row = rows.into_iter().next().flatten();
    Ok(FoundRow { id, row })
}

async fn load(job: &mut Job, step: &dyn EntityStep, sound: &Sound) -> Result<Box<LaneRow>, Stop> {
    let id = format!("{}/{}", sound.moment.tenant, sound.moment.id);
    let found = match job.found.take().filter(|found| found.id == id) {
        Some(found) => found,
        None => find(job, id).await?,
    };
    let FoundRow { id, row } = found;
    let (row, body) = match row {
        Some(row) => {
            let body: EntityRow =
                serde_json::from_slice(&row.body).map_err(|e| corrupt(&id, &e))?;
            (row, body)
        }
        None => Default::default(),
    };
    let state = step
        .load(body.state.as_deref())
        .map_err(|e| corrupt(&id, &e))?;
    Ok(Box::new(LaneRow {
        id,
        version: row.version,
        wake_at_ms: row.wake_at_ms,
        expires_at_ms: row.expires_at_ms,
        applied: body.applied,
        pending: body.pending,
        answered: body.answered,
        last_wake_at_ms: body.last_wake_at_ms,
        state,
    }))
}

/// At or below the last offset applied: a repeat, for ever. It says what it said (E2, E3).
fn repeat(job: &Job, row: &LaneRow) -> Option<Ready> {
    let offset = job.message.at.offset;
    let applied = row.applied.as_ref()?;
    if applied.topic_id != *job.topic_id || offset > applied.offset {
        return None;
    }
    if job.spec.breaks(Sabotage::E2RepeatsAppliedAgain) {
        return None;
    }
    let pending = row.pending.iter().find(|pending| pending.offset == offset);
    let mut outgoing = pending.map_or_else(Vec::new, |pending| pending.outgoing.clone());
    if job.spec.breaks(Sabotage::E3RepeatsSayNothing) {
        outgoing.clear();
    }
    Some(Ready::of(outgoing, Ended::Repeated))
}

/// An edge sends a command again when it does not know whether it was sent (H2).
fn copy_of_a_command<'a>(sound: &Sound, row: &'a LaneRow) -> Option<&'a Answered> {
    sound.moment.deadline_ms?;
    row.answered
        .iter()
        .find(|answered| answered.id == sound.moment.message.id)
}

/// The row after the message: applied, with what it said, and its answer if an edge asked.
fn apply(job: &mut Job, sound: &Sound, mut row: Box<LaneRow>, ready: Ready) -> Ready {
    let (topic_id, offset) = (job.topic_id.to_string(), job.message.at.offset);
    row.applied = Some(Applied { topic_id, offset });
    row.pending.push(Pending {
        offset,
        outgoing: ready.outgoing.clone(),
    });
    let now = sound.moment.now_ms;
    row.answered
        .retain(|answered| answered.until_ms + COPIES_KNOWN_MS > now);
    if let Some(until_ms) = sound.moment.deadline_ms
        && !row
            .answered
            .iter()
            .any(|answered| answered.id == sound.moment.message.id)
    {
        let is_answer = |out: &&Arc<Outgoing>| out.headers.get(name::REPLY_STATUS).is_some();
        let outgoing = ready.outgoing.iter().filter(is_answer).cloned().collect();
        row.answered.push(Answered {
            id: sound.moment.message.id.clone(),
            until_ms,
            outgoing,
        });
        let excess = row.answered.len().saturating_sub(MAX_ANSWERED);
        row.answered.drain(..excess);
    }
    job.row = Some(row);
    ready
}
