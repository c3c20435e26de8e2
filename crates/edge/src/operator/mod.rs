//! What an operator does: looks at dead letters, sends them on or discards them, resumes or gives up stuck sagas.
//!
//! [`Operator`] does it on the ports, so it is the same over HTTP and for the command line, which takes the file itself
//! when nobody owns it (M1). `http`: the endpoints, for an operator's key only; a tenant's key finds nothing there.
mod http;
mod shown;
mod when;

pub(crate) use http::{endpoints, let_in};
pub use shown::letter_json;
pub use when::{NotATime, when};

use events::map::{ConsumerKind, TopicMap};
use events::system::{AbandonSaga, ResumeSaga};
use events::{Key, MessageId};
use runtime::dead_letters::{
    DeadLetters, Discarded, Filter, KeyRedriven, Letter, LettersError, Place, Plan, Rate, Redriven,
};
use runtime::emission::{EmissionError, Emitter};
use runtime::emits::{AnyRecord, clipped};
use runtime::{Moment, PortError, Ports};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// The most letters that one request redrives or discards.
pub const AT_ONCE: usize = 1_000;
/// The longest that what one request redrives may take at its rate.
const LONGEST: Duration = Duration::from_secs(60);
/// The most letters on a page.
pub const MAX_PAGE: usize = 1_000;
/// How long a consumer may take for what was redriven of a key.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why an operator's request is not done.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// About a dead letter.
    #[error(transparent)]
    Letters(#[from] LettersError),
    /// Neither a consumer nor a context.
    #[error("there is no worker {0}")]
    NoWorker(String),
    /// Not the name of a saga's consumer.
    #[error("there is no saga {0}")]
    NoSaga(String),
    /// What was asked for is not what is taken.
    #[error("{0}")]
    Wrong(String),
    /// The command could not be said.
    #[error(transparent)]
    Emission(#[from] EmissionError),
    /// A port could not be asked.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// Which dead letters. What is none is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Which {
    /// Of this consumer, or of all consumers of this context.
    pub worker: Option<String>,
    /// With this code.
    pub code: Option<String>,
    /// Of this tenant.
    pub tenant: Option<String>,
    /// With this key, `<tenant>/<id>`.
    pub key: Option<String>,
    /// Dead at or after this time; see [`when`].
    pub since: Option<String>,
    /// Dead before this time.
    pub until: Option<String>,
}

impl Which {
    /// Whether it names nothing: then all letters are meant.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }
}

/// What to do with a stuck saga (S7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Try the undo again.
    Resume,
    /// Give it up.
    Abandon,
}

/// Does what an operator asks.
#[derive(Clone)]
pub struct Operator {
    ports: Ports,
    letters: DeadLetters,
    map: Arc<TopicMap>,
}

impl Operator {
    /// On these ports. Nothing but reading needs the file to be owned.
    pub fn new(ports: &Ports, map: Arc<TopicMap>) -> Self {
        Self {
            ports: ports.clone(),
            letters: DeadLetters::new(ports, map.clone()),
            map,
        }
    }

    /// One filter for each consumer that is meant, in the order in which letters are listed.
    fn filters(&self, which: &Which) -> Result<Vec<Filter>, OperatorError> {
        let now_ms = self.ports.clock.now_ms();
        let at = |text: &Option<String>| {
            let ms = text.as_deref().map(|text| when(text, now_ms));
            ms.transpose()
                .map_err(|e| OperatorError::Wrong(e.to_string()))
        };
        let filter = Filter {
            consumer: None,
            code: which.code.clone(),
            tenant: which.tenant.clone(),
            key: which.key.clone(),
            since_ms: at(&which.since)?,
            until_ms: at(&which.until)?,
        };
        let Some(worker) = &which.worker else {
            return Ok(vec![filter]);
        };
        let names = self.map.consumers().map(|(_, c)| c.name.as_str());
        let mut meant: Vec<&str> = names
            .filter(|name| name == worker || name.split('.').next() == Some(worker))
            .collect();
        meant.sort_unstable();
        if meant.is_empty() {
            return Err(OperatorError::NoWorker(worker.chars().take(100).collect()));
        }
        let of = |name: &str| Filter {
            consumer: Some(name.to_owned()),
            ..filter.clone()
        };
        Ok(meant.into_iter().map(of).collect())
    }

