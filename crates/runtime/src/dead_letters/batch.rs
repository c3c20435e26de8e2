//! Letters of one partition that are redriven together: each port is asked once for all of them.
use super::fate::corrupt;
use super::letter::{Brief, was};
use super::pace::{AT_ONCE, Pace, Rate};
use super::{DeadLetters, Fate, LettersError, PAGE, Redriven, signed};
use crate::PortError;
use crate::engine::{PARKED, header};
use crate::ports::log::{Message, Outgoing};
use crate::ports::state::Saved;
use events::envelope::name;
use std::collections::{BTreeMap, BTreeSet};

/// So much of letters is in memory at once, in bytes, but for the last that was read.
const BYTES: usize = 8 << 20;
/// Letters between which so many others stand, at most, are read in one go.
const GAP: i64 = 50;

/// Who redrives letters.
pub(super) struct Doer {
    by: String,
    why: String,
    /// What the machine does by itself is not told.
    is_person: bool,
}

impl Doer {
    pub fn person(by: &str, why: &str) -> Result<Self, LettersError> {
        Ok(Self {
            by: signed(by, "who redrives it")?,
            why: signed(why, "why it is redriven")?,
            is_person: true,
        })
    }
    pub fn machine(why: &str) -> Self {
        Self {
            by: "troupe".to_owned(),
            why: why.to_owned(),
            is_person: false,
        }
    }
}

/// A redrive that was begun, perhaps by somebody who was interrupted: then it is his.
struct Begun {
    version: u64,
    by: String,
    why: String,
    at_ms: i64,
}

impl Begun {
    fn now(doer: &Doer, version: u64, at_ms: i64) -> Self {
        Self {
            version,
            by: doer.by.clone(),
            why: doer.why.clone(),
            at_ms,
        }
    }
    fn fate(&self) -> Fate {
        Fate::Redriving {
            by: self.by.clone(),
            why: self.why.clone(),
            at_ms: self.at_ms,
        }
    }
}

impl DeadLetters {
    /// Redrives letters of one partition, in this order.
    pub(super) async fn redrive_all(
        &self,
        letters: &[Brief],
        doer: &Doer,
        pace: &mut Pace,
        redriven: &mut Redriven,
    ) -> Result<(), LettersError> {
        let mut rest = letters;
        while !rest.is_empty() {
            let some = &rest[..rest.len().min(pace.at_once())];
            pace.admit(&*self.ports.clock, some.len()).await;
            let mut left = some;
            while !left.is_empty() {
                let taken = self.redrive_some(left, doer, redriven).await?;
                left = &left[taken..];
            }
            rest = &rest[some.len()..];
        }
        Ok(())
    }

    /// The same without a rate, for what the machine does by itself.
    pub(super) async fn bring_all(
        &self,
        letters: &[Brief],
        why: &str,
    ) -> Result<Redriven, LettersError> {
        let (mut redriven, mut pace) = (Redriven::default(), Pace::of(Rate::FASTEST));
        let doer = Doer::machine(why);
        self.redrive_all(letters, &doer, &mut pace, &mut redriven)
            .await?;
        Ok(redriven)
    }

    /// Redrives the first of these letters, as many as fit in memory together; how many. What somebody redrove or
    /// discarded meanwhile is settled.
    async fn redrive_some(
        &self,
        letters: &[Brief],
        doer: &Doer,
        redriven: &mut Redriven,
    ) -> Result<usize, LettersError> {
        let messages = self.messages(letters).await?;
        let letters = &letters[..messages.len()];
        let begun = self.begin(letters, doer).await?;
        let (mut outgoing, mut told, mut going) = (vec![], vec![], vec![]);
        for ((brief, message), begun) in letters.iter().zip(messages).zip(begun) {
            match (begun, message) {
                (None, _) => redriven.settled.push(brief.place.clone()),
                (Some(_), None) => redriven.missing.push(brief.place.clone()),
                (Some(begun), Some(message)) => {
                    if doer.is_person {
                        let Begun { by, why, at_ms, .. } = &begun;
                        let decided = self.decided(brief, &message, "redriven", by, why, *at_ms);
                        told.extend(decided.await?);
                    }
                    outgoing.push(self.once_more(brief, message)?);
                    going.push((brief, begun));
                }
            }
        }
        // What is told comes after what it tells of: if it is missing, all of it is done again.
        if outgoing.is_empty() {
            return Ok(letters.len());
        }
        outgoing.extend(told);
        let places = self.ports.log.append(outgoing).await?;
        let mut saves = Vec::with_capacity(going.len());
        for ((brief, begun), at) in going.iter().zip(places) {
            let fate = Fate::Redriven {
                by: begun.by.clone(),
                why: begun.why.clone(),
                at_ms: self.ports.clock.now_ms(),
                to: format!("{}/{}/{}", at.topic, at.partition, at.offset),
            };
            saves.push(self.fate_save(brief, begun.version, &fate)?);
            redriven.done.push(brief.place.clone());
        }
        // If one is lost, somebody else went on with it and was faster: it is redriven all the same.
        self.ports.state.save(saves).await?;
        Ok(letters.len())
    }

