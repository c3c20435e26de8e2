//! Dead letters for the person who looks after them: what there is, why, and how it is put right (D4).
//!
//! A letter is named by its [`Place`]. What became of it stands in a row (`letters.<consumer>`), written under a
//! check of its version, so that two people cannot redrive and discard the same letter, and is told (`letter.decided`).

mod batch;
mod discard;
mod fate;
mod letter;
mod order;
mod pace;
mod parked;
mod plan;
mod redrive;
mod told;

pub use discard::Discarded;
pub use fate::Fate;
pub use letter::{Body, Letter, Place, Was};
pub use pace::{NotARate, Rate};
pub use plan::{Plan, PlannedKey};
pub use redrive::{KeyRedriven, Redriven};

use crate::PortError;
use crate::context::Ports;
use crate::ports::log::Message;
use events::map::TopicMap;
use letter::{Brief, brief};
use std::sync::Arc;

/// Messages read at a time.
const PAGE: usize = 200;
/// Messages that one call of [`DeadLetters::list`] looks at; then it says where to go on.
const LOOKED_AT: usize = 20_000;

/// Why the dead letters cannot be listed or put right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LettersError {
    /// topics.yaml does not know it.
    #[error("there is no consumer {0}")]
    UnknownConsumer(String),
    /// Nothing stands there (any more).
    #[error("there is no dead letter at {0}")]
    NoSuchLetter(Place),
    /// Not `<dead topic>/<partition>/<offset>`.
    #[error(
        "{0:?} is not the place of a dead letter: expected <consumer>.dead/<partition>/<offset>"
    )]
    NotAPlace(String),
    /// Who did it and why is kept: it must be said.
    #[error("say {0}")]
    Unsigned(&'static str),
    /// It was redriven or discarded, or somebody is about to.
    #[error("the dead letter at {place} is {fate} already")]
    Settled {
        /// Which.
        place: Place,
        /// What is being done, or was done.
        fate: Fate,
    },
    /// A port could not be asked. Nothing is lost: the same call again goes on where this one stopped.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// Which letters. What is `None` is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this consumer.
    pub consumer: Option<String>,
    /// With this code.
    pub code: Option<String>,
    /// Of this tenant (by the key).
    pub tenant: Option<String>,
    /// With this key, `<tenant>/<id>`.
    pub key: Option<String>,
    /// Dead at or after this time, in milliseconds since 1970.
    pub since_ms: Option<i64>,
    /// Dead before this time, in milliseconds since 1970.
    pub until_ms: Option<i64>,
}

impl Filter {
    fn fits(&self, brief: &Brief) -> bool {
        let tenant = || brief.key().map(|key| key.tenant().as_str().to_owned());
        self.code.as_ref().is_none_or(|code| *code == brief.code)
            && self
                .key
                .as_ref()
                .is_none_or(|key| key.as_bytes() == brief.key)
            && self
                .tenant
                .as_ref()
                .is_none_or(|t| tenant().as_ref() == Some(t))
            && self.since_ms.is_none_or(|since| brief.at_ms >= since)
            && self.until_ms.is_none_or(|until| brief.at_ms < until)
    }
}

/// Letters, and where to go on.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// In the order of consumers, partitions and offsets.
    pub letters: Vec<Letter>,
    /// Give it as `after` to go on; `None`: there is no more.
    pub next: Option<Place>,
}

/// The dead letters of all consumers.
#[derive(Clone)]
pub struct DeadLetters {
    ports: Ports,
    map: Arc<TopicMap>,
}

impl DeadLetters {
    /// Of the consumers in this map.
    pub fn new(ports: &Ports, map: Arc<TopicMap>) -> Self {
        Self {
            ports: ports.clone(),
            map,
        }
    }

