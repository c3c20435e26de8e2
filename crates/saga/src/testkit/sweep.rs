//! The sweep itself: breadth first through all worlds.
use super::law::{BOUNDED, ENDS, Law, ONE_ADDRESS};
use super::machine::Machine;
use super::sabotage::Sabotage;
use super::world::{Move, STEPS_MAX, Universe, World};
use crate::{Phase, Saga};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

/// What a sweep has seen, with every law kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worlds {
    /// Moments of the saga, its participants and all that was under way between them.
    pub worlds: usize,
    /// Different states of the saga alone; in each it was told everything that means nothing there.
    pub saga_states: usize,
    /// The phases it was in.
    pub phases: BTreeSet<Phase>,
}

/// The shortest story that breaks a law.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenLaw {
    /// Which one; one of [`law`](super::law).
    pub law: Law,
    /// What happened, in order.
    pub story: Vec<String>,
}

impl fmt::Display for BrokenLaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broken: {}", self.law)?;
        self.story
            .iter()
            .enumerate()
            .try_for_each(|(n, line)| write!(f, "\n{:3}. {line}", n + 1))
    }
}
impl std::error::Error for BrokenLaw {}

/// [`Sweep`] of a saga with its defaults.
///
/// # Errors
/// The first law that is broken, with the shortest story that breaks it.
pub fn sweep<D, C>(saga: &Saga<D, C>, data: &D) -> Result<Worlds, BrokenLaw> {
    Sweep::of(saga, data).run()
}

/// How far a sweep goes. Silence, late answers of the outside, redrives and abandoning are not faults: they may come
/// at any moment, as often as they can.
pub struct Sweep<'a, D, C> {
    saga: &'a Saga<D, C>,
    data: &'a D,
    faults: u8,
    tries: u32,
    resumes: u8,
    most_worlds: usize,
    lie: Sabotage,
    address: Option<fn(&C) -> String>,
}

impl<'a, D, C> Sweep<'a, D, C> {
    /// With two faults, two tries of whatever is tried again, one resume and a million worlds at most.
    pub fn of(saga: &'a Saga<D, C>, data: &'a D) -> Self {
        let (lie, address) = (Sabotage::Nothing, None);
        Self {
            saga,
            data,
            faults: 2,
            tries: 2,
            resumes: 1,
            most_worlds: 1_000_000,
            lie,
            address,
        }
    }
    /// How many commands do not go well, or come twice.
    pub fn faults(self, faults: u8) -> Self {
        Self { faults, ..self }
    }
    /// What has more tries has this many: a third goes like a second, but there are many more worlds.
    pub fn tries(self, tries: u32) -> Self {
        Self { tries, ..self }
    }
    /// How often a person resumes.
    pub fn resumes(self, resumes: u8) -> Self {
        Self { resumes, ..self }
    }
    /// When to give up: the worlds of 12 steps are more than any machine holds.
    pub fn most_worlds(self, most_worlds: usize) -> Self {
        Self {
            most_worlds,
            ..self
        }
    }
    /// Breaks one rule.
    pub fn sabotaged(self, lie: Sabotage) -> Self {
        Self { lie, ..self }
    }
    /// Where a command goes, topic and key as one text: then a step and its undo must go to the same place (O3).
    pub fn addressed_by(self, address: fn(&C) -> String) -> Self {
        Self {
            address: Some(address),
            ..self
        }
    }