    /// Says of each letter that it is being redriven; `None`: somebody redrove or discarded it.
    async fn begin(&self, letters: &[Brief], doer: &Doer) -> Result<Vec<Option<Begun>>, PortError> {
        let now = self.ports.clock.now_ms();
        let (mut all, mut saves, mut saved_at) = (vec![], vec![], vec![]);
        for (index, (brief, (version, fate))) in letters
            .iter()
            .zip(self.fate_rows(letters).await?)
            .enumerate()
        {
            all.push(match fate {
                // Who was interrupted may have appended it: then this is a copy, which its consumer knows.
                Fate::Redriving { by, why, at_ms } => Some(Begun {
                    version,
                    by,
                    why,
                    at_ms,
                }),
                Fate::Waiting => {
                    let begun = Begun::now(doer, version + 1, now);
                    saves.push(self.fate_save(brief, version, &begun.fate())?);
                    saved_at.push(index);
                    Some(begun)
                }
                Fate::Redriven { .. } | Fate::Discarding { .. } | Fate::Discarded { .. } => None,
            });
        }
        if saves.is_empty() {
            return Ok(all);
        }
        let saved = self.ports.state.save(saves).await?;
        if saved.len() != saved_at.len() {
            return Err(corrupt("saves", &"as many outcomes are expected"));
        }
        for (index, saved) in saved_at.into_iter().zip(saved) {
            if saved == Saved::Lost {
                all[index] = self.begin_one(&letters[index], doer).await?;
            }
        }
        Ok(all)
    }

    async fn begin_one(&self, brief: &Brief, doer: &Doer) -> Result<Option<Begun>, PortError> {
        loop {
            let (version, fate) = self.fate_row(brief).await?;
            match fate {
                Fate::Redriving { by, why, at_ms } => {
                    return Ok(Some(Begun {
                        version,
                        by,
                        why,
                        at_ms,
                    }));
                }
                Fate::Waiting => {}
                Fate::Redriven { .. } | Fate::Discarding { .. } | Fate::Discarded { .. } => {
                    return Ok(None);
                }
            }
            let begun = Begun::now(doer, version + 1, self.ports.clock.now_ms());
            if self.decide(brief, version, &begun.fate()).await? {
                return Ok(Some(begun));
            }
        }
    }

    /// What stands where these letters of one partition were, in their order, as far as it fits in memory; `None` where
    /// nothing stands any more.
    async fn messages(&self, letters: &[Brief]) -> Result<Vec<Option<Message>>, PortError> {
        let wanted: BTreeSet<i64> = letters.iter().map(|brief| brief.place.offset).collect();
        let mut read: BTreeMap<i64, Message> = BTreeMap::new();
        let (mut all, mut bytes) = (Vec::with_capacity(letters.len()), 0);
        for brief in letters {
            let at = &brief.place;
            if !read.contains_key(&at.offset) {
                if bytes >= BYTES {
                    return Ok(all);
                }
                let count = stretch(&wanted, at.offset);
                let log = &self.ports.log;
                for message in log.read(&at.topic, at.partition, at.offset, count).await? {
                    bytes += message.size();
                    if wanted.contains(&message.at.offset) {
                        read.insert(message.at.offset, message);
                    }
                }
            }
            all.push(read.remove(&at.offset));
        }
        Ok(all)
    }

    /// The message as it was before it was a letter, for its input.
    fn once_more(&self, brief: &Brief, message: Message) -> Result<Outgoing, LettersError> {
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
        Ok(Outgoing {
            topic: topic.name.as_str().into(),
            partition: Some(was.map_or(brief.place.partition, |was| was.partition)),
            key: message.key,
            headers,
            payload: message.payload,
        })
    }
}

/// How many messages from `offset` on are worth reading in one go.
fn stretch(wanted: &BTreeSet<i64>, offset: i64) -> usize {
    let mut last = offset;
    for next in wanted.range(offset + 1..) {
        if next - last > GAP {
            break;
        }
        last = *next;
    }
    let count = usize::try_from(last - offset + 1).unwrap_or(1);
    count.min(PAGE.max(AT_ONCE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_near_each_other_are_read_in_one_go() {
        let wanted = BTreeSet::from([3, 4, 54, 200, 201]);
        assert_eq!(
            [3, 54, 200, 201].map(|at| stretch(&wanted, at)),
            [52, 1, 2, 1]
        );
        let all: BTreeSet<i64> = (0..10_000).collect();
        assert_eq!(stretch(&all, 0), 500);
    }
}
