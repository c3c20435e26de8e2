//! One message in its worker's hands: checked, handled, and what was answered as it goes to the log.
use super::checks::{self, Sound};
use super::sabotage::Sabotage;
use super::step::{COPIES_KNOWN_MS, Ended, Job, Ready, Stop, shared};
use super::{dead, entity_step, outside, view_step};
use crate::consumer::{Behaviour, BytesStep, Handled, Routed};
use crate::context::panic_text;
use crate::emission::Emitter;
use crate::inbox::{Incoming, Opening};
use crate::ports::log::Message;
use crate::{Context, Emits, Retry, Verdict};
use futures::FutureExt;
use std::panic::AssertUnwindSafe;

/// Checks it and hands it to its worker; what comes of it is not committed yet.
pub(super) async fn handle(job: &mut Job) -> Result<Ready, Stop> {
    if let Behaviour::Bytes(step) = &job.spec.behaviour {
        return bytes(&**step, &job.message).await;
    }
    let mut sound = match checks::check(job).await? {
        checks::Checked::Sound(sound) => sound,
        checks::Checked::Repeated(outgoing) => return Ok(Ready::of(outgoing, Ended::Repeated)),
        checks::Checked::Duplicate(done) => {
            let told = Box::pin(outside::told_again(job)).await?;
            let mut ready = Ready::of(shared(told.into_iter().collect()), Ended::Repeated);
            ready.hold_changed = done.is_some_and(|message| dead::release_done(job, &message));
            return Ok(ready);
        }
        checks::Checked::Held { behind } => return Box::pin(dead::hold_back(job, &behind)).await,
    };
    let spec = job.spec.clone();
    let message = job.message.clone();
    let datum = checks::datum(job, &message).await?;
    let subject = sound.envelope.subject_key.as_deref();
    let opening = match spec.border {
        // From outside texts come clear: what is sealed was copied from a message of ours.
        Some(_) => Opening::Nobody,
        None => {
            let keys = &job.ports.keys;
            keys.opening(&sound.moment.tenant, subject).await?
        }
    };
    let tenant = sound.moment.tenant.clone();
    let envelope = std::mem::take(&mut sound.envelope);
    let incoming = Incoming {
        datum,
        envelope: &envelope,
        tenant: &tenant,
        opening: &opening,
    };
    let mut ready = match &spec.behaviour {
        Behaviour::Entity(step) => entity_step::run(job, &**step, &incoming, &sound).await?,
        Behaviour::View(step) => view_step::run(job, &**step, &incoming, &sound).await?,
        Behaviour::Handlers(steps) => {
            let Some(step) = steps.get(datum.record) else {
                let why = format!("{} is not taken here", datum.record);
                return Err(Stop::Dead {
                    code: "runtime.undecodable",
                    why,
                });
            };
            if let Some(mut ready) = expired(job, &sound).await? {
                ready.identity = sound.identity.take();
                return Ok(finish(job, &sound, ready));
            }
            let whose = match events::TenantId::new("acme") {
                Ok(another) if spec.breaks(Sabotage::G4AnotherTenantsPorts) => another,
                _ => sound.tenant.clone(),
            };
            let cx = Context::new(sound.moment.clone(), whose, job.ports.clone());
            let handled = AssertUnwindSafe(step.run(&incoming, &cx))
                .catch_unwind()
                .await;
            effect_outcome(job, &sound, handled).await?
        }
        Behaviour::Bytes(step) => bytes(&**step, &message).await?,
        Behaviour::Route(step) => {
            if spec.commands
                && let Some(mut ready) = expired(job, &sound).await?
            {
                ready.identity = sound.identity.take();
                return Ok(finish(job, &sound, ready));
            }
            let routed =
                std::panic::catch_unwind(AssertUnwindSafe(|| step.route(&incoming, &sound.moment)));
            match routed.map_err(|panic| panicked(&*panic))? {
                Routed::On(emits) => say(job, &sound, &emits, Ended::Done).await?,
                Routed::Unroutable(code, why) => return Err(Stop::Dead { code, why }),
                Routed::Undecodable(why) => return Err(undecodable(why)),
            }
        }
    };
    ready.identity = sound.identity.take();
    Ok(finish(job, &sound, ready))
}

