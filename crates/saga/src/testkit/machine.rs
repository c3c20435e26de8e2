//! The saga under sweep: the honest engine, lied to, each of its states and transitions computed once.
use super::law::{ALERT, IGNORED, Law, REPEATED, TOKENS};
use super::sabotage::Sabotage;
use super::simulated::{Answer, At, Tok, Told, tok};
use crate::{Effect, Input, Millis, Phase, Reply, Saga, State, Token};
use std::{borrow::Cow, collections::HashMap, hash::Hash, rc::Rc};

/// The clock stands still, which is the worst that a clock can do.
const NOW: Millis = 0;

/// Values, each kept once and named by its number.
pub struct Interned<T> {
    all: Vec<Rc<T>>,
    index: HashMap<Rc<T>, u32>,
}
impl<T: Eq + Hash> Interned<T> {
    pub fn new() -> Self {
        Self {
            all: vec![],
            index: HashMap::new(),
        }
    }
    pub fn number(&mut self, value: T) -> u32 {
        if let Some(&number) = self.index.get(&value) {
            return number;
        }
        let (number, value) = (
            u32::try_from(self.all.len()).expect("not so many"),
            Rc::new(value),
        );
        self.all.push(value.clone());
        self.index.insert(value, number);
        number
    }
    pub fn get(&self, number: u32) -> &T {
        &self.all[number as usize]
    }
    pub fn len(&self) -> usize {
        self.all.len()
    }
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.all.iter().map(|value| &**value)
    }
}

/// What the saga did on hearing something.
pub struct Advanced {
    pub next: u32,
    /// To which participant, and the token.
    pub sent: Vec<(At, Tok)>,
    pub answered: Vec<Answer>,
}

pub struct Machine<'a, D, C> {
    saga: &'a Saga<D, C>,
    data: &'a D,
    pub lie: Sabotage,
    pub names: Vec<&'static str>,
    pub undoable: Vec<At>,
    pub pivot: usize,
    pub states: Interned<State>,
    advanced: HashMap<(u32, Told), Rc<Advanced>>,
}

impl<'a, D, C> Machine<'a, D, C> {
    pub fn new(saga: &'a Saga<D, C>, data: &'a D, lie: Sabotage) -> Self {
        let undoable = saga
            .steps
            .iter()
            .enumerate()
            .filter(|(_, step)| step.undo.is_some());
        Self {
            saga,
            data,
            lie,
            names: saga.steps().collect(),
            undoable: undoable.map(|(at, _)| at as At).collect(),
            pivot: saga.point_of_no_return(),
            states: Interned::new(),
            advanced: HashMap::new(),
        }
    }

    pub fn awaiting(&self, state: u32) -> Option<Tok> {
        tok(&self.names, self.states.get(state).awaiting.as_ref()?)
    }

    /// What the saga does in this state on hearing this, if it is lawful.
    pub fn hear(&mut self, state: u32, told: Told) -> Result<Rc<Advanced>, Law> {
        if let Some(known) = self.advanced.get(&(state, told)) {
            return Ok(known.clone());
        }
        let before = self.states.get(state).clone();
        let input = self.input(told);
        let (next, effects) = self.advance(&before, input.clone());
        let (mut sent, mut answered, mut alerted) = (vec![], vec![], false);
        for effect in &effects {
            match effect {
                Effect::Send { token, .. } => {
                    let own = token.turn > before.turn && next.awaiting.as_ref() == Some(token);
                    let tok = tok(&self.names, token).filter(|_| own).ok_or(TOKENS)?;
                    sent.push((self.participant_of(tok), tok));
                }
                Effect::Reply { outcome } => answered.push(Answer::of(outcome)),
                Effect::Alert { .. } => alerted = true,
            }
        }
        let (again, effects_again) = self.advance(&next, input);
        if again != next || !effects_again.is_empty() {
            return Err(REPEATED);
        }
        if next != before && matches!(next.phase, Phase::Stuck(_)) && !alerted {
            return Err(ALERT);
        }
        let next = self.states.number(next);
        let advanced = Rc::new(Advanced {
            next,
            sent,
            answered,
        });
        self.advanced.insert((state, told), advanced.clone());
        Ok(advanced)
    }

    /// Inputs which mean nothing in this state change nothing.
    pub fn ignores_strangers(&self, state: u32) -> Result<(), Law> {
        let state = self.states.get(state);
        for input in self.strangers(state) {
            let (next, effects) = self.advance(state, input);
            if next != *state || !effects.is_empty() {
                return Err(IGNORED);
            }
        }
        Ok(())
    }

