//! One message, from its bytes to what it changes: checks, the worker's own code, and what is to be committed.
use super::checks::{self, Sound};
use super::lane::Parking;
use super::sabotage::Sabotage;
use super::spec::Spec;
use super::{dead, entity_step, outside, view_step};
use crate::consumer::{AnyState, Behaviour, BytesStep, Handled, Routed};
use crate::context::panic_text;
use crate::emission::{EmissionError, Emitter};
use crate::inbox::{Incoming, Opening};
use crate::ports::log::{Message, Outgoing};
use crate::ports::state::Save;
use crate::rows::{Answered, Applied, HoldRow, Pending};
use crate::{Context, Emits, PortError, Ports, Retry, Verdict};
use futures::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// An entity's or view's row as its lane hands it on.
#[derive(Clone)]
pub(super) struct LaneRow {
    pub id: String,
    /// In the store.
    pub version: u64,
    pub wake_at_ms: Option<i64>,
    pub expires_at_ms: Option<i64>,
    pub applied: Option<Applied>,
    pub pending: Vec<Pending>,
    pub answered: Vec<Answered>,
    pub last_wake_at_ms: i64,
    pub state: AnyState,
}

/// A hold as its lane hands it on (D3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LaneHold {
    /// In the store.
    pub version: u64,
    /// On the heap: few keys are held, and every message carries the room.
    pub row: Box<HoldRow>,
}

/// What a lane knows of its key's hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum HoldState {
    /// To be loaded.
    #[default]
    Unknown,
    /// Nothing is held.
    Free,
    /// Dead letters hold the key, or did until now.
    Held(LaneHold),
}

/// The dependencies that the runtime itself reports on (D2).
const PORTS: [&str; 5] = ["log", "state", "search", "blobs", "schemas"];

/// One message about to be handled.
pub(super) struct Job {
    pub spec: Arc<Spec>,
    pub ports: Arc<Ports>,
    pub message: Arc<Message>,
    pub topic_id: Arc<str>,
    /// Attempts that failed before.
    pub attempts: u32,
    pub first_failed_at_ms: Option<i64>,
    /// The dependency that the last attempt waited for (D2).
    pub waited_for: Option<String>,
    /// What it says can never be published, and why (K4).
    pub unpublishable: Option<String>,
    pub parking: Parking,
    /// When the partition became ours.
    pub assigned_at_ms: i64,
    pub row: Option<Box<LaneRow>>,
    pub hold: HoldState,
    /// The key of its lane: the message's own, but for views.
    pub lane_key: Arc<[u8]>,
}

pub(super) fn shared(outgoing: Vec<Outgoing>) -> Vec<Arc<Outgoing>> {
    outgoing.into_iter().map(Arc::new).collect()
}

/// How it ended, for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Done,
    Refused,
    Repeated,
    DeadLettered,
    Parked,
}

/// How long after its deadline a row still recognises the copy of an edge's command, in milliseconds (E2): a
/// copy sent in time may wait in the log until long after, and must not be told that nothing happened.
pub(super) const COPIES_KNOWN_MS: i64 = 600_000;