    /// Up to `limit` letters that fit, after the place `after`.
    ///
    /// # Errors
    /// See [`LettersError`].
    pub async fn list(
        &self,
        filter: &Filter,
        after: Option<&Place>,
        limit: usize,
    ) -> Result<Page, LettersError> {
        let (mut letters, mut looked_at) = (vec![], 0);
        for (consumer, partition) in self.partitions(filter)? {
            let begin = Place::new(&consumer, partition, 0);
            let mut offset = match after {
                Some(after) if (after.consumer(), after.partition) > (&*consumer, partition) => {
                    continue;
                }
                Some(after) if (after.consumer(), after.partition) == (&*consumer, partition) => {
                    after.offset + 1
                }
                _ => 0,
            };
            loop {
                let messages = self
                    .ports
                    .log
                    .read(&begin.topic, partition, offset, PAGE)
                    .await?;
                let Some(last) = messages.last() else { break };
                offset = last.at.offset + 1;
                for message in &messages {
                    let brief = brief(message);
                    looked_at += 1;
                    if filter.fits(&brief) {
                        letters.push(self.letter(&consumer, message).await?);
                    }
                    if letters.len() >= limit || looked_at >= LOOKED_AT {
                        return Ok(Page {
                            letters,
                            next: Some(brief.place),
                        });
                    }
                }
            }
        }
        Ok(Page {
            letters,
            next: None,
        })
    }

    /// The letter that stands there.
    ///
    /// # Errors
    /// [`LettersError::NoSuchLetter`], or what [`DeadLetters::list`] may say.
    pub async fn show(&self, place: &Place) -> Result<Letter, LettersError> {
        let message = self.message(place).await?;
        self.letter(place.consumer(), &message).await
    }

    async fn letter(&self, consumer: &str, message: &Message) -> Result<Letter, LettersError> {
        let body = letter::body(&self.ports, message).await?;
        let brief = brief(message);
        let fate = self.fate(&brief).await?;
        let hold = match &brief.holds {
            Some(id) => self.hold(consumer, id).await?.map(|(_, hold)| hold),
            None => None,
        };
        let holds = hold.is_some_and(|hold| hold.held.iter().any(|held| held.is(&brief.id)));
        Ok(letter::letter(message, brief, body, fate, holds))
    }

    async fn message(&self, place: &Place) -> Result<Message, LettersError> {
        self.known(place.consumer())?;
        let found = self
            .ports
            .log
            .read(&place.topic, place.partition, place.offset, 1)
            .await?;
        let there = found
            .into_iter()
            .next()
            .filter(|message| message.at.offset == place.offset);
        there.ok_or_else(|| LettersError::NoSuchLetter(place.clone()))
    }

    fn known(&self, consumer: &str) -> Result<(), LettersError> {
        let known = self.map.consumer(consumer).map(|_| ());
        known.ok_or_else(|| LettersError::UnknownConsumer(consumer.to_owned()))
    }

    /// Where letters may stand: consumers in the order of their names, each with its partitions.
    fn partitions(&self, filter: &Filter) -> Result<Vec<(String, i32)>, LettersError> {
        let mut consumers: Vec<&str> = self
            .map
            .consumers()
            .map(|(_, consumer)| consumer.name.as_str())
            .collect();
        if let Some(consumer) = &filter.consumer {
            self.known(consumer)?;
            consumers = vec![consumer];
        }
        consumers.sort_unstable();
        let partitions = |consumer: &str| {
            self.ports
                .log
                .partitions(&TopicMap::dead_topic(consumer))
                .unwrap_or(0)
        };
        let all = consumers.into_iter();
        Ok(all
            .flat_map(|c| (0..partitions(c)).map(|p| (c.to_owned(), p)))
            .collect())
    }

    /// The letters of a partition that are wanted, without their bodies. Nothing is kept of the others, however many.
    async fn briefs(
        &self,
        consumer: &str,
        partition: i32,
        wanted: impl Fn(&Brief) -> bool,
    ) -> Result<Vec<Brief>, PortError> {
        let (topic, mut offset, mut briefs) = (TopicMap::dead_topic(consumer), 0, vec![]);
        loop {
            let messages = self.ports.log.read(&topic, partition, offset, PAGE).await?;
            let Some(last) = messages.last() else {
                return Ok(briefs);
            };
            offset = last.at.offset + 1;
            briefs.extend(messages.iter().map(brief).filter(&wanted));
        }
    }
}

/// Who did it, and why: not empty, and not longer than an answer's message.
fn signed(text: &str, what: &'static str) -> Result<String, LettersError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(LettersError::Unsigned(what));
    }
    Ok(crate::emits::clipped(text))
}