/// A stage over bytes: nothing is checked, since nothing of it is ours.
pub(super) async fn bytes(step: &dyn BytesStep, message: &Message) -> Result<Ready, Stop> {
    // Within the block, so that a stage that panics before it waits is caught as well.
    let run = async { step.run(message).await };
    let ran = AssertUnwindSafe(run).catch_unwind().await;
    let outgoing = ran
        .map_err(|panic| panicked(&*panic))?
        .map_err(|why| Stop::Failed {
            retry: Retry::Backoff,
            why,
        })?;
    Ok(Ready::of(shared(outgoing), Ended::Done))
}

async fn effect_outcome(
    job: &mut Job,
    sound: &Sound,
    handled: Result<Handled, Box<dyn std::any::Any + Send>>,
) -> Result<Ready, Stop> {
    match handled.map_err(|panic| panicked(&*panic))? {
        Handled::Done(emits) => say(job, sound, &emits, Ended::Done).await,
        Handled::Undecodable(why) => Err(undecodable(why)),
        Handled::Failed(Verdict::DeadLetter(code), why) => Err(Stop::Dead { code, why }),
        Handled::Failed(Verdict::Retry(retry), why) => Err(Stop::Failed { retry, why }),
        Handled::Failed(Verdict::Refuse(code), why) => {
            say(
                job,
                sound,
                &Emits::default().reply_refused(code, &why),
                Ended::Refused,
            )
            .await
        }
    }
}

/// What a worker's answer becomes on the log.
pub(super) async fn say(
    job: &Job,
    sound: &Sound,
    emits: &Emits,
    ended: Ended,
) -> Result<Ready, Stop> {
    let spec = &job.spec;
    let declared = |topic, record| spec.declares(topic, record);
    let emitter = Emitter::new(&job.ports);
    let mut outgoing = emitter
        .all(&sound.moment, &spec.topic, &declared, emits)
        .await?;
    if spec.breaks(Sabotage::I2FreshIds) {
        for message in &mut outgoing {
            let fresh = format!("{:02x?}", job.ports.clock.random());
            message.headers.set(events::envelope::name::ID, fresh);
        }
    }
    if spec.breaks(Sabotage::I5AnotherPartitioner) {
        for message in &mut outgoing {
            let partitions = spec.map.topic(&message.topic).map_or(1, |t| t.partitions);
            let sum: i32 = message.key.iter().map(|&byte| i32::from(byte)).sum();
            message.partition.get_or_insert(sum % partitions);
        }
    }
    Ok(Ready::of(shared(outgoing), ended))
}

/// A command whose time is over before any attempt began (E6). An attempt may have begun under the
/// partition's last owner, if the message is older than our taking it over.
pub(super) async fn expired(job: &Job, sound: &Sound) -> Result<Option<Ready>, Stop> {
    let over = sound
        .moment
        .deadline_ms
        .is_some_and(|deadline| deadline < sound.moment.now_ms);
    // Who redrives it wants it done, however late; and attempts at it began long ago.
    if !over || job.attempts > 0 || sound.redriven {
        return Ok(None);
    }
    let why = "its deadline passed before it was begun";
    let may_have_happened = match job.spec.behaviour {
        Behaviour::Handlers(_) => job.message.timestamp_ms < job.assigned_at_ms,
        // A border knows those that passed (I3).
        Behaviour::Route(_) => sound
            .moment
            .deadline_ms
            .is_some_and(|deadline| deadline + checks::REMEMBERED_MS <= sound.moment.now_ms),
        // So long after its deadline, a row no longer knows whether it is the copy of one applied (E2).
        _ => sound
            .moment
            .deadline_ms
            .is_some_and(|deadline| deadline + COPIES_KNOWN_MS <= sound.moment.now_ms),
    };
    let emits = if may_have_happened {
        Emits::default().reply_failed("runtime.expired", why, true)
    } else {
        Emits::default().reply_refused("runtime.expired", why)
    };
    say(job, sound, &emits, Ended::Refused).await.map(Some)
}

/// It is done: if it was a dead letter once, or undoes one, its key waits for one less (D4, S4).
fn finish(job: &mut Job, sound: &Sound, mut ready: Ready) -> Ready {
    ready.hold_changed |= dead::release(job, sound);
    ready
}

pub(super) fn undecodable(why: String) -> Stop {
    Stop::Dead {
        code: "runtime.undecodable",
        why,
    }
}
pub(super) fn panicked(panic: &(dyn std::any::Any + Send)) -> Stop {
    Stop::Failed {
        retry: Retry::Backoff,
        why: format!("panicked: {}", panic_text(panic)),
    }
}
