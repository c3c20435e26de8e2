//! Redriving: the original bytes and headers to the same input once more, of each key in order, at a rate (D4).
use super::batch::Doer;
use super::letter::Brief;
use super::order::Line;
use super::pace::{Pace, Rate};
use super::{DeadLetters, LettersError, Place};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How often [`DeadLetters::redrive_key`] looks whether what it redrove was handled.
const LOOK: Duration = Duration::from_millis(200);

/// What a redrive did.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Redriven {
    /// Letters that stand in their input once more, in the order in which they were appended.
    pub done: Vec<Place>,
    /// Letters that were redriven or discarded before.
    pub settled: Vec<Place>,
    /// Letters that were left, each with the one that must be redriven (or discarded) before it (D3).
    pub behind: Vec<(Place, Place)>,
    /// Nothing stands there (any more).
    pub missing: Vec<Place>,
}

/// What became of a key that was redriven until nothing was left.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum KeyRedriven {
    /// Nothing waits behind a dead letter of it any more.
    Free {
        /// Letters redriven.
        count: usize,
    },
    /// Its head died again: this is its new letter. What is behind it waits.
    DiedAgain {
        /// The new letter.
        place: Place,
        /// Why.
        code: String,
    },
    /// What was redriven was not handled in time: the consumer may be stopped, or busy with an attempt.
    StillWaiting {
        /// Letters redriven.
        count: usize,
    },
}

impl DeadLetters {
    pub(super) fn by_partition<'a>(
        &self,
        places: &'a [Place],
    ) -> Result<BTreeMap<(&'a str, i32), BTreeSet<&'a Place>>, LettersError> {
        let mut all: BTreeMap<_, BTreeSet<&Place>> = BTreeMap::new();
        for place in places {
            self.known(place.consumer())?;
            all.entry((place.consumer(), place.partition))
                .or_default()
                .insert(place);
        }
        Ok(all)
    }

    /// Redrives these letters at this rate, of each key in order, the oldest first; `by` says who does it, and `why`.
    /// Interrupted, it may be called again with the same places: nothing is lost, and what stands in the input twice has
    /// effect once. What was done is told (`letter.decided`).
    ///
    /// # Errors
    /// See [`LettersError`]; what was redriven until then stays so.
    pub async fn redrive(
        &self,
        places: &[Place],
        by: &str,
        why: &str,
        rate: Rate,
    ) -> Result<Redriven, LettersError> {
        let doer = Doer::person(by, why)?;
        self.redrive_these(places, &doer, &mut Pace::of(rate)).await
    }

    async fn redrive_these(
        &self,
        places: &[Place],
        doer: &Doer,
        pace: &mut Pace,
    ) -> Result<Redriven, LettersError> {
        let mut redriven = Redriven::default();
        for ((consumer, partition), mut wanted) in self.by_partition(places)? {
            let lines = self.lines_with(consumer, partition, &wanted).await?;
            let chosen = choose(lines, &mut wanted, &mut redriven);
            redriven.missing.extend(wanted.into_iter().cloned());
            self.redrive_all(&chosen, doer, pace, &mut redriven).await?;
        }
        Ok(redriven)
    }

    /// Redrives all that waits in one order with the letter at `place`, round by round, until its key is free:
    /// what arrives meanwhile is held, and redriven in the next round. Waits for the consumer as long as
    /// `patience` each time.
    ///
    /// # Errors
    /// See [`LettersError`].
    pub async fn redrive_key(
        &self,
        place: &Place,
        by: &str,
        why: &str,
        rate: Rate,
        patience: Duration,
    ) -> Result<KeyRedriven, LettersError> {
        let (doer, mut pace) = (Doer::person(by, why)?, Pace::of(rate));
        let mut ours: BTreeSet<Place> = BTreeSet::new();
        let mut waited = Duration::ZERO;
        loop {
            let line = self.line_of(place).await?;
            let open: Vec<&Brief> = line
                .letters
                .iter()
                .filter(|(_, f)| f.is_open())
                .map(|(b, _)| b)
                .collect();
            let died = |brief: &&&Brief| {
                brief
                    .redriven
                    .as_ref()
                    .is_some_and(|was| ours.contains(was))
            };
            if let Some(brief) = open.first().filter(died) {
                return Ok(KeyRedriven::DiedAgain {
                    place: brief.place.clone(),
                    code: brief.code.clone(),
                });
            }
            let places: Vec<Place> = open.iter().map(|brief| brief.place.clone()).collect();
            if places.is_empty() {
                let held = match &line.hold {
                    Some(id) => self.hold(&line.consumer, id).await?.is_some(),
                    None => false,
                };
                if !held {
                    return Ok(KeyRedriven::Free { count: ours.len() });
                }
                if waited >= patience {
                    return Ok(KeyRedriven::StillWaiting { count: ours.len() });
                }
                self.ports.clock.sleep(LOOK).await;
                waited += LOOK;
                continue;
            }
            waited = Duration::ZERO;
            let redriven = self.redrive_these(&places, &doer, &mut pace).await?;
            ours.extend(redriven.done);
        }
    }
}

/// Which letters of these lines are redriven, in the order in which they are: of each line in its own, and as far as
/// that leaves it open the oldest first. Of the others it says why not.
pub(super) fn choose(
    lines: Vec<Line>,
    wanted: &mut BTreeSet<&Place>,
    redriven: &mut Redriven,
) -> Vec<Brief> {
    let mut chosen: Vec<(i64, Brief)> = vec![];
    for line in lines {
        let (mut left, mut turn) = (None, i64::MIN);
        for (brief, fate) in line.letters {
            let asked = wanted.remove(&brief.place);
            match left.as_ref().filter(|_| line.hold.is_some()) {
                _ if !fate.is_open() => redriven.settled.extend(asked.then_some(brief.place)),
                Some(before) if asked => redriven.behind.push((brief.place, Place::clone(before))),
                _ if asked => {
                    turn = brief.place.offset.max(turn);
                    chosen.push((turn, brief));
                }
                _ => left = left.or(Some(brief.place)),
            }
        }
    }
    chosen.sort_by_key(|(turn, _)| *turn);
    chosen.into_iter().map(|(_, brief)| brief).collect()
}