    /// Up to `limit` letters after the place `after`, and the place to go on after, if there may be more.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn list(
        &self,
        which: &Which,
        after: Option<&Place>,
        limit: usize,
    ) -> Result<(Vec<Letter>, Option<Place>), OperatorError> {
        let mut found = vec![];
        for filter in self.filters(which)? {
            let passed = |place: &Place| {
                let consumer = filter.consumer.as_deref();
                consumer.is_some_and(|consumer| consumer < place.consumer())
            };
            if after.is_some_and(passed) {
                continue;
            }
            let mut after = after.cloned();
            loop {
                let room = limit.saturating_sub(found.len());
                let page = self.letters.list(&filter, after.as_ref(), room).await?;
                found.extend(page.letters);
                match page.next {
                    Some(next) if found.len() >= limit => return Ok((found, Some(next))),
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
        }
        Ok((found, None))
    }

    /// The letter that stands there.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn show(&self, place: &Place) -> Result<Letter, OperatorError> {
        Ok(self.letters.show(place).await?)
    }

    /// What would be redriven, key by key: every letter that fits, and of its key all that must come before it.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn plan(&self, which: &Which) -> Result<Plan, OperatorError> {
        let mut plan = Plan::default();
        for filter in self.filters(which)? {
            plan.keys
                .extend(self.letters.plan_redrive(&filter).await?.keys);
        }
        Ok(plan)
    }

    /// The same for letters that are named by their places.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn plan_of(&self, places: &[Place]) -> Result<Plan, OperatorError> {
        Ok(self.letters.plan_of(places).await?)
    }

    /// Redrives these letters at this rate, of each key in order (D4).
    ///
    /// # Errors
    /// [`OperatorError`]; what was redriven until then stays so, and the same call again goes on.
    pub async fn redrive(
        &self,
        places: &[Place],
        by: &str,
        why: &str,
        rate: Rate,
    ) -> Result<Redriven, OperatorError> {
        let redriven = self.letters.redrive(places, by, why, rate).await?;
        let letters = redriven.done.len();
        tracing::info!(by, why, letters, "dead letters redriven");
        Ok(redriven)
    }

    /// Redrives all that waits in one order with the letter at `place`, until its key is free, at this rate. The consumer
    /// must run.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn redrive_key(
        &self,
        place: &Place,
        by: &str,
        why: &str,
        rate: Rate,
    ) -> Result<KeyRedriven, OperatorError> {
        let letters = &self.letters;
        let redriven = letters.redrive_key(place, by, why, rate, PATIENCE).await?;
        tracing::info!(by, why, %place, ?redriven, "the dead letters of a key redriven");
        Ok(redriven)
    }

    /// Discards these letters, one after the other.
    ///
    /// # Errors
    /// [`OperatorError`]; what was discarded until then stays so, and the same call again goes on.
    pub async fn discard(
        &self,
        places: &[Place],
        by: &str,
        why: &str,
    ) -> Result<Vec<(Place, Discarded)>, OperatorError> {
        let mut all = Vec::with_capacity(places.len());
        for place in places {
            let discarded = self.letters.discard(place, by, why).await?;
            tracing::info!(by, why, %place, "a dead letter discarded");
            all.push((place.clone(), discarded));
        }
        Ok(all)
    }

    /// Puts a person's command on a saga's input; the saga itself says whether it is stuck.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn tell_saga(
        &self,
        saga: &str,
        key: &Key,
        verb: Verb,
        by: &str,
        why: &str,
    ) -> Result<(), OperatorError> {
        let known = self.map.consumer(saga);
        if known.is_none_or(|(_, consumer)| consumer.kind != ConsumerKind::Saga) {
            return Err(OperatorError::NoSaga(saga.chars().take(100).collect()));
        }
        let (by, why) = (by.trim(), why.trim());
        if by.is_empty() || why.is_empty() {
            let what = "say who asks for it (by), and why";
            return Err(OperatorError::Wrong(what.into()));
        }
        let (by, why, id) = (clipped(by), clipped(why), key.id().to_owned());
        let body: Box<dyn AnyRecord> = match verb {
            Verb::Resume => Box::new(ResumeSaga { saga: id, by, why }),
            Verb::Abandon => Box::new(AbandonSaga { saga: id, by, why }),
        };
        let clock = &self.ports.clock;
        let id = uuid::Builder::from_random_bytes(first_16(clock.random()))
            .into_uuid()
            .to_string();
        let moment = Moment {
            tenant: key.tenant().as_str().into(),
            id: key.id().into(),
            now_ms: clock.now_ms(),
            consumer: "operator".into(),
            correlation: id.as_str().into(),
            message: MessageId {
                tenant: key.tenant().as_str().into(),
                source: "troupe/operator".into(),
                id,
            },
            ..Moment::for_tests("")
        };
        let emitter = Emitter::new(&self.ports);
        let outgoing = emitter.own(&moment, saga, &*body, "command").await?;
        self.ports.log.append(vec![outgoing]).await?;
        tracing::info!(saga, %key, ?verb, "a person's command to a saga");
        Ok(())
    }
}

fn first_16(bytes: [u8; 32]) -> [u8; 16] {
    std::array::from_fn(|i| bytes[i])
}

/// The most letters that one request may redrive at this rate.
pub fn most_at_once(rate: Rate) -> usize {
    let in_time = u64::from(rate.get()).saturating_mul(LONGEST.as_secs());
    usize::try_from(in_time).map_or(AT_ONCE, |most| most.min(AT_ONCE))
}

/// What one request may ask for.
pub(crate) fn bounded(places: &[Place], most: usize) -> Result<(), OperatorError> {
    if places.len() > most {
        let why = format!("{most} dead letters are taken at once");
        return Err(OperatorError::Wrong(why));
    }
    Ok(())
}