    /// Sweeps.
    ///
    /// # Errors
    /// The first law that is broken, with the shortest story that breaks it.
    ///
    /// # Panics
    /// If the saga has more than 12 steps, or one that sends nothing.
    pub fn run(self) -> Result<Worlds, BrokenLaw> {
        self.saga.assert_whole();
        assert!(
            self.saga.steps.len() <= STEPS_MAX,
            "a sweep takes at most {STEPS_MAX} steps"
        );
        if let Some(address) = self.address {
            for (step, send, undo) in self.saga.commands(self.data) {
                if let (Some(send), Some(undo)) =
                    (send.as_ref().map(address), undo.as_ref().map(address))
                    && send != undo
                {
                    let story = vec![format!("{step} is sent to {send} and undone at {undo}")];
                    return Err(BrokenLaw {
                        law: ONE_ADDRESS,
                        story,
                    });
                }
            }
        }
        let saga = self.saga.with_tries_at_most(self.tries);
        let universe = Universe::new(Machine::new(&saga, self.data, self.lie));
        Search::new(universe, self.faults, self.resumes).run(self.most_worlds)
    }
}

struct Search<'a, D, C> {
    universe: Universe<'a, D, C>,
    worlds: Vec<World>,
    index: HashMap<World, usize>,
    /// From which world and by what each was reached first.
    came_by: Vec<Option<(usize, Move)>>,
    /// Where a calm day leads.
    calm_next: Vec<Option<usize>>,
}

impl<'a, D, C> Search<'a, D, C> {
    fn new(mut universe: Universe<'a, D, C>, faults: u8, resumes: u8) -> Self {
        let first = universe.first(faults, resumes);
        let (worlds, index) = (vec![first], HashMap::from([(first, 0)]));
        Self {
            universe,
            worlds,
            index,
            came_by: vec![None],
            calm_next: vec![],
        }
    }

    fn run(mut self, most: usize) -> Result<Worlds, BrokenLaw> {
        let mut told_strangers = HashSet::new();
        while self.calm_next.len() < self.worlds.len() {
            let at = self.calm_next.len();
            let world = self.worlds[at];
            if told_strangers.insert(world.saga) {
                let ignored = self.universe.machine.ignores_strangers(world.saga);
                ignored.map_err(|law| self.broken(law, at, None))?;
            }
            let mut calm = None;
            for step in self.universe.moves(&world) {
                let next = self.universe.after(&world, step);
                let next = next.map_err(|law| self.broken(law, at, Some(step)))?;
                let to = self.number(next, at, step);
                calm.get_or_insert(to);
            }
            self.calm_next.push(calm);
            if self.worlds.len() > most {
                return Err(BrokenLaw {
                    law: BOUNDED,
                    story: vec![format!("more than {most} worlds")],
                });
            }
        }
        self.every_world_ends()?;
        let states = &self.universe.machine.states;
        Ok(Worlds {
            worlds: self.worlds.len(),
            saga_states: states.len(),
            phases: states.iter().map(|state| state.phase.clone()).collect(),
        })
    }

    fn number(&mut self, world: World, from: usize, by: Move) -> usize {
        *self.index.entry(world).or_insert_with(|| {
            self.worlds.push(world);
            self.came_by.push(Some((from, by)));
            self.worlds.len() - 1
        })
    }

    /// On calm days every world comes to an end: no dead ends, and no circles.
    fn every_world_ends(&self) -> Result<(), BrokenLaw> {
        let mut ends: Vec<bool> = self
            .worlds
            .iter()
            .map(|world| self.universe.has_ended(world))
            .collect();
        for start in 0..self.worlds.len() {
            let (mut way, mut at) = (vec![], start);
            while !ends[at] {
                way.push(at);
                match self.calm_next[at] {
                    Some(next) if way.len() <= self.worlds.len() => at = next,
                    _ => return Err(self.broken(ENDS, start, None)),
                }
            }
            way.into_iter().for_each(|passed| ends[passed] = true);
        }
        Ok(())
    }

    fn broken(&self, law: Law, mut at: usize, last: Option<Move>) -> BrokenLaw {
        let mut story: Vec<String> = last
            .map(|step| self.universe.tell(&self.worlds[at], step))
            .into_iter()
            .collect();
        while let Some((before, step)) = self.came_by[at] {
            story.push(self.universe.tell(&self.worlds[before], step));
            at = before;
        }
        story.reverse();
        BrokenLaw { law, story }
    }
}
