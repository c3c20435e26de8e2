//! One commit: saves, then outputs with checkpoints (E5), until its outcome is known.
use super::sabotage::Sabotage;
use super::spec::Spec;
use crate::Ports;
use crate::ports::log::{Checkpoint, Lease, Member, Outgoing, Publication, PublishError, Together};
use crate::ports::state::{Save, Saved, State};
use std::sync::Arc;
use std::time::Duration;

/// The first pause after a commit that could not take place; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
/// The longest pause between tries to commit.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What a commit is made of.
pub(super) struct Batch {
    pub saves: Vec<Save>,
    pub outgoing: Vec<Arc<Outgoing>>,
    pub checkpoints: Vec<(Lease, Checkpoint)>,
}

/// What became of a commit.
#[derive(Debug)]
pub(super) enum Committed {
    /// All of it.
    Done,
    /// Saves at these indexes have another version. `saved`: the others are done, and nothing is published.
    Lost { lost: Vec<usize>, saved: bool },
    /// Whether rows were saved is not known: all lanes begin anew from the store.
    Unsure,
    /// The output at this index can never be published, and nothing was; rows may have been saved.
    Refused { index: usize, why: String },
    /// These leases are over; nothing was published, whatever was saved.
    Fenced(Vec<Lease>),
}

pub(super) async fn commit(
    batch: Batch,
    spec: Arc<Spec>,
    member: Arc<dyn Member>,
    ports: Arc<Ports>,
) -> Committed {
    let state = &ports.state;
    let publication = Publication {
        outgoing: batch.outgoing,
        checkpoints: batch.checkpoints,
    };
    if !batch.saves.is_empty() {
        if let Some(done) = together(&batch.saves, &publication, &*member, &ports).await {
            return done;
        }
        if spec.breaks(Sabotage::E5PublishBeforeSave) {
            let published = publish(&publication, &*member, &ports, false).await;
            if matches!(published, Committed::Done) {
                let _ = state.save(batch.saves).await;
            }
            return published;
        }
        let saved = if spec.breaks(Sabotage::E4NoVersionCheck) {
            save_blindly(batch.saves, &**state).await
        } else {
            state.save(batch.saves).await
        };
        match saved {
            Err(e) => {
                tracing::warn!(error = %e, "rows could not be saved; they are loaded again");
                ports.breakers.port_failed(&e);
                ports.clock.sleep(FIRST_PAUSE).await;
                return Committed::Unsure;
            }
            Ok(saved) => {
                ports.breakers.succeeded("state");
                let lost = saved
                    .iter()
                    .enumerate()
                    .filter(|(_, saved)| **saved == Saved::Lost);
                let lost: Vec<usize> = lost.map(|(i, _)| i).collect();
                if !lost.is_empty() {
                    return Committed::Lost { lost, saved: true };
                }
            }
        }
    }
    let again = spec.breaks(Sabotage::K3UnknownPublishedAgain);
    publish(&publication, &*member, &ports, again).await
}

/// Sabotage E4: whatever version a row has is the one that was expected.
async fn save_blindly(
    mut saves: Vec<Save>,
    state: &dyn State,
) -> Result<Vec<Saved>, crate::PortError> {
    loop {
        for save in &mut saves {
            let id = std::slice::from_ref(&save.id);
            let row = state.load(&save.collection, id).await?.pop().flatten();
            save.expected = row.map_or(0, |row| row.version);
            if let Some(row) = &mut save.row {
                row.version = save.expected + 1;
            }
        }
        let saved = state.save(saves.clone()).await?;
        if saved.iter().all(|saved| *saved == Saved::Done) {
            return Ok(saved);
        }
    }
}

/// Where state and log are one store. `None`: they are two.
async fn together(
    saves: &[Save],
    publication: &Publication,
    member: &dyn Member,
    ports: &Ports,
) -> Option<Committed> {
    let mut pause = FIRST_PAUSE;
    loop {
        match member.together(saves, publication)?.await {
            Ok(Together::Done) => {
                answered(ports);
                return Some(Committed::Done);
            }
            Ok(Together::Lost(lost)) => return Some(Committed::Lost { lost, saved: false }),
            Err(PublishError::Fenced(leases)) => return Some(Committed::Fenced(leases)),
            Err(PublishError::Refused { index, why }) => {
                return Some(Committed::Refused { index, why });
            }
            // One store, one transaction: if it took place all the same, the rows are found changed.
            Err(PublishError::Unknown(_)) => return Some(Committed::Unsure),
            Err(PublishError::Port(e)) => {
                tracing::warn!(error = %e, "a commit did not take place; it is tried again");
                ports.breakers.port_failed(&e);
                ports.clock.sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// One store that took a commit is there as log and as state.
fn answered(ports: &Ports) {
    ports.breakers.succeeded("log");
    ports.breakers.succeeded("state");
}

/// Publishes until it is known that it took place, that a lease is over, or that it never can.
async fn publish(
    publication: &Publication,
    member: &dyn Member,
    ports: &Ports,
    unknown_is_no: bool,
) -> Committed {
    let mut pause = FIRST_PAUSE;
    let mut unsure = false;
    loop {
        let outcome = if unsure {
            match took_place(publication, member).await {
                Ok(true) => return Committed::Done,
                Ok(false) => {
                    unsure = false;
                    continue;
                }
                Err(e) => Err(e),
            }
        } else {
            member.publish(publication.clone()).await
        };
        match outcome {
            Ok(()) => {
                ports.breakers.succeeded("log");
                return Committed::Done;
            }
            Err(PublishError::Fenced(leases)) => return Committed::Fenced(leases),
            Err(PublishError::Refused { index, why }) => return Committed::Refused { index, why },
            Err(PublishError::Unknown(why)) => {
                tracing::warn!(
                    why,
                    "the outcome of a commit is not known; the checkpoints are read back"
                );
                unsure = !unknown_is_no;
            }
            Err(PublishError::Port(e)) => {
                tracing::warn!(error = %e, "a commit did not take place; it is tried again");
                ports.breakers.port_failed(&e);
                ports.clock.sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Reads the checkpoints back: they moved with the outputs or not at all (K3). A lease that is over says
/// nothing about that; the others do.
async fn took_place(publication: &Publication, member: &dyn Member) -> Result<bool, PublishError> {
    let (mut took_place, mut over) = (None, vec![]);
    for (lease, checkpoint) in &publication.checkpoints {
        match member.committed(*lease).await {
            Ok(committed) => {
                let moved = committed.as_ref() == Some(checkpoint);
                took_place = Some(took_place.unwrap_or(true) && moved);
            }
            Err(PublishError::Fenced(leases)) => over.extend(leases),
            Err(e) => return Err(e),
        }
    }
    match took_place {
        None if !over.is_empty() => Err(PublishError::Fenced(over)),
        took_place => Ok(took_place.unwrap_or(false)),
    }
}
