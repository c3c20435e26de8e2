//! The world beyond the ports: what handlers do there, seen by somebody who never forgets.
use runtime::Moment;
use runtime::testkit::sim::Random;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One effect that a handler had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The message's key.
    pub key: String,
    /// The message's id.
    pub message: String,
    /// Under which it was done.
    pub idempotency_key: String,
}

/// One call of a handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The message's id.
    pub message: String,
    /// The attempt that it was told to be.
    pub attempt: u32,
    /// The process and its start.
    pub process: String,
}

struct Seen {
    random: Random,
    running: BTreeSet<(String, String)>,
    effects: Vec<Effect>,
    calls: Vec<Call>,
    faults: Vec<String>,
    healed: bool,
    down: bool,
    handlers_remember: bool,
}

/// The outside, the same for all processes.
#[derive(Clone)]
pub struct Outside(Arc<Mutex<Seen>>);

/// A call that is under way; dropped, it is over.
pub struct Calling {
    outside: Outside,
    process: String,
    effect: Effect,
}

impl Outside {
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Seen {
            random: Random::new(seed).stream("outside"),
            running: BTreeSet::new(),
            effects: Vec::new(),
            calls: Vec::new(),
            faults: Vec::new(),
            healed: false,
            down: false,
            handlers_remember: false,
        })))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A handler begins; one key is handled by one call at a time within a process (C3).
    pub fn call(&self, process: &str, key: &str, at: &Moment) -> Calling {
        let mut seen = self.seen();
        let message = at.message.id.clone();
        seen.calls.push(Call {
            message: message.clone(),
            attempt: at.attempt,
            process: process.to_owned(),
        });
        if !seen.running.insert((process.to_owned(), key.to_owned())) {
            seen.faults.push(format!(
                "{process} handles {message} while it handles another message of {key}"
            ));
        }
        let effect = Effect {
            key: key.to_owned(),
            message,
            idempotency_key: at.idempotency_key.clone(),
        };
        Calling {
            outside: self.clone(),
            process: process.to_owned(),
            effect,
        }
    }

    pub fn draw(&self, low: u64, high: u64) -> u64 {
        self.seen().random.between(low, high)
    }

    /// From now on nothing is poisoned any more.
    pub fn heal(&self) {
        self.seen().healed = true;
    }
    pub fn is_healed(&self) -> bool {
        self.seen().healed
    }
    pub fn set_down(&self, down: bool) {
        self.seen().down = down;
    }
    pub fn is_down(&self) -> bool {
        self.seen().down
    }

    /// O4: from now on handlers keep in mind what they began.
    pub fn set_handlers_remember(&self, remember: bool) {
        self.seen().handlers_remember = remember;
    }
    pub fn handlers_remember(&self) -> bool {
        self.seen().handlers_remember
    }

    /// All effects, in order; the same one several times if it was repeated.
    pub fn effects(&self) -> Vec<Effect> {
        self.seen().effects.clone()
    }
    /// All calls, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.seen().calls.clone()
    }
    /// What should never happen.
    pub fn faults(&self) -> Vec<String> {
        self.seen().faults.clone()
    }
    /// How often each message had its effect, under which idempotency keys.
    pub fn keys_of_messages(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for effect in self.effects() {
            keys.entry(effect.message)
                .or_default()
                .insert(effect.idempotency_key);
        }
        keys
    }
}

impl Calling {
    /// It happens.
    pub fn effect(&self) {
        self.outside.seen().effects.push(self.effect.clone());
    }
}
impl Drop for Calling {
    fn drop(&mut self) {
        self.outside
            .seen()
            .running
            .remove(&(self.process.clone(), self.effect.key.clone()));
    }
}
