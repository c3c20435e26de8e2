//! A saga and its participants at one moment, what may happen next, and whether it is lawful.
use super::law::*;
use super::machine::{Interned, Machine};
use super::participant::{Book, Fate, Fate::*, Participant};
use super::simulated::{Answer, At, Told};
use crate::Phase;

/// Most steps of a saga under sweep.
pub const STEPS_MAX: usize = 12;

/// One moment: small, since a sweep keeps very many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct World {
    pub saga: u32,
    parts: [u32; STEPS_MAX],
    told: Option<Answer>,
    /// The steps of which the saga heard that they are undone, one bit each.
    undone: u16,
    /// Faults yet to come, and times a person will resume.
    faults: u8,
    resumes: u8,
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    Saga(Told),
    Reply(At),
    Ask(At, Fate),
    Outside(At, bool),
    Repeat(At),
    Redrive(At, u8),
}

/// All moments there can be.
pub struct Universe<'a, D, C> {
    pub machine: Machine<'a, D, C>,
    parts: Interned<Participant>,
}

impl<'a, D, C> Universe<'a, D, C> {
    pub fn new(machine: Machine<'a, D, C>) -> Self {
        Self {
            machine,
            parts: Interned::new(),
        }
    }

    pub fn first(&mut self, faults: u8, resumes: u8) -> World {
        let parts = [self.parts.number(Participant::default()); STEPS_MAX];
        let saga = self.machine.states.number(crate::State::default());
        World {
            saga,
            parts,
            told: None,
            undone: 0,
            faults,
            resumes,
        }
    }

    /// The participants, one a step.
    fn participants(&self, world: &World) -> impl Iterator<Item = (At, &Participant)> {
        let steps = self.machine.names.len();
        let parts = world.parts.into_iter().take(steps).enumerate();
        parts.map(|(at, number)| (at as At, self.parts.get(number)))
    }

    /// What can happen next. The first is what happens on a calm day.
    pub fn moves(&self, world: &World) -> Vec<Move> {
        let (state, mut moves) = (self.machine.states.get(world.saga), vec![]);
        for (at, part) in self.participants(world) {
            moves.extend((!part.replies.is_empty()).then_some(Move::Reply(at)));
            moves.extend((!part.asked.is_empty()).then_some(Move::Ask(at, Well)));
            moves.extend(part.outside.map(|_| Move::Outside(at, true)));
        }
        moves.extend(state.wake_at.map(|at| Move::Saga(Told::Woke(at))));
        match state.phase {
            Phase::New => moves.push(Move::Saga(Told::Start)),
            Phase::Stuck(_) => {
                moves.extend((world.resumes > 0).then_some(Move::Saga(Told::Resume)));
                moves.push(Move::Saga(Told::Abandon));
            }
            _ => {}
        }
        for (at, part) in self.participants(world) {
            moves.extend(part.outside.map(|_| Move::Outside(at, false)));
            moves.extend((0..part.parked.len()).map(|letter| Move::Redrive(at, letter as u8)));
            if world.faults == 0 {
                continue;
            }
            moves.extend(part.last.map(|_| Move::Repeat(at)));
            let fates: &[Fate] = match part.asked.first() {
                Some((false, _)) => &[Refuses, Fails, HappensButFails, Parks, Waits],
                Some((true, _)) => &[Refuses, Parks],
                None => &[],
            };
            moves.extend(fates.iter().map(|&fate| Move::Ask(at, fate)));
        }
        moves
    }

    /// The world after this, if it is lawful.
    pub fn after(&mut self, world: &World, step: Move) -> Result<World, Law> {
        let (mut world, lie) = (*world, self.machine.lie);
        match step {
            Move::Saga(told) => {
                world.resumes -= u8::from(told == Told::Resume);
                self.saga_hears(&mut world, told)?;
            }
            Move::Reply(at) => {
                let mut heard = None;
                self.change(&mut world, at, |part| heard = Some(part.replies.remove(0)));
                if let Some((tok, answer)) = heard {
                    if tok.undo
                        && answer == Answer::Done
                        && self.machine.awaiting(world.saga) == Some(tok)
                    {
                        world.undone |= 1 << tok.step;
                    }
                    self.saga_hears(&mut world, Told::Reply(tok, answer))?;
                }
            }
            Move::Ask(at, fate) => {
                world.faults -= u8::from(fate != Well);
                self.change(&mut world, at, |part| {
                    let (undo, tok) = part.asked.remove(0);
                    part.hear(undo, tok, fate, lie);
                });
            }
            Move::Outside(at, yes) => {
                self.change(&mut world, at, |part| part.outside_says(yes, lie))
            }
            Move::Repeat(at) => {
                world.faults -= 1;
                self.change(&mut world, at, |part| part.repeat(lie));
            }
            Move::Redrive(at, letter) => self.change(&mut world, at, |part| {
                let (undo, tok) = part.parked.remove(usize::from(letter));
                part.hear(undo, tok, Well, lie);
            }),
        }
        self.forget_stale_replies(&mut world);
        self.lawful(&world)?;
        Ok(world)
    }

