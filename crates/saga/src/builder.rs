//! A saga as its author writes it.
use crate::phase::{Name, is_name};
use crate::state::Millis;
use std::{borrow::Cow, time::Duration};

/// A step of a saga: what it asks, how it is taken back, and how long it may take.
pub(crate) struct Step<D, C> {
    pub name: &'static str,
    pub send: Option<fn(&D) -> C>,
    pub undo: Option<fn(&D) -> C>,
    pub timeout: Millis,
    pub silence: Millis,
    pub tries: u32,
    pub backoff: Millis,
}

// Derived, it would ask for `D: Clone` and `C: Clone`.
impl<D, C> Clone for Step<D, C> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<D, C> Step<D, C> {
    pub fn name(&self) -> Name {
        Cow::Borrowed(self.name)
    }
}

/// One version of a saga over data `D`, commanding `C`.
///
/// ```
/// # use saga::Saga;
/// # use std::time::Duration;
/// let subscribe: Saga<u32, String> = Saga::named("subscribe.v1")
///     .step("create-order")
///     .send(|order| format!("request {order}"))
///     .undo(|order| format!("cancel {order}"))
///     .timeout(Duration::from_secs(120))
///     .pivot()
///     .step("send-receipt")
///     .send(|order| format!("receipt {order}"))
///     .tries(5, Duration::from_secs(60));
/// ```
///
/// # Panics
/// Its methods panic on faults of wiring, when the saga is built at start: no step to set, a step without a
/// command, two of one name, two pivots, an undo after the pivot, no try at all.
pub struct Saga<D, C> {
    pub(crate) version: &'static str,
    pub(crate) steps: Vec<Step<D, C>>,
    pub(crate) pivot: Option<usize>,
}

impl<D, C> Saga<D, C> {
    /// A saga without steps. `version` is its name with its version, `create-chatbot.v1`: whatever would make a
    /// running saga misread its own row (a step renamed, removed or moved) is a new version (S9).
    pub fn named(version: &'static str) -> Self {
        Self {
            version,
            steps: vec![],
            pivot: None,
        }
    }
    /// One more step, with a time-out of one minute and three tries, 10 s apart at first.
    pub fn step(mut self, name: &'static str) -> Self {
        assert!(is_name(name), "a step is named [a-z0-9-]+, not {name:?}");
        assert!(
            self.steps.iter().all(|step| step.name != name),
            "two steps are named {name}"
        );
        self.assert_whole();
        self.steps.push(Step {
            name,
            send: None,
            undo: None,
            timeout: 60_000,
            silence: Millis::MAX,
            tries: 3,
            backoff: 10_000,
        });
        self
    }
    /// What the step asks. Its ids are chosen at the start and stand in the data, so that the undo can name them
    /// even if the step never answered (S2).
    pub fn send(self, command: fn(&D) -> C) -> Self {
        self.last(|step| step.send = Some(command))
    }
    /// What takes the step back, on the topic and under the key of its `send` (O3). A step without undo leaves
    /// nothing behind: it asks, or waits for what an earlier step takes back.
    pub fn undo(self, command: fn(&D) -> C) -> Self {
        assert!(self.pivot.is_none(), "nothing is undone after the pivot");
        self.last(|step| step.undo = Some(command))
    }
    /// How long a command may take, whatever progress it reports.
    pub fn timeout(self, limit: Duration) -> Self {
        self.last(|step| step.timeout = millis(limit))
    }
    /// How long it may say nothing at all (S8); `Progress` starts this anew.
    ///
    /// Each time to wake is later than any before it (E7): if an earlier command was answered well within its time,
    /// a shorter time of a later one is noticed only when the earlier one would have been.
    pub fn silence(self, limit: Duration) -> Self {
        self.last(|step| step.silence = millis(limit))
    }
    /// Of the undo (S7) or, after the pivot, of the step itself (S6); `backoff` doubles from try to try.
    pub fn tries(self, tries: u32, backoff: Duration) -> Self {
        assert!(tries > 0, "a command is tried at least once");
        self.last(|step| (step.tries, step.backoff) = (tries, millis(backoff)))
    }
    /// From here on there is no way back: who asked is told `Done`, what follows is retried and reported (S6).
    pub fn pivot(mut self) -> Self {
        assert!(
            self.pivot.replace(self.steps.len()).is_none(),
            "a saga has one pivot"
        );
        self
    }
    #[allow(clippy::expect_used)] // a fault of whoever writes the saga, which its first test finds
    fn last(mut self, set: impl FnOnce(&mut Step<D, C>)) -> Self {
        set(self.steps.last_mut().expect("call .step() first"));
        self
    }

    /// The name with the version, `create-chatbot.v1`.
    pub fn version(&self) -> &'static str {
        self.version
    }
    /// The names of the steps, in order.
    pub fn steps(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.steps.iter().map(|step| step.name)
    }
    /// What is asked with `data`, and what takes it back: of each step its name, its command and its undo.
    pub fn commands(&self, data: &D) -> Vec<(&'static str, Option<C>, Option<C>)> {
        let make = |command: Option<fn(&D) -> C>| command.map(|command| command(data));
        self.steps
            .iter()
            .map(|step| (step.name, make(step.send), make(step.undo)))
            .collect()
    }
    /// The index of the first step that is not undone any more.
    pub(crate) fn point_of_no_return(&self) -> usize {
        self.pivot.unwrap_or(self.steps.len())
    }
    /// The same saga, less patient.
    #[cfg(any(test, feature = "testkit"))]
    pub(crate) fn with_tries_at_most(&self, most: u32) -> Self {
        let mut steps = self.steps.clone();
        steps
            .iter_mut()
            .for_each(|step| step.tries = step.tries.min(most.max(1)));
        Self { steps, ..*self }
    }
    pub(crate) fn assert_whole(&self) {
        if let Some(step) = self.steps.iter().find(|step| step.send.is_none()) {
            panic!("step {} of {} sends nothing", step.name, self.version);
        }
    }
}

fn millis(time: Duration) -> Millis {
    Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one() -> Saga<(), ()> {
        Saga::named("one.v1").step("a").send(|_| ())
    }

    #[test]
    #[should_panic(expected = "two steps are named a")]
    fn two_steps_of_one_name_are_found_at_start() {
        one().step("a");
    }
    #[test]
    #[should_panic(expected = "one pivot")]
    fn two_pivots_are_found_at_start() {
        one().pivot().pivot();
    }
    #[test]
    #[should_panic(expected = "nothing is undone after the pivot")]
    fn an_undo_after_the_pivot_is_found_at_start() {
        one().pivot().step("b").send(|_| ()).undo(|_| ());
    }
    #[test]
    #[should_panic(expected = "step b of one.v1 sends nothing")]
    fn a_step_that_sends_nothing_is_found_at_start() {
        one().step("b").step("c");
    }
    #[test]
    #[should_panic(expected = "not \"A.b\"")]
    fn a_name_that_no_token_could_carry_is_found_at_start() {
        one().step("A.b");
    }
    #[test]
    #[should_panic(expected = "tried at least once")]
    fn no_tries_at_all_are_found_at_start() {
        one().tries(0, Duration::ZERO);
    }
}
