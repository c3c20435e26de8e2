//! Whoever does a step: a topic to it, a book, perhaps somebody outside, and a topic back.
use super::sabotage::Sabotage;
use super::simulated::{Answer, Tok};

/// What stands in the book about this step of this saga.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Book {
    #[default]
    Blank,
    InEffect,
    Tombstone,
}

/// How it goes when a command is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Well,
    Refuses,
    Fails,
    HappensButFails,
    Parks,
    Waits,
}
use Fate::*;

/// A participant, the topic to it and the topic back. Do and undo share a topic and key, so they keep their order
/// (O3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Participant {
    /// What is asked of it and not heard yet; with whether it is asked to undo.
    pub asked: Vec<(bool, Tok)>,
    pub replies: Vec<(Tok, Answer)>,
    /// Dead letters, which a person may redrive at any time.
    pub parked: Vec<(bool, Tok)>,
    /// The outside has yet to say whether it succeeds.
    pub outside: Option<Tok>,
    pub book: Book,
    /// What came last and what it answered (E2, E3).
    pub last: Option<(bool, Tok, Answer)>,
    pub taken: u8,
    pub returned: u8,
}

impl Participant {
    /// Hears a command: to undo, or to do.
    pub fn hear(&mut self, undo: bool, tok: Tok, fate: Fate, lie: Sabotage) {
        let joins = self.outside.is_some() && lie != Sabotage::KeyOfEachTry;
        let known = self.book == Book::InEffect && lie != Sabotage::KeyOfEachTry;
        let dead = self.book == Book::Tombstone && lie != Sabotage::NoTombstone;
        let answer = match fate {
            Parks => {
                self.parked.push((undo, tok));
                Answer::Maybe // a person may redrive it (D5)
            }
            Well if undo => {
                self.returned += u8::from(self.book == Book::InEffect);
                self.book = Book::Tombstone; // it undoes itself what comes later (S4)
                Answer::Done
            }
            _ if undo || dead => Answer::No,
            _ if known => Answer::Done,
            Refuses if !joins => Answer::No,
            Fails if !joins => Answer::Not,
            // A second try joins what is under way outside: it has the same idempotency key (O1).
            _ if joins || fate == Waits => {
                self.outside = Some(tok);
                Answer::Progress
            }
            _ => {
                self.taken += 1;
                self.book = Book::InEffect;
                if fate == Well {
                    Answer::Done
                } else {
                    Answer::Maybe
                }
            }
        };
        self.last = Some((undo, tok, answer));
        self.replies.push((tok, answer));
    }

    /// The outside answers late, perhaps after the undo.
    pub fn outside_says(&mut self, yes: bool, lie: Sabotage) {
        let Some(tok) = self.outside.take() else {
            return;
        };
        self.taken += u8::from(yes);
        if self.book == Book::Tombstone {
            self.returned += u8::from(yes && lie != Sabotage::LateSuccessKept);
            return;
        }
        if yes {
            self.book = Book::InEffect;
        }
        self.replies
            .push((tok, if yes { Answer::Done } else { Answer::No }));
    }

    /// What came last comes again.
    pub fn repeat(&mut self, lie: Sabotage) {
        match self.last {
            Some((undo, tok, _)) if lie == Sabotage::RepeatJudgedAnew => {
                self.hear(undo, tok, Well, lie)
            }
            Some((_, tok, answer)) => self.replies.push((tok, answer)),
            None => {}
        }
    }

    /// Whether something was taken and not returned.
    pub fn in_effect(&self) -> bool {
        self.taken > self.returned
    }
    /// Whether what was taken and not returned is what stands in the book.
    pub fn accounts(&self) -> bool {
        self.taken == self.returned + u8::from(self.book == Book::InEffect)
    }
}
