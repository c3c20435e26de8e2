//! Where a command that changes something goes: to the owner of the file over HTTP, or, when nobody owns it, to the file
//! itself (M1); on a cluster to the servers themselves, where everything is decided under a check of a row's version.
use super::Failed;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::servers::Servers;
use crate::wiring::{self, StartError, Store, Where, door};
use edge::{Operator, Verb};
use embedded::OpenError;
use events::Key;
use events::map::TopicMap;
use runtime::breaker::Breakers;
use runtime::dead_letters::{Place, Rate};
use runtime::ports::clock::Clock;
use serde::Serialize;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The longest that one request to the owner may take.
const LIMIT: Duration = Duration::from_secs(300);

/// Who carries a command out.
pub(super) enum Owner {
    /// A running process.
    Running {
        http: reqwest::Client,
        base: String,
        key: String,
    },
    /// Ourselves: nobody else has the file. What is appended is handled when the workers run.
    Ourselves(Operator),
    /// Nobody owns a cluster: it is done on the servers themselves, and handled by whoever runs the workers.
    Nobody(Operator),
}

/// Who redrives, why, and how fast.
pub(super) struct How {
    pub by: String,
    pub why: String,
    pub rate: Rate,
}

impl Owner {
    /// Finds who carries a command out.
    pub(super) async fn of(config: &Config, at: Where) -> Result<Self, Failed> {
        match at {
            Where::File => Self::of_file(&config.data.path).await,
            Where::Cluster => {
                let servers = Servers::open_to_write(config).await?;
                let map = Arc::new(TopicMap::embedded().clone());
                Ok(Self::Nobody(Operator::new(&servers.ports, map)))
            }
        }
    }

    /// Finds the owner of the database at `path`.
    async fn of_file(path: &Path) -> Result<Self, Failed> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let map = TopicMap::embedded();
        match wiring::open(path, clock.clone(), map).await {
            Ok(embedded) => {
                let breakers = Breakers::new(clock.clone());
                let ports = Store::Embedded(embedded).ports(clock, breakers).await?;
                let operator = Operator::new(&ports, Arc::new(map.clone()));
                Ok(Self::Ourselves(operator))
            }
            Err(StartError::Open {
                source: source @ OpenError::Owned { .. },
                ..
            }) => match door::find(path) {
                Some((base, key)) => Ok(Self::Running {
                    http: reqwest::Client::builder()
                        .no_proxy()
                        .timeout(LIMIT)
                        .build()
                        .map_err(|e| Failed::Other(e.to_string()))?,
                    base,
                    key,
                }),
                None => Err(Failed::Other(format!(
                    "{source}, which takes no commands over HTTP. Stop it, run this again, and start it"
                ))),
            },
            Err(other) => Err(other.into()),
        }
    }

    /// Whether nothing is handled until `troupe up` runs.
    pub(super) fn is_alone(&self) -> bool {
        matches!(self, Self::Ourselves(_))
    }

    /// The most letters that are redriven by one call at this rate.
    pub(super) fn takes(&self, rate: Rate) -> usize {
        match self {
            Self::Ourselves(_) | Self::Nobody(_) => usize::MAX,
            Self::Running { .. } => edge::most_at_once(rate),
        }
    }

    /// Redrives letters, of each key in order.
    pub(super) async fn redrive(&self, places: &[Place], how: &How) -> Result<Value, Failed> {
        let How { by, why, rate } = how;
        match self {
            Self::Ourselves(operator) | Self::Nobody(operator) => {
                value(operator.redrive(places, by, why, *rate).await)
            }
            Self::Running { .. } => {
                let body = json!({"places": places, "by": by, "why": why, "rate": rate.get()});
                self.post("dead-letters/redrive", &body).await
            }
        }
    }

    /// Redrives a key until it is free.
    pub(super) async fn follow(&self, place: &Place, how: &How) -> Result<Value, Failed> {
        let How { by, why, rate } = how;
        if let Self::Nobody(operator) = self {
            return value(operator.redrive_key(place, by, why, *rate).await);
        }
        let rate = rate.get();
        let body = json!({"places": [place], "by": by, "why": why, "rate": rate, "follow": true});
        self.post("dead-letters/redrive", &body).await
    }

    /// Discards letters.
    pub(super) async fn discard(
        &self,
        places: &[Place],
        by: &str,
        why: &str,
    ) -> Result<(), Failed> {
        match self {
            Self::Ourselves(operator) | Self::Nobody(operator) => {
                value(operator.discard(places, by, why).await).map(|_| ())
            }
            Self::Running { .. } => {
                let body = json!({"places": places, "by": by, "why": why});
                self.post("dead-letters/discard", &body).await.map(|_| ())
            }
        }
    }

    /// Tells a saga what a person wants.
    pub(super) async fn tell_saga(
        &self,
        saga: &str,
        key: &Key,
        verb: Verb,
        by: &str,
        why: &str,
    ) -> Result<(), Failed> {
        match self {
            Self::Ourselves(operator) | Self::Nobody(operator) => {
                value(operator.tell_saga(saga, key, verb, by, why).await).map(|_| ())
            }
            Self::Running { .. } => {
                let body = json!({"saga": saga, "key": key.as_str(), "by": by, "why": why});
                let path = match verb {
                    Verb::Resume => "sagas/resume",
                    Verb::Abandon => "sagas/abandon",
                };
                self.post(path, &body).await.map(|_| ())
            }
        }
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, Failed> {
        let Self::Running { http, base, key } = self else {
            let why = "no process runs that would handle it: start `troupe up`";
            return Err(Failed::Other(why.into()));
        };
        let request = http
            .post(format!("{base}/v1/operator/{path}"))
            .bearer_auth(key)
            .json(body);
        let unreached = |e: reqwest::Error| {
            Failed::Other(format!(
                "the owner of the file at {base} does not answer: {e}"
            ))
        };
        let response = request.send().await.map_err(unreached)?;
        let status = response.status();
        let said: Value = response.json().await.map_err(unreached)?;
        if status.is_success() {
            return Ok(said);
        }
        let detail = said["detail"].as_str().unwrap_or("it says nothing more");
        Err(Failed::Other(detail.to_owned()))
    }
}

fn value<T: Serialize, E: std::fmt::Display>(done: Result<T, E>) -> Result<Value, Failed> {
    let done = done.map_err(|e| Failed::Other(e.to_string()))?;
    serde_json::to_value(done).map_err(|e| Failed::Other(e.to_string()))
}