/// What is to be committed.
#[derive(Debug)]
pub(super) struct Ready {
    /// Shared with the commit, which may not take place.
    pub outgoing: Vec<Arc<Outgoing>>,
    pub row_changed: bool,
    pub hold_changed: bool,
    pub identity: Option<Box<Save>>,
    pub ended: Ended,
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Outcome {
    Ready(Ready),
    /// Again at this time, in milliseconds since 1970; `burned`: the attempt counts.
    Again {
        at_ms: i64,
        burned: bool,
        why: String,
        /// The dependency that it waits for.
        waits_for: Option<String>,
    },
}

/// A step's end, with the state that its lane hands on.
pub(super) struct Finished {
    pub outcome: Outcome,
    pub row: Option<Box<LaneRow>>,
    pub hold: HoldState,
}
impl Finished {
    /// Whether it brings an identity that is not in the store yet (I3): its lane waits for the commit.
    pub fn is_new_identity(&self) -> bool {
        matches!(&self.outcome, Outcome::Ready(ready) if ready.identity.is_some())
    }
}

/// Why a message cannot simply be done.
pub(super) enum Stop {
    /// Nobody's fault: wait for the dependency.
    Wait { dependency: String, why: String },
    /// Nothing is wrong: look again at this time, in milliseconds since 1970.
    Later { at_ms: i64, why: String },
    /// It failed: try again, if attempts are left.
    Failed { retry: Retry, why: String },
    /// It will not go better.
    Dead { code: &'static str, why: String },
}
impl From<PortError> for Stop {
    fn from(e: PortError) -> Self {
        match e {
            PortError::Unreachable { port, .. } | PortError::Full { port, .. } => Self::Wait {
                dependency: port.to_owned(),
                why: e.to_string(),
            },
            PortError::Corrupt { .. } => Self::Dead {
                code: "runtime.store_corrupt",
                why: e.to_string(),
            },
        }
    }
}
impl From<EmissionError> for Stop {
    fn from(e: EmissionError) -> Self {
        match e {
            EmissionError::Port(e) => e.into(),
            EmissionError::NotDeclared { .. } | EmissionError::Invalid { .. } => Self::Dead {
                code: "runtime.output_refused",
                why: e.to_string(),
            },
        }
    }
}

/// Handles one message as far as it goes without its commit.
pub(super) async fn run(mut job: Job) -> Finished {
    job.waited_for
        .take_if(|waited| !PORTS.contains(&waited.as_str()));
    // While a port is down, one message probes it and the others wait on. Other dependencies are probed by
    // who calls them.
    if let Some(dependency) = job.waited_for.clone()
        && let Err(at_ms) = job.ports.breakers.admit(&dependency)
    {
        let why = format!("{dependency} is down");
        let (burned, waits_for) = (false, Some(dependency));
        return Finished {
            outcome: Outcome::Again {
                at_ms,
                burned,
                why,
                waits_for,
            },
            row: job.row,
            hold: job.hold,
        };
    }
    let known = match outside::disbelieve(&mut job).await {
        Ok(()) => dead::load_hold(&mut job).await,
        Err(stop) => Err(stop),
    };
    if let Err(stop) = known {
        let outcome = again(&job, stop);
        return Finished {
            outcome,
            row: job.row,
            hold: job.hold,
        };
    }
    if let Some((code, why)) = condemned(&job) {
        let stopped = bury(&mut job, code, &why).await;
        let outcome = stopped.map_or_else(|stop| again(&job, stop), Outcome::Ready);
        return Finished {
            outcome,
            row: job.row,
            hold: job.hold,
        };
    }
    if job.parking != Parking::No
        && let Some(outcome) = Box::pin(parked(&mut job)).await
    {
        return Finished {
            outcome,
            row: job.row,
            hold: job.hold,
        };
    }
    let handled = handle(&mut job).await;
    judged(job, handled).await
}

/// Whether it is for a stage over bytes, and nothing of it is known yet but its bytes: then [`copy`] does it.
pub(super) fn copies(job: &Job) -> bool {
    let waits = job.waited_for.is_some() || job.parking != Parking::No;
    let is_known = waits || job.unpublishable.is_some() || job.attempts > 0;
    matches!(job.spec.behaviour, Behaviour::Bytes(_)) && !is_known
}

/// What [`run`] does, without the room that takes what may become of other messages: of a stage's, nearly all are handled
/// and that is all. What holds its key is asked for when it fails.
pub(super) async fn copy(job: Job) -> Finished {
    let copied = match &job.spec.behaviour {
        Behaviour::Bytes(step) => bytes(&**step, &job.message).await,
        _ => return Box::pin(run(job)).await,
    };
    match copied {
        Ok(ready) => Finished {
            outcome: Outcome::Ready(ready),
            row: job.row,
            hold: job.hold,
        },
        Err(stop) => Box::pin(failed(job, stop)).await,
    }
}

/// A message that was handled before it was known what holds its key, and was not done.
async fn failed(mut job: Job, stop: Stop) -> Finished {
    match dead::load_hold(&mut job).await {
        Ok(()) => judged(job, Err(stop)).await,
        Err(stop) => Finished {
            outcome: again(&job, stop),
            row: job.row,
            hold: job.hold,
        },
    }
}

/// What becomes of a message that was handled: it is done, tried again, or a dead letter.
async fn judged(mut job: Job, handled: Result<Ready, Stop>) -> Finished {
    let handled = match handled {
        Err(Stop::Failed { why, .. }) if job.spec.breaks(Sabotage::D2WaitingBurnsAttempts) => {
            let retry = Retry::Backoff;
            Err(Stop::Failed { retry, why })
        }
        handled => handled,
    };
    let stopped = match handled {
        Ok(ready) => Ok(ready),
        // Waiting for a dependency burns no attempt, not even the last one (D2).
        Err(Stop::Failed {
            retry: Retry::Backoff | Retry::After(_),
            why,
        }) if job.attempts + 1 >= job.spec.attempts => {
            let why = format!("{} attempts failed; the last: {why}", job.attempts + 1);
            job.attempts += 1;
            bury(&mut job, "runtime.attempts_exhausted", &why).await
        }
        Err(Stop::Dead { code, why }) => {
            match Box::pin(outside::refuse(&mut job, code, &why)).await {
                Ok(Some(ready)) => Ok(ready),
                Ok(None) => bury(&mut job, code, &why).await,
                Err(stop) => Err(stop),
            }
        }
        Err(stop) => Err(stop),
    };
    let outcome = match stopped {
        Ok(ready) => {
            if let Some(dependency) = &job.waited_for {
                job.ports.breakers.succeeded(dependency);
            }
            Outcome::Ready(ready)
        }
        Err(stop) => again(&job, stop),
    };
    Finished {
        outcome,
        row: job.row,
        hold: job.hold,
    }
}

/// Makes a dead letter of the message. That is rare: every message would carry the room for it, if it were not apart.
async fn bury(job: &mut Job, code: &'static str, why: &str) -> Result<Ready, Stop> {
    Box::pin(dead::bury(job, code, why)).await
}

/// What need not be handled again to know how it ends.
fn condemned(job: &Job) -> Option<(&'static str, String)> {
    if let Some(why) = &job.unpublishable {
        let why = format!("the log refuses what it says: {why}");
        return Some(("runtime.output_refused", why));
    }
    let died = job.attempts >= job.spec.attempts;
    died.then(|| {
        let times = job.attempts;
        let why = format!("{times} times the process died while it handled this message alone");
        ("runtime.process_died", why)
    })
}

/// What becomes of a message that is to be parked (C2). `None`: it is not, or it would be back already.
async fn parked(job: &mut Job) -> Option<Outcome> {
    let Parking::Until {
        until_ms,
        retry_at_ms,
    } = job.parking
    else {
        return None;
    };
    if until_ms <= job.ports.clock.now_ms() {
        return None;
    }
    Some(match dead::park(job, until_ms).await {
        Ok(Some(ready)) => Outcome::Ready(ready),
        Ok(None) => Outcome::Again {
            at_ms: retry_at_ms,
            burned: false,
            why: "it waits in its lane".to_owned(),
            waits_for: job.waited_for.clone(),
        },
        Err(stop) => again(job, stop),
    })
}

fn again(job: &Job, stop: Stop) -> Outcome {
    let now = job.ports.clock.now_ms();
    match stop {
        Stop::Wait { dependency, why }
        | Stop::Failed {
            retry: Retry::WhenUp(dependency),
            why,
        } => {
            // Who calls any other dependency reports on it; the ports are the runtime's own.
            if PORTS.contains(&dependency.as_str()) {
                job.ports.breakers.failed(&dependency, &why);
            }
            Outcome::Again {
                at_ms: job.ports.breakers.next_try_ms(&dependency),
                burned: false,
                why,
                waits_for: Some(dependency),
            }
        }
        Stop::Failed {
            retry: Retry::After(time),
            why,
        } => {
            let time = i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 2);
            Outcome::Again {
                at_ms: now.saturating_add(time),
                burned: true,
                why,
                waits_for: None,
            }
        }
        Stop::Failed {
            retry: Retry::Backoff,
            why,
        } => {
            let pause = super::backoff::pause_ms(&job.message, job.attempts);
            Outcome::Again {
                at_ms: now.saturating_add(pause),
                burned: true,
                why,
                waits_for: None,
            }
        }
        Stop::Later { at_ms, why } => Outcome::Again {
            at_ms,
            burned: false,
            why,
            waits_for: None,
        },
        // `bury` itself never asks to be buried again; if it did, it would be tried again.
        Stop::Dead { why, .. } => Outcome::Again {
            at_ms: now + 1_000,
            burned: false,
            why,
            waits_for: None,
        },
    }
}

async fn handle(job: &mut Job) -> Result<Ready, Stop> {
    if let Behaviour::Bytes(step) = &job.spec.behaviour {
        return bytes(&**step, &job.message).await;
    }
    let mut sound = match checks::check(job).await? {
        checks::Checked::Sound(sound) => sound,
        checks::Checked::Repeated(outgoing) => return Ok(repeated(outgoing)),
        checks::Checked::Duplicate(done) => {
            let told = Box::pin(outside::told_again(job)).await?;
            let mut ready = repeated(shared(told.into_iter().collect()));
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
async fn bytes(step: &dyn BytesStep, message: &Message) -> Result<Ready, Stop> {
    // Within the block, so that a stage that panics before it waits is caught as well.
    let run = async { step.run(message).await };
    let ran = AssertUnwindSafe(run).catch_unwind().await;
    let outgoing = ran
        .map_err(|panic| panicked(&*panic))?
        .map_err(|why| Stop::Failed {
            retry: Retry::Backoff,
            why,
        })?;
    Ok(Ready {
        outgoing: shared(outgoing),
        row_changed: false,
        hold_changed: false,
        identity: None,
        ended: Ended::Done,
    })
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
    Ok(Ready {
        outgoing: shared(outgoing),
        row_changed: false,
        hold_changed: false,
        identity: None,
        ended,
    })
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

fn repeated(outgoing: Vec<Arc<Outgoing>>) -> Ready {
    let (row_changed, hold_changed) = (false, false);
    Ready {
        outgoing,
        row_changed,
        hold_changed,
        identity: None,
        ended: Ended::Repeated,
    }
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