    fn change(&mut self, world: &mut World, at: At, change: impl FnOnce(&mut Participant)) {
        let number = &mut world.parts[usize::from(at)];
        let mut part = self.parts.get(*number).clone();
        change(&mut part);
        *number = self.parts.number(part);
    }

    fn saga_hears(&mut self, world: &mut World, told: Told) -> Result<(), Law> {
        let advanced = self.machine.hear(world.saga, told)?;
        world.saga = advanced.next;
        for &(to, tok) in &advanced.sent {
            if tok.undo {
                let in_effect =
                    |at: At| self.parts.get(world.parts[usize::from(at)]).book == Book::InEffect;
                let mut later =
                    (to + 1..self.machine.names.len() as At).filter(|&at| self.lasts(at));
                if later.any(in_effect) {
                    return Err(LAST_FIRST);
                }
                if world.undone & (1 << tok.step) != 0 {
                    return Err(UNDONE_ONCE);
                }
            }
            self.change(world, to, |part| part.asked.push((tok.undo, tok)));
        }
        for &answer in &advanced.answered {
            if world.told.replace(answer).is_some() {
                return Err(ONCE);
            }
        }
        Ok(())
    }

    /// A step without undo before the pivot leaves nothing behind, as its author promised.
    fn lasts(&self, at: At) -> bool {
        self.machine.undoable.contains(&at) || usize::from(at) >= self.machine.pivot
    }

    /// An answer to a command that is not awaited changes nothing in any order (IGNORED, checked in every state), and
    /// its token is never awaited again (TOKENS): worlds that differ in such answers only are one.
    fn forget_stale_replies(&mut self, world: &mut World) {
        let awaited = self.machine.awaiting(world.saga);
        for at in 0..self.machine.names.len() {
            let part = self.parts.get(world.parts[at]);
            if part.replies.iter().any(|(tok, _)| Some(*tok) != awaited) {
                let keep =
                    |part: &mut Participant| part.replies.retain(|(tok, _)| Some(*tok) == awaited);
                self.change(world, at as At, keep);
            }
        }
    }

    fn lawful(&self, world: &World) -> Result<(), Law> {
        if self.participants(world).any(|(_, part)| !part.accounts()) {
            return Err(MONEY);
        }
        let state = self.machine.states.get(world.saga);
        let told_maybe = world.told == Some(Answer::Maybe);
        let told_truly = match state.phase {
            Phase::Completed => {
                let kept = |(at, part): (At, &Participant)| {
                    let name = self.machine.names[usize::from(at)];
                    let reported = usize::from(at) >= self.machine.pivot
                        && state.reported.iter().any(|r| r == name);
                    part.in_effect() || reported
                };
                if !self.participants(world).all(kept) {
                    return Err(KEPT);
                }
                world.told == Some(Answer::Done)
            }
            Phase::Undone => {
                if self
                    .participants(world)
                    .any(|(at, part)| self.lasts(at) && part.in_effect())
                {
                    return Err(NOTHING_LEFT);
                }
                told_maybe || world.told == Some(Answer::No)
            }
            Phase::Stuck(_) | Phase::Abandoned => told_maybe,
            Phase::New | Phase::Doing(_) | Phase::Undoing(_) => true,
        };
        told_truly.then_some(()).ok_or(TRUTH)
    }

    /// Whether nothing can become of the saga any more.
    pub fn has_ended(&self, world: &World) -> bool {
        self.machine.states.get(world.saga).phase.is_end()
    }

    /// This, as it stands in a story.
    pub fn tell(&self, world: &World, step: Move) -> String {
        let name = |at: At| self.machine.names[usize::from(at)];
        let part = |at: At| self.parts.get(world.parts[usize::from(at)]);
        let verb = |undo: bool| if undo { "undo" } else { "do" };
        match step {
            Move::Saga(told) => format!("the saga hears {told:?}"),
            Move::Reply(at) => match part(at).replies.first() {
                Some((tok, answer)) => {
                    format!(
                        "the saga hears {answer:?} of {} {} ({})",
                        verb(tok.undo),
                        name(at),
                        tok.turn
                    )
                }
                None => format!("{} answers", name(at)),
            },
            Move::Ask(at, fate) => match part(at).asked.first() {
                Some((undo, tok)) => {
                    format!("{} {} ({}): {fate:?}", verb(*undo), name(at), tok.turn)
                }
                None => format!("{}: {fate:?}", name(at)),
            },
            Move::Outside(at, yes) => {
                format!(
                    "the outside says {} to {}",
                    if yes { "yes" } else { "no" },
                    name(at)
                )
            }
            Move::Repeat(at) => format!("{} hears again what came last", name(at)),
            Move::Redrive(at, letter) => {
                format!("dead letter {letter} of {} is redriven", name(at))
            }
        }
    }
}
