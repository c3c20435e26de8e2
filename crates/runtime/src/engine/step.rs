//! One message, from its bytes to what it changes: checks, the worker's own code, and what is to be committed.
use super::handle::{bytes, handle};
use super::lane::{Delayed, Parking, Queued};
use super::sabotage::Sabotage;
use super::spec::Spec;
use super::{dead, outside};
use crate::consumer::{AnyState, Behaviour};
use crate::emission::EmissionError;
use crate::ports::log::{Message, Outgoing};
use crate::ports::state::{Row, Save};
use crate::rows::{Answered, Applied, HoldRow, Pending};
use crate::{BoxFuture, PortError, Ports, Retry};
use futures::FutureExt;
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

/// An entity's row as it is in the store; `None`: it is not there.
pub(super) struct FoundRow {
    pub id: String,
    pub row: Option<Row>,
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
    /// Of why it was not done at once.
    pub delayed: Delayed,
    /// When the partition became ours.
    pub assigned_at_ms: i64,
    pub row: Option<Box<LaneRow>>,
    /// The entity's row, if it was asked for before the message was looked at.
    pub found: Option<FoundRow>,
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

impl Ready {
    /// With nothing but outputs.
    pub fn of(outgoing: Vec<Arc<Outgoing>>, ended: Ended) -> Self {
        Self {
            outgoing,
            row_changed: false,
            hold_changed: false,
            identity: None,
            ended,
        }
    }
    /// Bytes of the outputs.
    pub fn bytes(&self) -> usize {
        let size = |out: &Arc<Outgoing>| out.key.len() + out.headers.size() + out.payload.len();
        self.outgoing.iter().map(size).sum()
    }
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Outcome {
    Ready(Ready),
    /// On the heap: it is rare, and every result carries the room.
    Again(Box<Again>),
}

/// It is to be tried again.
#[derive(Debug)]
pub(super) struct Again {
    /// Not before this time, in milliseconds since 1970.
    pub at_ms: i64,
    /// Whether the attempt counts.
    pub burned: bool,
    pub why: String,
    /// The dependency that it waits for.
    pub waits_for: Option<String>,
}
impl From<Again> for Outcome {
    fn from(again: Again) -> Self {
        Self::Again(Box::new(again))
    }
}

/// A step's end, with the state that its lane hands on.
pub(super) struct Finished {
    pub outcome: Outcome,
    pub row: Option<Box<LaneRow>>,
    pub hold: HoldState,
}
impl Finished {
    /// What came of the job, with what its lane hands on.
    pub fn of(job: Job, outcome: Outcome) -> Self {
        Self {
            outcome,
            row: job.row,
            hold: job.hold,
        }
    }
    /// Bytes of what it says.
    pub fn bytes(&self) -> usize {
        match &self.outcome {
            Outcome::Ready(ready) => ready.bytes(),
            Outcome::Again(_) => 0,
        }
    }
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
    job.delayed
        .waited_for
        .take_if(|waited| !PORTS.contains(&waited.as_str()));
    // While a port is down, one message probes it and the others wait on. Other dependencies are probed by
    // who calls them.
    if let Some(dependency) = job.delayed.waited_for.clone()
        && let Err(at_ms) = job.ports.breakers.admit(&dependency)
    {
        let again = Again {
            at_ms,
            burned: false,
            why: format!("{dependency} is down"),
            waits_for: Some(dependency),
        };
        return Finished::of(job, again.into());
    }
    let known = match outside::disbelieve(&mut job).await {
        Ok(()) => dead::load_hold_and_row(&mut job).await,
        Err(stop) => Err(stop),
    };
    if let Err(stop) = known {
        let outcome = again(&job, stop);
        return Finished::of(job, outcome);
    }
    if let Some((code, why)) = condemned(&job) {
        let stopped = bury(&mut job, code, &why).await;
        let outcome = stopped.map_or_else(|stop| again(&job, stop), Outcome::Ready);
        return Finished::of(job, outcome);
    }
    if job.delayed.parking != Parking::No
        && let Some(outcome) = Box::pin(parked(&mut job)).await
    {
        return Finished::of(job, outcome);
    }
    let handled = handle(&mut job).await;
    judged(job, handled).await
}

/// How far a message came when it was begun.
pub(super) enum Begun {
    /// Not begun: it takes all that a message may take.
    Not,
    /// Nearly all that a stage over bytes handles are, and that is all.
    Done(Ready),
    /// It failed at once.
    Stopped(Stop),
    /// The stage waits for something.
    Waits(BoxFuture<'static, Result<Ready, Stop>>),
}

/// Begins a message for a stage over bytes of which nothing is known yet but its bytes: it goes without the room that
/// takes what may become of others. What holds its key is asked for when it fails.
pub(super) fn begin(spec: &Spec, queued: &Queued) -> Begun {
    let Behaviour::Bytes(step) = &spec.behaviour else {
        return Begun::Not;
    };
    if queued.delayed.is_some() || queued.attempts > 0 {
        return Begun::Not;
    }
    let (step, message) = (step.clone(), queued.message.clone());
    let mut running: BoxFuture<'static, _> = Box::pin(async move { bytes(&*step, &message).await });
    match running.as_mut().now_or_never() {
        Some(Ok(ready)) => Begun::Done(ready),
        Some(Err(stop)) => Begun::Stopped(stop),
        None => Begun::Waits(running),
    }
}

/// What became of one that was begun so.
pub(super) async fn begun(mut job: Job, begun: Result<Ready, Stop>) -> Finished {
    let stop = match begun {
        Ok(ready) => return Finished::of(job, Outcome::Ready(ready)),
        Err(stop) => stop,
    };
    match dead::load_hold(&mut job).await {
        Ok(()) => judged(job, Err(stop)).await,
        Err(stop) => {
            let outcome = again(&job, stop);
            Finished::of(job, outcome)
        }
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
            if let Some(dependency) = &job.delayed.waited_for {
                job.ports.breakers.succeeded(dependency);
            }
            Outcome::Ready(ready)
        }
        Err(stop) => again(&job, stop),
    };
    Finished::of(job, outcome)
}

/// Makes a dead letter of the message. That is rare: every message would carry the room for it, if it were not apart.
async fn bury(job: &mut Job, code: &'static str, why: &str) -> Result<Ready, Stop> {
    Box::pin(dead::bury(job, code, why)).await
}

/// What need not be handled again to know how it ends.
fn condemned(job: &Job) -> Option<(&'static str, String)> {
    if let Some(why) = &job.delayed.unpublishable {
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
    } = job.delayed.parking
    else {
        return None;
    };
    if until_ms <= job.ports.clock.now_ms() {
        return None;
    }
    Some(match dead::park(job, until_ms).await {
        Ok(Some(ready)) => Outcome::Ready(ready),
        Ok(None) => Outcome::from(Again {
            at_ms: retry_at_ms,
            burned: false,
            why: "it waits in its lane".to_owned(),
            waits_for: job.delayed.waited_for.clone(),
        }),
        Err(stop) => again(job, stop),
    })
}

fn again(job: &Job, stop: Stop) -> Outcome {
    let now = job.ports.clock.now_ms();
    let again = match stop {
        Stop::Wait { dependency, why }
        | Stop::Failed {
            retry: Retry::WhenUp(dependency),
            why,
        } => {
            // Who calls any other dependency reports on it; the ports are the runtime's own.
            if PORTS.contains(&dependency.as_str()) {
                job.ports.breakers.failed(&dependency, &why);
            }
            Again {
                at_ms: job.ports.breakers.wait_for(&dependency, &job.spec.name),
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
            Again {
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
            Again {
                at_ms: now.saturating_add(pause),
                burned: true,
                why,
                waits_for: None,
            }
        }
        Stop::Later { at_ms, why } => Again {
            at_ms,
            burned: false,
            why,
            waits_for: None,
        },
        // `bury` itself never asks to be buried again; if it did, it would be tried again.
        Stop::Dead { why, .. } => Again {
            at_ms: now + 1_000,
            burned: false,
            why,
            waits_for: None,
        },
    };
    again.into()
}
