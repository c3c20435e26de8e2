//! What is parked comes back by itself (C2).
use super::letter::Brief;
use super::redrive::choose;
use super::{DeadLetters, LettersError, Place, Redriven};
use crate::rows::HoldRow;
use std::collections::{BTreeMap, BTreeSet};

/// Why what is parked is redriven.
const WHY: &str = "its time has come";
/// A hold whose letters stand in the input once more is looked at again after so long, in milliseconds: until then it
/// says by itself what changes.
const LOOK_AGAIN_MS: i64 = 60_000;

/// A hold that has something to bring back.
struct Due {
    id: String,
    hold: HoldRow,
    /// So many of what it holds, from the head on; or which, where order does not matter.
    returning: Vec<usize>,
}

impl Due {
    fn wants(&self, ordered: bool, line: Option<&String>, brief: &Brief) -> bool {
        let here = if ordered {
            line == Some(&self.id)
        } else {
            self.id.split('/').next() == Some(brief.id.tenant.as_str())
        };
        here && self
            .returning
            .iter()
            .any(|index| self.hold.held[*index].is(&brief.id))
    }
}

impl DeadLetters {
    /// Appends what is due of these holds (each with its partition) to the consumer's input once more, of each key in
    /// order; says of each hold when to look again, if it is still there. It may be interrupted, and several may do it.
    pub(crate) async fn bring_back(
        &self,
        consumer: &str,
        holds: &[(i32, String)],
    ) -> Result<Vec<(i32, String, Option<i64>)>, LettersError> {
        let ordered = self
            .map
            .consumer(consumer)
            .is_some_and(|(_, spec)| spec.ordered);
        let now = self.ports.clock.now_ms();
        let mut looked_at = vec![];
        let mut due: BTreeMap<i32, Vec<Due>> = BTreeMap::new();
        for (partition, id) in holds {
            let found = self.hold(consumer, id).await?;
            let again = found
                .as_ref()
                .and_then(|(_, hold)| hold.returns_at_ms(ordered));
            let Some((_, hold)) = found.filter(|_| again.is_some_and(|at_ms| at_ms <= now)) else {
                looked_at.push((*partition, id.clone(), again));
                continue;
            };
            let returning = returning(&hold, ordered, now);
            let id = id.clone();
            due.entry(*partition).or_default().push(Due {
                id,
                hold,
                returning,
            });
        }
        for (partition, due) in due {
            let lines = self.lines(consumer, partition).await?;
            let wanted = lines.iter().flat_map(|line| {
                let wants = |brief: &Brief| {
                    let mut due = due.iter();
                    due.any(|due| due.wants(ordered, line.hold.as_ref(), brief))
                };
                let open = line.letters.iter().filter(|(_, fate)| fate.is_open());
                open.filter(move |(brief, _)| wants(brief))
            });
            let wanted: BTreeSet<Place> = wanted.map(|(brief, _)| brief.place.clone()).collect();
            let mut wanted: BTreeSet<&Place> = wanted.iter().collect();
            let chosen = choose(lines, &mut wanted, &mut Redriven::default());
            let count = self.bring_all(&chosen, WHY).await?.done.len();
            if count > 0 {
                tracing::info!(consumer, partition, count, "parked, and back");
            }
            for due in due {
                let again = if ordered {
                    Some(now + LOOK_AGAIN_MS)
                } else {
                    self.let_go_of(consumer, &due).await?
                };
                looked_at.push((partition, due.id, again));
            }
        }
        Ok(looked_at)
    }

    /// Where order does not matter nothing waits for what came back: it is forgotten. When to look again.
    async fn let_go_of(&self, consumer: &str, due: &Due) -> Result<Option<i64>, LettersError> {
        loop {
            let Some((row, mut hold)) = self.hold(consumer, &due.id).await? else {
                return Ok(None);
            };
            let back = |held: &crate::rows::Held| {
                let mut returned = due.returning.iter().map(|index| &due.hold.held[*index]);
                returned.any(|other| other == held)
            };
            hold.held.retain(|held| !back(held));
            if self.save_hold(consumer, &due.id, row, &hold).await? {
                return Ok(hold.returns_at_ms(false));
            }
        }
    }
}

/// What comes back now: of an ordered consumer all from the head up to what a person has to decide.
fn returning(hold: &HoldRow, ordered: bool, now_ms: i64) -> Vec<usize> {
    let is_due = |index: &usize| {
        hold.held[*index]
            .returns_at_ms
            .is_some_and(|at_ms| at_ms <= now_ms)
    };
    let all = 0..hold.held.len();
    if ordered {
        all.take_while(is_due).collect()
    } else {
        all.filter(is_due).collect()
    }
}
