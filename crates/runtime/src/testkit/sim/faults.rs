//! What may befall a call of a port, which call it may befall, and how often it did.
use super::world::World;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A call of a port: `state.save`; those of the simulated ports are in [`CALLS`].
pub type Call = &'static str;

/// What befalls one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The process is killed as it calls: nothing was sent.
    CrashBefore,
    /// It is done, and the process is killed before it hears so.
    CrashAfter,
    /// The process is stopped as it calls, and continued when its partitions may be others': a zombie.
    StopBefore,
    /// It is done, and the process is stopped before it hears so.
    StopAfter,
    /// It is refused, and nothing happened.
    Fails,
    /// It is done, in part or whole, and the answer is lost: a time-out.
    Lost,
    /// It takes its time: longer than a session, at times.
    Late,
    /// There is no answer for a minute and more, until whoever calls gives up; it may have happened.
    Hangs,
    /// It is done twice, and one of the two answers arrives.
    Twice,
    /// The answer is wrong.
    Wrong,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::CrashBefore,
        Self::CrashAfter,
        Self::StopBefore,
        Self::StopAfter,
        Self::Fails,
        Self::Lost,
        Self::Late,
        Self::Hangs,
        Self::Twice,
        Self::Wrong,
    ];
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::CrashBefore => "crash before",
            Self::CrashAfter => "crash after",
            Self::StopBefore => "stop before",
            Self::StopAfter => "stop after",
            Self::Fails => "fails",
            Self::Lost => "answer lost",
            Self::Late => "late",
            Self::Hangs => "hangs",
            Self::Twice => "twice",
            Self::Wrong => "wrong",
        })
    }
}

use Fault::{CrashAfter, CrashBefore, Fails, Hangs, Late, Lost, StopAfter, StopBefore, Twice};

/// What may befall what changes nothing.
const READ: &[Fault] = &[
    CrashBefore,
    CrashAfter,
    StopBefore,
    StopAfter,
    Fails,
    Late,
    Hangs,
];
/// What may befall what changes something, and may be asked again by who lost the answer.
const WRITE: &[Fault] = &[
    CrashBefore,
    CrashAfter,
    StopBefore,
    StopAfter,
    Fails,
    Lost,
    Late,
    Hangs,
    Twice,
];
/// A transaction: there is no second one, and its outcome may be unknown.
const TRANSACTION: &[Fault] = &[
    CrashBefore,
    CrashAfter,
    StopBefore,
    StopAfter,
    Fails,
    Lost,
    Late,
    Hangs,
];
/// What has no answer that could be a failure.
const FAREWELL: &[Fault] = &[CrashBefore, CrashAfter, StopBefore, StopAfter, Late, Hangs];
/// What is read in pieces may break off between them.
const CONTENT: &[Fault] = &[
    CrashBefore,
    CrashAfter,
    StopBefore,
    StopAfter,
    Fails,
    Late,
    Hangs,
    Fault::Wrong,
];

/// Every call of the simulated ports, and what may befall it.
pub const CALLS: [(Call, &[Fault]); 27] = [
    ("log.append", WRITE),
    ("log.join", READ),
    ("log.read", READ),
    ("log.end", READ),
    ("log.grown", READ),
    ("member.next", READ),
    ("member.publish", TRANSACTION),
    ("member.committed", READ),
    ("member.leave", FAREWELL),
    ("state.load", READ),
    ("state.save", WRITE),
    ("state.scan", READ),
    ("state.due", READ),
    ("state.sweep", WRITE),
    ("search.stage", WRITE),
    ("search.publish", WRITE),
    ("search.retire", WRITE),
    ("search.count", READ),
    ("search.count_chatbot", READ),
    ("search.query", READ),
    ("search.sweep", WRITE),
    ("blobs.put", WRITE),
    ("blobs.get", CONTENT),
    ("blobs.delete", WRITE),
    ("blobs.list", READ),
    ("schemas.id_of", READ),
    ("schemas.text_of", READ),
];

/// The longest that a process is stopped by a fault of its calls, in milliseconds; the shortest is half a session's.
const STOPPED_MS: (u64, u64) = (3_000, 20_000);
/// How long whoever calls waits before it gives up, in milliseconds.
const GIVES_UP_MS: (u64, u64) = (60_000, 90_000);

/// What is to befall the next calls, and what befell those before.
#[derive(Debug, Default)]
pub(super) struct Faults {
    planned: BTreeMap<Call, VecDeque<Fault>>,
    met: BTreeMap<(Call, Fault), u64>,
}

/// What a call is to go through.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Course {
    /// Milliseconds on the way there.
    pub there: u64,
    /// Milliseconds on the way back.
    pub back: u64,
    /// What befalls it, besides what chance adds on arrival.
    pub fault: Option<Fault>,
}

impl Course {
    /// No answer comes before whoever calls gives up.
    pub fn hangs(&self) -> bool {
        self.fault == Some(Fault::Hangs)
    }
}

impl World {
    /// The next such call, of whoever runs, meets `fault`.
    pub fn plan(&mut self, call: Call, fault: Fault) {
        self.faults
            .planned
            .entry(call)
            .or_default()
            .push_back(fault);
    }

