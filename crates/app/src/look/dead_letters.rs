//! Dead letters: the message as it was, and why it could not be handled.
use super::{Look, LookError, Payload, key_of};
use events::map::TopicMap;
use runtime::engine::header;
use runtime::ports::log::Message;
use runtime::time::rfc3339;
use serde::Serialize;
use std::collections::BTreeMap;

/// Messages read at a time.
const PAGE: usize = 500;

/// Which dead letters are meant.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this consumer, or of all consumers of this context.
    pub worker: Option<String>,
    /// With this code.
    pub code: Option<String>,
}

/// A dead letter.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeadLetter {
    /// Names it: `<topic>/<partition>/<offset>`.
    pub place: String,
    /// When it became one.
    pub at: String,
    /// The consumer that could not handle it.
    pub worker: String,
    /// Why, as a stable code; a page each under docs/errors/.
    pub code: String,
    /// Why, for a person.
    pub message: String,
    /// Failed attempts.
    pub attempts: u32,
    /// `<tenant>/<id>`.
    pub key: String,
    /// What it says; personal fields sealed.
    pub payload: Payload,
    /// Its headers, those of the failure among them; what is not text, escaped.
    pub headers: BTreeMap<String, String>,
}

impl Look {
    /// The dead letters that are kept, by consumer, partition and age; at most `limit`, and whether there are more.
    ///
    /// # Errors
    /// If the database cannot be read, or no consumer is called so.
    pub async fn dead_letters(
        &self,
        filter: &Filter,
        limit: usize,
    ) -> Result<(Vec<DeadLetter>, bool), LookError> {
        let mut found = vec![];
        for topic in self.topics_of(filter.worker.as_deref())? {
            let Some(partitions) = self.embedded.log().partitions(&topic) else {
                continue; // a consumer that this file does not know yet
            };
            for partition in 0..partitions {
                if self
                    .read(&topic, partition, filter, limit, &mut found)
                    .await?
                {
                    return Ok((found, true));
                }
            }
        }
        Ok((found, false))
    }

    fn topics_of(&self, worker: Option<&str>) -> Result<Vec<String>, LookError> {
        let meant = |name: &&str| {
            worker.is_none_or(|worker| *name == worker || name.split('.').next() == Some(worker))
        };
        let consumers = TopicMap::embedded()
            .consumers()
            .map(|(_, consumer)| consumer.name.as_str());
        let topics: Vec<String> = consumers.filter(meant).map(TopicMap::dead_topic).collect();
        match worker {
            Some(worker) if topics.is_empty() => Err(LookError::NotFound(format!(
                "there is no worker {worker}; `troupe topics show` prints all there are"
            ))),
            _ => Ok(topics),
        }
    }

    /// Whether there are more than `limit`.
    async fn read(
        &self,
        topic: &str,
        partition: i32,
        filter: &Filter,
        limit: usize,
        found: &mut Vec<DeadLetter>,
    ) -> Result<bool, LookError> {
        let (log, mut offset) = (self.embedded.log(), 0);
        loop {
            let messages = log.read(topic, partition, offset, PAGE).await?;
            let Some(last) = messages.last() else {
                return Ok(false);
            };
            offset = last.at.offset + 1;
            for message in &messages {
                let code = message.headers.text(header::CODE);
                if filter
                    .code
                    .as_deref()
                    .is_some_and(|wanted| code != Some(wanted))
                {
                    continue;
                }
                if found.len() == limit {
                    return Ok(true);
                }
                found.push(self.dead_letter(message).await?);
            }
        }
    }

    /// The dead letter at `<topic>/<partition>/<offset>`.
    ///
    /// # Errors
    /// [`LookError::NotFound`] if there is none.
    pub async fn dead_letter_at(&self, place: &str) -> Result<DeadLetter, LookError> {
        let not_a_place = || {
            LookError::NotFound(format!(
                "{place:?} is no dead letter: `troupe dead-letters list` names them"
            ))
        };
        let mut parts = place.rsplitn(3, '/');
        let offset: i64 = parts
            .next()
            .and_then(|part| part.parse().ok())
            .ok_or_else(not_a_place)?;
        let partition: i32 = parts
            .next()
            .and_then(|part| part.parse().ok())
            .ok_or_else(not_a_place)?;
        let topic = parts
            .next()
            .filter(|topic| topic.ends_with(".dead"))
            .ok_or_else(not_a_place)?;
        let log = self.embedded.log();
        let known = log
            .partitions(topic)
            .is_some_and(|partitions| (0..partitions).contains(&partition));
        if !known {
            return Err(not_a_place());
        }
        let found = log.read(topic, partition, offset, 1).await?;
        let message = found
            .into_iter()
            .find(|message| message.at.offset == offset);
        let gone = || LookError::NotFound(format!("there is no dead letter {place} (any more)"));
        self.dead_letter(&message.ok_or_else(gone)?).await
    }

    async fn dead_letter(&self, message: &Message) -> Result<DeadLetter, LookError> {
        let text = |name: &str| message.headers.text(name).unwrap_or_default().to_owned();
        let headers = message.headers.0.iter();
        Ok(DeadLetter {
            place: format!(
                "{}/{}/{}",
                message.at.topic, message.at.partition, message.at.offset
            ),
            at: rfc3339(message.timestamp_ms),
            worker: text(header::WORKER),
            code: text(header::CODE),
            message: text(header::MESSAGE),
            attempts: text(header::ATTEMPTS).parse().unwrap_or_default(),
            key: key_of(message),
            payload: self.payload(&message.payload).await?,
            headers: headers
                .map(|(name, value)| (name.clone(), readable(value)))
                .collect(),
        })
    }
}

fn readable(value: &[u8]) -> String {
    std::str::from_utf8(value).map_or_else(|_| value.escape_ascii().to_string(), str::to_owned)
}