    fn strangers(&self, state: &State) -> Vec<Input> {
        let mut inputs = vec![];
        let mut phases = vec![
            Phase::Doing("a-stranger".into()),
            Phase::Completed,
            Phase::New,
        ];
        for name in &self.names {
            let name = || Cow::Borrowed(*name);
            phases.extend([
                Phase::Doing(name()),
                Phase::Undoing(name()),
                Phase::Stuck(name()),
            ]);
        }
        for phase in phases {
            for turn in 0..=state.turn + 1 {
                let token = Token {
                    phase: phase.clone(),
                    turn,
                };
                if state.awaiting.as_ref() != Some(&token) {
                    let replies = Answer::ALL.into_iter();
                    inputs.extend(replies.map(|a| Input::Reply {
                        token: token.clone(),
                        reply: a.reply(),
                    }));
                }
            }
        }
        let last = state.last_wake_at;
        let mut wakes = vec![0, 1, last - 1, last, last + 1, Millis::MAX];
        wakes.extend(
            self.states
                .iter()
                .take(64)
                .filter_map(|other| other.wake_at),
        );
        wakes.retain(|at| state.wake_at != Some(*at));
        inputs.extend(wakes.into_iter().map(|at| Input::Woke { at }));
        inputs.extend((state.phase != Phase::New).then_some(Input::Start));
        if !matches!(state.phase, Phase::Stuck(_)) {
            inputs.extend([self.input(Told::Resume), self.input(Told::Abandon)]);
        }
        inputs
    }

    fn input(&self, told: Told) -> Input {
        let person = || ("sweep".to_owned(), "because it can".to_owned());
        match told {
            Told::Start => Input::Start,
            Told::Reply(tok, answer) => Input::Reply {
                token: self.token(tok),
                reply: answer.reply(),
            },
            Told::Woke(at) => Input::Woke { at },
            Told::Resume => {
                let (by, why) = person();
                Input::Resume { by, why }
            }
            Told::Abandon => {
                let (by, why) = person();
                Input::Abandon { by, why }
            }
        }
    }
    fn token(&self, tok: Tok) -> Token {
        let name = Cow::Borrowed(self.names[usize::from(tok.step)]);
        Token {
            phase: if tok.undo {
                Phase::Undoing(name)
            } else {
                Phase::Doing(name)
            },
            turn: tok.turn,
        }
    }

    /// Who does a step undoes it.
    fn participant_of(&self, tok: Tok) -> At {
        let place = self.undoable.iter().position(|&at| at == tok.step);
        match place {
            Some(place) if tok.undo && self.lie == Sabotage::UndoneForwards => {
                self.undoable[self.undoable.len() - 1 - place]
            }
            _ => tok.step,
        }
    }

    /// The engine, lied to.
    fn advance(&self, state: &State, input: Input) -> (State, Vec<Effect<C>>) {
        let (state, input) = self.told_a_lie(state.clone(), input);
        let (mut next, mut effects) = self
            .saga
            .advance(self.data, &state, input, NOW)
            .unwrap_or_else(|unknown| panic!("{unknown}"));
        match self.lie {
            Sabotage::StuckInSilence if matches!(next.phase, Phase::Stuck(_)) => {
                effects.retain(|e| !matches!(e, Effect::Alert { .. }));
            }
            Sabotage::NeverWakes => next.wake_at = None,
            Sabotage::AnsweredAgain => next.answered = false,
            Sabotage::TurnStandsStill if state.turn > 0 => {
                for effect in &mut effects {
                    if let Effect::Send { token, .. } = effect {
                        token.turn = state.turn;
                        next.awaiting = Some(token.clone());
                    }
                }
                next.turn = state.turn;
            }
            _ => {}
        }
        // They would make every way to a state another state.
        next.history.clear();
        next.forgotten = 0;
        (next, effects)
    }

    /// What the engine hears and believes of itself in place of the truth.
    fn told_a_lie(&self, mut state: State, mut input: Input) -> (State, Input) {
        let pivot_step = self.names.get(self.pivot).copied();
        match (self.lie, state.awaiting.clone(), &mut input) {
            (Sabotage::SilenceMeansNo, Some(token), Input::Woke { at })
                if state.wake_at == Some(*at) =>
            {
                input = Input::Reply {
                    token,
                    reply: Answer::No.reply(),
                };
            }
            (Sabotage::MaybeMeansNo, _, Input::Reply { reply, .. })
                if reply.may_have_happened() =>
            {
                *reply = Answer::No.reply();
            }
            (Sabotage::RefusedIsUndoneToo, _, Input::Reply { reply, .. })
                if matches!(reply, Reply::Refused { .. }) =>
            {
                *reply = Answer::Maybe.reply();
            }
            (Sabotage::TurnIgnored, Some(now), Input::Reply { token, .. })
                if token.phase == now.phase =>
            {
                *token = now;
            }
            (Sabotage::EveryWakeFits, _, Input::Woke { at }) => *at = state.wake_at.unwrap_or(*at),
            (Sabotage::UndoRefusedIsDone, _, Input::Reply { token, reply }) if token.is_undo() => {
                *reply = Reply::Done;
            }
            (Sabotage::UndoneTwice, Some(now), Input::Reply { token, reply })
                if *token == now && now.is_undo() && *reply == Reply::Done =>
            {
                if let Some(step) = now.phase.step() {
                    state.phase = Phase::Stuck(step.clone());
                    input = self.input(Told::Resume);
                }
            }
            (Sabotage::UnwoundPastPivot, Some(now), Input::Reply { token, reply })
                if *token == now
                    && reply.may_have_happened()
                    && self.pivot > 0
                    && now.phase.step().map(|step| step.as_ref()) == pivot_step =>
            {
                state.phase = Phase::Doing(Cow::Borrowed(self.names[self.pivot - 1]));
                token.phase = state.phase.clone();
                state.awaiting = Some(token.clone());
            }
            _ => {}
        }
        (state, input)
    }
}