    /// Nothing that was planned happens any more.
    pub fn forget_plans(&mut self) {
        self.faults.planned.clear();
    }

    /// How often each call met each fault.
    pub fn met(&self) -> BTreeMap<(Call, Fault), u64> {
        self.faults.met.clone()
    }

    pub fn meets(&mut self, call: Call, fault: Fault) {
        *self.faults.met.entry((call, fault)).or_default() += 1;
    }

    /// Takes what is planned for a call of a process.
    pub fn planned(&mut self, process: &Arc<str>, call: Call) -> Option<Fault> {
        if self.is_calm(process) {
            return None;
        }
        self.faults.planned.get_mut(call)?.pop_front()
    }

    /// Whether it is planned that the next such call is answered wrongly; then that has happened.
    pub fn answers_wrongly(&mut self, process: &Arc<str>, call: Call) -> bool {
        let planned = self.faults.planned.get(call);
        let wrong = planned.and_then(VecDeque::front) == Some(&Fault::Wrong);
        if wrong && self.planned(process, call).is_some() {
            self.meets(call, Fault::Wrong);
            return true;
        }
        false
    }

    /// A call begins: what befalls it, and its process before anything is sent.
    pub fn sets_out(&mut self, process: &Arc<str>, call: Call) -> Course {
        let mut course = Course {
            there: self.delay_ms(process),
            back: self.delay_ms(process),
            fault: self.planned(process, call),
        };
        let slow = course.there.max(course.back) > self.options.delay_ms;
        match course.fault {
            Some(Fault::CrashBefore | Fault::StopBefore) => {
                self.strike_call(process, call, course.fault);
            }
            Some(Fault::Late) => {
                self.meets(call, Fault::Late);
                let wait = self.random.between(1_000, self.options.slow_ms.max(1_000));
                match self.random.chance(500) {
                    true => course.there = wait,
                    false => course.back = wait,
                }
            }
            Some(Fault::Hangs) => {
                self.meets(call, Fault::Hangs);
                let wait = self.random.between(GIVES_UP_MS.0, GIVES_UP_MS.1);
                match self.random.chance(500) {
                    true => course.there = wait,
                    false => course.back = wait,
                }
            }
            _ if slow => self.meets(call, Fault::Late),
            _ => {}
        }
        course
    }

    /// A call was done: what befalls its process before it hears so.
    pub fn done(&mut self, process: &Arc<str>, start: u32, call: Call, course: &Course) {
        if matches!(course.fault, Some(Fault::CrashAfter | Fault::StopAfter))
            && self.is_start(process, start)
        {
            self.strike_call(process, call, course.fault);
        }
    }

    /// A fault befalls the process as it calls, if it is one of those.
    pub fn strikes_before(&mut self, process: &Arc<str>, call: Call, fault: Fault) -> bool {
        let before = matches!(fault, Fault::CrashBefore | Fault::StopBefore);
        if before {
            self.strike_call(process, call, Some(fault));
        }
        before
    }

    /// How long a fetch takes that a fault befalls.
    pub fn fetch_takes(&mut self, call: Call, fault: Fault) -> Duration {
        let (low, high) = match fault {
            Fault::Hangs => GIVES_UP_MS,
            Fault::Late => (1_000, self.options.slow_ms.max(1_000)),
            _ => (0, self.options.delay_ms),
        };
        if matches!(fault, Fault::Hangs | Fault::Late | Fault::Fails) {
            self.meets(call, fault);
        }
        Duration::from_millis(self.random.between(low, high))
    }

    fn strike_call(&mut self, process: &Arc<str>, call: Call, fault: Option<Fault>) {
        let Some(fault) = fault else { return };
        self.meets(call, fault);
        self.tell(process.clone(), format!("{fault}: {call}"));
        match fault {
            Fault::CrashBefore | Fault::CrashAfter => self.crash(process),
            _ => {
                self.stop(process);
                let wait = self.random.between(STOPPED_MS.0, STOPPED_MS.1);
                let process = process.clone();
                self.later(Duration::from_millis(wait), move |world| {
                    world.resume(&process);
                });
            }
        }
    }

    /// On arrival: whether the call is refused, by plan or by chance.
    pub fn refused(&mut self, process: &Arc<str>, call: Call, course: &Course) -> bool {
        let refused = course.fault == Some(Fault::Fails)
            || self.fault(process, |options| options.fail_before);
        if refused {
            self.meets(call, Fault::Fails);
        }
        refused
    }

    /// On arrival: whether it is done without an answer, by plan or by chance.
    pub fn lost(&mut self, process: &Arc<str>, call: Call, course: &Course) -> bool {
        let lost =
            course.fault == Some(Fault::Lost) || self.fault(process, |options| options.fail_after);
        if lost {
            self.meets(call, Fault::Lost);
        }
        lost
    }

    /// On arrival: whether it is done twice.
    pub fn twice(&mut self, call: Call, course: &Course) -> bool {
        let twice = course.fault == Some(Fault::Twice);
        if twice {
            self.meets(call, Fault::Twice);
        }
        twice
    }
}
