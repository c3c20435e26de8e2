//! Clients over HTTP: each asks until it has its final answer, whatever edges come and go meanwhile.
use super::doors::{Doors, Request};
use edge::testkit::Answered;
use runtime::testkit::sim::Random;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Requests after which a client gives up: hours, in the simulation.
const TRIES: usize = 400;

/// What a client was told in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// `done`, `refused` or `failed`.
    pub how: &'static str,
    /// Of a problem.
    pub code: Option<String>,
    /// Whether there is an operation; if not, nothing was begun, as far as the client knows.
    pub begun: bool,
}

/// What all clients were told, by operation, and what was wrong with it.
#[derive(Clone, Default)]
pub struct Clients(Arc<Mutex<Heard>>);

#[derive(Default)]
struct Heard {
    told: BTreeMap<String, Told>,
    waiting: usize,
    wrong: Vec<String>,
}

impl Clients {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was told of an operation.
    pub fn told(&self, operation: &str) -> Option<Told> {
        self.heard().told.get(operation).cloned()
    }
    /// What they found wrong.
    pub fn wrong(&self) -> Vec<String> {
        self.heard().wrong.clone()
    }
    /// How many still wait.
    pub fn waiting(&self) -> usize {
        self.heard().waiting
    }

    /// A client asks; it goes on by itself.
    pub fn ask(&self, doors: &Doors, mut random: Random, request: Request) {
        let (clients, doors) = (self.clone(), doors.clone());
        clients.heard().waiting += 1;
        let asking = async move {
            let operation = request.operation();
            match until_told(&doors, &mut random, &request).await {
                Ok(told) => {
                    clients.heard().told.insert(operation.clone(), told.clone());
                    // One in four does not believe it, and asks again (H2).
                    if told.begun && random.chance(250) {
                        match until_told(&doors, &mut random, &request).await {
                            Ok(again) if again == told => {}
                            again => clients.heard().wrong.push(format!(
                                "{operation} was told {told:?}, and asked again {again:?}"
                            )),
                        }
                    }
                }
                Err(why) => clients.heard().wrong.push(format!("{operation}: {why}")),
            }
            clients.heard().waiting -= 1;
        };
        drop(tokio::spawn(asking)); // detached: it ends with the runtime
    }
}

/// Asks until there is a final answer.
async fn until_told(doors: &Doors, random: &mut Random, request: &Request) -> Result<Told, String> {
    let mut asking = request.clone();
    for _ in 0..TRIES {
        let wait_s = match random.chance(300) {
            true => 0,
            false => random.between(1, 30),
        };
        let answered = doors.request(random, &asking, wait_s).await;
        if let Some(answered) = answered {
            match read(&answered, asking.idempotency_key.is_some())? {
                Next::Told(told) => return Ok(told),
                Next::Look(path) => {
                    asking = Request {
                        method: "GET",
                        path,
                        idempotency_key: None,
                        body: vec![],
                        ..request.clone()
                    }
                }
                Next::Again => {}
            }
        }
        tokio::time::sleep(Duration::from_millis(random.between(100, 6_000))).await;
    }
    Err(format!("{} {} has no end", request.method, request.path))
}

enum Next {
    Told(Told),
    /// It is under way: that is where to look.
    Look(String),
    /// Nothing is known: ask the same again.
    Again,
}

/// What an answer to a command (or else to how an operation stands) means.
fn read(answered: &Answered, command: bool) -> Result<Next, String> {
    let body: Value = serde_json::from_slice(&answered.body).unwrap_or(Value::Null);
    let begun = body["operation"].is_string() || !command;
    let told = |how: &'static str, code: &Value| {
        let code = code.as_str().map(str::to_owned);
        Ok(Next::Told(Told { how, code, begun }))
    };
    match answered.status {
        202 => match &answered.location {
            Some(location) => Ok(Next::Look(location.clone())),
            None => Err("accepted, and it does not say where to look".to_owned()),
        },
        200 if !command => match body["status"].as_str() {
            Some("running") => Ok(Next::Again),
            Some("done") => told("done", &Value::Null),
            Some("refused") => told("refused", &body["error"]["code"]),
            Some("failed") => told("failed", &body["error"]["code"]),
            other => Err(format!("an operation is {other:?}")),
        },
        200 | 201 => told("done", &Value::Null),
        404 if !command => Err("an operation that was accepted is not known".to_owned()),
        _ if begun && !body["may_have_happened"].is_null() => told("failed", &body["code"]),
        429 | 500.. if !body["operation"].is_string() => Ok(Next::Again),
        _ => told("refused", &body["code"]),
    }
}
