//! One event of a view: repeats do nothing (V1).
use super::checks::{Sound, corrupt};
use super::handle::{panicked, undecodable};
use super::sabotage::Sabotage;
use super::step::{Ended, Job, LaneRow, Ready, Stop};
use crate::consumer::ViewStep;
use crate::inbox::Incoming;
use crate::rows::{Applied, ViewRow};
use events::id::check_part;
use serde_json::value::RawValue;
use std::panic::AssertUnwindSafe;

pub(super) async fn run(
    job: &mut Job,
    step: &dyn ViewStep,
    incoming: &Incoming<'_>,
    sound: &Sound,
) -> Result<Ready, Stop> {
    if job.row.is_none() {
        job.row = Some(load(job, step, incoming, sound).await?);
    }
    // The lane's own stays, should this event become a dead letter: earlier ones may not be saved yet.
    let Some(mut row) = job.row.clone() else {
        unreachable!("it was loaded")
    };
    let offset = job.message.at.offset;
    let repeat = row
        .applied
        .as_ref()
        .is_some_and(|a| a.topic_id == *job.topic_id && offset <= a.offset);
    let (mut row_changed, mut ended) = (false, Ended::Repeated);
    if !repeat || job.spec.breaks(Sabotage::V1RepeatsCountedAgain) {
        let apply = || step.apply(&row.state, incoming, &sound.moment);
        let applied =
            std::panic::catch_unwind(AssertUnwindSafe(apply)).map_err(|p| panicked(&*p))?;
        row.state = applied.map_err(|e| undecodable(e.0))?;
        let stored = step.store(&row.state);
        let (_, expires) = stored.map_err(|e| Stop::Dead {
            code: "runtime.output_refused",
            why: e,
        })?;
        row.expires_at_ms = expires;
        row.applied = Some(Applied {
            topic_id: job.topic_id.to_string(),
            offset,
        });
        (row_changed, ended) = (true, Ended::Done);
    }
    job.row = Some(row);
    Ok(Ready {
        row_changed,
        ..Ready::of(vec![], ended)
    })
}

async fn load(
    job: &Job,
    step: &dyn ViewStep,
    incoming: &Incoming<'_>,
    sound: &Sound,
) -> Result<Box<LaneRow>, Stop> {
    let key = step
        .key(incoming, &sound.moment)
        .map_err(|e| undecodable(e.0))?;
    check_part(&key).map_err(|e| undecodable(format!("its view key: {e}")))?;
    let at = &job.message.at;
    let id = format!(
        "{}/{key}/{}-{}",
        sound.moment.tenant, at.topic, at.partition
    );
    let rows = job
        .ports
        .state
        .load(&job.spec.name, std::slice::from_ref(&id))
        .await?;
    let (row, body) = match rows.into_iter().next().flatten() {
        Some(row) => {
            let body: ViewRow<Box<RawValue>> =
                serde_json::from_slice(&row.body).map_err(|e| corrupt(&id, &e))?;
            (row, Some(body))
        }
        None => (Default::default(), None),
    };
    let stored = body.as_ref().map(|body| &*body.row);
    let state = step.load(stored).map_err(|e| corrupt(&id, &e))?;
    Ok(Box::new(LaneRow {
        id,
        version: row.version,
        wake_at_ms: None,
        expires_at_ms: row.expires_at_ms,
        applied: body.and_then(|body| body.applied),
        pending: vec![],
        answered: vec![],
        last_wake_at_ms: 0,
        state,
    }))
}
