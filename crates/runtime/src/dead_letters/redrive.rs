//! Redriving: the original bytes and headers to the same input once more, of each key in order (D4).
use super::letter::{Brief, was};
use super::order::Line;
use super::{DeadLetters, Fate, Filter, LettersError, Place, signed};
use crate::engine::{PARKED, header};
use crate::ports::log::Outgoing;
use events::envelope::name;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How often [`DeadLetters::redrive_key`] looks whether what it redrove was handled.
const LOOK: Duration = Duration::from_millis(200);

/// What a redrive would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Plan {
    /// Key by key, each in its order.
    pub keys: Vec<PlannedKey>,
}
/// The letters of one key.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct PlannedKey {
    /// Whose letters they are.
    pub consumer: String,
    /// The key (of a view: of its first letter).
    pub key: String,
    /// In the order in which they would be redriven.
    pub places: Vec<Place>,
}
impl Plan {
    /// How many letters.
    pub fn count(&self) -> usize {
        self.keys.iter().map(|key| key.places.len()).sum()
    }
    /// All of them, in order.
    pub fn places(&self) -> Vec<Place> {
        self.keys
            .iter()
            .flat_map(|key| key.places.iter().cloned())
            .collect()
    }
}

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
    /// What would be redriven: every letter that fits and that nobody has redriven or discarded, and of its
    /// key all that must come before it.
    ///
    /// # Errors
    /// See [`LettersError`].
    pub async fn plan_redrive(&self, filter: &Filter) -> Result<Plan, LettersError> {
        let mut plan = Plan::default();
        for (consumer, partition) in self.partitions(filter)? {
            let lines: BTreeSet<Vec<u8>> = {
                let fits = |brief: &Brief| filter.fits(brief);
                let found = self.briefs(&consumer, partition, fits).await?;
                found.iter().map(Brief::line).collect()
            };
            if lines.is_empty() {
                continue;
            }
            let of_them = |brief: &Brief| lines.contains(&brief.line());
            for line in self.lines_where(&consumer, partition, of_them).await? {
                let open: Vec<&Brief> = line
                    .letters
                    .iter()
                    .filter(|(_, f)| f.is_open())
                    .map(|(b, _)| b)
                    .collect();
                let fits = |brief: &&Brief| filter.fits(brief);
                let places: Vec<Place> = if line.hold.is_some() {
                    let last = open.iter().rposition(fits).map_or(0, |last| last + 1);
                    open[..last]
                        .iter()
                        .map(|brief| brief.place.clone())
                        .collect()
                } else {
                    open.into_iter()
                        .filter(fits)
                        .map(|brief| brief.place.clone())
                        .collect()
                };
                if !places.is_empty() {
                    plan.keys.push(PlannedKey {
                        consumer: line.consumer,
                        key: line.key,
                        places,
                    });
                }
            }
        }
        Ok(plan)
    }

    /// The same for letters that are named by their places.
    ///
    /// # Errors
    /// See [`LettersError`].
    pub async fn plan_of(&self, places: &[Place]) -> Result<Plan, LettersError> {
        let mut plan = Plan::default();
        for ((consumer, partition), named) in self.by_partition(places)? {
            for line in self.lines_with(consumer, partition, &named).await? {
                let open = line.letters.iter().filter(|(_, fate)| fate.is_open());
                let mut open: Vec<Place> = open.map(|(brief, _)| brief.place.clone()).collect();
                let last = open.iter().rposition(|place| named.contains(place));
                if let Some(last) = last {
                    open.truncate(last + 1);
                    plan.keys.push(PlannedKey {
                        consumer: line.consumer,
                        key: line.key,
                        places: open,
                    });
                }
            }
        }
        Ok(plan)
    }

    fn by_partition<'a>(
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

    /// Redrives these letters, of each key in order; `by` says who does it. Interrupted, it may be called
    /// again with the same places: nothing is lost, and what stands in the input twice has effect once.
    ///
    /// # Errors
    /// See [`LettersError`]; what was redriven until then stays so.
    pub async fn redrive(&self, places: &[Place], by: &str) -> Result<Redriven, LettersError> {
        let by = signed(by, "who redrives it")?;
        let mut redriven = Redriven::default();
        for ((consumer, partition), mut wanted) in self.by_partition(places)? {
            for line in self.lines_with(consumer, partition, &wanted).await? {
                self.redrive_line(&line, &mut wanted, &by, &mut redriven)
                    .await?;
            }
            redriven.missing.extend(wanted.into_iter().cloned());
        }
        Ok(redriven)
    }

    pub(super) async fn redrive_line(
        &self,
        line: &Line,
        wanted: &mut BTreeSet<&Place>,
        by: &str,
        redriven: &mut Redriven,
    ) -> Result<(), LettersError> {
        let mut left: Option<&Place> = None;
        for (brief, fate) in &line.letters {
            let asked = wanted.remove(&brief.place);
            match left.filter(|_| line.hold.is_some()) {
                _ if !fate.is_open() => redriven.settled.extend(asked.then(|| brief.place.clone())),
                Some(before) if asked => {
                    redriven.behind.push((brief.place.clone(), before.clone()))
                }
                _ if asked => {
                    let done = self.redrive_letter(brief, by).await?;
                    let list = if done {
                        &mut redriven.done
                    } else {
                        &mut redriven.settled
                    };
                    list.push(brief.place.clone());
                }
                _ => left = left.or(Some(&brief.place)),
            }
        }
        Ok(())
    }

    /// `false`: somebody else redrove or discarded it meanwhile.
    async fn redrive_letter(&self, brief: &Brief, by: &str) -> Result<bool, LettersError> {
        let version = loop {
            let (version, fate) = self.fate_row(brief).await?;
            match fate {
                // Who was interrupted may have appended it: then this is a copy, which its consumer knows.
                Fate::Redriving { .. } => break version,
                Fate::Waiting => {}
                _ => return Ok(false),
            }
            let fate = Fate::Redriving {
                by: by.to_owned(),
                at_ms: self.ports.clock.now_ms(),
            };
            if self.decide(brief, version, &fate).await? {
                break version + 1;
            }
        };
        let to = self.append(brief).await?;
        let fate = Fate::Redriven {
            by: by.to_owned(),
            at_ms: self.ports.clock.now_ms(),
            to,
        };
        // If it is lost, somebody else went on with it and was faster: it is redriven all the same.
        self.decide(brief, version, &fate).await?;
        Ok(true)
    }

    async fn append(&self, brief: &Brief) -> Result<String, LettersError> {
        let message = self.message(&brief.place).await?;
        let consumer = brief.place.consumer();
        let unknown = || LettersError::UnknownConsumer(consumer.to_owned());
        let (topic, _) = self.map.consumer(consumer).ok_or_else(unknown)?;
        let was = was(&message.headers).filter(|was| was.topic == topic.name);
        let mut headers = message.headers;
        let attempts = headers.text(header::ATTEMPTS).map(str::to_owned);
        headers.0.retain(|(header, _)| !header.starts_with("dlq-"));
        if headers.text(name::ID).is_none() {
            // Nothing new comes into being: it is who it was (I1).
            headers.set(name::ID, brief.id.id.as_str());
        }
        headers.set(name::REDRIVEN, brief.place.to_string());
        if brief.code == PARKED {
            // It only waited: its attempts count on.
            headers.set_some(header::PARKED_ATTEMPTS, attempts);
        }
        let outgoing = Outgoing {
            topic: topic.name.as_str().into(),
            partition: Some(was.map_or(brief.place.partition, |was| was.partition)),
            key: message.key,
            headers,
            payload: message.payload,
        };
        let appended = self.ports.log.append(vec![outgoing]).await?;
        Ok(appended.first().map_or_else(String::new, |at| {
            format!("{}/{}/{}", at.topic, at.partition, at.offset)
        }))
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
        patience: Duration,
    ) -> Result<KeyRedriven, LettersError> {
        signed(by, "who redrives it")?;
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
            ours.extend(self.redrive(&places, by).await?.done);
        }
    }
}
