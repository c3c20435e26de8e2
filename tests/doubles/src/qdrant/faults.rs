//! What goes wrong on demand, and with which calls.
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Done and answered, but only after this time. The time passes before anything is done.
    Delay(Duration),
    /// Never answered; nothing of it is done.
    Hang,
    /// Answered UNAVAILABLE; nothing of it is done. Mind that qdrant-client asks once more by itself where it is told so: a
    /// call fails for its user where a rule befalls it twice, and a write that is [`Fault::Lost`] once is done twice.
    Unavailable,
    /// Done, then answered UNAVAILABLE: whoever asked cannot know.
    Lost,
    /// Done, then never answered.
    Mute,
    /// Done twice, one after the other, as when something between repeats a request; the second answer is given.
    Twice,
    /// A write stops half-way through its points for this time; searches come between.
    Torn(Duration),
}

/// A fault, and the calls that it befalls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// A method's name in gRPC (`Upsert`, `QueryBatch`, `CreateFieldIndex`, ...; in `Collections`: `Collections.Get`),
    /// whatever its case, or `any`, `reads` or `writes`.
    pub calls: String,
    /// What happens to them.
    pub fault: Fault,
    /// The first so many are spared.
    pub after: u32,
    /// So many are befallen, then no more; `None`: all.
    pub times: Option<u32>,
}

impl Rule {
    /// Befalls every such call.
    pub fn new(calls: impl Into<String>, fault: Fault) -> Self {
        Self {
            calls: calls.into(),
            fault,
            after: 0,
            times: None,
        }
    }

    /// Befalls only so many.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Spares the first so many.
    #[must_use]
    pub fn after(mut self, after: u32) -> Self {
        self.after = after;
        self
    }

    fn concerns(&self, method: &str, writes: bool) -> bool {
        match self.calls.to_ascii_lowercase().as_str() {
            "any" => true,
            "reads" => !writes,
            "writes" => writes,
            named => method.eq_ignore_ascii_case(named),
        }
    }
}

/// A text is no list of rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no fault: it is like `upsert: lost times 1` or `reads: delay=200ms after 2`")]
pub struct WrongFault(String);

impl FromStr for Rule {
    type Err = WrongFault;

    /// `CALLS: FAULT [after N] [times N]`, where FAULT is `delay=MILLISECONDSms`, `hang`, `unavailable`, `lost`, `mute`,
    /// `twice` or `torn=MILLISECONDSms`.
    fn from_str(text: &str) -> Result<Self, WrongFault> {
        let wrong = || WrongFault(text.trim().to_owned());
        let (calls, rest) = text.split_once(':').ok_or_else(wrong)?;
        let mut words = rest.split_whitespace();
        let fault = words.next().and_then(fault_of).ok_or_else(wrong)?;
        let mut rule = Rule::new(calls.trim(), fault);
        while let Some(word) = words.next() {
            let count = words
                .next()
                .and_then(|count| count.parse().ok())
                .ok_or_else(wrong)?;
            match word {
                "after" => rule.after = count,
                "times" => rule.times = Some(count),
                _ => return Err(wrong()),
            }
        }
        let named = !rule.calls.is_empty() && !rule.calls.contains(char::is_whitespace);
        named.then_some(rule).ok_or_else(wrong)
    }
}

fn fault_of(word: &str) -> Option<Fault> {
    let (kind, value) = word.split_once('=').unwrap_or((word, ""));
    let time = || {
        let digits = value.strip_suffix("ms")?;
        digits.parse().ok().map(Duration::from_millis)
    };
    Some(match (kind, value) {
        ("delay", _) => Fault::Delay(time()?),
        ("torn", _) => Fault::Torn(time()?),
        ("hang", "") => Fault::Hang,
        ("unavailable", "") => Fault::Unavailable,
        ("lost", "") => Fault::Lost,
        ("mute", "") => Fault::Mute,
        ("twice", "") => Fault::Twice,
        _ => return None,
    })
}

#[derive(Debug, Default)]
struct Held {
    rules: Vec<Rule>,
    befallen: u64,
}

/// The faults of one double; clones share them. They may be changed while it serves.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Held>>);

impl Faults {
    /// Rules as text, one a line or separated by `;`. Empty: none. See [`Rule::from_str`].
    ///
    /// # Errors
    /// One of them is no rule.
    pub fn parse(text: &str) -> Result<Vec<Rule>, WrongFault> {
        let rules = text.split([';', '\n']).map(str::trim);
        rules
            .filter(|rule| !rule.is_empty() && !rule.starts_with('#'))
            .map(str::parse)
            .collect()
    }

    /// One more rule; it comes after those that are there. The first that concerns a call and is neither waiting nor
    /// used up befalls it.
    pub fn add(&self, rule: Rule) {
        self.held().rules.push(rule);
    }

    /// These rules and no others.
    pub fn set(&self, rules: Vec<Rule>) {
        self.held().rules = rules;
    }

    /// From now on nothing goes wrong. What hangs hangs on.
    pub fn clear(&self) {
        self.held().rules.clear();
    }

    /// How many calls have been befallen by a fault so far: a test that asks for one looks that it came.
    pub fn befallen(&self) -> u64 {
        self.held().befallen
    }

    /// What happens to this call.
    pub(super) fn befall(&self, method: &str, writes: bool) -> Option<Fault> {
        let mut held = self.held();
        let mut befalls = None;
        for rule in held
            .rules
            .iter_mut()
            .filter(|rule| rule.concerns(method, writes))
        {
            if rule.after > 0 {
                rule.after -= 1;
            } else if rule.times != Some(0) {
                rule.times = rule.times.map(|times| times - 1);
                befalls = Some(rule.fault);
                break;
            }
        }
        held.befallen += u64::from(befalls.is_some());
        befalls
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
