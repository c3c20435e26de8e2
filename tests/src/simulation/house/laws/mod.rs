//! What holds in the house after any storm.
mod index;
mod log;
mod told;

use super::super::load as ports_of;
use super::super::seen::{Seen, seen};
use super::load::{Command, Kind};
use super::run::Ended;
use std::collections::BTreeMap;
use std::fmt;

/// A law that a run broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which.
    pub law: &'static str,
    /// How.
    pub what: String,
}
impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.law, self.what)
    }
}

/// A run, read once.
pub struct Case<'a> {
    ended: &'a Ended,
    /// By topic, partition by partition, in order.
    topics: BTreeMap<String, Vec<Seen>>,
    /// Final answers by the key of their operation, in order.
    answers: BTreeMap<String, Vec<(String, usize)>>,
}

impl<'a> Case<'a> {
    fn read(ended: &'a Ended) -> Self {
        let names = ended.sim.topics().into_iter();
        let topics: BTreeMap<String, Vec<Seen>> = names
            .map(|name| {
                let messages = seen(&ended.sim, &name);
                (name, messages)
            })
            .collect();
        let mut answers: BTreeMap<String, Vec<(String, usize)>> = BTreeMap::new();
        for topic in ["replies", "replies.upstream"] {
            for (at, reply) in topics[topic].iter().enumerate() {
                if reply.is_final() {
                    let of = answers.entry(reply.key.clone()).or_default();
                    of.push((topic.to_owned(), at));
                }
            }
        }
        Self {
            ended,
            topics,
            answers,
        }
    }
    fn topic(&self, name: &str) -> &[Seen] {
        self.topics.get(name).map_or(&[], Vec::as_slice)
    }
    /// The final answers to a command, in order: the first one counts (H1).
    fn answers_to(&self, command: &Command) -> Vec<&Seen> {
        let key = format!("{}/{}", command.tenant, command.request);
        let places = self.answers.get(&key).into_iter().flatten();
        places.map(|(topic, at)| &self.topic(topic)[*at]).collect()
    }
}

/// Every law that the run broke, and how each command went.
pub async fn hold(ended: &Ended) -> (Vec<Broken>, Vec<(Kind, &'static str)>) {
    let case = Case::read(ended);
    let ports = ports_of::ports(&ended.sim.outside("checker")).await;
    let mut broken = vec![];
    let mut hold = |law: &'static str, found: Vec<String>| {
        broken.extend(found.into_iter().map(|what| Broken { law, what }));
    };
    hold("no consumer ends by itself", ended.faults.clone());
    hold("every command is answered", told::answers(&case));
    hold("clients hear the same", told::over_http(&case));
    hold("every saga ends", log::sagas(&case));
    hold("nothing is dropped", log::dead_letters(&case));
    hold("nothing is held for ever", log::holds(&case));
    hold("nothing is left open", log::checkpoints(&case));
    hold("nothing is said twice", log::said_once(&case));
    hold("a key keeps its order", log::order(&case));
    hold("no tenant is mixed", log::tenants(&case));
    hold("the ledgers balance", index::ledgers(&case, &ports).await);
    hold("what is gone is gone", index::gone(&case, &ports).await);
    hold("what is gone is gone", index::uploads(&case, &ports).await);
    hold("what is gone is gone", index::shown(&case));
    (broken, told::outcomes(&case))
}
